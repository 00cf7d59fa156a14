"""Files of a run: the layout, claims, outputs, the order of commits, recovery after a kill."""
