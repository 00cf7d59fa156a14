"""Providers as data: a YAML description, and the engine that speaks by it.

The registry imports it for jobs that name such a provider, as it takes long to import.
"""
