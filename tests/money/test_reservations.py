"""What goes before a task, of all the money that is set aside."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.amounts import ZERO
from pipeline.money.reservation import Retained
from pipeline.money.reservations import Ahead, Reservations

CLASSES = ("a", "b", "c")
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("retain"),
            st.sampled_from(CLASSES),
            st.decimals("0", "3", places=3),
            st.integers(0, 9),
        ),
        st.tuples(st.just("forgo"), st.integers(0, 20)),
        st.tuples(st.just("reprice"), st.sampled_from(CLASSES), st.decimals("0", "3", places=3)),
    ),
    max_size=25,
)


def ahead(book: Reservations, one: Retained | None) -> Ahead:
    """Add it up one by one."""
    before = [each.price for each in book.retained if one is None or each.rank < one.rank]
    return Ahead(sum(before, ZERO), len(before))


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_a_task_sees_what_is_retained_for_more_important_ones(steps: list[tuple]) -> None:
    book, made = Reservations(), list[Retained]()
    for kind, *what in steps:
        if kind == "retain":
            made.append(book.retain(*what))
        elif kind == "reprice":
            book.reprice(*what)
        elif made:
            book.forgo(made[what[0] % len(made)])
        book.check()
        for one in (None, *made):
            assert book.ahead_of(one) == ahead(book, one)
            assert book.may_come_free(one) == (ahead(book, one).requests > 0)


def test_thousands_that_are_retained_cost_a_task_no_look_at_each() -> None:
    book, looks = Reservations(), 0

    class Rank(int):
        def __lt__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return int.__lt__(self, other)  # type: ignore[operator]

    made = [book.retain("a", Decimal("0.95"), Rank(number)) for number in range(4000)]
    looks = 0
    assert book.ahead_of(made[2000]) == Ahead(2000 * Decimal("0.95"), 2000)
    assert looks < 50
