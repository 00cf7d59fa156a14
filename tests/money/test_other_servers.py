"""The same promises, kept with servers that are not like our sandbox."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from support.helpers import Workspace
from support.other_api import OtherApi, Reply

pytestmark = pytest.mark.few(0)

PRICE = Decimal("0.95")
WRITTEN = {"cost": 0.95}
HEADER = "x-remaining-credits"
NO_CREDITS = b'{"error": "You have insufficient credits"}'


def sells(
    refusal: bytes = NO_CREDITS,
    header: Callable[[OtherApi, int], str | None] = lambda _api, _number: None,
    kind: str = "application/json",
    seconds: float = 0.05,
) -> Callable[[OtherApi, int], Reply]:
    """Sell clips at accept, while the balance covers them."""

    def generate(api: OtherApi, number: int) -> Reply:
        paid = api.pay(PRICE)
        told = header(api, number)
        headers = {} if told is None else {HEADER: told}
        if paid:
            return Reply(headers=headers, seconds=seconds)
        return Reply(406, refusal, kind, headers, seconds=0.02)

    return generate


def tells(api: OtherApi) -> Reply:
    return says({"credits": float(api.balance), "free-credits": 0})(api)


def says(told: Any) -> Callable[[OtherApi], Reply]:
    """Answer the balance call with this, whatever the balance is."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return lambda _: Reply(200, body, "application/json", seconds=0)


def job(workspace: Workspace, count: int, **keys: Any) -> None:
    prompts = [{"id": f"t{n:02}", "prompt": f"scene {n:02}"} for n in range(count)]
    workspace.write(prompts=prompts, **{"concurrency": 6, "credits": WRITTEN, **keys})


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (b"", ""),
        pytest.param(b"Not Acceptable", "text/plain", marks=pytest.mark.slow),
        pytest.param(b"<html><h1>406</h1></html>", "text/html", marks=pytest.mark.slow),
        pytest.param(b'{"error": {"code": "x"}}', "application/json", marks=pytest.mark.slow),
    ],
)
def test_a_server_that_reports_nothing_is_used_to_the_full_bound_until_it_refuses(
    workspace: Workspace, refusal: bytes, kind: str
) -> None:
    job(workspace, 30, credits={})
    with OtherApi(sells(refusal, kind=kind, seconds=0.3), balance=11) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert workspace.sound() == 11
    assert 1 <= api.statuses.count(406) <= 6
    assert api.peak == 6
    assert workspace.counts() == {"succeeded": 11}


def test_a_header_that_comes_now_and_then_is_believed_and_the_rest_is_reckoned(
    workspace: Workspace,
) -> None:
    job(workspace, 30)
    header = lambda api, number: str(api.balance) if number % 3 == 0 else None  # noqa: E731
    with OtherApi(sells(header=header), balance=12.5) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert workspace.sound() == 13
    assert api.statuses.count(406) <= 1


@pytest.mark.parametrize(
    "garbage",
    [
        "NaN",
        *(pytest.param(g, marks=pytest.mark.slow) for g in ("n/a", "Infinity", "1e999", "0x1")),
    ],
)
def test_a_header_that_is_no_figure_is_no_figure(workspace: Workspace, garbage: str) -> None:
    job(workspace, 8, credits={})
    with OtherApi(sells(header=lambda *_: garbage), balance=100) as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    assert workspace.sound() == len(api.prompts) == 8


@pytest.mark.parametrize("told", ["0.96", pytest.param("999.0", marks=pytest.mark.slow)])
def test_a_constant_header_without_price_and_balance_call_does_not_serialise_the_run(
    workspace: Workspace, told: str
) -> None:
    job(workspace, 24, credits={}, model="nobody-knows-its-price")
    with OtherApi(sells(header=lambda *_: told, seconds=0.2), balance=1000) as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    assert workspace.sound() == len(api.prompts) == 24
    assert api.peak == 6


