"""Jinja, narrowed to what a prompt needs: expressions, filters, `if`, and short loops.

Jinja's sandbox keeps a template from Python's insides, not from filling the memory or running
for ever (its own documentation says so). Here nothing repeats without a bound: no assignments,
macros, imports or recursion; loops share a budget; what makes texts longer is checked first.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from jinja2 import StrictUndefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from pipeline.job.problems import InvalidError, did_you_mean
from pipeline.job.template.filters import BINARY, FILTERS, as_text, bounded, concat

MOST_STEPS = 10_000
LONGEST_SOURCE = 20_000
DEEPEST_LOOP = 2

_KEPT_FILTERS = ("default", "d", "first", "last", "length", "count", "int", "float", "abs")
_STATEMENTS = (nodes.Template, nodes.Output, nodes.For, nodes.If)
_METHODS = frozenset(
    [
        "lower",
        "upper",
        "title",
        "capitalize",
        "strip",
        "lstrip",
        "rstrip",
        "startswith",
        "endswith",
        "removeprefix",
        "removesuffix",
        "split",
        "count",
        "find",
        "get",
        "items",
        "keys",
        "values",
        "cycle",
    ]
)


class PromptEnvironment(SandboxedEnvironment):
    """The sandbox that templates of job files run in."""

    intercepted_binops: ClassVar[frozenset[str]] = frozenset(BINARY)  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            finalize=as_text,
        )
        kept = {name: self.filters[name] for name in _KEPT_FILTERS}
        self.filters = {**kept, **FILTERS, "_concat": concat, "_bounded": self._bounded}
        self.globals = {"range": self._range}
        self.binop_table.update(BINARY)
        self.steps = 0

    def read(self, source: str) -> nodes.Template:
        """Parse and narrow a template.

        Raises:
            InvalidError: for anything beyond what a prompt needs.
            jinja2.TemplateSyntaxError: for what is no template.
        """
        bounded(len(source), LONGEST_SOURCE)
        tree: nodes.Template = _Narrow(self).visit(self.parse(source))
        tree.set_environment(self)
        return tree

    def is_safe_callable(self, obj: Any) -> bool:
        """Let only ranges and harmless methods be called."""
        return obj == self._range or getattr(obj, "__name__", "") in _METHODS

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Work out an operator that could make something large."""
        del context
        return BINARY[operator](left, right)

    def _range(self, *limits: int) -> range:
        numbers = range(*limits)
        bounded(len(numbers), MOST_STEPS)
        return numbers

    def _bounded(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise InvalidError(f"the loops of a template take more than {MOST_STEPS} steps")
            yield item


class _Narrow(NodeTransformer):
    """Refuses what a prompt does not need, and puts bounds around what repeats."""

    def __init__(self, environment: PromptEnvironment) -> None:
        self._environment = environment
        self._loops = 0

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        """Let expressions and a few statements pass."""
        if isinstance(node, nodes.Stmt | nodes.Template) and not isinstance(node, _STATEMENTS):
            name = type(node).__name__.lower()
            raise InvalidError(
                f"templates have no {name} here", "expressions, filters, if, and for loops"
            )
        return super().generic_visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        """Count the steps of a loop."""
        self._loops += 1
        if node.recursive or self._loops > DEEPEST_LOOP:
            raise InvalidError("loops of a template nest two deep, and do not recurse")
        node.iter = nodes.Filter(node.iter, "_bounded", [], [], None, None, lineno=node.lineno)
        self.generic_visit(node)
        self._loops -= 1
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """Bound what `~` makes."""
        parts = self.generic_visit(nodes.List(node.nodes, lineno=node.lineno))
        return nodes.Filter(parts, "_concat", [], [], None, None, lineno=node.lineno)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        """Refuse methods that are not harmless, by name."""
        called = node.node
        if isinstance(called, nodes.Getattr) and called.attr not in _METHODS:
            near = did_you_mean(called.attr, self._environment.filters)
            raise InvalidError(
                f"templates cannot call .{called.attr}() here", near or "use a filter"
            )
        return self.generic_visit(node)
