"""Segmind's uploads: `POST /upload-asset`."""

import base64
import binascii

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import answers
from sandbox.assets import Assets
from sandbox.reading import json_object
from sandbox.service import Service


class Uploads:
    """The endpoints of uploads; an asset is fetched without a key."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._assets = Assets(service)

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/upload-asset", self._upload, methods=["POST"]),
            self._assets.route(),
        ]

    async def _upload(self, request: Request) -> Response:
        """Keep what was uploaded, and answer with its address."""
        if outage := self._service.outage():
            return outage.answer
        if not self._service.has_key(request):
            return answers.refusal("401")
        try:
            uris = json_object(await request.body()).get("data_urls")
        except ClientDisconnect:
            return answers.problem(400, "The request is not whole.")
        urls = []
        for uri in uris if isinstance(uris, list) else []:
            data = _bytes_of(uri)
            if data is None:
                return answers.problem(400, "data_urls must hold data URIs.")
            urls.append(self._assets.keep(request, data))
        return JSONResponse({"file_urls": urls})


def _bytes_of(uri: object) -> bytes | None:
    head, _, coded = uri.partition(",") if isinstance(uri, str) else ("", "", "")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(coded, validate=True)
    except binascii.Error:
        return None
