"""Small helpers that know nothing of jobs: nesting, files, names, and the key kept out."""
