"""Free values, such as params and meta, resolved to JSON before the schema sees them."""

from typing import Any

from pipeline.job.keys.fields import whole
from pipeline.job.nodes import Mapping, Plain, Sequence, Way, dotted, line_of
from pipeline.job.problems import InvalidError, Report, shown
from pipeline.job.yaml import scalars

PER_JOB = ("params", "matrix", "vars")
_WORDS = (("matrix", "vars"), ("matrix", "exclude"))
PER_PROMPT = ("params", "vars", "meta")


class FreeValues:
    """Resolves the free values of a document in place, and keeps warnings about doubtful ones."""

    def __init__(self, report: Report) -> None:
        self.warnings: list[str] = []
        self._report = report
        self._words = frozenset[str]()  # axes of the matrix that are for templates alone

    def resolve_all(self, tree: Mapping) -> None:
        """Resolve every free value of a job file."""
        matrix = tree.get("matrix")
        words = matrix.get("vars") if isinstance(matrix, Mapping) else None
        self._words = frozenset(words) if isinstance(words, Mapping) else self._words
        for key in PER_JOB:
            self._resolve_key(tree, key, (key,))
        prompts = tree.get("prompts")
        if not isinstance(prompts, Sequence):
            return
        for index, prompt in enumerate(prompts):
            if isinstance(prompt, Mapping):
                for key in PER_PROMPT:
                    self._resolve_key(prompt, key, ("prompts", index, key))

    def _resolve_key(self, holder: Mapping, key: str, way: Way) -> None:
        value = holder.get(key)
        if isinstance(value, Mapping):
            holder[key] = self._mapping(value, way, sent=key in {"params", "matrix"})

    def _value(self, value: Any, way: Way, *, sent: bool) -> Any:
        if isinstance(value, Plain):
            return self._plain(value, way, sent=sent)
        if isinstance(value, Mapping):
            return self._mapping(value, way, sent=sent)
        if isinstance(value, Sequence):
            new = Sequence(value.line)
            new.lines = value.lines
            new.extend(self._value(v, (*way, i), sent=sent) for i, v in enumerate(value))
            return new
        return value

    def _mapping(self, value: Mapping, way: Way, *, sent: bool) -> Mapping:
        new = Mapping(value.line)
        new.lines = value.lines
        for key, item in value.items():
            below = (*way, key)
            words = below[:2] in _WORDS and (key == "vars" or key in self._words)
            new[key] = self._value(item, below, sent=sent and not words)
        return new

    def _plain(self, value: Plain, way: Way, *, sent: bool) -> scalars.Scalar:
        try:
            resolved = scalars.resolve(value)
        except InvalidError as error:
            self._report.add(way, error.message, error.hint)
            return None
        return self._text(value, way, sent=sent) if isinstance(resolved, str) else resolved

    def _text(self, value: Plain, way: Way, *, sent: bool) -> str | bool:
        known = scalars.boolean(value) if sent and _is_loop(way) else None
        if known is not None:
            return known
        try:
            whole(value)
        except InvalidError as error:
            self._report.add(way, error.message, error.hint)
        if sent and value.casefold() in scalars.LOOSE_BOOLEANS:
            self._warn(way, value)
        return str(value)

    def _warn(self, way: Way, text: str) -> None:
        meant = str(bool(scalars.boolean(text))).lower()
        place = f"{self._report.file.name}:{line_of(self._report.tree, way)}: {dotted(way)}"
        self.warnings.append(f"{place}: sent as the text {shown(text)}; write {meant}, or quote it")


def _is_loop(way: Way) -> bool:
    """Say whether this is the value of the parameter `loop`, wherever it may be given."""
    return "loop" in way if way[0] == "matrix" else way[-2:] == ("params", "loop")
