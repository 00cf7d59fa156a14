"""Asking the provider's list: for many at once, rarely, and never for long. On virtual time."""

import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import anyio
import pytest
from msgspec.structs import replace
from support import virtual

from pipeline.api.outcome import Page, Progress, Query, RequestState, Row
from pipeline.models import rfc3339
from pipeline.settling.attempts import Doubt, Expected, Known, KnownAttempt
from pipeline.settling.inquiry import ALLOWANCE, Inquiry

DAY = 86400.0
NOTHING = Known()


def doubt(number: int, ago: float = 100.0, model: str = "luma", **more: object) -> Doubt:
    return replace(
        Doubt(
            task=f"task {number}",
            started_at=rfc3339(virtual.NOON - ago),
            model=model,
            params={"prompt": f"prompt {number}"},
        ),
        **more,
    )


def row(
    number: int,
    ago: float = 99.0,
    state: RequestState = RequestState.DONE,
    name: str = "",
    model: str = "luma",
) -> Row:
    return Row(
        id=name or f"id-{number}",
        model=model,
        sent={"prompt": f"prompt {number}"},
        created=virtual.NOON - ago,
        progress=Progress(state=state, media="https://media.test/x.mp4"),
    )


@dataclass
class Provider:
    """Lists rows, a hundred a page, the newest first; or does what a test orders."""

    rows: list[Row] = field(default_factory=list)
    asked: list[tuple[Query, int, float]] = field(default_factory=list)
    takes: float = 0.1
    instead: Callable[[Query, int], Page | None] = lambda query, page: None

    async def list_requests(self, query: Query, page: int) -> Page:
        self.asked.append((query, page, anyio.current_time()))
        await anyio.sleep(self.takes)
        if (other := self.instead(query, page)) is not None:
            return other
        there = sorted(
            (r for r in self.rows if r.created and query.since <= r.created <= query.until),
            key=lambda r: -(r.created or 0),
        )
        there = [row for row in there if row.model == query.model]
        end = page * 100
        return Page(rows=tuple(there[end - 100 : end]), more=end < len(there))


def run(provider: Provider, use: Callable[[Inquiry], Awaitable[None]]) -> Inquiry:
    async def main() -> Inquiry:
        inquiry = Inquiry(provider)
        await use(inquiry)
        return inquiry

    return virtual.run(main())


def explained(provider: Provider, doubts: Iterable[Doubt], known: Known = NOTHING) -> set[str]:
    async def main() -> set[str]:
        found = await Inquiry(provider).explain(doubts, known)
        return {task for task, _ in found}

    return virtual.run(main())


def test_two_hundred_doubts_cost_at_most_ten_requests() -> None:
    provider = Provider([row(n, ago=n * 30) for n in range(1000)])
    doubts = [doubt(n, ago=n * 30 + 1) for n in range(0, 1000, 5)]
    assert len(explained(provider, doubts)) == 200
    assert len(provider.asked) <= 10


def test_each_model_has_a_list_of_its_own() -> None:
    provider = Provider([row(1), row(2, model="kling")])
    assert explained(provider, [doubt(1), doubt(2, model="kling")]) == {"task 1", "task 2"}
    assert {query.model for query, _, _ in provider.asked} == {"luma", "kling"}


def test_no_window_is_longer_than_the_vendor_allows() -> None:
    provider = Provider([row(1, ago=99 * DAY), row(2, ago=60 * DAY), row(3)])
    doubts = [doubt(1, ago=99 * DAY + 5), doubt(2, ago=60 * DAY + 5), doubt(3)]
    assert len(explained(provider, doubts)) == 3
    for query, _, _ in provider.asked:
        assert 0 < query.until - query.since <= 30 * DAY
        assert query.until <= virtual.NOON + 200


def test_doubts_of_many_days_are_one_window() -> None:
    provider = Provider()
    explained(provider, [doubt(n, ago=n * DAY) for n in range(25)])
    assert len(provider.asked) == 1


