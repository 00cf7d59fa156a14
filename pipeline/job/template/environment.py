"""Jinja's sandbox, with bounds on what it makes and how long it runs.

The sandbox keeps a template from Python's insides, not from filling the memory or running for ever
(its own documentation says so). So nothing here repeats without a bound: there are no assignments
and macros, loops share a budget of steps, and only filters and methods are callable whose result
is about as large as what they are given.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from jinja2 import StrictUndefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from pipeline.job.problems import InvalidError, did_you_mean
from pipeline.job.template.filters import (
    FILTERS,
    as_text,
    bounded,
    bounded_operands,
    join,
    printf,
)

MOST_STEPS = 10_000
LONGEST_SOURCE = 20_000

_JINJAS_FILTERS = ("default", "d", "first", "last", "length", "count", "int", "float", "abs")
_STATEMENTS = (nodes.Output, nodes.For, nodes.If)
_METHODS = frozenset(
    {
        *("lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip"),
        *("startswith", "endswith", "removeprefix", "removesuffix", "split", "count", "find"),
        *("get", "items", "keys", "values", "cycle"),
    }
)


class PromptEnvironment(SandboxedEnvironment):
    """The sandbox that templates of job files run in."""

    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"+", "*", "**", "%"})  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            finalize=as_text,
        )
        jinjas = {name: self.filters[name] for name in _JINJAS_FILTERS}
        self.filters = {**jinjas, **FILTERS, "_join": join, "_counted": self._counted}
        self.globals = {"range": self._range}
        self.steps = 0

    def read(self, source: str) -> nodes.Template:
        """Parse a template, and put bounds around what repeats.

        Raises:
            InvalidError: for statements that could repeat without a bound.
            jinja2.TemplateSyntaxError: for a template that is not valid.
        """
        bounded(len(source), LONGEST_SOURCE)
        tree = self.parse(source)
        for node in tree.find_all(nodes.Stmt):
            if not isinstance(node, _STATEMENTS):
                raise InvalidError(
                    f"templates cannot use {type(node).__name__.lower()} here",
                    "use expressions, filters, if and for",
                )
        bound: nodes.Template = _Bounds().visit(tree)
        return bound

    def is_safe_callable(self, obj: Any) -> bool:
        """Let only ranges and harmless methods be called.

        Raises:
            InvalidError: for anything else.
        """
        name = getattr(obj, "__name__", "this")
        if obj != self._range and name not in _METHODS:
            hint = did_you_mean(name, self.filters) or "use a filter"
            raise InvalidError(f"templates cannot call {name}() here", hint)
        return True

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Work out an operator that could make something large."""
        if operator == "%" and isinstance(left, str):
            return printf(left, *(right if isinstance(right, tuple) else (right,)))
        bounded_operands(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def _range(self, *limits: int) -> range:
        numbers = range(*limits)
        bounded(len(numbers), MOST_STEPS)
        return numbers

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise InvalidError(f"the template's loops take more than {MOST_STEPS} steps")
            yield item


class _Bounds(NodeTransformer):
    """Counts the steps of loops, and bounds what `~` makes."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        node.iter = filtered(node.iter, "_counted")
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        return filtered(self.generic_visit(nodes.List(node.nodes, lineno=node.lineno)), "_join")


def filtered(node: nodes.Node, name: str) -> nodes.Filter:
    """Send a node through a filter."""
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
