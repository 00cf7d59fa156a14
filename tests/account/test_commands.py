"""Three commands at once on one account, by the server's count."""

import itertools
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.helpers import until
from support.several import Jobs, Seen, settled_books

from sandbox.testing import Sandbox

TASKS, AFFORDABLE, BOUND = 30, 60, 6
WRITTEN = {"cost": 0.95}
# Seconds between a request's turn and its arrival, on a machine with other things to do.
LATE = 0.2

# What the server says of prices and balances, and what the job does. `known`: no request of a run
# that keeps to its rules can be refused for want of credits.
WORLDS = [
    pytest.param(WRITTEN, "0.95", {}, id="written"),
    pytest.param({}, "0.95", {"no_credit_header": True}, id="unwritten-call"),
    pytest.param({}, "0.40", {"cost_header": True}, id="unwritten-other-reported"),
    pytest.param(WRITTEN, "0.95", {"no_balance_call": True}, id="written-header"),
    pytest.param(WRITTEN, "0.95", {"no_credit_header": True}, id="written-call"),
    pytest.param(WRITTEN, "0.95", {"cost_header": True}, id="written-reported"),
    pytest.param(WRITTEN, "0.95", {"header_lag": True}, id="written-lag"),
    pytest.param(WRITTEN, "0.95", {"charge": "accept"}, id="written-accept"),
    pytest.param({}, "0.95", {}, id="unwritten"),
    pytest.param({}, "0.95", {"cost_header": True}, id="unwritten-reported"),
    pytest.param({}, "0.95", {"no_balance_call": True}, id="unwritten-header"),
    pytest.param({}, "0.40", {}, id="unwritten-other"),
    pytest.param({}, "0.40", {"no_credit_header": True}, id="unwritten-other-call"),
    pytest.param({**WRITTEN, "gate": "header"}, "0.95", {}, id="written-gate-header"),
    pytest.param({"gate": "header"}, "0.95", {}, id="unwritten-gate-header"),
]
# The first three are the quick ones.
CASES = [
    pytest.param(wire, *world.values, id=f"{wire}-{world.id}")
    for number, world in enumerate(WORLDS)
    for wire in (["segmind", "segmind-v2"] if number != 1 else ["segmind-v2", "segmind"])
]
# Of the others every fourth: each starts three commands.
CASES = [CASES[0], CASES[2], CASES[4], *[CASES[1], CASES[3], *CASES[5:]][::4]]


def sandbox(price: str = "0.95", **options: Any) -> Sandbox:
    """An account that pays for 60 generations of this price, and not quite for another."""
    left = AFFORDABLE * Decimal(price) + Decimal("0.30")
    return Sandbox(**{"clips": "tiny", "latency": 0.3, "price": price, "credits": left} | options)


def write(jobs: Jobs, *names: str, **keys: Any) -> None:
    """Write jobs that keep to one bound together."""
    more = {"account": {"concurrency": BOUND}, "concurrency": 4, "timeout": 5, "poll": 0.1}
    jobs.write(*names, **{"tasks": TASKS, "credits": WRITTEN, **more, **keys})


def starts(api: Sandbox, *names: str) -> list[list[float]]:
    """Ask the server when requests of these jobs have come."""
    seen = Seen(api.books())
    return [seen.starts.get(name, []) for name in names]


def shared_fairly(seen: Seen, *names: str, since: float = 0.0, until: float = 0.0) -> None:
    """Hold the least of all shares against the greatest, over the time in which all were there."""
    shares = seen.shares(*names, since=since, until=until)
    least, most = min(shares.values()), max(shares.values())
    # As many as are in flight at once are a matter of chance.
    assert most - least <= max(BOUND, 0.2 * most), shares


def kept_to_the_bound(seen: Seen, bound: int = BOUND) -> None:
    """As the server counts, also what goes on there for a client that was killed."""
    assert seen.peak() <= bound
    assert seen.books["peak_in_flight"] <= bound
    assert seen.books["peak_at_work"] <= bound


@pytest.mark.variant
@pytest.mark.parametrize(("wire", "terms", "price", "options"), CASES)
def test_three_runs_render_exactly_what_one_account_pays_for(
    tmp_path: Path,
    wire: str,
    terms: dict[str, Any],
    price: str,
    options: dict[str, Any],
) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, provider=wire, credits=terms)
    with sandbox(price, **options) as api:
        jobs.run(url=api.url, flags=["--no-fsync"])
        seen = settled_books(api)
    assert seen.paid == AFFORDABLE, jobs.said
    assert seen.refusals() == 0
    jobs.agree_with(seen)
    assert set(jobs.codes.values()) == {3}, jobs.said
    kept_to_the_bound(seen)
    shared_fairly(seen, *jobs.names)


