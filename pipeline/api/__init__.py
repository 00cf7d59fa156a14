"""The API: sending one attempt, receiving its answer, and what the answer means."""
