"""The rows of an API that limits, of a disk that is slow, and of several runs on one account."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench import contenders as who
from bench.altered import Machine
from bench.limits import answers, ideal, limit
from bench.race import MB, Course, Row, Settings, race

# How many times as fast the clocks of these rows run.
RATE = 20
SHORTEST, LONGEST, ERRORS = 20.0, 90.0, 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """A limit of the API, whether it says when to come again, and the work against it."""

    key: str
    title: str
    limit: str
    concurrency: int
    count: int
    named: bool = False


CASES = (
    Case("at-once", "20 in flight, the API takes 5 at once", "at-once:5", 20, 60),
    Case("bucket-named", "30 in flight, 30 a minute, Retry-After", "bucket:30/60", 30, 120, True),
    Case("bucket", "30 in flight, 30 a minute, nothing named", "bucket:30/60", 30, 120),
    Case("window", "30 in flight, 30 a fixed minute, Retry-After", "window:30/60", 30, 120, True),
    Case("none", "30 in flight, no limit", "", 30, 120),
)
# A quick run plays only these, with so many tasks.
QUICK = {"at-once": 12, "bucket-named": 40}


def limits(settings: Settings) -> Iterator[Row]:
    """Work against limits of which the client has not heard, on clocks that run faster.

    Files are in memory where there is such: a disk cannot be made faster like a clock.
    """
    peers = [who.BACKOFF, who.ADAPTIVE, who.COOKBOOK, who.THROTTLED]
    peers = peers[:1] if settings.quick else peers
    for case in CASES:
        if settings.quick and case.key not in QUICK:
            continue
        count = QUICK[case.key] if settings.quick else case.count
        drawn = answers(SHORTEST, most=LONGEST, errors=ERRORS)
        least = ideal(limit(case.limit), case.concurrency, count, drawn)
        facts = {"count": count, "ideal": round(least, 1), "rate": RATE}
        row = Row(f"limits-{case.key}", case.title, facts)
        flags = (
            *(f"--latency={SHORTEST}", f"--most={LONGEST}", f"--errors={ERRORS}"),
            *(f"--limit={case.limit}", *(["--retry-after"] if case.named else [])),
        )
        machine = Machine(rate=RATE)
        course = Course(settings.quickly, count, case.concurrency, 5 * MB, flags, machine=machine)
        race(row, settings, [who.PIPELINE, *peers], course)
        yield row


def slow(settings: Settings) -> Iterator[Row]:
    """A disk on which each fsync takes 50 ms more."""
    waves = settings.of(2, 4)
    row = Row(
        "slow-disk",
        "answers after 1 s, 50 in flight, each fsync 50 ms more",
        {"count": 50 * waves, "ideal": waves},
    )
    course = Course(
        settings.folder,
        50 * waves,
        50,
        answers=("--latency=1",),
        lockstep=True,
        machine=Machine(fsync=0.05),
    )
    race(row, settings, [who.PIPELINE, who.DURABLE], course)
    yield row


def runs(settings: Settings) -> Iterator[Row]:
    """Three runs that share an account and its 30 places, against one that has them all."""
    waves = settings.of(2, 10)
    row = Row(
        "runs",
        "answers after 1 s, 30 in flight on one account",
        {"count": 30 * waves, "ideal": waves},
    )
    course = Course(settings.folder, 30 * waves, 30, answers=("--latency=1",), lockstep=True)
    race(row, settings, [who.PIPELINE, who.THREE], course)
    yield row
