"""OpenAI's images: one call, whose answer has the picture as base64."""

import base64
import time
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from sandbox import wire
from sandbox.clips import Media
from sandbox.kinds import Kind
from sandbox.service import Service, Visit
from sandbox.v1 import Synchronous
from sandbox.vendor import Call, Vendor

# A word of `faults`: the type of the error, and its code.
_WORDS = {
    "400": ("invalid_request_error", "invalid_value"),
    "401": ("invalid_request_error", "invalid_api_key"),
    "404": ("invalid_request_error", "model_not_found"),
    "406": ("insufficient_quota", "insufficient_quota"),
    "arrears": ("invalid_request_error", "billing_hard_limit_reached"),
    "429": ("requests", "rate_limit_exceeded"),
    "moderation": ("image_generation_user_error", "moderation_blocked"),
    "failed-moderation": ("image_generation_user_error", "moderation_blocked"),
}
_TOKENS = {"input_tokens": 10, "output_tokens": 1056, "total_tokens": 1066}


class OpenAIImages(Vendor):
    """Its wire. The answer has as many pictures as were asked for."""

    name = "openai-images"
    statuses = MappingProxyType(
        {"406": 429, "arrears": 400, "failed": 500, "failed-moderation": 400}
    )

    def call(self, scope: Scope, body: dict[str, Any]) -> Call:  # noqa: ARG002
        """Read what a POST asks for: the model is a part of its body."""
        params = {name: value for name, value in body.items() if name != "model"}
        return Call(str(body.get("model", "")), params)

    def kind_of(self, model: str) -> Kind:  # noqa: ARG002
        """Tell what a model makes."""
        return Kind.PICTURE

    def problem_body(self, status: int, word: str, text: str) -> Any:
        """Write the body of an error."""
        kind, code = _WORDS.get(word, ("server_error" if status >= 500 else "api_error", None))  # noqa: PLR2004
        return {"error": {"message": text, "type": kind, "param": None, "code": code}}

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes."""
        return [Route("/v1/images/generations", Synchronous(service, self._write))]

    def _write(self, visit: Visit, media: Media) -> wire.Delivery:
        """Write the picture into JSON; what is no picture is there all the same."""
        params = visit.call.params
        many = params.get("n", 1)
        picture = {"b64_json": base64.b64encode(media.head).decode()}
        said = {
            "created": int(time.time()),
            "background": "opaque",
            "output_format": "png",
            "quality": str(params.get("quality", "medium")),
            "size": str(params.get("size", "1024x1024")),
            "data": [picture] * (many if isinstance(many, int) and 0 < many <= 10 else 1),  # noqa: PLR2004
            "usage": {**_TOKENS, "input_tokens_details": {"image_tokens": 0, "text_tokens": 10}},
        }
        headers = {"x-request-id": visit.request_id, "openai-processing-ms": "1"}
        return wire.Delivery(Media(msgspec.json.encode(said)), "application/json", headers)
