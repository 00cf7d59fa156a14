"""What people see of a run: plain lines, a live terminal, a log file."""