@pytest.mark.parametrize(
    ("refusal", "rich"),
    [
        (b"", True),
        (b"Not Acceptable", False),
        pytest.param(b"", False, marks=pytest.mark.slow),
        pytest.param(b"Not Acceptable", True, marks=pytest.mark.slow),
        pytest.param(b"<html>406 Not Acceptable</html>", False, marks=pytest.mark.slow),
        pytest.param(b"<html>406 Not Acceptable</html>", True, marks=pytest.mark.slow),
    ],
)
def test_a_406_without_words_is_read_by_the_balance(
    workspace: Workspace, refusal: bytes, rich: bool
) -> None:
    def generate(api: OtherApi, number: int) -> Reply:
        if number == 2:
            api.balance = api.balance if rich else Decimal("0.10")
            return Reply(406, refusal, "text/html")
        return sells()(api, number)

    job(workspace, 6, concurrency=1)
    with OtherApi(generate, tells, balance=100) as api:
        run = workspace.run(url=api.url)
    if rich:
        assert run.code == 1, run.err
        assert workspace.counts() == {"succeeded": 5, "failed": 1}
    else:
        assert run.code == 3, run.err
        assert len(api.prompts) == 3
        assert workspace.counts() == {"succeeded": 2}
    assert workspace.sound()


@pytest.mark.parametrize(
    "refusal",
    [
        b'{"error": "Team spend limit reached"}',
        pytest.param(b'{"detail": "Spending limit exceeded"}', marks=pytest.mark.slow),
        pytest.param(b"Not enough credits", marks=pytest.mark.slow),
        pytest.param(b'{"error":"Insufficient credit balance."}', marks=pytest.mark.slow),
    ],
)
def test_a_406_that_speaks_of_money_stops_the_run_although_the_balance_looks_good(
    workspace: Workspace, refusal: bytes
) -> None:
    def generate(api: OtherApi, number: int) -> Reply:
        return Reply() if number < 3 else Reply(406, refusal, "application/json")

    job(workspace, 12, concurrency=1)
    with OtherApi(generate, tells, balance=100) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert len(api.prompts) == 4
    assert workspace.counts() == {"succeeded": 3}


@pytest.mark.parametrize(
    "refusal",
    [
        b'{"error": "Invalid content type"}',
        pytest.param(b'{"error": "aspect_ratio: value is not supported"}', marks=pytest.mark.slow),
    ],
)
def test_a_406_about_the_request_fails_it_alone_where_nothing_reports_the_balance(
    workspace: Workspace, refusal: bytes
) -> None:
    def generate(api: OtherApi, number: int) -> Reply:
        return Reply(406, refusal, "application/json") if number == 1 else Reply()

    job(workspace, 4, concurrency=2)
    with OtherApi(generate) as api:
        run = workspace.run(url=api.url)
    assert run.code == 1, run.err
    assert len(api.prompts) == 4
    assert workspace.counts() == {"succeeded": 3, "failed": 1}


@pytest.mark.parametrize(
    ("told", "affordable"),
    [
        ({"free-credits": 1.9, "credits": 0.1}, 2),
        pytest.param({"credits": "1.9", "free-credits": "1.0"}, 3, marks=pytest.mark.slow),
        pytest.param({"credits": 2}, 2, marks=pytest.mark.slow),
        pytest.param({"credits": 1.9, "free-credits": 0.0}, 2, marks=pytest.mark.slow),
    ],
)
def test_bought_and_free_credits_can_both_be_spent(
    workspace: Workspace, told: dict[str, Any], affordable: int
) -> None:
    def tell(api: OtherApi) -> Reply:
        # What is spent comes off the first figure, whatever that leaves of it.
        first, *rest = told
        figure = type(told[first])(Decimal(str(told[first])) - len(api.prompts) * PRICE)
        return says({first: figure} | {name: told[name] for name in rest})(api)

    job(workspace, 6)
    with OtherApi(sells(), tell, balance=100) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert len(api.prompts) == workspace.sound() == affordable


