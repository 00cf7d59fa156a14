"""Where the media of requests are: addresses at the host that was asked."""

from starlette.requests import Request

from sandbox.books import Entry
from sandbox.service import Service


def origin(request: Request) -> str:
    """Return the address of the sandbox as the client wrote it."""
    return f"http://{request.headers['host']}"


def media_url(request: Request, service: Service, entry: Entry, output: int = 1) -> str:
    """Name where an output of a request is now; a new address once the last one was dead."""
    host, listed = request.headers["host"], entry.listed
    if service.vendor.has_media_host:
        # The same socket under another name, so that clients and books see another host.
        host = host.replace("127.0.0.1", "localhost")
    suffix = service.vendor.kind_of(entry.model).suffix
    return f"http://{host}/media/{listed}/{service.books.address_of(listed)}-{output}.{suffix}"
