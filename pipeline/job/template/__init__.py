"""Prompt templates: Jinja, bounded, and its filters."""
