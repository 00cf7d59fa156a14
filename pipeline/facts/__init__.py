"""What a clip is like: its size, duration, codec and sound, and whether that is as expected."""
