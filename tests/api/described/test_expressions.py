"""Expressions of a description: what they may make of an answer is bounded."""

import pytest

from pipeline.api.described.expressions import MisplacedError, expression


@pytest.mark.parametrize(
    "text",
    [
        "[@, @]" + " | [@, @]" * 40,
        "map(&[@, @], " * 40 + "@" + ")" * 40,
        "to_string([" * 30 + "@" + "])" * 30,
    ],
)
def test_what_doubles_an_answer_again_and_again_is_refused(text: str) -> None:
    with pytest.raises(MisplacedError, match="far too much"):
        expression(text)