@pytest.mark.parametrize(
    "told",
    [
        b"<html>Segmind</html>",
        pytest.param(b"[]", marks=pytest.mark.slow),
        pytest.param(b'{"credits": null}', marks=pytest.mark.slow),
        pytest.param(b'{"credits": "lots"}', marks=pytest.mark.slow),
        pytest.param(b'{"credits": NaN}', marks=pytest.mark.slow),
        pytest.param(b"\xff\xfe", marks=pytest.mark.slow),
        pytest.param(b"", marks=pytest.mark.slow),
        pytest.param(b'{"error": "no"}', marks=pytest.mark.slow),
    ],
)
def test_a_balance_that_cannot_be_read_is_unknown_and_stops_nothing(
    workspace: Workspace, told: bytes
) -> None:
    job(workspace, 12)
    with OtherApi(sells(seconds=0.2), says(told), balance=100) as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    assert workspace.sound() == len(api.prompts) == 12
    assert api.peak == 6


@pytest.mark.parametrize("gate", [pytest.param("header", marks=pytest.mark.slow), "off"])
def test_a_balance_call_that_is_wrong_can_be_left_out(workspace: Workspace, gate: str) -> None:
    job(workspace, 6, credits={**WRITTEN, "gate": gate})
    with OtherApi(sells(header=lambda api, _: str(api.balance)), says({"credits": 0}),
                  balance=100) as api:  # fmt: skip
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    assert workspace.sound() == 6


def test_a_header_that_falls_to_nothing_by_mistake_does_not_end_the_run(
    workspace: Workspace,
) -> None:
    job(workspace, 12)
    header = lambda api, number: "0.0" if number == 4 else str(api.balance)  # noqa: E731
    with OtherApi(sells(header=header), tells, balance=100) as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    assert workspace.sound() == 12


def test_an_answer_of_200_that_is_no_clip_is_at_risk_and_the_budget_counts_it(
    workspace: Workspace,
) -> None:
    def generate(api: OtherApi, number: int) -> Reply:
        if number == 0:
            return Reply(200, b'{"error": "generation failed"}', "application/json")
        return sells()(api, number)

    job(workspace, 6, concurrency=1, credits={**WRITTEN, "budget": 2.85})
    with OtherApi(generate, tells, balance=100) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert len(api.prompts) == 3
    assert (workspace.spent(), workspace.at_risk()) == (2 * PRICE, PRICE)


def test_what_may_have_been_paid_for_is_sent_again_only_on_request(workspace: Workspace) -> None:
    def generate(api: OtherApi, number: int) -> Reply:
        return Reply(504, b"<html>Gateway Time-out</html>", "text/html") if number == 1 else Reply()

    job(workspace, 3, concurrency=1)
    with OtherApi(generate, tells, balance=100) as api:
        assert workspace.run(url=api.url).code == 1
        assert workspace.run(url=api.url).code == 1
        assert len(api.prompts) == 3
        assert workspace.counts() == {"succeeded": 2, "in_doubt": 1}
        assert workspace.at_risk() == PRICE
        assert workspace.run("--retry", "in-doubt", url=api.url).code == 0
    assert api.prompts == ["scene 00", "scene 01", "scene 02", "scene 01"]
    assert workspace.sound() == 3
    assert (workspace.spent(), workspace.at_risk()) == (3 * PRICE, PRICE)


