"""The finished clips, in the files that other tools read."""
