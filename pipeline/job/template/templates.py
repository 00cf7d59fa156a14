"""Templates: compiled once each, rendered for each task.

A text counts as a template only where it contains `{{`, `{%` or `{#`. Most templates are texts
with names in them; those are rendered without Jinja's machinery, several times as fast. Jinja is
imported only for a job that has templates.
"""

import functools
import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.job.problems import InvalidError, did_you_mean
from pipeline.job.template.filters import LONGEST_TEXT, as_text, bounded
from pipeline.job.yaml.scalars import checked_float, checked_int

if TYPE_CHECKING:
    from jinja2 import Template, nodes

    from pipeline.job.template.environment import PromptEnvironment

Scope = Mapping[str, Any]
Render = Callable[[Scope], str]
Make = Callable[[Scope], Any]

_MARKS = ("{{", "{%", "{#")
_ALONE = re.compile(r"\s*\{\{(?:(?!\}\}|\{\{|\{%).)*\}\}\s*", re.DOTALL)
_UNDEFINED = re.compile(r"'(.+)' is undefined")


class UnknownNameError(InvalidError):
    """A template asks for a name that is not there."""

    def __init__(self, name: str, scope: Scope) -> None:
        super().__init__(f"the template's {name} is not defined", did_you_mean(name, scope))
        self.name = name


def is_template(value: Any) -> bool:
    """Say whether a text contains anything that a template would replace."""
    return isinstance(value, str) and "{" in value and any(mark in value for mark in _MARKS)


def has_templates(value: Any) -> bool:
    """Say whether a JSON value contains a template anywhere."""
    if isinstance(value, dict):
        return any(map(has_templates, value.values()))
    if isinstance(value, list):
        return any(map(has_templates, value))
    return is_template(value)


@functools.lru_cache(maxsize=4096)
def text_template(source: str) -> Render:
    """Compile a template that gives a text.

    Raises:
        InvalidError: when it is no template, or does more than templates may.
    """
    if not is_template(source):
        return lambda _: source
    return _rendering(_read(source))


def name_template(source: str) -> Render:
    """Compile a template for a name: only a slash that it writes itself makes a folder.

    Raises:
        InvalidError: when it is no template, or does more than templates may.
    """
    if not is_template(source):
        return lambda _: source
    from pipeline.job.template.folders import flattened  # noqa: PLC0415 - needs Jinja

    return _rendering(flattened(_read(source), _environment()))


def _rendering(tree: "nodes.Template") -> Render:
    pieces = _pieces(tree)
    if pieces is not None:
        return _Joined(pieces)
    environment = _environment()
    return functools.partial(_render, environment, _compiled(environment, tree))


@functools.lru_cache(maxsize=1024)
def value_template(source: str) -> Make:
    """Compile a template for a parameter: `{{ one expression }}` alone keeps its type.

    Raises:
        InvalidError: when it is no template, or does more than templates may.
    """
    if not _ALONE.fullmatch(source):
        return text_template(source)
    from jinja2 import nodes  # noqa: PLC0415 - imported only for jobs with templates

    environment = _environment()
    tree = _read(source.strip())
    outputs = [node for node in tree.body if isinstance(node, nodes.Output)]
    if len(outputs) != 1 or len(outputs[0].nodes) != 1:
        return text_template(source)
    target = nodes.Name("result", "store", lineno=1)
    tree.body = [nodes.Assign(target, outputs[0].nodes[0], lineno=1)]
    tree.set_environment(environment)
    return functools.partial(_evaluate, environment, _compiled(environment, tree))


def names_of(value: Any) -> frozenset[str]:
    """Name what the templates of a JSON value ask for; one that is wrong asks for nothing."""
    if isinstance(value, dict):
        return frozenset().union(*map(names_of, value.values()))
    if isinstance(value, list):
        return frozenset().union(*map(names_of, value))
    return _names_of(value) if is_template(value) else frozenset()


@functools.lru_cache(maxsize=4096)
def _names_of(source: str) -> frozenset[str]:
    from jinja2 import nodes  # noqa: PLC0415 - see the module

    try:
        return frozenset(name.name for name in _read(source).find_all(nodes.Name))
    except InvalidError:
        return frozenset()


def fill(value: Any, scope: Scope) -> Any:
    """Fill the templates of a JSON value."""
    if isinstance(value, str):
        return value_template(value)(scope) if is_template(value) else value
    if isinstance(value, dict):
        return {key: fill(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, scope) for item in value]
    return value


@functools.cache
def _environment() -> "PromptEnvironment":
    from pipeline.job.template.environment import PromptEnvironment  # noqa: PLC0415 - see the module

    return PromptEnvironment()


def _read(source: str) -> "nodes.Template":
    from jinja2 import TemplateError  # noqa: PLC0415 - see the module

    try:
        return _environment().read(source)
    except TemplateError as error:
        raise InvalidError(
            f"the template is wrong: {error.message}", _syntax_hint(source)
        ) from None
    except RecursionError:
        raise InvalidError("the template nests too deeply") from None


def _syntax_hint(source: str) -> str | None:
    return "write a literal {{ as {% raw %}{{{% endraw %}" if "{{" in source else None


