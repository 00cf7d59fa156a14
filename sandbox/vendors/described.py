"""A wire that is generated from a provider's description: of what it says, the simplest case.

It knows an API only as its description does. What is wrong there is wrong here in the same way: a
run against it shows that a description holds together, never that it is true.
"""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from sandbox import wire
from sandbox.addresses import media_url, origin
from sandbox.books import Entry
from sandbox.clips import Media
from sandbox.errors import SandboxError
from sandbox.events import State
from sandbox.kinds import Kind
from sandbox.listing import Listing
from sandbox.placing import find, keys_for, path_of, place, prompts
from sandbox.queue import Queue, is_failed, stage_at
from sandbox.service import Service, Visit
from sandbox.v1 import Synchronous
from sandbox.vendor import Call, Vendor

# They are data: nothing of the package is imported.
SHIPPED = Path(__file__).parents[2] / "pipeline" / "data" / "providers"

_STAGES = {
    "QUEUED": ("waiting", "running"),
    "PROCESSING": ("running", "waiting"),
    State.COMPLETED: ("done",),
    State.FAILED: ("failed", "expired", "moderated"),
    State.CANCELLED: ("failed", "expired"),
}
_MONEY = frozenset({"406", "arrears", "error200"})


def described(wire_name: str) -> "Described | None":
    """Read the description of a name, or in a file; None if there is none.

    Raises:
        SandboxError: it is not a description, or says something that cannot be generated.
    """
    is_file = wire_name.endswith((".yml", ".yaml"))
    path = Path(wire_name) if is_file else SHIPPED / f"{Path(wire_name).name}.yaml"
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        if is_file:
            reason = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise SandboxError(f"cannot read {wire_name}: {reason}") from error
        return None
    try:
        return Described(told)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SandboxError(
            f"no wire can be generated from the description {wire_name}: {error}",
            hint="expressions that are more than a path, and questions by POST, are not served",
        ) from error


