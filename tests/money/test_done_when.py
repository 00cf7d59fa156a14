"""What the run may spend: the real command against the sandbox, held against its books."""

import signal
from decimal import Decimal
from typing import Any

import pytest
from support.helpers import Desk, refused, times_sent, until

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(0)

PRICE = Decimal("0.95")
FAST: dict[str, Any] = {"clips": "tiny", "latency": 0.05}
# Long enough for the full bound to be in flight at once, also on a machine that is busy.
STEADY: dict[str, Any] = {"clips": "tiny", "latency": 0.3, "jitter": 0.1}
WRITTEN = {"cost": 0.95}


def slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


def name_of(value: Any) -> str:
    return (
        " ".join(f"{k}={v}" for k, v in value.items()) or "plain" if value != str(value) else value
    )


def prompts(count: int) -> list[dict[str, str]]:
    return [{"id": f"t{n:02}", "prompt": f"scene {n:02}"} for n in range(count)]


@pytest.mark.parametrize(
    "api",
    [
        {},
        {"header_lag": True},
        {"header_late": 30},
        {"charge": "accept"},
        slow({"charge": "accept", "header_lag": True}),
        slow({"no_credit_header": True}),
    ],
    ids=name_of,
)
def test_thirteen_of_thirty_are_affordable_and_no_request_is_refused(
    desk: Desk, api: dict[str, Any]
) -> None:
    desk.write(prompts=prompts(30), concurrency=8, credits=WRITTEN)
    with Sandbox(credits=12.5, **STEADY, **api) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.sound() == books["posts"] == 13
    assert refused(books) == 0
    assert books["peak_in_flight"] == 8
    assert Decimal(books["charged"]) == desk.spent() == 13 * PRICE
    desk.agrees_with(books)
    # One line says what was rendered, what is left, and what it will cost.
    (line,) = [line for line in run.err.splitlines() if "exit 3" in line]
    assert "13 rendered" in line
    assert "17 left" in line
    assert "16.15" in line


@pytest.mark.parametrize(
    ("balance_call", "api"),
    [
        ("balance_garbage", {}),
        ("no_balance_call", {"header_lag": True}),
        ("no_balance_call", {"charge": "accept"}),
        slow("no_balance_call", {}),
        slow("no_balance_call", {"charge": "accept", "header_lag": True}),
        slow("balance_garbage", {"charge": "accept", "header_lag": True}),
    ],
    ids=name_of,
)
def test_without_the_balance_call_one_request_at_most_is_refused(
    desk: Desk, api: dict[str, Any], balance_call: str
) -> None:
    desk.write(prompts=prompts(30), concurrency=8, credits=WRITTEN)
    with Sandbox(credits=12.5, **STEADY, **api, **{balance_call: True}) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.sound() == 13
    assert refused(books) <= 1
    assert books["peak_in_flight"] == 8
    desk.agrees_with(books)


@pytest.mark.parametrize(
    ("call", "api"),
    [
        ("asked", {}),
        ("missing", {}),
        slow("asked", {"header_lag": True}),
        slow("missing", {"header_lag": True}),
        slow("asked", {"charge": "accept"}),
        slow("missing", {"charge": "accept"}),
        slow("asked", {"cost_header": True}),
        slow("missing", {"cost_header": True}),
    ],
    ids=name_of,
)
def test_a_true_price_above_the_published_one_leaves_nothing_affordable(
    desk: Desk, call: str, api: dict[str, Any]
) -> None:
    desk.write(prompts=prompts(16), concurrency=8)
    told = {**FAST, **api, "no_balance_call": call == "missing"}
    with Sandbox(credits=13, price=1.25, **told) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.sound() == 10
    assert refused(books) <= 1
    # Of the first clip nothing tells the price where the balance before it is unknown.
    blind = call == "missing" and not api.get("cost_header")
    assert desk.spent() == Decimal(books["charged"]) - (Decimal("0.30") if blind else 0)


def test_a_price_that_nobody_wrote_needs_no_refusal_when_the_published_one_is_right(
    desk: Desk,
) -> None:
    desk.write(prompts=prompts(20), concurrency=8)
    with Sandbox(credits=12.5, **FAST) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.sound() == 13
    assert refused(books) == 0


