"""Helpers that do not know of jobs: nesting depth, files, names, the boot, redaction of the key."""
