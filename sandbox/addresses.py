"""Where the media of requests are: addresses at the host that was asked."""

from starlette.requests import Request

from sandbox.books import Books


def origin(request: Request) -> str:
    """Return the address of the sandbox as the client wrote it."""
    return f"http://{request.headers['host']}"


def media_url(request: Request, books: Books, listed: str, output: int = 1) -> str:
    """Name where an output of a request is now; a new address once the last one was dead."""
    return f"{origin(request)}/media/{listed}/{books.address_of(listed)}-{output}.mp4"
