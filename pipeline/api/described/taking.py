"""What the body of a submit takes of a task, found by filling it.

What a body leaves out in silence would be paid for and stand in records as if it had been sent.
Pure, but that an answer is kept for each set of names.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pipeline.api.described.description import Description, Sending
from pipeline.api.described.expressions import Expression
from pipeline.api.provider import Untaken
from pipeline.job.problems import did_you_mean

# Sets of names whose answers are kept.
_MOST_KEPT = 10_000
_ONCE = "5f0c1d5e-2b7f-4d4e-9b0a-6d3f1c2a7e90"
_PREFIX = "zq-7f3a-"
# What stands for a value that the body may take in one form alone.
_OTHERS: tuple[Any, ...] = (987_654_321, True, [f"{_PREFIX}in-a-list"], {})


class Taking:
    """Says of each set of names which of them a body leaves out."""

    def __init__(self, description: Description) -> None:
        self._told = description
        self._kept: dict[object, tuple[Untaken, ...]] = {}

    def __call__(
        self, model: str, params: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> tuple[Untaken, ...]:
        """Return what a task says and its request would not; asked once for a set of names.

        Of a list of inputs its length counts as well: a body may take the first alone.
        """
        shape = tuple((name, _length(value)) for name, value in inputs.items())
        key = (model, tuple(params), shape)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = self._kept[key] = tuple(self._untaken(model, params, inputs))
        return found

    def _untaken(
        self, model: str, params: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> Iterator[Untaken]:
        told = self._told
        sending = told.with_inputs if inputs else told.usual
        key = "body" if sending.body is told.usual.body else "with_inputs.body"
        marked = {name: _marks(name, _length(value)) for name, value in inputs.items()}
        probe = _Probe(sending, model, params, marked)
        sections: tuple[tuple[Literal["params", "inputs"], Iterable[str]], ...] = (
            ("params", (name for name in probe.params() if name not in sending.ignores)),
            ("inputs", probe.inputs()),
        )
        for kind, names in sections:
            known = sorted(_named(sending.body.tree, kind))
            for name in names:
                yield Untaken(
                    kind,
                    name,
                    f"the request to {told.name} would not have {name}: `submit.{key}` does not"
                    f" take it from `{kind}`",
                    _way_out(kind, name, known, params if kind == "params" else inputs),
                )


def _way_out(kind: str, name: str, known: list[str], given: Mapping[str, Any]) -> str:
    """Say what to do about a name that a body does not take; `known` are those that it names."""
    if name in known:  # it takes it into another one, as a prompt into a graph
        others = ", ".join(one for one in known if one not in given) or "what the others are"
        return f"the body takes it by way of others of `{kind}`: {others}"
    hint = f"leave it out, or let the description take it: ${kind}.{name}"
    return did_you_mean(name, known) or hint


class _Probe:
    """Fills one body with other values, and looks at what is different."""

    def __init__(
        self, sending: Sending, model: str, params: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> None:
        self._body = sending.body
        self._scope = {"model": model, "params": params, "inputs": inputs, "once": _ONCE}
        self._params = params

    def _fill(self, params: Mapping[str, Any]) -> str:
        # Not as JSON: a value may be something that JSON has not, which the job's checks say.
        return repr(self._body({**self._scope, "params": params}))

    def params(self) -> Iterator[str]:
        """Yield the parameters that no body has, whatever their values are."""
        at_once = self._fill({name: _marks(name)[0] for name in self._params})
        usual = None
        for name in self._params:
            if _marks(name)[0] in at_once:  # so for most, with one body for all of them
                continue
            usual = usual or self._fill(self._params)
            rest = {key: value for key, value in self._params.items() if key != name}
            others = ({**rest, name: one} for one in (_marks(name)[0], *_OTHERS))
            if all(self._fill(one) == usual for one in (rest, *others)):
                yield name

    def inputs(self) -> Iterator[str]:
        """Yield the inputs that the body has not, or not all of."""
        content = self._fill(self._params)
        given: Mapping[str, Any] = self._scope["inputs"]  # type: ignore[assignment]
        for name, marks in given.items():
            each = marks if isinstance(marks, list) else [marks]
            if not all(one in content for one in each):
                yield name


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


def _marks(name: str, length: int | None = 1) -> Any:
    """Make what stands for a value, or for each of a list: nothing else is like it."""
    one = f"{_PREFIX}{name.encode(errors='backslashreplace').hex()}-"
    return f"{one}0." if length is None else [f"{one}{number}." for number in range(length)]


def _named(tree: Any, kind: str) -> Iterator[str]:
    """Yield the names that a body takes of what is sent: `params.NAME`, wherever it stands."""
    if isinstance(tree, Expression):
        assert tree.compiled is not None
        yield from _fields([tree.compiled.parsed], kind)
    elif isinstance(tree, dict | list):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from _named(one, kind)


def _fields(level: Iterable[Any], kind: str) -> Iterator[str]:
    due, found = list(level), set[str]()
    while due:
        children = [one for one in due.pop().get("children", ()) if isinstance(one, dict)]
        names = [one.get("value") if one.get("type") == "field" else None for one in children[:2]]
        if names[:1] == [kind] and isinstance(names[-1], str) and names[-1] != kind:
            found.add(names[-1])
        due += children
    return iter(found)
