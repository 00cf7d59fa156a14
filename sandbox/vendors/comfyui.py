"""A ComfyUI server: a graph is queued, under the id that its client chose, if it chose one.

A server that starts has forgotten all. It asks for no key, and nothing is paid.
"""

import time
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Scope

from sandbox import wire
from sandbox.assets import form_file
from sandbox.books import Entry
from sandbox.events import Fetched, State
from sandbox.queue import Queue, is_failed
from sandbox.service import Service
from sandbox.vendor import Call, Vendor

_FILM_NODES = ("Video", "WEBP", "Animated")


class ComfyUI(Vendor):
    """Its wire. The prompt of a graph is the longest text or prompt that a node is given."""

    name = "comfyui"
    header = None
    is_free = True

    def call(self, scope: Scope, body: dict[str, Any]) -> Call:  # noqa: ARG002
        """Read what a POST asks for. A second one with the same id is queued as the first."""
        graph, chosen = body.get("prompt"), body.get("prompt_id")
        graph = graph if isinstance(graph, dict) else {}
        texts = sorted(_texts(graph), key=len)
        params = {"prompt": texts[-1] if texts else "", "workflow": graph}
        is_film = any(word in node for node in _nodes(graph) for word in _FILM_NODES)
        listed = chosen if isinstance(chosen, str) and chosen else None
        return Call("film" if is_film else "picture", params, listed)

    def problem_of(self, call: Call) -> str | None:
        """Find what the server would not take: a graph has nodes, each of a class."""
        nodes = call.params["workflow"].values()
        if not nodes or not all(isinstance(n, dict) and "class_type" in n for n in nodes):
            return "Prompt has no outputs"
        return super().problem_of(call)

    def problem_body(self, status: int, word: str, text: str) -> Any:  # noqa: ARG002
        """Write the body of an error."""
        error = {"type": f"error_{word}", "message": text, "details": text, "extra_info": {}}
        return {"error": error, "node_errors": {}}

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes."""
        self._service = service
        self._queue = Queue(service, self._accepted)
        return [
            Route("/prompt", self._queue, methods=["POST"]),
            Route("/prompt", self._left, methods=["GET"]),
            Route("/history", self._history, methods=["GET"]),
            Route("/history/{id}", self._history, methods=["GET"]),
            Route("/queue", self._queued, methods=["GET"]),
            Route("/queue", self._delete, methods=["POST"]),
            Route("/upload/image", self._upload, methods=["POST"]),
            Route("/view", _View(self._view), methods=["GET"]),
        ]

    def resume(self) -> None:
        """End what an earlier life of the server has left."""
        for entry in self._service.books.entries:
            if entry.is_running:
                call = Call(entry.model, entry.params)
                self._service.visit(entry.request_id, call, entry.wire).cancel()

    def _accepted(self, _request: Request, entry: Entry) -> dict[str, Any]:
        return {"prompt_id": entry.listed, "number": self._number(entry), "node_errors": {}}

    def _number(self, entry: Entry) -> int:
        return list(self._service.books.entries).index(entry)

    def _entries(self) -> list[Entry]:
        """List what this life of the server has queued."""
        entries, started = self._service.books.entries, self._service.started
        return [entry for entry in entries if entry.begun and entry.begun.at >= started]

    async def _left(self, _request: Request) -> Response:
        left = sum(entry.state is None for entry in self._entries())
        return JSONResponse({"exec_info": {"queue_remaining": left}})

    async def _history(self, request: Request) -> Response:
        """Show what has ended; a request that waits or runs is not in it."""
        self._service.books.questions["polls"] += 1
        if outage := self._service.outage():
            return outage.answer
        wanted, lag = request.path_params.get("id"), self._service.settings.history_lag
        shown: dict[str, Any] = {}
        for entry in self._entries():
            if wanted not in {None, entry.listed}:
                continue
            entry.polls += 1
            if entry.done is not None and entry.done + lag <= time.time():
                shown[entry.listed] = self._row(entry)
        return JSONResponse(shown)

    def _row(self, entry: Entry) -> dict[str, Any]:
        error = {"node_id": "6", "exception_message": entry.error}
        messages = [["execution_error", error]] if is_failed(entry) else []
        return {
            "prompt": self._item(entry),
            "outputs": {} if is_failed(entry) else {"9": {"images": [self._file(entry)]}},
            "status": {
                "status_str": "error" if is_failed(entry) else "success",
                "completed": not is_failed(entry),
                "messages": [*messages],
            },
            "meta": {},
        }

    def _file(self, entry: Entry) -> dict[str, str]:
        name = f"{entry.request_id}_00001_.{self.kind_of(entry.model).suffix}"
        return {"filename": name, "subfolder": "", "type": "output"}

    def _item(self, entry: Entry) -> list[Any]:
        """Write a request as the queue has it: number, id, graph, extra data, outputs."""
        return [self._number(entry), entry.listed, entry.params["workflow"], {}, ["9"]]

    async def _queued(self, _request: Request) -> Response:
        left = [self._item(entry) for entry in self._entries() if entry.state is None]
        return JSONResponse({"queue_running": left[:1], "queue_pending": left[1:]})

    async def _delete(self, request: Request) -> Response:
        order = await request.json()
        for entry in self._entries():
            if entry.listed in order.get("delete", []):
                self._queue.cancel(entry)
        return Response()

    async def _upload(self, request: Request) -> Response:
        """Take a picture; what a graph names it by is its name."""
        if (file := await form_file(request, "image")) is None:
            return Response(status_code=400)
        self._service.books.questions["uploads"] += 1
        return JSONResponse({"name": file[0], "subfolder": "", "type": "input"})

    async def _view(self, request: Request) -> ASGIApp:
        """Serve an output; it has the name of its request, as the real one has a prefix."""
        name = request.query_params.get("filename", "").partition("_")[0]
        entry = next((one for one in self._entries() if one.request_id == name), None)
        if entry is None or entry.state is not State.COMPLETED:
            return Response(status_code=404)
        self._service.books.record(Fetched(entry.listed, 1, False, time.time()))
        kind = self.kind_of(entry.model)
        return wire.Delivery(await self._service.media_of(entry), kind.content_type)


class _View:
    """An endpoint whose answer is an application."""

    def __init__(self, find: Any) -> None:
        self._find = find

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        answer = await self._find(Request(scope, receive))
        await answer(scope, receive, send)


def _nodes(graph: dict[str, Any]) -> Iterator[str]:
    return (str(node.get("class_type")) for node in graph.values() if isinstance(node, dict))


def _texts(graph: dict[str, Any]) -> Iterator[str]:
    for node in graph.values():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if isinstance(inputs, dict):
            named = ((name, value) for name, value in inputs.items() if isinstance(value, str))
            yield from (value for name, value in named if "text" in name or "prompt" in name)