def test_the_budget_holds_to_the_cent_over_the_life_of_the_manifest(desk: Desk) -> None:
    with Sandbox(credits=100, **FAST) as sandbox:
        # 6.64 is a cent short of seven.
        desk.write(prompts=prompts(20), concurrency=6, credits={**WRITTEN, "budget": 6.64})
        assert desk.run(url=sandbox.url).code == 3
        assert desk.sound() == sandbox.books()["posts"] == 6
        desk.write(prompts=prompts(20), concurrency=6, credits={**WRITTEN, "budget": 6.65})
        assert desk.run(url=sandbox.url).code == 3
        assert desk.sound() == sandbox.books()["posts"] == 7
        # Nothing is left of it: nothing is sent.
        assert desk.run(url=sandbox.url).code == 3
        books = sandbox.books()
    assert books["posts"] == 7
    assert Decimal(books["charged"]) == Decimal("6.65") == desk.spent()


def test_the_budget_counts_what_is_at_risk(desk: Desk) -> None:
    tasks = [{"id": "lost", "prompt": "lost [[fail drop]]"}, *prompts(10)]
    desk.write(prompts=tasks, concurrency=1, credits={**WRITTEN, "budget": 3})
    with Sandbox(credits=100, **FAST) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.counts() == {"in_doubt": 1, "succeeded": 2}
    assert (desk.spent(), desk.at_risk()) == (2 * PRICE, PRICE)
    assert Decimal(books["charged"]) == 3 * PRICE
    status = desk.status()
    assert (status["spent"], status["at_risk"]) == (2 * PRICE, PRICE)


def test_the_reserve_holds_to_the_cent_and_after_a_top_up_exactly_the_rest_is_rendered(
    desk: Desk,
) -> None:
    desk.write(prompts=prompts(12), concurrency=6, credits={**WRITTEN, "reserve": 5})
    # A cent short of six above the reserve.
    with Sandbox(credits=Decimal("10.69"), **FAST) as sandbox:
        assert desk.run(url=sandbox.url).code == 3
        assert desk.sound() == sandbox.books()["posts"] == 5
        sandbox.top_up("0.01")
        assert desk.run(url=sandbox.url).code == 3
        assert desk.sound() == sandbox.books()["posts"] == 6
        assert Decimal(sandbox.books()["balance"]) == 5
        sandbox.top_up(100)
        assert desk.run(url=sandbox.url).code == 0
        books = sandbox.books()
    assert desk.sound() == books["posts"] == 12
    assert set(times_sent(books).values()) == {1}
    desk.agrees_with(books)


def test_a_second_run_on_the_same_directory_is_refused_and_sends_nothing(desk: Desk) -> None:
    desk.write(prompts=[{"id": "slow", "prompt": "slow [[latency 6]]"}], credits=WRITTEN)
    with Sandbox(**FAST) as sandbox:
        first = desk.start(url=sandbox.url)
        until(lambda: sandbox.books()["in_flight"] == 1)
        second = desk.run(url=sandbox.url)
        assert second.code == 2
        assert "in use" in second.err
        assert sandbox.books()["posts"] == 1
        assert desk.finish(first).code == 0
        assert sandbox.books()["posts"] == 1
    assert desk.sound() == 1


def test_waiting_for_credits_goes_on_after_a_top_up(desk: Desk) -> None:
    desk.write(prompts=prompts(4), concurrency=4, credits=WRITTEN)
    with Sandbox(credits=2, **FAST) as sandbox:
        run = desk.start("--wait-for-credits", url=sandbox.url)
        until(lambda: desk.counts()["succeeded"] == 2)
        sandbox.top_up(10)
        ended = desk.finish(run)
        books = sandbox.books()
    assert ended.code == 0, ended.err
    assert desk.sound() == books["posts"] == 4
    assert refused(books) == 0


