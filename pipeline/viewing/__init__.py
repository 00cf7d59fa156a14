"""Serves the page of jobs on loopback, live: `pipeline view`. Needs the extra `view`."""
