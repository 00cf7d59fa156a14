"""Rows of prompts: sheets, JSON Lines, text files."""
