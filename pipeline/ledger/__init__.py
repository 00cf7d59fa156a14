"""The manifest: what it says, how it is written, and the plan that follows from it."""
