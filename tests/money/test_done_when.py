"""What the run may spend: the real command against the sandbox, held against its books."""

import signal
from decimal import Decimal
from typing import Any

import pytest
from support.helpers import Workspace, refused, times_sent, until

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
    workspace: Workspace, api: dict[str, Any]
) -> None:
    workspace.write(prompts=prompts(30), concurrency=8, credits=WRITTEN)
    with Sandbox(credits=12.5, **STEADY, **api) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.sound() == books["posts"] == 13
    assert refused(books) == 0
    assert books["peak_in_flight"] == 8
    assert Decimal(books["charged"]) == workspace.spent() == 13 * PRICE
    workspace.agrees_with(books)
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
    workspace: Workspace, api: dict[str, Any], balance_call: str
) -> None:
    workspace.write(prompts=prompts(30), concurrency=8, credits=WRITTEN)
    with Sandbox(credits=12.5, **STEADY, **api, **{balance_call: True}) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.sound() == 13
    assert refused(books) <= 1
    assert books["peak_in_flight"] == 8
    workspace.agrees_with(books)


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
    workspace: Workspace, call: str, api: dict[str, Any]
) -> None:
    workspace.write(prompts=prompts(16), concurrency=8)
    told = {**FAST, **api, "no_balance_call": call == "missing"}
    with Sandbox(credits=13, price=1.25, **told) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.sound() == 10
    assert refused(books) <= 1
    # Of the first clip nothing tells the price where the balance before it is unknown.
    blind = call == "missing" and not api.get("cost_header")
    assert workspace.spent() == Decimal(books["charged"]) - (Decimal("0.30") if blind else 0)


def test_a_price_that_nobody_wrote_needs_no_refusal_when_the_published_one_is_right(
    workspace: Workspace,
) -> None:
    workspace.write(prompts=prompts(20), concurrency=8)
    with Sandbox(credits=12.5, **FAST) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.sound() == 13
    assert refused(books) == 0


def test_the_budget_holds_to_the_cent_over_the_life_of_the_manifest(workspace: Workspace) -> None:
    with Sandbox(credits=100, **FAST) as sandbox:
        # 6.64 is a cent short of seven.
        workspace.write(prompts=prompts(20), concurrency=6, credits={**WRITTEN, "budget": 6.64})
        assert workspace.run(url=sandbox.url).code == 3
        assert workspace.sound() == sandbox.books()["posts"] == 6
        workspace.write(prompts=prompts(20), concurrency=6, credits={**WRITTEN, "budget": 6.65})
        assert workspace.run(url=sandbox.url).code == 3
        assert workspace.sound() == sandbox.books()["posts"] == 7
        # Nothing is left of it: nothing is sent.
        assert workspace.run(url=sandbox.url).code == 3
        books = sandbox.books()
    assert books["posts"] == 7
    assert Decimal(books["charged"]) == Decimal("6.65") == workspace.spent()


def test_the_budget_counts_what_is_at_risk(workspace: Workspace) -> None:
    tasks = [{"id": "lost", "prompt": "lost [[fail drop]]"}, *prompts(10)]
    workspace.write(prompts=tasks, concurrency=1, credits={**WRITTEN, "budget": 3})
    with Sandbox(credits=100, history="missing", **FAST) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.counts() == {"in_doubt": 1, "succeeded": 2}
    assert (workspace.spent(), workspace.at_risk()) == (2 * PRICE, PRICE)
    assert Decimal(books["charged"]) == 3 * PRICE
    status = workspace.status()
    assert (status["spent"], status["at_risk"]) == (2 * PRICE, PRICE)


def test_the_reserve_holds_to_the_cent_and_after_a_top_up_exactly_the_rest_is_rendered(
    workspace: Workspace,
) -> None:
    workspace.write(prompts=prompts(12), concurrency=6, credits={**WRITTEN, "reserve": 5})
    # A cent short of six above the reserve.
    with Sandbox(credits=Decimal("10.69"), **FAST) as sandbox:
        assert workspace.run(url=sandbox.url).code == 3
        assert workspace.sound() == sandbox.books()["posts"] == 5
        sandbox.top_up("0.01")
        assert workspace.run(url=sandbox.url).code == 3
        assert workspace.sound() == sandbox.books()["posts"] == 6
        assert Decimal(sandbox.books()["balance"]) == 5
        sandbox.top_up(100)
        assert workspace.run(url=sandbox.url).code == 0
        books = sandbox.books()
    assert workspace.sound() == books["posts"] == 12
    assert set(times_sent(books).values()) == {1}
    workspace.agrees_with(books)


def test_a_second_run_on_the_same_directory_is_refused_and_sends_nothing(
    workspace: Workspace,
) -> None:
    workspace.write(prompts=[{"id": "slow", "prompt": "slow [[latency 6]]"}], credits=WRITTEN)
    with Sandbox(**FAST) as sandbox:
        first = workspace.start(url=sandbox.url)
        until(lambda: sandbox.books()["in_flight"] == 1)
        second = workspace.run(url=sandbox.url)
        assert second.code == 2
        assert "in use" in second.err
        assert sandbox.books()["posts"] == 1
        assert workspace.finish(first).code == 0
        assert sandbox.books()["posts"] == 1
    assert workspace.sound() == 1


def test_waiting_for_credits_goes_on_after_a_top_up(workspace: Workspace) -> None:
    workspace.write(prompts=prompts(4), concurrency=4, credits=WRITTEN)
    with Sandbox(credits=2, **FAST) as sandbox:
        run = workspace.start("--wait-for-credits", url=sandbox.url)
        until(lambda: workspace.counts()["succeeded"] == 2)
        sandbox.top_up(10)
        ended = workspace.finish(run)
        books = sandbox.books()
    assert ended.code == 0, ended.err
    assert workspace.sound() == books["posts"] == 4
    assert refused(books) == 0


