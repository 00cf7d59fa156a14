"""What differs between two texts is found by words, and shown shortly and inertly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.differing import by_words, excerpts, shortened

LONG = "An old wizard stands in a tower full of books and candles and looks out of the window at "
TEXTS = st.text(st.sampled_from("ab ,\n日\u202e\x1b"), max_size=60)


def shown(old: str, new: str) -> str:
    return "".join(map(str, shortened(by_words(old, new))))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (LONG + "the rain, slowly", LONG + "the snow, slowly",
         "An old wizard … the window at the [rain → snow], slowly"),
        ("a cat at sea", "a very old cat at sea", "a [+ very old] cat at sea"),
        ("a very old cat", "a cat", "a [- very old] cat"),
        ("red fox, blue kite", "green fox, blue boat", "[red → green] fox, blue [kite → boat]"),
        ("old wizard there", "young witch there", "[old wizard → young witch] there"),
        ("", "a cat", "[+ a cat]"),
    ],
)  # fmt: skip
def test_a_difference_is_shown_with_a_few_words_around_it(old: str, new: str, told: str) -> None:
    assert shown(old, new) == told


@given(TEXTS, TEXTS)
def test_the_pieces_are_both_texts_whole(old: str, new: str) -> None:
    pieces = by_words(old, new)
    assert "".join(piece.old for piece in pieces) == old
    assert "".join(piece.new for piece in pieces) == new


@given(TEXTS, TEXTS)
def test_what_is_shown_is_short_and_steers_nothing(old: str, new: str) -> None:
    line = shown(old * 20, new * 20)
    assert line.isprintable()
    assert len(line) < 3_000


def test_long_and_wholly_different_texts_are_compared_in_no_time() -> None:
    old, new = (" ".join(f"{sign}{n}" for n in range(10_000)) for sign in "ab")
    assert shown(old, new).startswith("[a0 a1")
    assert "… and 4 more differences" in shown(
        " ".join(f"w{n} same words here" for n in range(10)),
        " ".join(f"v{n} same words here" for n in range(10)),
    )


def test_excerpts_show_where_two_texts_differ() -> None:
    old, new = excerpts(LONG + "rain" + LONG, LONG + "snow")
    assert "rain" in old
    assert "snow" in new
    assert excerpts("a", "b") == ("a", "b")
    assert excerpts("", "b") == ("", "b")
