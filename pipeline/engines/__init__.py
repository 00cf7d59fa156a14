"""Who makes the attempts: the port, and the workers of this process."""