def _compiled(environment: "PromptEnvironment", tree: "nodes.Template") -> "Template":
    from jinja2 import TemplateError  # noqa: PLC0415 - see the module

    try:
        return environment.from_string(tree)
    except TemplateError as error:
        raise InvalidError(f"the template is wrong: {error.message}") from None
    except (RecursionError, SyntaxError, MemoryError):
        raise InvalidError("the template nests too deeply") from None


def _render(environment: "PromptEnvironment", template: "Template", scope: Scope) -> str:
    return str(_guarded(environment, scope, lambda: _generated(template, scope)))


def _generated(template: "Template", scope: Scope) -> str:
    parts, length = [], 0
    for part in template.generate(scope):
        parts.append(part)
        length += len(part)
        bounded(length)
    return _encodable("".join(parts))


def _evaluate(environment: "PromptEnvironment", template: "Template", scope: Scope) -> Any:
    def evaluate() -> Any:
        result = getattr(template.make_module(dict(scope)), "result")  # noqa: B009 - not typed
        return _as_json(result)

    return _guarded(environment, scope, evaluate)


def _as_json(value: Any) -> Any:
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, float):
        return checked_float(value, str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return checked_int(str(value))
    if value is None or isinstance(value, bool | dict | list):
        return value
    return str(value)


def _guarded(environment: "PromptEnvironment", scope: Scope, work: Callable[[], Any]) -> Any:
    """Run a template; whatever it raises is a problem of the template."""
    environment.steps = 0
    try:
        return work()
    except InvalidError:
        raise
    except Exception as error:  # noqa: BLE001 - a template can raise anything that Python can
        if match := _UNDEFINED.fullmatch(str(error)):
            raise UnknownNameError(match[1], scope) from None
        raise InvalidError(f"the template fails: {error}") from None


def _encodable(text: str) -> str:
    """Refuse halves of characters, which a template's escapes can make."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidError("the template makes a text that is not Unicode") from None
    return text


class Lookup(NamedTuple):
    """A name in a template, and the filters that its value goes through."""

    name: str
    filters: tuple[Callable[[Any], Any], ...]

    def text(self, scope: Scope) -> str:
        """Look the name up."""
        try:
            value = scope[self.name]
        except KeyError:
            raise UnknownNameError(self.name, scope) from None
        for apply in self.filters:
            value = apply(value)
        return value if type(value) is str else as_text(value)


Piece = str | Lookup


class _Joined:
    """A template of texts and lookups, put together without Jinja."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        lookups = [piece for piece in pieces if isinstance(piece, Lookup)]
        self._pattern = "".join(
            "%s" if isinstance(piece, Lookup) else piece.replace("%", "%%") for piece in pieces
        )
        bare = len(lookups) > 1 and not any(lookup.filters for lookup in lookups)
        self._get = itemgetter(*(lookup.name for lookup in lookups)) if bare else None

    def __call__(self, scope: Scope) -> str:
        text = self._quick(scope) if self._get else None
        if text is None:
            text = "".join([p if isinstance(p, str) else p.text(scope) for p in self._pieces])
        if len(text) > LONGEST_TEXT:
            bounded(len(text))
        return _encodable(text)

    def _quick(self, scope: Scope) -> str | None:
        """Fill in texts as they are; None where a value is missing, or no text."""
        assert self._get is not None
        try:
            values = self._get(scope)
        except KeyError:
            return None
        for value in values:
            if type(value) is not str:
                return None
        filled: str = self._pattern % values
        return filled


def _pieces(tree: "nodes.Template") -> list[Piece] | None:
    """Take a template apart into texts and filtered names; None when it does more."""
    from jinja2 import nodes  # noqa: PLC0415 - see the module

    pieces: list[Piece] = []
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            return None
        for part in node.nodes:
            piece = part.data if isinstance(part, nodes.TemplateData) else _lookup(part)
            if piece is None:
                return None
            pieces.append(piece)
    return pieces


def _lookup(node: Any) -> Piece | None:
    """Read `name | filter('constant') | …`, of filters of ours, as a lookup."""
    from jinja2 import nodes  # noqa: PLC0415 - see the module

    from pipeline.job.template.filters import FILTERS  # noqa: PLC0415

    applied: list[Callable[[Any], Any]] = []
    while isinstance(node, nodes.Filter):
        simple = all(isinstance(arg, nodes.Const) for arg in node.args)
        if not simple or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return None
        if node.name not in FILTERS or node.node is None:
            return None
        constants = [arg.value for arg in node.args if isinstance(arg, nodes.Const)]
        applied.append(_applying(FILTERS[node.name], constants))
        node = node.node
    if isinstance(node, nodes.Name) and node.name != "range":
        return Lookup(node.name, tuple(reversed(applied)))
    return None


def _applying(function: Callable[..., Any], constants: list[Any]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        try:
            return function(value, *constants)
        except InvalidError:
            raise
        except Exception as error:  # noqa: BLE001 - as in `_guarded`
            raise InvalidError(f"the template fails: {error}") from None

    return apply
