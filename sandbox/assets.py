"""Files that were uploaded for later requests, in memory; each is fetched without a key."""

import email
import email.policy
import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import answers
from sandbox.addresses import origin
from sandbox.service import Service

_MOST_KEPT = 64 * 1024**2


class Assets:
    """What was uploaded, by a name: the digest of its bytes, if it has no other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: dict[str, bytes] = {}

    def route(self) -> Route:
        """Return where they are fetched."""
        return Route("/assets/{name}", self._fetch, methods=["GET"])

    @staticmethod
    def address(request: Request, name: str) -> str:
        """Return where one is, or will be."""
        return f"{origin(request)}/assets/{name}"

    def keep(self, request: Request, data: bytes, name: str | None = None) -> str:
        """Keep one while there is room, and return its address."""
        name = name or hashlib.sha256(data).hexdigest()
        if sum(map(len, self._kept.values())) < _MOST_KEPT:
            self._kept[name] = data
        self._service.books.questions["uploads"] += 1
        return self.address(request, name)

    async def _fetch(self, request: Request) -> Response:
        data = self._kept.get(request.path_params["name"])
        return answers.problem(404, "Not found.") if data is None else Response(data)


async def form_file(request: Request, field: str) -> tuple[str, bytes] | None:
    """Read the name and the bytes of a form's file; None where there is no such file."""
    head = f"content-type: {request.headers.get('content-type', '')}\r\n\r\n"
    raw = head.encode("latin-1") + await request.body()
    form = email.message_from_bytes(raw, policy=email.policy.HTTP)
    for part in form.iter_parts() if form.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == field:
            data = part.get_payload(decode=True)
            return part.get_filename() or field, data if isinstance(data, bytes) else b""
    return None
