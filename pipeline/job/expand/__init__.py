"""Prompts × matrix × takes → tasks, each with its identity and output name."""