def test_waiting_for_credits_gives_up_when_its_time_is_over(desk: Desk) -> None:
    desk.write(prompts=prompts(4), concurrency=4, credits=WRITTEN)
    with Sandbox(credits=2, **FAST) as sandbox:
        run = desk.run("--wait-for-credits=1s", url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.sound() == books["posts"] == 2


@pytest.mark.parametrize("gate", ["header", slow("off")])
def test_the_gate_can_do_without_the_balance_call(desk: Desk, gate: str) -> None:
    """The way out where the balance call says that nothing is left, wrongly."""
    desk.write(prompts=prompts(20), concurrency=4, credits={**WRITTEN, "gate": gate})
    with Sandbox(credits=12.5, **FAST) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert desk.sound() == 13
    assert refused(books) <= (1 if gate == "header" else 4)
    desk.agrees_with(books)


@pytest.mark.parametrize("word", ["406-param", slow("406")])
def test_a_refused_parameter_fails_its_task_alone_and_missing_credits_stop_the_run(
    desk: Desk, word: str
) -> None:
    tasks = [*prompts(4), {"id": "odd", "prompt": f"odd [[fail {word}]]"}, *prompts(12)[4:]]
    desk.write(prompts=tasks, concurrency=1, credits=WRITTEN)
    with Sandbox(**FAST) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert refused(books) == 1
    if word == "406":
        assert run.code == 3, run.err
        assert desk.counts() == {"succeeded": 4}
        assert "odd" not in desk.last()
    else:
        assert run.code == 1, run.err
        assert desk.counts() == {"succeeded": 12, "failed": 1}
        assert (desk.last()["odd"]["cost"], desk.last()["odd"]["http_status"]) == (0, 406)
    assert desk.sound()
    desk.agrees_with(books)


def test_what_is_in_flight_when_credits_run_out_is_finished_and_saved(desk: Desk) -> None:
    slow = [{"id": f"s{n}", "prompt": f"slow {n} [[latency 1.5]]"} for n in range(3)]
    refusal = {"id": "refused", "prompt": "refused [[fail 406]]"}
    desk.write(prompts=[*slow, refusal, *prompts(10)], concurrency=4, credits=WRITTEN)
    with Sandbox(**FAST) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert books["posts"] == 4
    assert desk.sound() == 3
    assert set(desk.last()) == {"s0", "s1", "s2"}
    desk.agrees_with(books)


def test_cheaper_tasks_go_on_behind_one_that_is_too_expensive(desk: Desk) -> None:
    ratios = ["1:1", "16:9", "16:9", "1:1", "1:1"]
    tasks = [
        {"id": f"t{n}", "prompt": f"scene {n}", "params": {"aspect_ratio": ratio}}
        for n, ratio in enumerate(ratios)
    ]
    desk.write(prompts=tasks, concurrency=1)
    api = {"price_of": "aspect_ratio=16:9:5", "cost_header": True}
    with Sandbox(credits=8, **FAST, **api) as sandbox:
        run = desk.run(url=sandbox.url, within=30)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert set(desk.last()) == {"t0", "t1", "t3", "t4"}
    assert refused(books) == 0
    desk.agrees_with(books)


@pytest.mark.parametrize("word", ["500", "429", "503"])
def test_a_passing_failure_does_not_cost_the_most_important_clip_the_last_credit(
    desk: Desk, word: str
) -> None:
    hero = {"id": "hero", "prompt": f"hero [[fail {word} x2]]", "priority": 10}
    desk.write(prompts=[*prompts(4), hero], concurrency=2, credits=WRITTEN, retry={"wait": 0.3})
    with Sandbox(credits=2 * PRICE, retry_after=1, **FAST) as sandbox:
        run = desk.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert set(desk.last()) == {"hero", "t00"}
    assert desk.sound() == 2
    assert refused(books) == 0
    desk.agrees_with(books)


def test_another_job_on_the_same_account_costs_one_refusal_at_most(desk: Desk) -> None:
    desk.write(prompts=prompts(30), concurrency=4, credits=WRITTEN)
    with Sandbox(credits=20, **STEADY) as sandbox:
        run = desk.start(url=sandbox.url)
        until(lambda: desk.counts()["succeeded"] >= 4)
        sandbox.top_up(-6)  # spent by the other one
        ended = desk.finish(run)
        books = sandbox.books()
    assert ended.code == 3, ended.err
    assert refused(books) <= 1
    assert desk.sound() == (20 - 6) / PRICE // 1
    assert all(Decimal(record["cost"]) == PRICE for record in desk.records())
    desk.agrees_with(books)


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_renders_exactly_the_rest(desk: Desk) -> None:
    desk.write(prompts=prompts(20), concurrency=4, credits=WRITTEN)
    with Sandbox(clips="tiny", latency=0.2) as sandbox:
        run = desk.start(url=sandbox.url)
        until(lambda: desk.counts()["succeeded"] >= 4)
        run.send_signal(signal.SIGINT)
        assert desk.finish(run).code == 130
        desk.agrees_with(sandbox.books())
        assert desk.sound() == sandbox.books()["posts"]
        assert desk.run(url=sandbox.url).code == 0
        books = sandbox.books()
    assert desk.sound() == books["posts"] == 20
    desk.agrees_with(books)
