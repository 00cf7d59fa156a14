"""YAML events → nodes with their lines, and scalars by YAML 1.1 without its surprises."""
