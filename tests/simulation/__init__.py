"""Whole runs of hundreds of thousands of tasks on virtual time, at a vendor that keeps books."""
