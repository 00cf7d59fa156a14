"""A run can be asked how it stands, and to change, over a socket in its output directory."""