def test_waiting_for_credits_gives_up_when_its_time_is_over(workspace: Workspace) -> None:
    workspace.write(prompts=prompts(4), concurrency=4, credits=WRITTEN)
    with Sandbox(credits=2, **FAST) as sandbox:
        run = workspace.run("--wait-for-credits=1s", url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.sound() == books["posts"] == 2


@pytest.mark.parametrize("gate", ["header", slow("off")])
def test_the_gate_can_do_without_the_balance_call(workspace: Workspace, gate: str) -> None:
    """The way out where the balance call says that nothing is left, wrongly."""
    workspace.write(prompts=prompts(20), concurrency=4, credits={**WRITTEN, "gate": gate})
    with Sandbox(credits=12.5, **FAST) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert workspace.sound() == 13
    assert refused(books) <= (1 if gate == "header" else 4)
    workspace.agrees_with(books)


@pytest.mark.parametrize("word", ["406-param", slow("406")])
def test_a_refused_parameter_fails_its_task_alone_and_missing_credits_stop_the_run(
    workspace: Workspace, word: str
) -> None:
    tasks = [*prompts(4), {"id": "odd", "prompt": f"odd [[fail {word}]]"}, *prompts(12)[4:]]
    workspace.write(prompts=tasks, concurrency=1, credits=WRITTEN)
    with Sandbox(**FAST) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert refused(books) == 1
    if word == "406":
        assert run.code == 3, run.err
        assert workspace.counts() == {"succeeded": 4}
        assert "odd" not in workspace.last()
    else:
        assert run.code == 1, run.err
        assert workspace.counts() == {"succeeded": 12, "failed": 1}
        assert (workspace.last()["odd"]["cost"], workspace.last()["odd"]["http_status"]) == (0, 406)
    assert workspace.sound()
    workspace.agrees_with(books)


def test_what_is_in_flight_when_credits_run_out_is_finished_and_saved(workspace: Workspace) -> None:
    slow = [{"id": f"s{n}", "prompt": f"slow {n} [[latency 1.5]]"} for n in range(3)]
    refusal = {"id": "refused", "prompt": "refused [[fail 406]]"}
    workspace.write(prompts=[*slow, refusal, *prompts(10)], concurrency=4, credits=WRITTEN)
    with Sandbox(**FAST) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert books["posts"] == 4
    assert workspace.sound() == 3
    assert set(workspace.last()) == {"s0", "s1", "s2"}
    workspace.agrees_with(books)


def test_cheaper_tasks_go_on_behind_one_that_is_too_expensive(workspace: Workspace) -> None:
    ratios = ["1:1", "16:9", "16:9", "1:1", "1:1"]
    tasks = [
        {"id": f"t{n}", "prompt": f"scene {n}", "params": {"aspect_ratio": ratio}}
        for n, ratio in enumerate(ratios)
    ]
    workspace.write(prompts=tasks, concurrency=1)
    api = {"price_of": "aspect_ratio=16:9:5", "cost_header": True}
    with Sandbox(credits=8, **FAST, **api) as sandbox:
        run = workspace.run(url=sandbox.url, within=30)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert set(workspace.last()) == {"t0", "t1", "t3", "t4"}
    assert refused(books) == 0
    workspace.agrees_with(books)


@pytest.mark.parametrize("word", ["500", "429", "503"])
def test_a_passing_failure_does_not_cost_the_most_important_clip_the_last_credit(
    workspace: Workspace, word: str
) -> None:
    hero = {"id": "hero", "prompt": f"hero [[fail {word} x2]]", "priority": 10}
    workspace.write(
        prompts=[*prompts(4), hero], concurrency=2, credits=WRITTEN, retry={"wait": 0.3}
    )
    with Sandbox(credits=2 * PRICE, retry_after=1, **FAST) as sandbox:
        run = workspace.run(url=sandbox.url)
        books = sandbox.books()
    assert run.code == 3, run.err
    assert set(workspace.last()) == {"hero", "t00"}
    assert workspace.sound() == 2
    assert refused(books) == 0
    workspace.agrees_with(books)


def test_another_job_on_the_same_account_costs_one_refusal_at_most(workspace: Workspace) -> None:
    workspace.write(prompts=prompts(30), concurrency=4, credits=WRITTEN)
    with Sandbox(credits=20, **STEADY) as sandbox:
        run = workspace.start(url=sandbox.url)
        until(lambda: workspace.counts()["succeeded"] >= 4)
        sandbox.top_up(-6)  # spent by the other one
        ended = workspace.finish(run)
        books = sandbox.books()
    assert ended.code == 3, ended.err
    assert refused(books) <= 1
    assert workspace.sound() == (20 - 6) / PRICE // 1
    assert all(Decimal(record["cost"]) == PRICE for record in workspace.records())
    workspace.agrees_with(books)


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_renders_exactly_the_rest(workspace: Workspace) -> None:
    workspace.write(prompts=prompts(20), concurrency=4, credits=WRITTEN)
    with Sandbox(clips="tiny", latency=0.2) as sandbox:
        run = workspace.start(url=sandbox.url)
        until(lambda: workspace.counts()["succeeded"] >= 4)
        run.send_signal(signal.SIGINT)
        assert workspace.finish(run).code == 130
        workspace.agrees_with(sandbox.books())
        assert workspace.sound() == sandbox.books()["posts"]
        assert workspace.run(url=sandbox.url).code == 0
        books = sandbox.books()
    assert workspace.sound() == books["posts"] == 20
    workspace.agrees_with(books)
