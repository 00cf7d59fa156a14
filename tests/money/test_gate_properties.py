"""What the gate promises, over all orders of events that hypothesis can think of."""

import os
from dataclasses import replace
from decimal import Decimal
from itertools import cycle

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.gate_world import Header, Setting, World
from support.ledger_in_memory import MemoryLedger

from pipeline.models import CreditPolicy, Gate
from pipeline.money.gate import CreditGate, Verdict

PRICE = Decimal("0.95")
SEARCH = settings(
    max_examples=int(os.environ.get("GATE_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

tapes = st.binary(max_size=300)
money = st.decimals(0, 30, places=2, allow_nan=False)
prices = st.sampled_from([Decimal("0.01"), Decimal("0.30"), PRICE, Decimal("1.20"), Decimal(4)])
concurrencies = st.integers(1, 50)
headers = st.sampled_from(Header)
troubles = st.lists(
    st.sampled_from(["", "", "500", "lost", "lost paid", "withdrawn"]), max_size=12
).map(tuple)


# The first request is in doubt and was charged: the balance shows it over the second.
A_DOUBT_IN_THE_FALL = Setting(
    balance=Decimal("3.25"), prices={"a": Decimal("0.30")}, tasks=("a",) * 5,
    written=Decimal("0.30"), concurrency=1, at_accept=True, reserve=Decimal(5),
    top_ups=(Decimal("3.25"),), troubles=("lost", "", "lost"),
)  # fmt: skip


def same_price(**more: st.SearchStrategy) -> st.SearchStrategy[Setting]:
    """Build worlds where each task costs the same, and the job file says so."""
    fields = {
        "balance": money,
        "concurrency": concurrencies,
        "header": headers,
        "at_accept": st.booleans(),
        "x_cost": st.booleans(),
        "call": st.booleans(),
        "troubles": troubles,
        **more,
    }
    tasks = st.integers(1, 60)
    return st.builds(
        lambda count, price, **rest: Setting(
            prices={"a": price}, tasks=("a",) * count, written=price, **rest
        ),
        tasks,
        prices,
        **fields,
    )


classes = st.dictionaries(st.sampled_from("abcd"), prices, min_size=2, max_size=4)


@st.composite
def several_prices(draw: st.DrawFn, **more: st.SearchStrategy) -> Setting:
    """Draw a world where the parameters set the price."""
    setting = draw(same_price(**{"troubles": st.just(()), **more}))
    by_class = draw(classes)
    tasks = draw(st.lists(st.sampled_from(sorted(by_class)), min_size=1, max_size=40))
    return replace(
        setting, prices=by_class, tasks=tuple(tasks), written=None,
        published=draw(st.sampled_from([None, PRICE])),
    )  # fmt: skip


def play(setting: Setting, tape: bytes) -> World:
    return World(setting, cycle(tape or b"\0")).run()


def possible(setting: Setting) -> int:
    """How many tasks the balance covers."""
    spendable = max(setting.balance - setting.reserve, Decimal(0))
    return min(len(setting.tasks), int(spendable / setting.prices["a"]))


@SEARCH
@given(same_price(call=st.just(True)), tapes)
def test_no_request_is_refused_while_nobody_else_spends_and_the_balance_can_be_asked(
    setting: Setting, tape: bytes
) -> None:
    assert play(setting, tape).refusals == 0


@SEARCH
@given(same_price(call=st.just(True), top_ups=st.lists(money, max_size=2).map(tuple)), tapes)
def test_a_top_up_that_looks_like_a_lower_price_costs_one_refusal_at_most(
    setting: Setting, tape: bytes
) -> None:
    assert play(setting, tape).refusals <= 1


@SEARCH
@given(
    same_price(
        call=st.just(False),
        header=st.sampled_from([Header.EXACT, Header.LAG]),
        top_ups=st.lists(money, max_size=2).map(tuple),
    ),
    tapes,
)
def test_one_request_at_most_is_refused_where_only_headers_report(
    setting: Setting, tape: bytes
) -> None:
    assert play(setting, tape).refusals <= 1


# A reading, then a charge whose answer reports nothing: the reading is out of date.
SILENT_CHARGE = Setting(
    balance=Decimal("0.60"),
    prices={"a": Decimal("0.30")},
    tasks=("a",) * 3,
    written=Decimal("0.30"),
    concurrency=1,
    header=Header.SOMETIMES,
    call=False,
    troubles=("500",),
)
# A top-up while a lone request is on its way looks like a lower price.
CHEAP_BY_TOP_UP = Setting(
    balance=Decimal("1.63"),
    prices={"a": Decimal(4)},
    tasks=("a", "a"),
    written=Decimal(4),
    concurrency=1,
    header=Header.NONE,
    top_ups=(Decimal("2.37"), Decimal(2)),
)


@example(SILENT_CHARGE, b"")
@example(CHEAP_BY_TOP_UP, b"\x00\x01")
@SEARCH
@given(
    same_price(
        top_ups=st.lists(money, max_size=2).map(tuple),
        spends=st.lists(money, max_size=3).map(tuple),
        reserve=st.sampled_from([Decimal(0), Decimal(5), Decimal("0.01")]),
    ),
    tapes,
)
def test_nothing_goes_out_that_anything_received_shows_to_be_unaffordable(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    for bound, price in world.beliefs:
        assert bound - setting.reserve >= price


@SEARCH
@given(
    same_price(
        call=st.just(True),
        top_ups=st.lists(money, max_size=2).map(tuple),
        spends=st.lists(money, max_size=3).map(tuple),
        reserve=st.sampled_from([Decimal(0), Decimal(5)]),
    ),
    tapes,
)
@example(A_DOUBT_IN_THE_FALL, b"\x01")
def test_nothing_affordable_is_left_when_the_gate_closes_by_the_balance_call(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    if world.stopped and not world.refusals:
        assert world.reported_bound() - setting.reserve < setting.prices["a"]
    elif not world.refusals:
        assert not world.left


@SEARCH
@given(
    same_price(call=st.just(False), header=st.sampled_from([Header.EXACT, Header.LAG])),
    tapes,
)
def test_without_the_balance_call_too_all_that_is_affordable_is_rendered(
    setting: Setting, tape: bytes
) -> None:
    setting = replace(setting, troubles=())
    world = play(setting, tape)
    assert len(world.rendered) == possible(setting)


@SEARCH
@given(
    same_price(
        budget=st.one_of(st.none(), money),
        reserve=st.sampled_from([Decimal(0), Decimal("0.01"), Decimal(5)]),
        top_ups=st.lists(money, max_size=2).map(tuple),
        gate=st.sampled_from([Gate.AUTO, Gate.HEADER, Gate.OFF]),
    ),
    tapes,
)
def test_budget_holds_to_the_cent(setting: Setting, tape: bytes) -> None:
    world = play(setting, tape)
    gate = world.gate
    if setting.budget is not None:
        assert world.paid <= gate.spent + gate.at_risk <= setting.budget
        if world.stopped and not world.refusals and gate.remaining is None:
            assert setting.budget - gate.spent - gate.at_risk < setting.prices["a"]
    assert gate.reserved == 0
    assert gate.in_flight == 0


@SEARCH
@given(
    same_price(
        call=st.just(True),
        reserve=st.sampled_from([Decimal("0.01"), Decimal("4.99"), Decimal(5)]),
    ),
    tapes,
)
def test_reserve_holds_to_the_cent(setting: Setting, tape: bytes) -> None:
    world = play(setting, tape)
    if setting.balance >= setting.reserve:
        assert world.balance >= setting.reserve
    else:
        assert world.balance == setting.balance


@SEARCH
@given(
    same_price(
        call=st.just(True),
        header=st.sampled_from([Header.NONE, Header.EXACT, Header.LAG]),
        troubles=st.lists(st.sampled_from(["", "500", "500"]), max_size=20).map(tuple),
        budget=st.one_of(st.none(), money),
    ),
    tapes,
)
def test_the_most_important_are_rendered_whatever_fails_in_passing(
    setting: Setting, tape: bytes
) -> None:
    """The price of a retry is retained: no less important task takes the last credit."""
    world = play(setting, tape)
    assert sorted(world.rendered) == list(range(len(world.rendered)))


@SEARCH
@given(
    several_prices(
        troubles=st.lists(st.sampled_from(["", "500", "500", "lost"]), max_size=20).map(tuple),
        spends=st.lists(money, max_size=3).map(tuple),
        top_ups=st.lists(money, max_size=2).map(tuple),
        budget=st.one_of(st.none(), money),
    ),
    tapes,
)
def test_what_is_retained_for_retries_never_hangs_a_run(setting: Setting, tape: bytes) -> None:
    world = play(setting, tape)
    assert not world.flying
    assert not world.later
    assert world.stopped or not (world.left or world.aside)
    assert world.gate.reserved == 0


reported_costs = st.lists(
    st.none()
    | st.decimals(0, 100, places=4, allow_nan=False)
    | st.sampled_from([Decimal(0), Decimal("0.0095"), PRICE, Decimal(9) * 10**11]),
    min_size=1,
    max_size=6,
).map(tuple)


@SEARCH
@given(same_price(lies=reported_costs, budget=money), tapes)
def test_a_budget_holds_in_what_was_taken_whatever_answers_say_of_their_cost(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    assert setting.budget is not None
    assert world.paid <= setting.budget
    assert world.gate.reserved == 0


@SEARCH
@given(same_price(), tapes)
def test_what_was_spent_is_what_was_charged(setting: Setting, tape: bytes) -> None:
    setting = replace(setting, troubles=())
    world = play(setting, tape)
    assert world.gate.spent == world.gate.spent_here == world.paid


@SEARCH
@given(same_price(), tapes)
def test_no_more_than_the_bound_is_ever_in_flight_and_nothing_hangs(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    assert world.peak <= setting.concurrency
    assert not world.flying
    assert world.stopped or not world.left


def unwritten(**more: st.SearchStrategy) -> st.SearchStrategy[Setting]:
    """Build worlds where each task costs the same, and nobody has said how much."""
    published = st.sampled_from([None, PRICE, Decimal("0.10"), Decimal(3)])
    return st.builds(
        lambda setting, published: replace(setting, written=None, published=published),
        same_price(troubles=st.just(()), **more),
        published,
    )


@SEARCH
@given(unwritten(call=st.just(True)), tapes)
def test_a_price_that_nobody_wrote_leaves_nothing_affordable_where_the_balance_can_be_asked(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    assert len(world.rendered) == possible(setting)
    assert world.refusals <= 1


@SEARCH
@given(
    unwritten(call=st.just(False), header=st.sampled_from([Header.EXACT, Header.LAG])),
    tapes,
)
def test_a_price_that_nobody_wrote_leaves_nothing_affordable_where_only_headers_report(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    assert len(world.rendered) == possible(setting)
    assert world.refusals <= 1


@SEARCH
@given(
    same_price(
        call=st.just(False),
        header=st.just(Header.NONE),
        gate=st.sampled_from(Gate),
        troubles=st.just(()),
    ),
    tapes,
    st.booleans(),
)
def test_where_nothing_reports_the_balance_the_full_bound_is_used_until_a_refusal(
    setting: Setting, tape: bytes, written: bool
) -> None:
    world = play(replace(setting, written=setting.written if written else None), tape)
    assert len(world.rendered) == possible(setting)
    assert world.refusals <= setting.concurrency


@SEARCH
@given(
    unwritten(
        call=st.just(True),
        top_ups=st.lists(money, max_size=1).map(tuple),
        spends=st.lists(money, max_size=3).map(tuple),
    ),
    tapes,
)
def test_a_price_learned_while_another_job_spends_leaves_nothing_affordable(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    if world.stopped and not world.refusals:
        assert world.reported_bound() < setting.prices["a"]
    elif not world.refusals:
        assert not world.left


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("header", [Header.NONE, Header.CONSTANT, Header.SOMETIMES, Header.LATE])
@pytest.mark.parametrize("published", [None, PRICE])
@pytest.mark.parametrize("written", [None, PRICE])
def test_figures_that_teach_nothing_do_not_serialise_the_run(
    header: Header, published: Decimal | None, written: Decimal | None, call: bool
) -> None:
    setting = Setting(
        balance=Decimal(1000), prices={"a": PRICE}, tasks=("a",) * 60, concurrency=20,
        header=header, call=call, published=published, written=written,
    )  # fmt: skip
    world = play(setting, b"")
    assert world.peak == 20
    assert world.lonely <= 4
    assert len(world.rendered) == 60


@SEARCH
@given(several_prices(call=st.just(True), x_cost=st.just(True)), tapes)
def test_of_tasks_whose_prices_differ_none_is_left_whose_price_was_reported_and_affordable(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    if world.stopped and not world.refusals:
        left = {task.name for task in (*world.left, *world.aside)} & world.x_reported
        believed = [name for name in left if world.gate.prices.known(name) is not None]
        assert all(world.reported_bound() < setting.prices[name] for name in believed)
    # What is ten times off the published price is not believed, and booked as the others are.
    known = setting.published
    if known is None or all(known / 10 < price < known * 10 for price in setting.prices.values()):
        assert world.gate.spent == world.paid


@SEARCH
@given(several_prices(), tapes)
def test_differing_prices_never_hang_a_run(setting: Setting, tape: bytes) -> None:
    world = play(setting, tape)
    assert not world.flying
    assert world.stopped or not (world.left or world.aside)
    assert world.gate.reserved == 0


# Each header shows the charge before its own: the fall over a cheap request is a dear one's price.
FALLS_OF_THE_ONE_BEFORE = Setting(
    balance=Decimal("8.03"),
    prices={"a": Decimal(4), "b": Decimal("0.01")},
    tasks=("a", "b", "a", "a", "a"),
    concurrency=2,
    header=Header.LAG,
    call=False,
    x_cost=True,
)


@example(FALLS_OF_THE_ONE_BEFORE, b"")
@SEARCH
@given(several_prices(x_cost=st.just(True)), tapes)
def test_of_tasks_whose_prices_differ_none_goes_out_that_is_reported_to_be_unaffordable(
    setting: Setting, tape: bytes
) -> None:
    world = play(setting, tape)
    for bound, price in world.beliefs:
        assert bound >= price


def test_a_balance_that_was_asked_before_other_charges_is_asked_again_at_the_end() -> None:
    gate = CreditGate(CreditPolicy(cost=PRICE), MemoryLedger())
    gate.answer(gate.ask(), Decimal("1.90"))
    late = gate.ask()
    gate.reserve("a").charge(Decimal("0.95"))
    gate.answer(late, Decimal("0.95"))
    assert gate.consider("a") is Verdict.ASK
    gate.answer(gate.ask(), Decimal("0.95"))
    assert gate.consider("a") is Verdict.GO
