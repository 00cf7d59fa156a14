"""Whole runs on virtual time: the real composition root, with an API that is a function.

night = Night(tmp_path, tasks=300)
night.api = lambda call: Answer(503) if call.at < 15 else CLIP
summary = night.run(concurrency=6)
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import anyio

from pipeline import events as ev
from pipeline.account.shared import Accounts, Apart
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import (
    Balance,
    Body,
    Fault,
    Outcome,
    Page,
    Progress,
    Query,
    RequestState,
)
from pipeline.api.provider import Provider, Witness
from pipeline.api.segmind import Segmind
from pipeline.ledger.manifest import read
from pipeline.models import (
    AccountPolicy,
    CreditPolicy,
    Gate,
    Handle,
    Job,
    Record,
    RetryPolicy,
    Task,
    fingerprint,
)
from pipeline.runtime import runner
from pipeline.runtime.control import Listening, by_nobody
from pipeline.runtime.options import Options
from pipeline.store.commit import Hop, inline
from support import virtual

MODEL = "luma-txt-2-video"


@dataclass(frozen=True)
class Call:
    """An attempt that has reached the API: `nth` of its task, `at` virtual seconds of the run."""

    task: str
    nth: int
    at: float


@dataclass(frozen=True)
class Answer:
    """What comes of it, after so many seconds."""

    status: int | None = None
    seconds: float = 1.0
    fault: Fault | None = None
    text: str = ""
    retry_after: float | None = None
    body: bytes | None = None
    cost: Decimal | None = None
    remaining: Decimal | None = None
    location: str | None = None
    hopeless: bool = False
    accepted: Handle | None = None
    is_counted: bool = True  # its header says how long its body is


@dataclass(frozen=True)
class Poll:
    """A question for a request, `at` virtual seconds of the run."""

    id: str
    at: float
    listed: bool


CLIP = Answer(200, body=b"clip")
REFUSED_CONNECT = Answer(fault=Fault.NOT_SENT, seconds=0.01)
SILENCE = Answer(fault=Fault.NO_ANSWER)
Api = Callable[[Call], Answer]


class FakeProvider(Segmind):
    """The real provider, but for its network."""

    def __init__(self, session: "FakeSession") -> None:
        super().__init__()
        self.session = session

    def connect(self, *_: Any, **__: Any) -> "FakeSession":
        return self.session


class FakeSession:
    """A session whose other end is a function, and which notes what it was asked for."""

    def __init__(self, night: "Night") -> None:
        self.endpoint = Endpoint("http://127.0.0.1:1", "key")
        self._night = night

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        night, started = self._night, anyio.current_time()
        night.seen[task.id] += 1
        call = Call(task.id, night.seen[task.id], started)
        night.calls.append(call)
        night.in_flight += 1
        night.peak = max(night.peak, night.in_flight)
        answer = night.api(call)
        if witness is not None and answer.fault is not Fault.NOT_SENT:
            witness.sending()
        try:
            await anyio.sleep(answer.seconds)
        finally:
            night.in_flight -= 1
        outcome = self._outcome(part, answer)
        if witness is not None and outcome.body is not None and answer.is_counted:
            witness.answered(outcome, outcome.body.size)
        return outcome

    def _outcome(self, part: Path, answer: Answer) -> Outcome:
        body = None
        if answer.body is not None:
            part.write_bytes(answer.body)
            digest = hashlib.sha256(answer.body).hexdigest()
            body = Body(len(answer.body), digest, ".mp4", "video/mp4")
        elif answer.text and answer.status is not None and answer.status // 100 == 2:
            part.write_text(answer.text)
        return Outcome(
            status=answer.status,
            fault=answer.fault,
            text=answer.text,
            body=body,
            retry_after=answer.retry_after,
            cost=answer.cost,
            remaining=answer.remaining,
            location=answer.location,
            hopeless=answer.hopeless,
            took=answer.seconds,
            **({} if answer.status is None else {"simulated": True}),
            accepted=answer.accepted,
        )

    async def ask(self, handle: Handle) -> Progress:
        self._night.polls.append(Poll(handle.id, anyio.current_time(), listed=handle.listed))
        await anyio.sleep(self._night.ask_seconds)
        return self._night.progress(self._night.polls[-1])

    async def fetch(self, media: str, part: Path) -> Outcome:
        self._night.fetched.append(media)
        await anyio.sleep(self._night.fetch_seconds)
        return self._outcome(part, self._night.media(media))

    async def list_requests(self, query: Query, page: int) -> Page:
        self._night.listings.append(query)
        return self._night.listing(query) if page == 1 else Page()

    async def balance(self) -> Balance:
        told = self._night.balance
        return told if isinstance(told, Balance) else told()


@dataclass(eq=False)
class Night:
    """A job, an API, and all that is seen of them."""

    folder: Path
    tasks: int | list[str] = 10
    api: Api = lambda _: CLIP
    balance: Balance | Callable[[], Balance] = field(
        default_factory=lambda: Balance(simulated=True)
    )
    params: Callable[[str], dict[str, Any]] = lambda _: {}
    progress: Callable[[Poll], Progress] = lambda _: Progress(state=RequestState.RUNNING)
    media: Callable[[str], Answer] = lambda _: CLIP
    listing: Callable[[Query], Page] = lambda _: Page(readable=False, detail="HTTP 404")
    ask_seconds: float = 0.0
    fetch_seconds: float = 0.0
    polls: list[Poll] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    listings: list[Query] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    events: list[ev.Event] = field(default_factory=list)
    watch: Callable[[ev.Event], None] = lambda _: None
    provider: Callable[["FakeSession"], Provider] = FakeProvider
    control: Listening = by_nobody
    in_flight: int = 0
    peak: int = 0
    seconds: float = 0.0

    def job(
        self, *, retry: dict[str, Any] | None = None, payer: str | None = None, **changes: Any
    ) -> Job:
        job = Job(
            path=self.folder / "job.yaml",
            name="job",
            model=MODEL,
            output_dir=self.folder / "out",
            expand=lambda: iter(self._tasks()),
            concurrency=1,
            retry=RetryPolicy(**(retry or {})),
            credits=CreditPolicy(cost=Decimal(1), gate=Gate.OFF),
            account=AccountPolicy(name=payer),
        )
        return replace(job, **changes)

    def _tasks(self) -> list[Task]:
        names = self.tasks
        if isinstance(names, int):
            names = [f"t{number:03}" for number in range(names)]
        return [self._task(name) for name in names]

    def _task(self, name: str) -> Task:
        params = {"prompt": name, **self.params(name)}
        return Task(
            id=name, model=MODEL, params=params, fingerprint=fingerprint(MODEL, params), output=name
        )

    def run(
        self,
        *,
        at: float | datetime = virtual.NOON,
        options: Options = Options(),  # noqa: B008 - frozen
        sleeps: dict[float, float] | None = None,
        accounts: Accounts | None = None,
        hop: Hop = inline,
        **changes: Any,
    ) -> ev.Summary:
        """Run the job; `at` is the wall clock when it begins."""
        begin = at.astimezone(UTC).timestamp() if isinstance(at, datetime) else at
        playing = self.play(options=options, accounts=accounts, hop=hop, **changes)
        return virtual.run(playing, at=begin, sleeps=sleeps)

    async def play(
        self,
        *,
        options: Options = Options(),  # noqa: B008 - frozen
        accounts: Accounts | None = None,
        hop: Hop = inline,
        **changes: Any,
    ) -> ev.Summary:
        """Run the job on the present loop, beside others."""
        session, started = FakeSession(self), anyio.current_time()
        self.events.clear()
        summary = await runner.run(
            self.job(**changes),
            session.endpoint,
            options=replace(options, fsync=False),
            watch=self.see,
            provider=self.provider(session),
            control=self.control,
            hop=hop,
            account=accounts or Apart(),
        )
        self.seconds = anyio.current_time() - started
        return summary

    def clock(self) -> float:
        """Virtual seconds of the run."""
        return anyio.current_time()

    def see(self, event: ev.Event) -> None:
        self.events.append(event)
        self.watch(event)

    # -- what was seen ------------------------------------------------------------------------

    @property
    def records(self) -> dict[str, Record]:
        """The last record of each task."""
        return {record.task: record for record in read(self.folder / "out" / "manifest.jsonl")}

    def statuses(self) -> Counter[str]:
        return Counter(str(record.status) for record in self.records.values())

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def gaps(self) -> list[float]:
        """Seconds between one call and the next."""
        return [b.at - a.at for a, b in itertools.pairwise(self.calls)]

    def between(self, start: float, end: float) -> list[Call]:
        return [call for call in self.calls if start <= call.at < end]
