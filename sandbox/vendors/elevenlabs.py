"""ElevenLabs: one call, whose answer is the sound."""

from types import MappingProxyType
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from sandbox import wire
from sandbox.clips import Media
from sandbox.kinds import Kind
from sandbox.service import Service, Visit
from sandbox.v1 import Synchronous
from sandbox.vendor import Call, Vendor

_WORDS = {
    "401": "invalid_api_key",
    "406": "quota_exceeded",
    "arrears": "quota_exceeded",
    "429": "too_many_concurrent_requests",
    "503": "system_busy",
    "moderation": "content_against_policy",
}


class ElevenLabs(Vendor):
    """Its wire: speech, sound effects, music."""

    name = "elevenlabs"
    header, scheme = "xi-api-key", ""
    statuses = MappingProxyType({"406": 401, "arrears": 401})

    def call(self, scope: Scope, body: dict[str, Any]) -> Call:
        """Read what a POST asks for: a voice is a part of the model."""
        path = scope["path"].removeprefix("/v1/")
        said = {"prompt": body["text"]} if "text" in body else {}
        return Call(path.removesuffix("/stream"), {**body, **said})

    def kind_of(self, model: str) -> Kind:  # noqa: ARG002
        """Tell what a model makes."""
        return Kind.SOUND

    def problem_body(self, status: int, word: str, text: str) -> Any:
        """Write the body of an error."""
        return {"detail": {"status": _WORDS.get(word, f"error_{status}"), "message": text}}

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes."""
        end = Synchronous(service, self._write)
        return [
            Route("/v1/text-to-speech/{voice}", end),
            Route("/v1/text-to-speech/{voice}/stream", end),
            Route("/v1/sound-generation", end),
            Route("/v1/music", end),
        ]

    def _write(self, visit: Visit, media: Media) -> wire.Delivery:
        headers = {
            "request-id": visit.request_id,
            "history-item-id": visit.entry.listed,
            "character-cost": str(len(str(visit.call.params["prompt"]))),
            "current-concurrent-requests": str(visit.books.in_flight),
            "maximum-concurrent-requests": "15",
        }
        return wire.Delivery(media, Kind.SOUND.content_type, headers)
