"""What a job file may hold: keys, types, models and their parameters."""
