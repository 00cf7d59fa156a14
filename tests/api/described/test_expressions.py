"""Expressions of a description: what they may make of an answer is bounded."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.api.described import evaluating
from pipeline.api.described.expressions import MisplacedError, body, expression


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


@pytest.mark.parametrize("text", ["a" + "[]" * 400, "!" * 1900 + "a", "[?a" * 300 + "]" * 300])
def test_what_is_too_deep_is_refused(text: str) -> None:
    with pytest.raises(MisplacedError):
        expression(text)


LONG = "x" * 1_000_000
MANY = [str(number) for number in range(150_000)]
DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP, 1]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("join(a, b)", {"a": LONG, "b": MANY}),
        ("c[].join(@.a, @.b)", {"c": [{"a": "x" * 1000, "b": MANY[:1000]}] * 1000}),
        ("to_string([a, a, a, a, a, a, a, a])", {"a": MANY}),
        ("to_string(to_string(a))", {"a": ['"' * 900_000] * 2}),
        ("quote(a)", {"a": "\N{GRINNING FACE}" * 250_000}),
        ("a" + "[]" * 40, {"a": MANY}),
        ("a" + "[::1]" * 90, {"a": MANY}),
        ("a[?@ == `1`] | [?@ == `1`]", {"a": [MANY[:200]] * 5000}),
        (" && ".join(["a != b"] * 90), {"a": {"a": MANY}, "b": {"a": [*MANY, ""]}}),
        ("a[*].contains(@, 'x')", {"a": [MANY[:200]] * 5000}),
        ("omit(a, b)", {"a": dict.fromkeys(MANY, 1), "b": MANY}),
        ("put(a, b, 'c')", {"a": {}, "b": "a." * 500_000}),
        ("put_all(a, b)", {"a": dict.fromkeys(MANY, 1), "b": dict.fromkeys(MANY, 1)}),
        ("segments(a, `1e9`)", {"a": "/" * 1_000_000}),
        ("segments(a, b)", {"a": "/" * 1_000_000, "b": -1}),
        ("to_number(a)", {"a": "1" * 1_000_000}),
        ("to_number(a)", {"a": "0." + "1" * 1_000_000}),
        ("sort_by(a, &to_string(@))", {"a": MANY}),
        ("uuid4(a)", {"a": LONG}),
        ("a == b", {"a": DEEP, "b": json.loads(json.dumps(DEEP))}),
        ("sum(a)", {"a": [1e308] * 9}),
    ],
)
def test_what_an_answer_makes_of_an_expression_is_bounded(text: str, answer: Any) -> None:
    asked, measured = expression(text), _Steps()
    measured.count(lambda: asked.find(answer))
    assert measured.steps <= 100_001
    tracemalloc.start()
    try:
        asked.find(answer)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32e6


class _Steps:
    """Counts the nodes that are visited, which does not depend on how fast the machine is."""

    def __init__(self) -> None:
        self.steps = 0

    def count(self, what: Callable[[], Any]) -> None:
        visit = evaluating._Interpreter.visit

        def counted(*arguments: Any, **more: Any) -> Any:
            self.steps += 1
            return visit(*arguments, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evaluating._Interpreter, "visit", counted)
            what()


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("join('/', a)", {"a": ["b", "c"]}, "b/c"),
        ("to_string(a)", {"a": {"b": 1}}, '{"b":1}'),
        ("a == b", {"a": {"c": [1]}, "b": {"c": [1]}}, True),
        ("a[?b > `1`].b | [0]", {"a": [{"b": 1}, {"b": 2}]}, 2),
        ("segments(a, `2`)", {"a": "one/two/three"}, "one/two"),
        ("put_all(a, b)", {"a": {"1": {"x": 0}}, "b": {"1.x": 7}}, {"1": {"x": 7}}),
        ("put_all(a, b)", {"a": {"1": 2}}, {"1": 2}),
        ("uuid4(a)", {"a": "5f9b2c57-1d2e-5a77-b9c4-0123456789ab"}, None),
        ("length(a)", {"a": [{"id": str(number)} for number in range(10_000)]}, 10_000),
        ("a[*].id | [9999]", {"a": [{"id": str(number)} for number in range(10_000)]}, "9999"),
    ],
)
def test_what_is_usual_is_found(text: str, value: Any, found: Any) -> None:
    told = expression(text).find(value)
    assert told == found or (text.startswith("uuid4") and told[14] == "4")


def test_a_word_of_a_body_that_is_not_known_is_refused() -> None:
    for wrong in ("$prompt", "$prompt.text", ["$params.a", "$parms.a"]):
        with pytest.raises(MisplacedError, match="is not known here"):
            body(wrong, frozenset({"params", "model"}))
    assert body({"a": "$params.a"}, frozenset({"params"}))({"params": {"a": 1}}) == {"a": 1}
