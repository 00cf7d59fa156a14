"""Several runs of one account at an API that takes fewer at once than they are asked for."""

from decimal import Decimal
from pathlib import Path

import pytest
from support.limits import Api, Bucket, Places, Rule, Told, ideal, told, untold
from support.night import Answer, Call, Night
from support.till import Till

from pipeline.errors import ExitCode
from pipeline.models import CreditPolicy

WRITTEN = CreditPolicy(cost=Decimal("0.95"))


def play(till: Till, api: Api, runs: int, tasks: int, concurrency: int) -> list[Night]:
    """Play runs at once at an API that all share; see that all end well."""
    nights = [till.night(name, tasks) for name in "abc"[:runs]]
    for name, night in zip("abc", nights, strict=False):

        def answer(call: Call, name: str = name) -> Answer:
            given = api(call)
            if given.status == 200:
                till.starts[name].append(call.at)
            return given

        night.api = answer
    summaries = till.play(nights, concurrency=concurrency, credits=WRITTEN)
    assert {each.exit_code for each in summaries} == {ExitCode.OK}
    assert api.taken == runs * tasks
    return nights


def best(rule: Rule, api: Api, runs: int, tasks: int) -> float:
    names = [f"{name}-{number:03}" for name in "abc"[:runs] for number in range(tasks)]
    return ideal(rule, [api.seconds(name) for name in names], 1000)


@pytest.mark.few(2)
@pytest.mark.parametrize("says", [untold, lambda _: 5.0], ids=["untold", "told 5 s"])
@pytest.mark.parametrize("runs", [2, 3])
def test_runs_of_one_account_share_a_limit_that_none_knows(
    tmp_path: Path, runs: int, says: Told
) -> None:
    till, api = Till(tmp_path, balance=Decimal(1000)), Api(Places(5), says=says)
    nights = play(till, api, runs, tasks=15, concurrency=15)
    end = max(night.seconds for night in nights)
    assert end / best(Places(5), api, runs, 15) <= 1.25
    assert api.refused / (15 * runs) <= 5.0


def test_a_run_that_comes_to_full_places_gets_one(tmp_path: Path) -> None:
    """The others would fill each place at once that one of theirs leaves, until they are done."""
    till, api = Till(tmp_path, balance=Decimal(1000)), Api(Places(3), seconds=lambda _: 40.0)
    play(till, api, runs=2, tasks=20, concurrency=10)
    assert till.starts["b"][0] <= 200
    assert till.starts["a"][-1] > till.starts["b"][3]


def test_runs_of_one_account_share_a_rate_that_the_server_tells(tmp_path: Path) -> None:
    till, api = Till(tmp_path, balance=Decimal(1000)), Api(Bucket(2, 30), says=told)
    nights = play(till, api, runs=3, tasks=25, concurrency=15)
    end = max(night.seconds for night in nights)
    assert end / best(Bucket(2, 30), api, 3, 25) <= 1.2
    assert api.refused / 75 <= 1.5


def test_after_a_pause_that_one_run_has_met_each_sends_one_first(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    a, b = till.night("a", 40), till.night("b", 40)
    at_work = a.api
    a.api = lambda call: Answer(429, 0.1, retry_after=60.0) if 20 <= call.at < 25 else at_work(call)
    till.play([a, b], concurrency=6, credits=WRITTEN)
    begin = min(call.at for call in a.calls if 20 <= call.at < 25)
    after = [at for at in till.times() if begin + 15 < at]
    assert after[0] >= begin + 60
    assert len([at for at in after if at <= after[0] + 0.9]) <= 2