@pytest.mark.variant
@pytest.mark.few(1)
@pytest.mark.parametrize("wire", ["segmind", "segmind-v2"])
@pytest.mark.parametrize("terms", [WRITTEN, {}], ids=["written", "unwritten"])
@pytest.mark.parametrize("again", ["at once", "afterwards"])
def test_a_run_that_is_killed_takes_nothing_from_the_account(
    tmp_path: Path, wire: str, terms: dict[str, Any], again: str
) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, provider=wire, credits=terms)
    with sandbox() as api:
        jobs.start(url=api.url)
        until(lambda: Seen(api.books()).paid >= 20)
        jobs.kill("b")
        killed = api.books()["requests"][-1]["arrived"]
        if again == "at once":
            jobs.start("b", url=api.url)
        jobs.finish()
        shared_fairly(Seen(api.books()), *jobs.names, until=killed)
        at_risk = settled_books(api).taken - jobs.spent()
        if again == "afterwards":
            assert at_risk > 0  # what the killed run had in flight, and nobody else's
            assert at_risk <= 4 * Decimal("0.95")
            shared_fairly(Seen(api.books()), "a", "c")
        assert Seen(api.books()).refusals() == 0
        jobs.run(url=api.url)  # the history settles what was in doubt; what is left is rendered
        seen = settled_books(api)
    assert seen.paid == AFFORDABLE, jobs.said
    # Without a written price a run that comes anew tries one request, alone.
    assert seen.refusals() <= (0 if terms else len(jobs.names))
    jobs.agree_with(seen)
    last = jobs["b"].last().values()
    doubts = {each["params"]["prompt"] for each in last if each["status"] == "in_doubt"}
    # Rare: it was killed between the note of a request and its first byte.
    assert len(doubts) <= 1
    assert not doubts & {request["prompt"] for request in seen.requests}
    # Those that went on alone may have rendered all they had.
    assert set(jobs.codes.values()) <= ({0, 1, 3} if doubts else {0, 3}), jobs.said
    assert set(jobs.codes.values()) != {0}
    kept_to_the_bound(seen)


@pytest.mark.variant
def test_one_rate_spaces_the_requests_of_all_runs_and_the_least_of_all_applies(
    tmp_path: Path,
) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, tasks=100, account={"rate": "60/second"})
    write(jobs, "b", tasks=24, account={"rate": "240/minute"})  # one in 0.25 s
    with sandbox(credits=1000) as api:
        jobs.start("b", url=api.url)
        until(lambda: starts(api, "b")[0])
        jobs.start("a", "c", url=api.url)
        jobs.finish("b")
        jobs.stop("a", "c")
        seen = settled_books(api)
    assert jobs.codes == {"a": 143, "b": 0, "c": 143}, jobs.said
    ruled = [at for at in seen.arrivals if at <= seen.starts["b"][-1]]
    # What is late on its way to the server leaves less to the next: no more than that.
    for (i, early), (j, late) in itertools.combinations(enumerate(ruled), 2):
        assert late - early >= (j - i) * 0.25 - LATE, (i, j)
    shared_fairly(seen, *jobs.names, until=ruled[-1])


@pytest.mark.slow
def test_all_runs_together_keep_the_rate(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, tasks=12, account={"rate": "60/minute"})
    with sandbox() as api:
        jobs.run(url=api.url)
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    at = seen.arrivals
    assert at[-1] - at[0] >= 0.95 * (len(at) - 1)
    # One may be late on a busy machine, and the next one in time.
    assert min(b - a for a, b in zip(at, at[2:], strict=False)) >= 0.95
    shared_fairly(seen, *jobs.names)


@pytest.mark.variant
def test_a_run_that_joins_late_gets_its_share_and_no_more(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, tasks=300)
    write(jobs, "c", tasks=20)
    with sandbox(credits=1000) as api:
        jobs.start("a", "b", url=api.url)
        until(lambda: min(map(len, starts(api, "a", "b"))) >= 10)
        jobs.start("c", url=api.url)
        jobs.finish("c")
        jobs.stop("a", "b")
        seen = settled_books(api)
    assert jobs.codes == {"a": 143, "b": 143, "c": 0}, jobs.said
    joined = seen.starts["c"][0]
    shared_fairly(seen, *jobs.names, since=joined)
    shared_fairly(seen, *jobs.names, since=joined, until=joined + 1.0)  # it has nothing to catch up
    kept_to_the_bound(seen)
    jobs.agree_with(seen)