WORDLESS = [
    b"<html><h1>406 Not Acceptable</h1></html>",
    pytest.param(b"", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("refusal", WORDLESS)
@pytest.mark.parametrize("concurrency", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_406_is_read_by_what_the_lagging_header_leaves(
    workspace: Workspace, refusal: bytes, concurrency: int
) -> None:
    """The header shows the balance before its own charge, and the 406 has none."""

    def generate(api: OtherApi, number: int) -> Reply:
        before = str(api.balance)
        return Reply(headers={HEADER: before}) if api.pay(PRICE) else Reply(406, refusal, "")

    job(workspace, 8, concurrency=concurrency)
    with OtherApi(generate, balance=3) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert workspace.counts() == {"succeeded": 3}


@pytest.mark.parametrize("refusal", WORDLESS)
def test_wordless_406s_in_a_row_stop_the_run_although_the_balance_looks_good(
    workspace: Workspace, refusal: bytes
) -> None:
    job(workspace, 20, concurrency=2)
    with OtherApi(lambda _a, _n: Reply(406, refusal, ""), says({"credits": 100})) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert len(api.prompts) <= 4
    assert workspace.counts()["failed"] <= 2


def test_a_refusal_by_moderation_that_was_not_charged_does_not_stop_the_run(
    workspace: Workspace,
) -> None:
    said = b'{"error": "Blocked by content moderation. No credits were charged."}'

    def generate(api: OtherApi, number: int) -> Reply:
        return Reply(406, said, "application/json") if number == 0 else Reply()

    job(workspace, 3, concurrency=1)
    with OtherApi(generate, says({"credits": 100})) as api:
        assert workspace.run(url=api.url).code == 1
    assert workspace.counts() == {"failed": 1, "succeeded": 2}


@pytest.mark.parametrize("runs", [1, 4])
def test_a_budget_holds_although_nobody_wrote_a_price(workspace: Workspace, runs: int) -> None:
    """The first charge is not known; once the price is, it counts."""

    def generate(api: OtherApi, number: int) -> Reply:
        api.pay(1.5)
        return Reply(headers={HEADER: str(api.balance)})

    job(workspace, 8, model="wan-t2v", credits={"budget": 4})
    with OtherApi(generate, balance=100) as api:
        codes = [
            workspace.run(*([] if runs == 1 else ["--limit", "1"]), url=api.url).code
            for _ in range(runs)
        ]
    assert codes[-1] == 3
    assert 100 - api.balance <= 4


def test_a_budget_that_nothing_helps_to_hold_stops_the_run(workspace: Workspace) -> None:
    job(workspace, 8, model="wan-t2v", credits={"budget": 2})
    with OtherApi(lambda _a, _n: Reply()) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3
    assert len(api.prompts) == 2
    assert "credits.cost" in run.err


def test_what_may_have_cost_something_unknown_is_not_recorded_as_nothing(
    workspace: Workspace,
) -> None:
    job(workspace, 1, model="wan-t2v", credits={})
    with OtherApi(lambda _a, _n: Reply(504, b"", "")) as api:
        workspace.run(url=api.url)
    (record,) = workspace.records()
    assert (record["status"], record["cost"], record["at_risk"]) == ("in_doubt", None, None)


def test_a_cost_that_was_reported_as_nothing_is_nothing(workspace: Workspace) -> None:
    job(workspace, 3, concurrency=1, credits={})
    with OtherApi(lambda _a, _n: Reply(headers={"x-cost": "0"}), says({"credits": 10})) as api:
        assert workspace.run(url=api.url).code == 0
    assert workspace.spent() == 0


def test_status_shows_the_balance_as_last_known_whatever_reported_it(workspace: Workspace) -> None:
    job(workspace, 9, concurrency=1)
    with OtherApi(sells(), tells, balance="2.5") as api:
        assert workspace.run(url=api.url).code == 3
    assert workspace.status()["remaining_credits"] == api.balance


def test_an_older_answer_does_not_raise_the_balance_that_status_shows(workspace: Workspace) -> None:
    def generate(api: OtherApi, number: int) -> Reply:
        api.pay(PRICE)
        slow = number == 1
        return Reply(headers={HEADER: str(api.balance)}, seconds=1.0 if slow else 0.1)

    job(workspace, 5, concurrency=2)
    with OtherApi(generate, balance=10) as api:
        assert workspace.run(url=api.url).code == 0
    assert workspace.records()[-1]["remaining_credits"] == api.balance
    (workspace.output / ".state.json").unlink()
    assert workspace.status()["remaining_credits"] == api.balance
