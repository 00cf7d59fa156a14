"""The rows of the table: what is run, how often, and what is read off it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bench import contenders as who
from bench.limited import limits, runs, slow
from bench.limits import NoLimit, answers, ideal
from bench.own import account, coordinator, polls, resume, start
from bench.race import MB, Course, Row, Settings, race


def small(settings: Settings) -> Iterator[Row]:
    """Tiny answers at once: what is left is what each program does itself."""
    count = settings.of(500, 5000)
    row = Row("small", "small answers, 50 in flight, on a disk", {"count": count})
    ours = [who.PIPELINE, who.BARE]
    peers = [who.AIOHTTP, who.DURABLE, who.HTTPX]
    full = [who.NO_FSYNC, who.RAW, who.CURL, replace(who.GNU, share=0.1), who.COOKBOOK, who.SCRAPY]
    course = Course(settings.folder, count, 50)
    race(row, settings, [*ours, *peers, *([] if settings.quick else full)], course)
    yield row
    if settings.memory is None:
        return
    row = Row("small-memory", "the same, files in memory", {"count": count})
    peers = [who.BARE, who.AIOHTTP, who.FRESH, who.HTTPX]
    course = Course(settings.memory, count, 50)
    race(row, settings, [who.PIPELINE, *peers], course)
    yield row


def makespan(settings: Settings) -> Iterator[Row]:
    """How long all of it takes: answers after the same second."""
    peers = [who.RAW, who.AIOHTTP]
    if settings.quick:
        yield _lockstep(settings, 50, 2, peers)
        yield _lockstep(settings, 200, 2, peers)
        return
    peers += [who.DURABLE, who.FRESH, who.BARE, who.CURL, who.HTTPX]
    yield _lockstep(settings, 50, 4, [*peers, who.GNU, who.COOKBOOK, who.SCRAPY])
    yield _lockstep(settings, 200, 4, peers)


def wide(settings: Settings) -> Iterator[Row]:
    """The same with 1,000 in flight: answers after the same second, and answers that spread."""
    if settings.quick:
        return
    yield _lockstep(settings, 1000, 3, [who.RAW, who.AIOHTTP, who.CURL])
    least = round(ideal(NoLimit(), 1000, 3000, answers(5, 0.5)), 3)
    facts = {"count": 3000, "ideal": least}
    row = Row("makespan-spread", "answers after 5 s ± 50 %, 1,000 in flight", facts)
    course = Course(settings.folder, 3000, 1000, answers=("--latency=5", "--spread=0.5"))
    contenders = [who.PIPELINE, who.RAW, who.AIOHTTP, who.CURL, replace(who.HTTPX, rounds=1)]
    race(row, settings, contenders, course)
    yield row


def _lockstep(settings: Settings, concurrency: int, waves: int, peers: list[who.Contender]) -> Row:
    row = Row(
        f"makespan-{concurrency}",
        f"answers after 1 s, {concurrency:,} in flight",
        {"count": concurrency * waves, "ideal": waves},
    )
    course = Course(
        settings.folder, concurrency * waves, concurrency, answers=("--latency=1",), lockstep=True
    )
    race(row, settings, [who.PIPELINE, *peers], course)
    return row


def flat(settings: Settings) -> Iterator[Row]:
    """CPU per task by what is in flight; the pace is the same, 400 a second at most."""
    count = settings.of(400, 4000)
    for concurrency in (10, 100) if settings.quick else (10, 100, 1000):
        title = f"CPU with {concurrency:,} in flight, 400 answers a second at most"
        row = Row(f"flat-{concurrency}", title, {"count": count})
        course = Course(
            settings.quickly, count, concurrency, answers=(f"--latency={concurrency / 400}",)
        )
        plain = replace(who.HTTPX, rounds=1, share=0.4)
        race(row, settings, [who.PIPELINE, *([] if settings.quick else [plain])], course)
        yield row


def bodies(settings: Settings) -> Iterator[Row]:
    """Bodies of 20 MB, all at once."""
    peers = [who.CURL, who.AIOHTTP]
    if not settings.quick:
        peers += [who.RAW, who.BARE, who.HTTPX]
    for concurrency in (10,) if settings.quick else (200, 100):
        row = Row(
            f"bodies-{concurrency}",
            f"{concurrency} bodies of 20 MB in flight, hashed as they stream",
            {"count": concurrency},
        )
        course = Course(
            settings.folder, concurrency, concurrency, 20 * MB, ("--latency=1",), hashed=True
        )
        race(row, settings, [who.PIPELINE, *peers], course)
        yield row


ROWS: dict[str, Callable[[Settings], Iterator[Row]]] = {
    "start": start,
    "small": small,
    "makespan": makespan,
    "wide": wide,
    "limits": limits,
    "slow": slow,
    "runs": runs,
    "flat": flat,
    "bodies": bodies,
    "resume": resume,
    "coordinator": coordinator,
    "account": account,
    "polls": polls,
}
