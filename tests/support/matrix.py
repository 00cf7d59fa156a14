"""The kill matrix: vendors × points of a request's life × dropped answers × a list that lags.

Each case is a job at one vendor, whose run is killed at one point, and then run again by the same
command. Where something finds a lost request again, nothing stays in doubt but what the vendor has
never had.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

from pipeline.api import providers
from sandbox.testing import Sandbox
from support import invented_api, runware_api
from support.helpers import KEY, Workspace, until
from support.kill_points import OF_RECOVERY, OF_V1, OF_V2, Point
from support.kills import KILLED, Driver, finished
from support.pictures import png
from support.timed_boxes import InventedBox, RunwareBox

PRICE = Decimal("0.95")
# Bytes of an output: some reads of a socket.
SIZE = 600_000
TASKS, BOUND, LAG = 4, 2, 1.5
# A run that finds all there is to be found needs no more after the kill than these.
_RUNS = 4
# The part of the cases in which the run after the kill dies as well.
_AGAIN = 0.5


Box = Sandbox | InventedBox | RunwareBox


class Found(StrEnum):
    """What finds a request again whose answer was lost."""

    NOTHING = "nothing"
    LIST = "a list"
    LOOKUP = "our id"
    PROOF = "our id, or its absence"
    REPLAY = "the same request again"

    @property
    def leaves_no_doubt(self) -> bool:
        """Whether even what never arrived is no doubt."""
        return self in {Found.PROOF, Found.REPLAY}


@dataclass(frozen=True)
class Vendor:
    """A vendor, a model of it, and what finds a lost request again there.

    `wire` is the sandbox's name of it, if that is another one. With a `description` it is the API
    that the tests have invented. A `picture` names the parameter that takes one.
    """

    name: str
    model: str
    found: Found
    points: tuple[Point, ...] = OF_V2
    wire: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    picture: str = ""
    is_free: bool = False

    @property
    def at_once(self) -> bool:
        """Whether the answer to a submit is the output."""
        return self.points is OF_V1

    @property
    def is_of_the_tests(self) -> bool:
        """Whether the sandbox does not simulate it."""
        return bool(self.description) or self.name == "runware"

    def box(self, case: "Case") -> "Box":
        """Make what simulates it."""
        lag = LAG if case.lags else 0.0
        long = case.point in {Point.WRITTEN, Point.POLLING}
        latency = 0.8 if long else 0.3
        if self.is_of_the_tests:
            kind = InventedBox if self.description else RunwareBox
            dropped = {prompt(case.dropped)} if case.dropped is not None else set[str]()
            return kind(lag=lag, seconds=latency, dropped=dropped, size=SIZE)
        slow = ["slow=1"] if case.point is Point.WRITTEN and not self.at_once else []
        return Sandbox(
            wire=self.wire or self.name,
            clips="tiny",
            body_size=SIZE,
            credits=1000,
            latency=latency,
            jitter=0,
            history_lag=lag,
            slow_seconds=0.5,
            key=KEY,
            charge="accept" if case.drops else "completion",
            fault=slow,
        )


_GRAPH = {
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "p"}},
}
VENDORS = {
    one.name: one
    for one in (
        Vendor("segmind", "luma-txt-2-video", Found.LIST, OF_V1),
        Vendor("segmind-v2", "luma-txt-2-video", Found.LIST, wire="segmind"),
        Vendor("fal", "acme/film/fast", Found.LIST, picture="image_url"),
        Vendor("replicate", "acme/film", Found.LIST, picture="image"),
        Vendor("elevenlabs", "text-to-speech/a", Found.NOTHING, OF_V1),
        Vendor("openai-images", "gpt-image-1", Found.NOTHING, OF_V1),
        Vendor(
            "comfyui", "any", Found.LOOKUP, params={"workflow": _GRAPH}, is_free=True
        ),
        Vendor("runware", "klingai:5@3", Found.LOOKUP),
        Vendor("kling", "kling-v2", Found.LOOKUP),
        Vendor("invented-list", "brush", Found.LIST, description=invented_api.TICKETS),
        Vendor("invented-id", "brush", Found.PROOF, description=invented_api.OWN_IDS),
        Vendor("invented-key", "brush", Found.REPLAY, description=invented_api.SAME_ID),
    )
}  # fmt: skip


def prompt(number: int) -> str:
    """Write the prompt of a task."""
    return f"scene {number}"


@dataclass(frozen=True)
class Case:
    """One field of the matrix."""

    vendor: Vendor
    point: Point
    drops: bool
    lags: bool

    @property
    def name(self) -> str:
        """Name it, as tests are named."""
        more = ("dropped" if self.drops else "", "lagging" if self.lags else "")
        return "-".join(filter(None, (self.vendor.name, self.point, *more)))

    @property
    def target(self) -> int:
        """The number of the task whose run dies."""
        return Random(self.name).randrange(TASKS)

    @property
    def dropped(self) -> int | None:
        """The number of the task whose answer is dropped, another one."""
        step = Random(f"{self.name} dropped").randrange(1, TASKS)
        return (self.target + step) % TASKS if self.drops else None

    @property
    def later(self) -> Point | None:
        """Where the run after the kill dies too, if it comes to that point; for every second."""
        dice = Random(f"{self.name} later")
        return dice.choice(OF_RECOVERY) if dice.random() < _AGAIN else None


def cases() -> Iterator[Case]:
    """Yield the whole matrix: that a list lags matters only where there is one."""
    for vendor in VENDORS.values():
        lags = (False, True) if vendor.found in {Found.LIST, Found.LOOKUP} else (False,)
        for point, drops, lag in itertools.product(vendor.points, (False, True), lags):
            yield Case(vendor, point, drops, lag)


@dataclass
class Life:
    """A case in a folder of its own, the vendor, and the runs that come and go."""

    folder: Path
    driver: Driver
    box: Box
    case: Case
    codes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.folder)
        vendor = self.case.vendor
        self.provider = vendor.name
        if vendor.description:
            self.provider = "zap.yaml"
            (self.folder / self.provider).write_text(vendor.description, encoding="utf-8")
        for number in range(TASKS if vendor.picture else 0):
            (self.folder / f"p{number}.png").write_bytes(png(number))
        self.workspace.write(
            provider=self.provider,
            model=vendor.model,
            params=vendor.params,
            inputs={vendor.picture: "{{ id }}.png"} if vendor.picture else {},
            concurrency=BOUND,
            timeout=3,
            poll=0.1,
            retry={"wait": 0.05},
            credits={"cost": 0 if vendor.is_free else float(PRICE)},
            prompts=[{"id": f"p{n}", "prompt": self._written(n)} for n in range(TASKS)],
        )
        known = providers.get(
            str(self.folder / self.provider) if vendor.description else self.provider
        )
        self.key = invented_api.KEY if vendor.description else KEY
        if vendor.name == "runware":
            self.key = runware_api.KEY
        self.environment = {known.key_variable: self.key, known.url_variable: self.box.url}

    def _written(self, number: int) -> str:
        is_dropped = number == self.case.dropped and not self.case.vendor.is_of_the_tests
        return prompt(number) + (" [[fail drop x1]]" if is_dropped else "")

    def command(self, *arguments: str, trap: dict[str, Any] | None = None) -> int:
        """Let the real command live in a process of its own, to its end or into a trap."""
        code = self.driver.order(
            folder=str(self.folder),
            url=self.box.url,
            arguments=arguments,
            wire=self.provider,
            environment=self.environment,
            trap=trap,
        )
        self.codes.append(code)
        assert "Traceback" not in self.said, self.said
        assert self.key not in self.said
        return code

    @property
    def said(self) -> str:
        """All that the runs have said."""
        texts = [self.folder / "err", self.folder / "out"]
        return "".join(path.read_text("utf-8") for path in texts if path.exists())

    def run(self, *flags: str, trap: dict[str, Any] | None = None) -> int:
        return self.command("run", "job.yaml", "--no-report", *flags, trap=trap)

    def live(self) -> None:
        """Run into the trap; then again, until all is found that the vendor shows."""
        trap = {"point": self.case.point, "task": f"p{self.case.target}", "nth": 1}
        assert self.run(trap={**trap, "half": SIZE // 2}) == KILLED, self.said
        if self.case.later is not None:
            self.run(trap={"point": self.case.later, "task": None, "nth": 1, "half": SIZE // 2})
        for _ in range(_RUNS):
            self.run()
            self.sent_once()
            if not self.may_be_found:
                break
            shown = max(request["arrived"] for request in self.books()["requests"]) + LAG
            until(lambda shown=shown: time.time() >= shown)

    # -- the two ledgers ----------------------------------------------------------------------

    def books(self) -> dict[str, Any]:
        """Read the vendor's books once all its work is done."""
        return finished(self.box.books)

    @property
    def doubts(self) -> set[str]:
        last = self.workspace.last()
        return {task for task, record in last.items() if record["status"] == "in_doubt"}

    def sent(self) -> Counter[str]:
        """Count how often the vendor has had each task."""
        prompts = (r["prompt"] or "" for r in self.books()["requests"])
        return Counter(f"p{text.split()[1]}" for text in prompts if text)

    @property
    def unseen(self) -> set[str]:
        """The tasks that the vendor has never had."""
        return {f"p{n}" for n in range(TASKS)} - set(self.sent())

    @property
    def may_be_found(self) -> bool:
        """Whether something is in doubt that the vendor has, and would show."""
        return self.case.vendor.found is not Found.NOTHING and bool(self.doubts - self.unseen)

    def sent_once(self) -> None:
        """See that nothing was sent, and paid for, twice."""
        most = max(self.sent().values(), default=0)
        assert most <= 1, f"{self.sent()}\n{self.said}"

    def peak(self) -> int:
        """Find how many requests the vendor had unfinished at once."""
        steps = []
        for request in self.books()["requests"]:
            end = max(request["done"] or 0.0, request["finished"] or 0.0)
            steps += [(request["arrived"], 1), (end, -1)]
        most = now = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most
