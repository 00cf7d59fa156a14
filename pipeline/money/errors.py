"""The bugs that the books can show. Each stops the run with exit code 70: nothing new goes out."""


class ReservationSpent(RuntimeError):  # noqa: N818 - what has happened to it
    """A reservation was ended, or what it had retained was used, a second time."""


class BooksError(RuntimeError):
    """The books do not balance."""
