"""Helpers that do not know of jobs: nesting depth, files, names, and redaction of the key."""