def test_it_stops_once_every_doubt_has_a_completed_row_of_its_own() -> None:
    provider = Provider([row(n, ago=50 + n) for n in range(500)])
    assert explained(provider, [doubt(5, ago=400)]) == {"task 5"}
    assert len(provider.asked) == 1


def test_it_reads_on_where_another_attempt_has_the_same_parameters() -> None:
    provider = Provider([row(5, ago=1.0, name="mine"), *(row(n, ago=50 + n) for n in range(500))])
    twin = KnownAttempt(
        task="twin",
        started_at=rfc3339(virtual.NOON - 395),
        model="luma",
        params={"prompt": "prompt 5"},
    )
    explained(provider, [doubt(5, ago=400)], Known(attempts=(twin,)))
    assert len(provider.asked) > 1


def test_a_server_that_ignores_the_page_is_asked_twice() -> None:
    page = Page(rows=tuple(row(n) for n in range(1000, 1100)), more=True)
    provider = Provider(instead=lambda query, number: page)
    assert explained(provider, [doubt(1)]) == set()
    assert len(provider.asked) == 2


def test_an_endless_list_ends_after_fifty_pages() -> None:
    def endless(query: Query, number: int) -> Page:
        rows = tuple(row(n, ago=5.0) for n in range(number * 100 + 1000, number * 100 + 1100))
        return Page(rows=rows, more=True)

    provider = Provider(instead=endless)
    assert explained(provider, [doubt(1)]) == set()
    assert len(provider.asked) == 50


@pytest.mark.variant
def test_a_server_that_ignores_the_dates_is_read_until_rows_are_too_old() -> None:
    rows = [row(n + 10, ago=n * 10.0) for n in range(100_000)]

    def undated(query: Query, number: int) -> Page:
        return Page(rows=tuple(rows[number * 100 - 100 : number * 100]), more=True)

    provider = Provider(instead=undated)
    assert explained(provider, [doubt(1, ago=3000.0)]) == set()
    assert len(provider.asked) == 4


def test_rows_that_are_not_sorted_do_not_end_the_reading() -> None:
    def shuffled(query: Query, number: int) -> Page:
        pages = [[row(11, 5e5), row(12)], [row(13, 6e5)], [row(1)]]
        return Page(rows=tuple(pages[number - 1]), more=number < len(pages))

    assert explained(Provider(instead=shuffled), [doubt(1)]) == {"task 1"}


def test_concurrent_callers_share_a_listing() -> None:
    provider = Provider([row(n) for n in range(20)])

    async def use(inquiry: Inquiry) -> None:
        async def one(number: int) -> None:
            assert await inquiry.explain([doubt(number)])

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(one, number)

    run(provider, use)
    assert len(provider.asked) <= 2


def test_two_listings_of_a_model_are_half_a_second_apart() -> None:
    provider = Provider()

    async def use(inquiry: Inquiry) -> None:
        for number in range(5):
            await inquiry.explain([doubt(number)])

    run(provider, use)
    times = [at for _, _, at in provider.asked]
    assert len(times) == 5
    assert all(b - a >= 0.5 for a, b in itertools.pairwise(times))


def test_a_row_is_given_to_one_doubt_in_the_life_of_an_inquiry() -> None:
    provider = Provider([row(1)])

    async def use(inquiry: Inquiry) -> None:
        first, twin = doubt(1), doubt(1, task="twin")
        assert await inquiry.explain([first])
        assert not await inquiry.explain([twin])
        assert await inquiry.explain([first])  # the same answer again

    run(provider, use)


def test_concurrent_doubts_with_equal_parameters_get_a_row_each() -> None:
    provider = Provider([row(1, name="x"), row(1, name="y")])
    got: list[str] = []

    async def use(inquiry: Inquiry) -> None:
        async def one(task: str) -> None:
            found = await inquiry.explain([doubt(1, task=task)])
            got.extend(row.id for row in found.values())

        async with anyio.create_task_group() as group:
            for task in "abc":
                group.start_soon(one, task)

    run(provider, use)
    assert sorted(got) == ["x", "y"]


