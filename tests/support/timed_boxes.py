"""APIs of the tests with books like the sandbox's: a request takes its time, and a list may lag."""

import time
from collections.abc import Collection, Iterable
from typing import Any

from support.invented_api import InventedApi
from support.other_api import CLIP
from support.runware_api import RunwareApi


class Timed:
    """What is done so many `seconds` after it came, and shown in a list `lag` seconds after.

    The answers to `dropped` prompts are dropped the first time, after they are paid for. A file has
    so many bytes: `size`.
    """

    def __init__(self, *, lag: float, seconds: float, dropped: Collection[str], size: int) -> None:
        self.lag, self.seconds = lag, seconds
        self.left = set(dropped)
        self.clip = CLIP + bytes(max(size - len(CLIP), 0))

    def answered(self, prompt: str) -> None:
        """Take the time of an answer, in which a kill may come; or drop it."""
        time.sleep(0.05)
        is_dropped = prompt in self.left
        self.left.discard(prompt)
        if is_dropped:
            raise ConnectionResetError

    def written(
        self, came: Iterable[tuple[str, float]], strangers: list[str], price: float
    ) -> dict[str, Any]:
        """Write the books of prompts, and when they came."""
        requests = [
            {"prompt": prompt, "arrived": at, "done": at + self.seconds, "finished": at}
            for prompt, at in came
        ]
        return {
            "requests": requests,
            "at_work": sum(one["done"] > time.time() for one in requests),
            "keys_at_media": strangers,
            "charged": str(round(len(requests) * price, 2)),
            "hosts": {},
        }


class InventedBox(InventedApi, Timed):
    """The invented API."""

    def __init__(self, **timed: Any) -> None:
        InventedApi.__init__(self)
        Timed.__init__(self, **timed)

    def post(self, path: str, asked: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        """Answer what pays."""
        told = super().post(path, asked)
        self.answered(str(asked.get("what")))
        return told

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Answer what is free; a list shows what is old enough."""
        if path == "/sandbox/books":
            return 200, self.books()
        if path.startswith("/file/"):
            return 200, self.clip
        status, told = super().get(path, query)
        if path == "/ledger":
            told["book"] = [one for one in told["book"] if one["when"] + self.lag <= time.time()]
        return status, told

    def of(self, order: dict[str, Any], parts: list[str]) -> tuple[int, Any]:
        """Answer where an order is, by the time that it has had."""
        order["looks"] = 2 if time.time() >= order["when"] + self.seconds else 1
        return super().of(order, parts)

    def books(self) -> dict[str, Any]:
        """Write its books as the sandbox does."""
        with self.lock:
            came = [(order["ask"]["what"], order["when"]) for order in self.orders.values()]
        return self.written(came, self.strangers, 0.07)


class RunwareBox(RunwareApi, Timed):
    """Runware's wire."""

    def __init__(self, **timed: Any) -> None:
        RunwareApi.__init__(self)
        Timed.__init__(self, **timed)
        self.came: dict[str, float] = {}

    def take(self, task: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one task."""
        told = super().take(task)
        named = task["taskUUID"]
        if named in self.paid and "positivePrompt" in task:
            self.came.setdefault(named, time.time())
            self.answered(task["positivePrompt"])
        return told

    def tell(self, named: str) -> tuple[int, dict[str, Any]]:
        """Tell where a task is, by the time that it has had."""
        came = self.came.get(named)
        self.looks[named] = 2 if came is not None and time.time() >= came + self.seconds else 0
        return super().tell(named)

    def get(self, path: str) -> Any:
        """Answer with a file, or with the books."""
        return self.books() if path == "/sandbox/books" else self.clip

    def books(self) -> dict[str, Any]:
        """Write its books as the sandbox does."""
        with self.lock:
            came = [(one["positivePrompt"], self.came.get(n, 0)) for n, one in self.paid.items()]
        return self.written([(prompt, at) for prompt, at in came if at], self.leaked, 0.07)
