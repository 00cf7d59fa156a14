"""Evaluating JMESPath within bounds: an answer may hold anything, and an expression multiply it.

Whatever may grow or take long counts against a budget: steps of the evaluation, elements that are
gone through, letters that are made. Where that is used up, nothing is found. Pure.
"""

import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath import exceptions, functions, visitor
from jmespath.parser import ParsedResult

# Some 0.15 s: a list of ten thousand requests needs a third of it.
_MOST_STEPS = 100_000
# Letters that an evaluation may make; an answer has at most 8 MB, and none is made of all of it.
_MOST_LETTERS = 4 * 1024**2
# Letters that go through Python one by one count as a step.
_LETTERS_A_STEP = 16
# How deep a value may be put into another.
_DEEPEST = 64


class BudgetError(Exception):
    """An evaluation has taken too long, or made too much."""


class Budget:
    """What is left of an evaluation."""

    def __init__(self) -> None:
        self._steps, self._letters = _MOST_STEPS, _MOST_LETTERS

    def step(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            BudgetError: it is used up.
        """
        self._steps -= steps
        if self._steps < 0:
            raise BudgetError

    def make(self, letters: int) -> None:
        """Count letters before they are made.

        Raises:
            BudgetError: it is used up.
        """
        self._letters -= letters
        if self._letters < 0:
            raise BudgetError

    def weigh(self, value: Any, *, makes: bool = False) -> None:
        """Go through all of a value, each time it is there; `makes` counts its letters too.

        Raises:
            BudgetError: it is used up.
        """
        due = [value]
        while due:
            one = due.pop()
            self.step()
            if isinstance(one, str):
                self.step(len(one) // 1024)
                self.make(2 * len(one) if makes else 0)  # some letters are escaped
            elif isinstance(one, list | dict):
                self.step(len(one))
                due += one if isinstance(one, list) else [*one, *one.values()]


class Functions(functions.Functions):
    """What JMESPath has, within a budget, and what it lacks for the APIs of media."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, parts: list[str]) -> str:
        self._budget.make(sum(map(len, parts)) + len(separator) * len(parts))
        return separator.join(parts)

    @functions.signature({"types": ["object", "null"]}, {"types": ["array"]})
    def _func_omit(self, given: Any, names: Any) -> Any:
        left = {name for name in names if isinstance(name, str)}
        return {key: value for key, value in (given or {}).items() if key not in left}

    @functions.signature({"types": ["string"]}, {"types": ["number"]})
    def _func_segments(self, text: str, most: float) -> str:
        number = min(max(int(most), 0), _DEEPEST)
        return "/".join(text.split("/", number)[:number])

    @functions.signature({"types": ["string", "number", "null"]})
    def _func_quote(self, text: Any) -> str:
        written = "" if text is None else str(text)
        self._budget.step(len(written) // _LETTERS_A_STEP)
        self._budget.make(12 * len(written))  # four bytes, three letters each
        return quote(written, safe="")

    @functions.signature({"types": ["object"]}, {"types": ["string"]}, {"types": []})
    def _func_put(self, tree: Any, way: str, value: Any) -> Any:
        """Copy a tree with one value of it replaced: `put(graph, '6.inputs.text', prompt)`."""
        steps = way.split(".", _DEEPEST)
        self._budget.step(len(tree) + len(steps))
        return self._placed(tree, steps, value)

    @functions.signature({"types": ["object"]}, {"types": ["object", "null"]})
    def _func_put_all(self, tree: Any, values: Any) -> Any:
        """Copy a tree with some values replaced, each by its way: `put_all(graph, inputs)`."""
        for way, value in (values or {}).items():
            tree = self._func_put(tree, way, value)
        return tree

    def _placed(self, tree: Any, steps: list[str], value: Any) -> Any:
        first, *rest = steps
        inner = tree.get(first)
        if rest:
            inner = inner if isinstance(inner, dict) else {}
            self._budget.step(len(inner))
            value = self._placed(inner, rest, value)
        return {**tree, first: value}

    @functions.signature({"types": ["string"]})
    def _func_uuid4(self, text: str) -> str:
        """Write a UUID as one of version 4, for who takes no other: the same one for the same."""
        return str(uuid.UUID(bytes=uuid.UUID(text).bytes, version=4))


FUNCTIONS = tuple(sorted(Functions.FUNCTION_TABLE))
"""The names of the functions that expressions may call."""


# These go through all of what they are given, however deep it lies.
_DEEP = frozenset({"contains", "to_string"})


class _Interpreter(visitor.TreeInterpreter):
    """JMESPath's own, but that each step is counted."""

    def __init__(self, budget: Budget) -> None:
        self._known = Functions(budget)
        super().__init__(jmespath.Options(custom_functions=self._known))
        self._budget = budget

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._budget.step()
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        return self._counted(super().visit_flatten(node, value))

    def visit_slice(self, node: Any, value: Any) -> Any:
        return self._counted(super().visit_slice(node, value))

    def visit_value_projection(self, node: Any, value: Any) -> Any:
        return self._counted(super().visit_value_projection(node, value))

    def visit_comparator(self, node: Any, value: Any) -> Any:
        sides = [self.visit(side, value) for side in node["children"]]
        for found in sides:
            if isinstance(found, list | dict):
                self._budget.weigh(found)
        known: Any = [{"type": "literal", "value": found, "children": []} for found in sides]
        whole: Any = {**node, "children": known}
        return super().visit_comparator(whole, value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        name, arguments = node["value"], [self.visit(child, value) for child in node["children"]]
        for one in arguments:
            if name in _DEEP:
                self._budget.weigh(one, makes=name == "to_string")
            elif isinstance(one, list | dict):
                self._budget.step(len(one))
        return self._known.call_function(name, arguments)

    def _counted(self, found: Any) -> Any:
        self._budget.step(len(found) if isinstance(found, list) else 0)
        return found


def evaluate(compiled: ParsedResult, value: Any) -> Any:
    """Return what an expression finds in a value; None where that is nothing, or too much."""
    try:
        return _Interpreter(Budget()).visit(compiled.parsed, value)
    except (BudgetError, exceptions.JMESPathError, ArithmeticError):
        return None
    except (AttributeError, TypeError, ValueError, RecursionError):  # what is of another kind
        return None


def calls(node: Any) -> Iterable[str]:
    """Yield the functions that an expression calls."""
    level = [node]
    while level:
        one = level.pop()
        if isinstance(one, dict):
            if one.get("type") == "function_expression":
                yield one["value"]
            level += [*one.get("children", ()), one.get("value")]