def test_a_caller_who_is_cancelled_leaves_the_others_their_answer() -> None:
    provider = Provider([row(n) for n in range(3)], takes=0.9)
    got: list[object] = []

    async def use(inquiry: Inquiry) -> None:
        async def impatient() -> None:
            with anyio.move_on_after(0.3):
                await inquiry.explain([doubt(0)])

        async def patient(number: int) -> None:
            got.append(await inquiry.explain([doubt(number)]))

        async with anyio.create_task_group() as group:
            group.start_soon(impatient)
            group.start_soon(patient, 1)
            group.start_soon(patient, 2)

    run(provider, use)
    assert len(got) == 2
    assert all(got)


def test_an_earlier_attempt_that_was_found_failed_is_not_counted_again() -> None:
    provider = Provider([row(1, 95.0, RequestState.FAILED, name="first")])

    async def use(inquiry: Inquiry) -> None:
        assert await inquiry.explain([doubt(1, ago=100.0)])
        second = doubt(1, ago=50.0, attempt=2)
        assert not await inquiry.explain([second])
        provider.rows.append(row(1, 45.0, RequestState.FAILED, name="second"))
        found = await inquiry.explain([second])
        assert [each.id for each in found.values()] == ["second"]

    run(provider, use)


UNREADABLE = Page(readable=False, detail="HTTP 500")


def test_a_failure_is_said_and_not_asked_again_at_once() -> None:
    provider = Provider(instead=lambda query, page: UNREADABLE)

    async def use(inquiry: Inquiry) -> None:
        for _ in range(100):
            assert await inquiry.explain([doubt(1)]) == {}
        assert len(provider.asked) == 1
        assert "HTTP 500" in (inquiry.said or "")
        assert not inquiry.is_open

    run(provider, use)


def test_failures_are_asked_again_ever_more_rarely() -> None:
    provider = Provider(instead=lambda query, page: UNREADABLE)

    async def use(inquiry: Inquiry) -> None:
        for _ in range(3600):
            await inquiry.explain([doubt(1)])
            await anyio.sleep(1.0)

    run(provider, use)
    times = [at for _, _, at in provider.asked]
    waits = [b - a for a, b in itertools.pairwise(times)]
    assert all(later > sooner - 0.01 for sooner, later in itertools.pairwise(waits))
    assert 5 <= waits[0] < 8
    assert max(waits) < 305
    assert len(times) < 20


def test_a_list_that_answers_again_is_believed_again() -> None:
    provider = Provider([row(1)], instead=lambda query, page: UNREADABLE)

    async def use(inquiry: Inquiry) -> None:
        assert await inquiry.explain([doubt(1)]) == {}
        await anyio.sleep(6.0)
        provider.instead = lambda query, page: None
        assert await inquiry.explain([doubt(1)])
        assert inquiry.said is None

    run(provider, use)


@pytest.mark.parametrize("takes", [1e9, 20.0, 10.0, 3.0, 1.5])
def test_a_slow_list_costs_a_run_fifteen_seconds_at_most(takes: float) -> None:
    provider = Provider([row(1)], takes=takes)

    async def use(inquiry: Inquiry) -> None:
        lost = 0.0
        for number in range(200):
            began = anyio.current_time()
            await inquiry.explain([doubt(number)])
            lost += anyio.current_time() - began
            await anyio.sleep(400.0)
        slow = len(provider.asked)
        assert lost - slow <= ALLOWANCE + 0.01
        assert "15 s" in (inquiry.said or "")
        assert not inquiry.is_open

    run(provider, use)


