"""The two languages of a description: JMESPath over answers and bodies, `{name}` in addresses.

Both are compiled when a description is read, so that a mistake has its line and column before
anything is sent. At run time an expression that does not fit an answer finds nothing: an answer may
hold anything. Pure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath import exceptions, functions
from jmespath.parser import ParsedResult

from pipeline.api import values
from pipeline.job.problems import InvalidError, did_you_mean, shown

_LONGEST = 2000
# How often an expression may repeat what it is given: a few letters could double it without end.
_MOST_REPEATED = 64
_NAMES = re.compile(r"\{([^{}]*)\}")
_HEADER = re.compile(r"header:([A-Za-z0-9-]+)")


class _Functions(functions.Functions):
    """What JMESPath lacks for the bodies and addresses of media APIs."""

    @functions.signature({"types": ["object", "null"]}, {"types": ["array"]})
    def _func_omit(self, given: Any, names: Any) -> Any:
        return {key: value for key, value in (given or {}).items() if key not in names}

    @functions.signature({"types": ["string"]}, {"types": ["number"]})
    def _func_segments(self, text: str, most: float) -> str:
        return "/".join(text.split("/")[: int(most)])

    @functions.signature({"types": ["string", "number", "null"]})
    def _func_quote(self, text: Any) -> str:
        return "" if text is None else quote(str(text), safe="")

    @functions.signature({"types": ["object"]}, {"types": ["string"]}, {"types": []})
    def _func_put(self, tree: Any, way: str, value: Any) -> Any:
        """Copy a tree with one value of it replaced: `put(graph, '6.inputs.text', prompt)`."""
        first, _, rest = way.partition(".")
        inner = tree.get(first)
        if rest:
            value = self._func_put(inner if isinstance(inner, dict) else {}, rest, value)
        return {**tree, first: value}


_OPTIONS = jmespath.Options(custom_functions=_Functions())
_KNOWN = tuple(sorted(_Functions.FUNCTION_TABLE))


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression, or the name of a header of the answer."""

    text: str
    compiled: ParsedResult | None
    header: str | None = None

    def find(self, value: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Return what it finds in a value; None where that is nothing, or of another kind."""
        if self.header is not None:
            return (headers or {}).get(self.header)
        assert self.compiled is not None
        try:
            return self.compiled.search(value, options=_OPTIONS)
        except (exceptions.JMESPathError, ArithmeticError, TypeError, ValueError, RecursionError):
            return None


class MisplacedError(InvalidError):
    """What is wrong with a part of a text, `offset` characters from its begin."""

    def __init__(self, message: str, hint: str | None, offset: int) -> None:
        super().__init__(message, hint)
        self.offset = offset


def expression(text: str, *, header: bool = True) -> Expression:
    """Compile an expression.

    Raises:
        MisplacedError: it is none, or calls a function that is not there.
    """
    if (named := _HEADER.fullmatch(text)) and header:
        return Expression(text, None, named[1].lower())
    if len(text) > _LONGEST:
        raise MisplacedError("the expression is too long", f"at most {_LONGEST} letters", 0)
    try:
        compiled = jmespath.compile(text)
    except (exceptions.JMESPathError, RecursionError) as error:
        at = getattr(error, "lex_position", None) or 0
        hint = 'quote it in YAML, and begin a name with a letter: "items[0].url || url"'
        raise MisplacedError(f"{shown(text)} is not a JMESPath expression", hint, at) from None
    for name in _calls(compiled.parsed):
        if name not in _KNOWN:
            at = max(text.find(f"{name}("), 0)
            message = f"JMESPath has no function {shown(name)}"
            raise MisplacedError(message, did_you_mean(name, _KNOWN), at)
    if _repeats(compiled.parsed) > _MOST_REPEATED:
        hint = "it may repeat what it is given 64 times"
        raise MisplacedError("the expression makes far too much of an answer", hint, 0)
    return Expression(text, compiled)


_BESIDE = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})

_WITHIN = frozenset({"map", "to_string"})


def _repeats(node: Any) -> int:
    """Bound how often a result may hold what the expression is given: beside adds, after times."""
    counts = [_repeats(child) for child in node.get("children", ())]
    if node.get("value") == "to_string":  # it escapes what was escaped
        counts.append(2)
    if node.get("type") in _BESIDE and node.get("value") not in _WITHIN:
        return max(sum(counts), 1)
    return min(prod(counts), _MOST_REPEATED + 1)


def _calls(node: Any) -> list[str]:
    """List the functions that an expression calls."""
    found, level = list[str](), [node]
    while level:
        one = level.pop()
        if isinstance(one, dict):
            if one.get("type") == "function_expression":
                found.append(one["value"])
            level += [*one.get("children", ()), one.get("value")]
    return found


# -- bodies ---------------------------------------------------------------------------------------


def body(tree: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Make what fills a body: a leaf that begins with `$` is an expression, and keeps its type.

    Raises:
        MisplacedError: an expression cannot be compiled.
    """
    return _Filled(_compiled(tree))


def _compiled(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(name): _compiled(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_compiled(value) for value in tree]
    if isinstance(tree, str) and tree.startswith("$"):
        try:
            return expression(tree[1:], header=False)
        except MisplacedError as error:
            raise MisplacedError(error.message, error.hint, error.offset + 1) from None
    return str(tree) if isinstance(tree, str) else tree


@dataclass(frozen=True, slots=True)
class _Filled:
    tree: Any

    def __call__(self, scope: Mapping[str, Any]) -> Any:
        return self._fill(self.tree, scope)

    def _fill(self, tree: Any, scope: Mapping[str, Any]) -> Any:
        if isinstance(tree, Expression):
            return tree.find(scope)
        if isinstance(tree, dict):
            filled = {name: self._fill(value, scope) for name, value in tree.items()}
            return {name: value for name, value in filled.items() if value is not None}
        return [self._fill(one, scope) for one in tree] if isinstance(tree, list) else tree


# -- addresses ------------------------------------------------------------------------------------

NAMES = frozenset({"model", "app", "id", "once", "since", "until", "day", "page"})


@dataclass(frozen=True, slots=True)
class Template:
    """An address with `{name}` in it: a path of this provider, or a whole URL of it."""

    text: str
    names: frozenset[str]
    slash: bool = False

    def fill(self, values_: Mapping[str, Any]) -> str | None:
        """Fill in what it names; None where something is not known, or is no part of an address."""
        parts = dict[str, str]()
        for name in self.names:
            value = values_.get(name)
            if value is None or (name in {"id", "once"} and values.identifier(value) is None):
                return None
            keeps = "/" if name == "app" or (name == "model" and self.slash) else ""
            parts[name] = quote(str(value), safe=keeps)
        return _NAMES.sub(lambda found: parts[found[1]], self.text)


def template(text: str, known: frozenset[str] = NAMES, *, slash: bool = False) -> Template:
    """Read an address.

    Raises:
        MisplacedError: it names something that is not there.
    """
    for found in _NAMES.finditer(text):
        if found[1] not in known:
            message = f"{{{found[1]}}} is not known here"
            raise MisplacedError(message, did_you_mean(found[1], sorted(known)), found.start())
    return Template(text, frozenset(_NAMES.findall(text)), slash)


def app_of(model: str) -> str:
    """Return the owner and the app of a model, by which some are asked."""
    return "/".join(model.split("/")[:2])
