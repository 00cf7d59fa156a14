"""Whole runs at APIs that limit, against a scheduler that knows the limit: seconds and 429s."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest
from support.limits import Api, Bucket, NoLimit, Places, Rule, Told, Window, ideal, told, untold
from support.night import Answer, Call, Night

from pipeline import events as ev
from pipeline.api.deadlines import retry_after
from pipeline.errors import ExitCode
from pipeline.models import Rate


class Case(NamedTuple):
    """A limit, and a job at it: `loss` and `refused` (429s a task) are what it may cost."""

    rule: Callable[[], Rule]
    concurrency: int
    tasks: int
    says: Told = untold
    loss: float = 1.03
    refused: float = 1.5


def in_five(wait: float) -> float:
    return 5.0


def at_once(wait: float) -> float:
    return 0.0


CASES = {
    "5 at once of 20": Case(lambda: Places(5), 20, 60),
    "30 a minute": Case(lambda: Bucket(2, 30), 50, 150),
    "30 a minute, told": Case(lambda: Bucket(2, 30), 50, 150, told, loss=1.05),
    "30 each minute": Case(lambda: Window(30, 60), 30, 150, loss=1.05),
    "30 each minute, told": Case(lambda: Window(30, 60), 30, 150, told),
    "no limit": Case(NoLimit, 30, 100, loss=1.001, refused=0.0),
    "1 at once of 20": Case(lambda: Places(1), 20, 60),
    "19 at once of 20": Case(lambda: Places(19), 20, 100),
    "5 a minute, told": Case(lambda: Bucket(12, 5), 20, 60, told),
    "19 at once of 50": Case(lambda: Places(19), 50, 150),
    "5 at once of 20, told 5 s": Case(lambda: Places(5), 20, 60, in_five),
    "5 at once of 20, told 0 s": Case(lambda: Places(5), 20, 60, at_once),
    "5 at once of 20, told exactly": Case(lambda: Places(5), 20, 60, told),
    "5 at once, known late": Case(lambda: Places(5, lag=0.3), 20, 60, loss=1.05, refused=2.5),
    "30 a minute, 5 saved, 30 in flight": Case(lambda: Bucket(2, 5), 30, 150),
    "30 a minute, 5 saved, told": Case(lambda: Bucket(2, 5), 50, 150, told),
    # What is untold is found by trying, which costs two or three 429s a task, and no money.
    "5 a minute": Case(lambda: Bucket(12, 5), 50, 60, loss=1.05, refused=4.0),
    "30 each minute, 50 in flight": Case(lambda: Window(30, 60), 50, 150, loss=1.05),
    "5 each 10 seconds": Case(lambda: Window(5, 10), 50, 150, loss=1.05),
}


def names(tasks: int) -> list[str]:
    return [f"t{number:03}" for number in range(tasks)]


@pytest.mark.few(9)
@pytest.mark.parametrize("name", CASES)
def test_a_run_finds_a_limit_that_it_does_not_know(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    api = Api(case.rule(), says=case.says)
    night = Night(tmp_path, case.tasks, api)
    summary = night.run(concurrency=case.concurrency)
    assert summary.exit_code is ExitCode.OK
    assert api.taken == case.tasks
    seconds = [api.seconds(task) for task in names(case.tasks)]
    best = ideal(case.rule(), seconds, case.concurrency)
    assert night.seconds / best <= case.loss
    assert api.refused / case.tasks <= case.refused


@pytest.mark.parametrize("header", ["0", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_that_names_no_time_to_come_is_as_none(tmp_path: Path, header: str) -> None:
    api = Api(Places(5), says=lambda _: retry_after({"retry-after": header}))
    night = Night(tmp_path, 40, api)
    night.run(concurrency=20)
    seconds = [api.seconds(task) for task in names(40)]
    assert night.seconds / ideal(Places(5), seconds, 20) <= 1.03
    assert api.refused / 40 <= 1.5


def test_of_two_limits_both_are_found(tmp_path: Path) -> None:
    api = Api(Places(15), Bucket(2, 30))
    night = Night(tmp_path, 120, api)
    night.run(concurrency=50)
    best = ideal(Places(15), [api.seconds(task) for task in names(120)], 50, Bucket(2, 30))
    assert night.seconds / best <= 1.03
    assert api.refused / 120 <= 1.0


def test_429s_that_take_seconds_do_not_make_many(tmp_path: Path) -> None:
    api = Api(Places(5), refused_after=3.0)
    night = Night(tmp_path, 60, api)
    night.run(concurrency=20)
    assert api.refused / 60 <= 1.0


def test_a_storm_of_429s_ends_within_seconds_of_its_end(tmp_path: Path) -> None:
    clip = Answer(200, 10.0, body=b"clip")
    night = Night(tmp_path, 140, lambda c: Answer(429, 0.1) if 30 <= c.at < 400 else clip)
    assert night.run(concurrency=20).exit_code is ExitCode.OK
    after = [call.at for call in night.calls if call.at >= 400]
    assert after[0] <= 400 + 10.2
    assert len([at for at in after if at <= after[0] + 6.5]) >= 19, "open again within seconds"
    assert len(night.between(40.2, 400)) <= 50


@pytest.mark.parametrize("named", [None, 1.0, 20.0])
def test_after_one_429_quick_responses_fill_the_pool_within_seconds(
    tmp_path: Path, named: float | None
) -> None:
    """A place that a response leaves is taken at once: if that began a quiet second, none ended."""
    clip, once = Answer(200, 0.4, body=b"clip"), iter([Answer(429, 0.1, retry_after=named)])
    night = Night(tmp_path, 600, lambda call: next(once, clip) if call.at >= 5 else clip)
    assert night.run(concurrency=20).exit_code is ExitCode.OK
    # The work takes 600 / 20 × 0.4 seconds, and the 429 its hold and five quiet seconds.
    assert night.seconds < 12 + (named or 1.0) + 5 + 1


def test_claims_that_take_longer_than_a_hold_do_not_go_at_once_after_it(tmp_path: Path) -> None:
    """On a slow disk many are prepared when the first 429 comes."""

    async def slowly(blocking: Callable[[], None]) -> None:
        await anyio.sleep(1.5)
        blocking()

    clip = Answer(200, 1.0, body=b"clip")
    night = Night(tmp_path, 400, lambda c: Answer(429, 0.1) if 10 <= c.at < 40 else clip)
    assert night.run(concurrency=50, hop=slowly).exit_code is ExitCode.OK
    refused = [call.at for call in night.between(10, 40)]
    later = [at for at in refused if at > refused[0] + 0.5]
    assert len(later) >= 4
    assert all(after - before > 1 for before, after in itertools.pairwise(later)), refused


def test_where_the_limit_is_lifted_all_places_are_used_again(tmp_path: Path) -> None:
    tight = Api(Places(3), seconds=lambda _: 20.0)
    night = Night(tmp_path, 200)
    night.api = lambda call: tight(call) if call.at < 200 else Answer(200, 20.0, body=b"clip")
    night.run(concurrency=20)
    full = [call.at for call in night.between(200, 260)]
    assert len(full) >= 40


def test_a_failure_leaves_its_place_to_the_next_one_too(tmp_path: Path) -> None:
    api = Api(Places(2), seconds=lambda _: 30.0, fails=lambda c: c.nth == 1 and c.task == "t005")
    night = Night(tmp_path, 20, api)
    assert night.run(concurrency=10, retry={"wait": 0.1}).exit_code is ExitCode.OK
    assert night.seconds <= 21 * 15 * 1.03 + 15


def test_a_rate_of_the_job_is_kept_while_the_api_limits(tmp_path: Path) -> None:
    api = Api(Places(3), seconds=lambda _: 20.0)
    night = Night(tmp_path, 30, api)
    assert night.run(concurrency=10, rate=Rate(30, 60.0)).exit_code is ExitCode.OK
    assert min(night.gaps()) >= 2 - 1e-6
    assert night.seconds <= 30 / 3 * 20 * 1.2


@pytest.mark.parametrize("seconds", [30.0, 200.0])
def test_a_limit_is_no_outage_while_the_api_works(tmp_path: Path, seconds: float) -> None:
    """What it has taken may take longer than the patience."""
    night = Night(tmp_path, 6, Api(Places(1), seconds=lambda _: seconds))
    assert night.run(concurrency=4, retry={"outage": 60.0}).exit_code is ExitCode.OK


def test_a_limit_under_which_requests_go_is_not_announced_as_a_pause(tmp_path: Path) -> None:
    night = Night(tmp_path, 40, Api(Places(5)))
    night.run(concurrency=20)
    assert not night.told(ev.Held)


def test_an_outage_under_a_limit_ends_in_the_limit(tmp_path: Path) -> None:
    api = Api(Places(5), seconds=lambda _: 10.0)

    def failing(call: Call) -> Answer:
        return Answer(503, 0.1) if 50 <= call.at < 150 else api(call)

    night = Night(tmp_path, 100, failing)
    assert night.run(concurrency=20, retry={"attempts": 1}).exit_code is ExitCode.OK
    assert [held.reason for held in night.told(ev.Held)] == [ev.Reason.OUTAGE] * len(
        night.told(ev.Held)
    )
    assert api.refused <= 100
