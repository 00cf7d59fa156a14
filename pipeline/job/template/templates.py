"""Templates: compiled once each, rendered for each task.

A text counts as a template only where it contains `{{`, `{%` or `{#`. Jinja is imported only for a
job that has templates.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.job.template.filters import FILTERS, bounded
from pipeline.job.yaml.scalars import checked_float, checked_int

if TYPE_CHECKING:
    from jinja2 import Template, nodes

    from pipeline.job.template.environment import PromptEnvironment

Scope = Mapping[str, Any]
Render = Callable[[Scope], str]
Make = Callable[[Scope], Any]
Lookup = tuple[str, list[Callable[[Any], Any]]]
"""A name in a template, and the filters that its value goes through."""

_PLAIN = frozenset({str, int, float})
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
        InvalidError: when it is not a valid template, or does more than templates may.
    """
    if not is_template(source):
        return lambda _: source
    return _rendering(_read(source))


def name_template(source: str) -> Render:
    """Compile a template for a name: only a slash that it writes itself makes a folder.

    Raises:
        InvalidError: when it is not a valid template, or does more than templates may.
    """
    if not is_template(source):
        return lambda _: source
    from pipeline.job.template.folders import flatten  # noqa: PLC0415 - needs Jinja

    tree = _read(source)
    flatten(tree)
    return _rendering(tree)


def _rendering(tree: "nodes.Template") -> Render:
    return _Joined.of(tree) or functools.partial(_render, _compiled(tree))


@functools.lru_cache(maxsize=1024)
def value_template(source: str) -> Make:
    """Compile a template for a parameter: `{{ one expression }}` alone keeps its type.

    Raises:
        InvalidError: when it is not a valid template, or does more than templates may.
    """
    if not _ALONE.fullmatch(source):
        return text_template(source)
    from jinja2 import nodes  # noqa: PLC0415 - imported only for jobs with templates

    tree = _read(source.strip())
    outputs = [node for node in tree.body if isinstance(node, nodes.Output)]
    if len(outputs) != 1 or len(outputs[0].nodes) != 1:
        return text_template(source)
    target = nodes.Name("result", "store", lineno=1)
    tree.body = [nodes.Assign(target, outputs[0].nodes[0], lineno=1)]
    return functools.partial(_evaluate, _compiled(tree))


def expression(source: str) -> Make:
    """Compile one expression, such as `status == 'ready'`, with or without braces around it.

    Raises:
        InvalidError: when it is not a valid expression, or does more than templates may.
    """
    inner = source.strip()
    if inner.startswith("{{") and inner.endswith("}}"):
        inner = inner[2:-2]
    if not inner.strip() or any(mark in inner for mark in (*_MARKS, "}}", "%}", "#}")):
        raise InvalidError(f"{shown(source)} is not one expression", "such as status == 'ready'")
    return value_template("{{ (" + inner + ") }}")


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
            f"the template is not valid: {error.message}", _syntax_hint(source)
        ) from None
    except RecursionError:
        raise InvalidError("the template nests too deeply") from None


def _syntax_hint(source: str) -> str | None:
    return "write a literal {{ as {% raw %}{{{% endraw %}" if "{{" in source else None


def _compiled(tree: "nodes.Template") -> "Template":
    from jinja2 import TemplateError  # noqa: PLC0415 - see the module

    environment = _environment()
    tree.set_environment(environment)
    try:
        return environment.from_string(tree)
    except TemplateError as error:
        raise InvalidError(f"the template is not valid: {error.message}") from None
    except (RecursionError, SyntaxError, MemoryError):
        raise InvalidError("the template nests too deeply") from None


def _render(template: "Template", scope: Scope) -> str:
    return str(_guarded(scope, functools.partial(_generated, template)))


def _generated(template: "Template", scope: Scope) -> str:
    parts, length = [], 0
    for part in template.generate(scope):
        parts.append(part)
        length += len(part)
        bounded(length)
    return _encodable("".join(parts))


def _evaluate(template: "Template", scope: Scope) -> Any:
    def evaluate(scope: Scope) -> Any:
        return _as_json(getattr(template.make_module(dict(scope)), "result"))  # noqa: B009 - untyped

    return _guarded(scope, evaluate)


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


def _guarded(scope: Scope, work: Make) -> Any:
    """Run a template; whatever it raises is a problem of the template."""
    _environment().steps = 0
    try:
        return work(scope)
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
            raise InvalidError("the template makes text that is not valid Unicode") from None
    return text


class _Joined:
    """A template of texts and filtered names alone, filled in without Jinja.

    A million rows of a sheet are expanded in two thirds of the time. Values that are neither texts
    nor numbers are left to Jinja.
    """

    def __init__(self, tree: "nodes.Template", lookups: list[Lookup], pattern: str) -> None:
        self._tree = tree
        self._lookups = lookups
        self._pattern = pattern

    @classmethod
    def of(cls, tree: "nodes.Template") -> "_Joined | None":
        """Take a template apart; None when it does more."""
        from jinja2 import nodes  # noqa: PLC0415 - see the module

        lookups, pattern = [], ""
        for output in tree.body:
            for node in output.nodes if isinstance(output, nodes.Output) else (output,):
                if isinstance(node, nodes.TemplateData):
                    pattern += node.data.replace("%", "%%")
                elif (lookup := _lookup(node)) is not None:
                    lookups.append(lookup)
                    pattern += "%s"
                else:
                    return None
        return cls(tree, lookups, pattern)

    def __call__(self, scope: Scope) -> str:
        return str(_guarded(scope, self._text))

    def _text(self, scope: Scope) -> str:
        values = []
        for name, filters in self._lookups:
            value = scope.get(name)
            if type(value) not in _PLAIN:
                return _render(self._template, scope)
            for apply in filters:
                value = apply(value)
            values.append(value)
        text = self._pattern % tuple(values)
        bounded(len(text))
        return _encodable(text)

    @functools.cached_property
    def _template(self) -> "Template":
        return _compiled(self._tree)


def _lookup(node: Any) -> Lookup | None:
    """Read `name | filter('constant') | …`, of filters defined here, as a lookup."""
    from jinja2 import nodes  # noqa: PLC0415 - see the module

    filters: list[Callable[[Any], Any]] = []
    while isinstance(node, nodes.Filter) and node.name in FILTERS:
        constants = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
        if len(constants) < len(node.args) or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return None
        filters.insert(0, _applying(FILTERS[node.name], constants))
        node = node.node
    return (node.name, filters) if isinstance(node, nodes.Name) else None


def _applying(function: Callable[..., Any], constants: list[Any]) -> Callable[[Any], Any]:
    return lambda value: function(value, *constants)
