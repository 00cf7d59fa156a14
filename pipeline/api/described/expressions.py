"""The two languages of a description: JMESPath over answers and bodies, `{name}` in addresses.

Both are compiled when a description is read, so that a mistake has its line and column before
anything is sent. At run time an expression that does not fit an answer finds nothing: an answer may
hold anything. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath import exceptions
from jmespath.parser import ParsedResult

from pipeline.api import values
from pipeline.api.described.evaluating import FUNCTIONS, calls, evaluate
from pipeline.job.problems import InvalidError, did_you_mean, shown

_LONGEST = 2000
# How deep its parts may lie in one another.
_DEEPEST = 100
# How often an expression may repeat what it is given: a few letters could double it without end.
_MOST_REPEATED = 64
_NAMES = re.compile(r"\{([^{}]*)\}")
# Texts within an expression.
_TEXTS = re.compile(r"'[^']*'")
_HEADER = re.compile(r"header:([A-Za-z0-9-]+)")


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
        return evaluate(self.compiled, value)


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
    for name in calls(compiled.parsed):
        if name not in FUNCTIONS:
            at = max(text.find(f"{name}("), 0)
            message = f"JMESPath has no function {shown(name)}"
            raise MisplacedError(message, did_you_mean(name, FUNCTIONS), at)
    if _is_deep(compiled.parsed):
        raise MisplacedError("the expression is too deep", f"at most {_DEEPEST} parts in parts", 0)
    if _repeats(compiled.parsed) > _MOST_REPEATED:
        hint = "it may repeat what it is given 64 times"
        raise MisplacedError("the expression makes far too much of an answer", hint, 0)
    return Expression(text, compiled)


_BESIDE = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})

_WITHIN = frozenset({"map", "to_string"})


def _is_deep(node: Any) -> bool:
    """Whether its parts lie so deep in one another that nothing should go down into them."""
    level = [node]
    for _ in range(_DEEPEST):
        level = [child for one in level for child in one.get("children", ()) if _is_node(child)]
    return bool(level)


def _is_node(child: Any) -> bool:
    return isinstance(child, dict)


def _repeats(node: Any) -> int:
    """Bound how often a result may hold what the expression is given: beside adds, after times."""
    counts = [_repeats(child) for child in node.get("children", ()) if _is_node(child)]
    if node.get("value") == "to_string":  # it escapes what was escaped
        counts.append(2)
    if node.get("type") in _BESIDE and node.get("value") not in _WITHIN:
        return max(sum(counts), 1)
    return min(prod(counts), _MOST_REPEATED + 1)


# What an expression begins with lies first in these.
_CHAINS = frozenset({"subexpression", "index_expression", "projection", "pipe", "or_expression"})

SENT = frozenset({"model", "params", "inputs", "once"})
"""What the body of a submit is made of."""
UPLOADED = frozenset({"type", "name", "size", "sha256", "bytes", "base64", "data_uri"})
"""What the body of an upload is made of."""


# -- bodies ---------------------------------------------------------------------------------------


def body(tree: Any, known: frozenset[str] = SENT) -> "Body":
    """Make what fills a body: a leaf that begins with `$` is an expression, and keeps its type.

    Raises:
        MisplacedError: an expression cannot be compiled, or begins with a word that is not known.
    """
    return Body(_compiled(tree, known))


def _compiled(tree: Any, known: frozenset[str]) -> Any:
    if isinstance(tree, dict):
        return {str(name): _compiled(value, known) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_compiled(value, known) for value in tree]
    if isinstance(tree, str) and tree.startswith("$"):
        try:
            made = expression(tree[1:], header=False)
        except MisplacedError as error:
            raise MisplacedError(error.message, error.hint, error.offset + 1) from None
        _check_begin(made, known)
        return made
    return str(tree) if isinstance(tree, str) else tree


def _check_begin(made: Expression, known: frozenset[str]) -> None:
    """See that an expression begins with what is known: `$prompt` would find nothing, silently.

    Raises:
        MisplacedError: it does not.
    """
    assert made.compiled is not None
    node = made.compiled.parsed
    while node["type"] in _CHAINS and node["children"]:
        node = node["children"][0]
    name = node.get("value")
    if node["type"] == "field" and name not in known:
        hint = did_you_mean(name, sorted(known)) or f"known: {', '.join(sorted(known))}"
        raise MisplacedError(f"{shown(name)} is not known here", hint, 1)


def speaks_of(name: str, tree: Any) -> bool:
    """Whether an expression of a body, as it is written, has a word."""
    if isinstance(tree, dict | list):
        inner = tree.values() if isinstance(tree, dict) else tree
        return any(speaks_of(name, one) for one in inner)
    is_expression = isinstance(tree, str) and tree.startswith("$")
    return is_expression and re.search(rf"\b{name}\b", _TEXTS.sub("", tree)) is not None


@dataclass(frozen=True, slots=True)
class Body:
    """A body with expressions in it, which what is to be sent fills."""

    tree: Any

    def __call__(self, scope: Mapping[str, Any]) -> Any:
        """Fill it; what is nothing is left out."""
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
            if value in (None, "") or (name in {"id", "once"} and values.identifier(value) is None):
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


# Before the owner of a model, these belong to it (fal's own client, `parseEndpointId`).
_NAMESPACES = frozenset({"workflows", "comfy"})


def app_of(model: str | None) -> str | None:
    """Return the owner and the app of a model, by which some are asked; None without a model."""
    parts = (model or "").split("/")
    count = 3 if parts[0] in _NAMESPACES else 2
    return "/".join(parts[:count]) or None