class Described(Vendor):
    """The wire of a description."""

    name = "described"

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._submit = told["submit"]
        auth = told.get("auth") or {}
        self.header = auth.get("header")
        self.scheme = auth.get("value", "{key}").partition("{key}")[0]
        self.is_free = (told.get("billing") or {}).get("at") == "free"
        body = self._submit.get("body", "")
        self._model_key, self._once_key = keys_for(body, "model"), keys_for(body, "once")
        self._rules = {rule["then"]: rule for rule in reversed(self._submit.get("rules") or [])}
        places = self._places()
        money = self._rules.get("credits", {}).get("status") or (429 if self._rules else 402)
        money = money[0] if isinstance(money, list) else money
        self.statuses = {"406": money, "arrears": money}
        answer = told.get("answer") or {"media": "$bytes"}
        if answer["media"] != "$bytes" and answer.get("encode") != "base64":
            raise ValueError("`answer` has an address")
        if "POST" in {part.get("method") for part in told.values() if isinstance(part, dict)}:
            raise ValueError("it is asked by POST")
        self._at = {name: path_of(expression) for name, expression in places.items() if expression}

    def _places(self) -> dict[str, str | None]:
        """Collect where an answer has what, by a name of ours."""
        told, resolve = self._told, self._told.get("resolve") or {}
        result, failed = told.get("result") or {}, told.get("failed") or {}
        handle = self._submit.get("handle") or {}
        rows = resolve if resolve.get("by") == "list" else {}
        return {
            **{f"handle.{name}": expression for name, expression in handle.items()},
            "state": (told.get("poll") or {}).get("state"),
            "media": result.get("media"),
            "cost": result.get("cost"),
            "error": failed.get("error"),
            "row.id": (rows.get("handle") or {}).get("id"),
            "row.status": (rows.get("handle") or {}).get("status"),
            "row.sent": rows.get("sent"),
            "row.created": rows.get("created"),
            "row.model": rows.get("model"),
            "rows": rows.get("rows"),
        }

    def call(self, scope: Scope, body: dict[str, Any]) -> Call:
        """Read what a POST asks for: what is sent is the object that has the prompt."""
        known = scope.get("path_params", {})
        model = known.get("model") or str(find(body, self._model_key) or self._told["provider"])
        sent, prompt = max(prompts(body), key=lambda found: len(found[1]), default=({}, ""))
        once = find(body, self._once_key) if self._once_key else None
        params = {name: value for name, value in sent.items() if name != self._once_key}
        return Call(model, {**params, "prompt": prompt}, f"task-{once}" if once else None)

    def problem_body(self, status: int, word: str, text: str) -> Any:  # noqa: ARG002
        """Write the body of an error, with the code that a rule reads."""
        then = "credits" if word in _MONEY else "throttle" if word == "429" else "moderated"
        rule = self._rules.get(then, {})
        body: dict[str, Any] = {}
        if word in {*_MONEY, "429"} or "moderation" in word:
            text = str(rule["text"]).partition("|")[0] if "text" in rule else text
            if "where" in rule:
                place(body, path_of(rule["where"]), rule["is"][0])
        place(body, self._at.get("error", ["error"]), text)
        return body

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes: to submit, to ask, to list, to read the balance."""
        self._service = service
        self._listing = Listing(service)
        self._queue = Queue(service, self._accepted)
        path = self._submit["path"]
        if self._submit.get("slash"):
            path = path.replace("{model}", "{model:path}")
        if "answer" in self._told:
            return [*self._free_routes(), Route(path, Synchronous(service, self._write))]
        return [*self._free_routes(), Route(path, self._queue, methods=["POST"])]

    def resume(self) -> None:
        """Continue the generations that an earlier life of the server has left."""
        self._queue.resume()

    def _free_routes(self) -> Iterator[BaseRoute]:
        told = self._told
        resolve, result = told.get("resolve") or {}, told.get("result") or {}
        asks = [(told.get("poll") or {}).get("url"), result.get("url")]
        asks += [resolve["url"].replace("{once}", "{id}")] if resolve.get("by") == "lookup" else []
        for path in dict.fromkeys(_built(url) for url in asks if url):
            yield Route(path, self._ask, methods=["GET"])
        if resolve.get("by") == "list":
            yield Route(_built(resolve["url"]), self._list, methods=["GET"])
        if balance := told.get("balance"):
            yield Route(_built(balance["url"]), self._balance, methods=["GET"])

    def _accepted(self, request: Request, entry: Entry) -> dict[str, Any]:
        answer = self._shown(request, entry)
        for name in ("status", "result"):
            self._put(answer, f"handle.{name}", self._place_of(request, entry, name))
        return answer

    def _place_of(self, request: Request, entry: Entry, name: str) -> str:
        """Write where a request is asked for, as an answer tells it."""
        part = self._told.get({"status": "poll"}.get(name, name)) or {}
        url = _built(part.get("url") or "$status", query=True)
        return origin(request) + url.replace("{id}", entry.listed)

    def _put(self, answer: Any, name: str, value: Any) -> None:
        if name in self._at:
            place(answer, self._at[name], value)

    def _shown(self, request: Request, entry: Entry) -> dict[str, Any]:
        """Write a request as a poll shows it."""
        answer: dict[str, Any] = {}
        self._put(answer, "handle.id", entry.listed)
        self._put(answer, "state", self._word(entry))
        if entry.state is State.COMPLETED:
            self._put(answer, "media", media_url(request, self._service, entry))
            scale = (self._told.get("result") or {}).get("scale", 1)
            self._put(answer, "cost", float(entry.price or 0) / scale)
        elif is_failed(entry):
            self._put(answer, "error", entry.error)
        return answer

    def _word(self, entry: Entry) -> str:
        stage = stage_at(time.time(), entry, self._service.settings.states)
        states = self._told["poll"]["states"]
        found = (w for m in _STAGES.get(stage, ()) for w, meaning in states.items() if meaning == m)
        return next(found, f"unheard-of {stage}")

    async def _ask(self, request: Request) -> Response:
        asked = request.path_params.get("id") or request.query_params.get("id", "")
        known = self._service.books.find(asked) or self._service.books.find(f"task-{asked}")
        request.path_params["id"] = asked if known is None else known.listed
        entry = self._queue.asked_for(request)
        return entry if isinstance(entry, Response) else JSONResponse(self._shown(request, entry))

    async def _list(self, request: Request) -> Response:
        """List requests, newest first, all on one page."""
        if refusal := await self._listing.spoiled(request, "history_lists"):
            return refusal
        found = sorted(self._listing.visible(), key=lambda entry: -entry.arrived)
        rows = [self._row(request, entry) for entry in found]
        at = self._at.get("rows", [])
        answer: dict[str, Any] = {}
        if at:
            place(answer, at, rows)
        return JSONResponse(answer if at else rows)

    def _row(self, request: Request, entry: Entry) -> dict[str, Any]:
        row = self._shown(request, entry)
        self._put(row, "row.id", entry.listed)
        self._put(row, "row.status", self._place_of(request, entry, "status"))
        self._put(row, "row.sent", entry.params)
        self._put(row, "row.created", self.time(entry.arrived))
        self._put(row, "row.model", entry.model)
        return row

    async def _balance(self, request: Request) -> Response:
        if not self._service.has_key(request):
            return self.refusal("401")
        told, answer = self._told["balance"], dict[str, Any]()
        balance = float(self._service.books.balance) / told.get("scale", 1)
        place(answer, path_of(told["value"]), balance)
        return JSONResponse(answer)

    def _write(self, visit: Visit, media: Media) -> wire.Delivery:
        """Write the answer of a synchronous API: bytes, base64 in JSON, or an address."""
        told, kind = self._told["answer"], self.kind_of(visit.call.model)
        if told["media"] == "$bytes":
            return wire.Delivery(media, kind.content_type)
        answer: dict[str, Any] = {}
        place(answer, path_of(told["media"]), base64.b64encode(media.head).decode())
        return wire.Delivery(Media(msgspec.json.encode(answer)), "application/json")

    def kind_of(self, model: str) -> Kind:
        """Tell what a model makes; an address of `images` or of a `sample` says it too."""
        media = str((self._told.get("result") or self._told.get("answer") or {}).get("media"))
        has_word = "image" in media.partition("||")[0] or "sample" in media
        return Kind.PICTURE if has_word or "b64" in media else Kind.of(model)


def _built(url: str, *, query: bool = False) -> str:
    """Return the path of an address as it is built from an id; one that is only told has ours."""
    told, _, built = url.rpartition(" or ")
    path = built if told or not url.startswith("$") else "/requests/{id}"
    parts = urlsplit(path)
    return parts.path + (f"?{parts.query}" if query and parts.query else "")
