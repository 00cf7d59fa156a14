"""What is a vendor's own in a wire: how it names things, who may ask, and how it refuses."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Scope

from sandbox import answers
from sandbox.kinds import Kind

if TYPE_CHECKING:
    from sandbox.service import Service


@dataclass(frozen=True, slots=True)
class Call:
    """What a POST asks for. `listed` is the id that its client has chosen for it, if it has."""

    model: str
    params: dict[str, Any]
    listed: str | None = None


class Vendor(ABC):
    """The wire of a vendor. What is here is what most have in common."""

    name: str
    # The models that exist, as names or patterns, if the settings name none.
    models: tuple[str, ...] = ("*",)
    header: str | None = "authorization"  # of the key; None takes everybody
    scheme: str = "Bearer "
    is_free: bool = False
    # A request is forgotten `record_life` after it came.
    forgets: bool = True
    # Media are at another host than the API.
    has_media_host: bool = True
    # The status of a word of `faults`, where it is another one than Segmind's.
    statuses: Mapping[str, int] = MappingProxyType({})

    def key_of(self, headers: Mapping[str, str]) -> str:
        """Read the key that a request came with; empty if there is none, or in another form."""
        value = "" if self.header is None else headers.get(self.header, "")
        return value[len(self.scheme) :] if value.startswith(self.scheme) else ""

    def call(self, scope: Scope, body: dict[str, Any]) -> Call:
        """Read what a POST asks for."""
        return Call(scope["path_params"]["model"], body)

    def problem_of(self, call: Call) -> str | None:
        """Find what the vendor would not take in a request."""
        prompt = call.params.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            return "Missing required parameter: prompt"
        return None

    def kind_of(self, model: str) -> Kind:
        """Tell what a model makes."""
        return Kind.of(model)

    def problem(self, status: int, word: str, text: str) -> Response:
        """Write an error; `word` is that of `faults`, or the status."""
        return JSONResponse(self.problem_body(status, word, text), status)

    @abstractmethod
    def problem_body(self, status: int, word: str, text: str) -> Any:
        """Write the body of an error."""

    def refusal(self, word: str, retry_after: int | None = None) -> Response:
        """Answer a request with the fault `word`; `retry_after` seconds go with a 429."""
        return answers.refusal(word, retry_after, self.problem, self.statuses)

    def headers(self, _service: "Service", _scope: Scope, _seconds: float) -> dict[str, str]:
        """Write the headers that every answer has, after `seconds` of work."""
        return {}

    def time(self, seconds: float | None) -> str | None:
        """Write a moment as most do."""
        if seconds is None:
            return None
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

    @abstractmethod
    def routes(self, service: "Service") -> list[BaseRoute]:
        """List the routes of the API; media are not among them."""

    def resume(self) -> None:  # noqa: B027 - only what works after its answer has any
        """Continue the generations that an earlier life of the server has left."""