@pytest.mark.parametrize("takes", [0.9, 0.3])
def test_a_list_of_many_slow_pages_costs_a_run_no_more(takes: float) -> None:
    def endless(query: Query, number: int) -> Page:
        return Page(rows=(row(0, name=f"{anyio.current_time()}"),), more=True)

    provider = Provider(takes=takes, instead=endless)

    async def use(inquiry: Inquiry) -> None:
        lost = 0.0
        for _ in range(4):
            began = anyio.current_time()
            await inquiry.explain([doubt(1)])
            lost += anyio.current_time() - began
            await anyio.sleep(400.0)
        assert lost <= ALLOWANCE + 4.0
        assert not inquiry.is_open

    run(provider, use)


def test_what_a_page_has_shown_counts_although_the_next_one_fails() -> None:
    rows = tuple(row(n) for n in range(100))

    def half(query: Query, number: int) -> Page:
        return Page(rows=rows, more=True) if number == 1 else UNREADABLE

    provider = Provider(instead=half)
    assert explained(provider, [doubt(1), doubt(500)]) == {"task 1"}


def test_a_doubt_after_many_equal_takes_is_explained_by_the_row_that_is_left() -> None:
    """What was sent long before, and is not in what was read, takes no row of it."""
    rows = [row(1, ago=100 + n * 62.0, name=f"take {n}") for n in range(200)]
    takes = tuple(
        KnownAttempt(
            task=f"take {n}",
            started_at=rfc3339(virtual.NOON - 101 - n * 62.0),
            model="luma",
            params={"prompt": "prompt 1"},
            ended=virtual.NOON - 40 - n * 62.0,
            expected=Expected.DONE,
        )
        for n in range(1, 200)
    )
    provider = Provider(rows)
    assert explained(provider, [doubt(1, ago=101.0)], Known(attempts=takes)) == {"task 1"}
    assert len(provider.asked) == 1
    assert explained(Provider(rows[1:]), [doubt(1, ago=101.0)], Known(attempts=takes)) == set()


def test_an_answer_is_the_same_when_it_is_asked_for_again() -> None:
    provider = Provider([row(1, state=RequestState.WAITING, name="first")])

    async def use(inquiry: Inquiry) -> None:
        await inquiry.explain([doubt(1)])
        provider.rows.append(row(1, name="better"))
        found = await inquiry.explain([doubt(1)])
        assert [each.id for each in found.values()] == ["first"]

    run(provider, use)


def test_what_was_explained_before_keeps_its_row_while_it_is_in_flight() -> None:
    provider = Provider([row(1, name="x")])

    async def use(inquiry: Inquiry) -> None:
        first = doubt(1)
        await inquiry.explain([first])
        provider.rows.append(row(1, name="y"))
        flying = KnownAttempt(
            task=first.task,
            started_at=first.started_at,
            model=first.model,
            params=first.params,
            expected=Expected.IN_FLIGHT,
        )
        found = await inquiry.explain([doubt(1, task="twin")], Known(attempts=(flying,)))
        assert [each.id for each in found.values()] == ["y"]

    run(provider, use)


def test_a_caller_who_is_cancelled_takes_no_row() -> None:
    provider = Provider([row(1)], takes=0.9)

    async def use(inquiry: Inquiry) -> None:
        async def impatient() -> None:
            with anyio.move_on_after(0.3):
                await inquiry.explain([doubt(1, task="gone")])

        async with anyio.create_task_group() as group:
            group.start_soon(inquiry.explain, [doubt(2)])
            group.start_soon(impatient)
        assert await inquiry.explain([doubt(1)])

    run(provider, use)


@pytest.mark.parametrize(
    "started_at",
    [
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "1970-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2027-01-01T00:00:00Z",
        "",
        "now",
    ],
)
def test_a_doubt_of_no_possible_time_is_asked_about_in_possible_windows(started_at: str) -> None:
    provider = Provider([row(1)])
    explained(provider, [doubt(1, started_at=started_at), doubt(2)])
    for query, _, _ in provider.asked:
        assert -1000 < query.since < query.until <= virtual.NOON + 200
    assert len(provider.asked) <= 2
