"""One run: the queue, dispatch, settling, pauses, and the stop."""