@pytest.mark.variant
def test_a_greater_bound_of_its_own_gives_a_run_no_greater_share(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    for name, concurrency in zip(jobs.names, (2, 4, 12), strict=True):
        write(jobs, name, concurrency=concurrency)
    with sandbox(credits=1000) as api:
        jobs.run(url=api.url)
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    shared_fairly(seen, *jobs.names)
    kept_to_the_bound(seen)


@pytest.mark.variant
def test_a_job_of_higher_priority_goes_first(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, 2)
    write(jobs, "a", tasks=300)
    write(jobs, "b", tasks=20, priority=10, account={"concurrency": 3})
    with sandbox(credits=1000) as api:
        jobs.start("a", url=api.url)
        until(lambda: len(starts(api, "a")[0]) >= 6)
        jobs.start("b", url=api.url)
        jobs.finish("b")
        jobs.stop("a")
        seen = settled_books(api)
    assert jobs.codes == {"a": 143, "b": 0}, jobs.said
    begin, end = seen.starts["b"][0], seen.starts["b"][-1]
    meanwhile = [at for at in seen.starts["a"] if begin < at < end]
    assert len(meanwhile) <= 5, "it waits, but for what a moment between two bids lets through"
    assert seen.peak(lambda request: begin <= request["arrived"] <= end) <= 3


@pytest.mark.variant
def test_a_429_that_one_run_meets_pauses_all(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    write(jobs)
    prompts = [f"b scene {n}" + (" [[fail 429 x1]]" if n == 6 else "") for n in range(TASKS)]
    write(jobs, "b", prompts=prompts)
    with sandbox(credits=1000, retry_after=2) as api:
        jobs.run(url=api.url)
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    (met,) = [request["finished"] for request in seen.requests if request["status"] == 429]
    meanwhile = [r["prompt"] for r in seen.requests if met + 0.3 < r["arrived"] < met + 1.9]
    assert meanwhile == []
    assert [r for r in seen.requests if r["arrived"] > met + 1.9]


@pytest.mark.variant
def test_a_run_that_opts_out_neither_asks_nor_tells(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, account="off", tasks=12)
    write(jobs, "c", tasks=12, account={"concurrency": 1})
    with sandbox(credits=1000) as api:
        jobs.run(url=api.url)
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    assert seen.peak(lambda request: request["prompt"][0] in "ab") > 4
    assert seen.peak(lambda request: request["prompt"][0] == "c") == 1
    jobs.agree_with(seen)


def test_two_keys_are_two_accounts(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, 2)
    for name in jobs.names:
        write(
            jobs,
            name,
            tasks=12,
            account={"key": f"SEGMIND_API_KEY_{name.upper()}", "concurrency": 2},
        )
    jobs.set_env(
        SEGMIND_API_KEY_A="sk-client-a-0123456789", SEGMIND_API_KEY_B="sk-client-b-0123456789"
    )
    with sandbox(credits=1000) as api:
        jobs.run(url=api.url)
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    keys = {request["prompt"][0]: request["key"] for request in seen.requests}
    assert keys["a"] != keys["b"]
    for key in keys.values():
        assert seen.peak(lambda request, key=key: request["key"] == key) == 2
    assert seen.peak() > 2
    names = {job.records()[0]["account"] for job in jobs.all.values()}
    assert len(names) == 2
    assert None not in names
    for name, job in jobs.all.items():
        text = (job.output / "manifest.jsonl").read_text(encoding="utf-8")
        assert "sk-client" not in text + jobs.runs[name].err


@pytest.mark.variant
def test_a_run_without_a_price_is_not_starved_by_one_with_a_price(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, 2)
    write(jobs, "a", tasks=300, concurrency=6)
    write(jobs, "b", tasks=20, credits={}, model="luma-ray-txt-2-video")  # no price is published
    with sandbox(credits=1000) as api:
        jobs.start("a", url=api.url)
        until(lambda: len(starts(api, "a")[0]) >= 6)
        jobs.start("b", url=api.url)
        jobs.finish("b")
        jobs.stop("a")
        seen = settled_books(api)
    assert jobs.codes == {"a": 143, "b": 0}, jobs.said
    shared_fairly(seen, "a", "b", since=seen.starts["b"][2])  # two went alone, to show the price
    jobs.agree_with(seen)


@pytest.mark.variant
def test_a_run_that_hears_of_an_empty_account_from_another_stops_at_once(tmp_path: Path) -> None:
    """It waits for a request of another run, which ends without a credit left."""
    jobs = Jobs(tmp_path)
    write(jobs, tasks=6)
    with sandbox(credits="0.30", no_balance_call=True) as api:
        jobs.run(url=api.url)
    assert set(jobs.codes.values()) == {3}, jobs.said
    assert not re.findall(r"rendered in \d\d", jobs.said), jobs.said


@pytest.mark.variant
def test_the_folder_of_the_account_is_nobody_else_s_and_has_no_key(
    tmp_path: Path, state_folder: Path
) -> None:
    jobs = Jobs(tmp_path, 2)
    write(jobs, tasks=3)
    with sandbox() as api:
        jobs.run(url=api.url)
    (account,) = (state_folder / "pipeline" / "accounts").iterdir()
    assert len(account.name) == 16
    assert account.stat().st_mode & 0o777 == 0o700
    for path in account.rglob("*"):
        assert jobs["a"].key.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0, path
    assert [path.name for path in state_folder.iterdir()] == ["pipeline"]


@pytest.mark.variant
def test_a_run_whose_patience_is_shorter_than_the_pause_of_another_says_so(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, 2)
    write(jobs, tasks=4, retry={"outage": "2s"})
    with sandbox(fault=["429=1"], retry_after=600) as api:
        jobs.run("a", url=api.url)
        api.set_faults({"429": 0})
        jobs.run("b", url=api.url)
        assert "b" not in Seen(api.books()).starts
    assert jobs.codes == {"a": 5, "b": 5}, jobs.said
    assert re.search(r"asked a run of this account to wait: .*, until 20\d\d-", jobs.runs["b"].err)
