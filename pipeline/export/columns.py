"""Columns of a table: each a name, and a template that a row fills."""

import re
from collections.abc import Iterable, Mapping, Sequence
from mimetypes import guess_type
from pathlib import PurePosixPath
from typing import Any

from pipeline.errors import UsageError
from pipeline.export.dates import moment
from pipeline.export.rows import Row
from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.job.template.templates import Make, UnknownNameError, is_template, value_template

OWN = (
    *("task", "id", "prompt", "file", "path", "sha256", "cost", "seed", "verdict", "status"),
    *("publish", "publish_date", "publish_time", "channel", "caption"),
    *("width", "height", "duration_s", "kind", "model", "finished_at", "meta"),
)
"""What templates know beside the columns of the row; `meta` has those whatever they are called."""

_PIECE = re.compile(r"(?:\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|[^,])+", re.DOTALL)
_NOT_A_NAME = re.compile(r"\W")
_MOST_PROBLEMS = 20


def parse(flags: Iterable[str]) -> dict[str, str]:
    """Read `Name={{ template }},…` into templates by name; a bare name is a column of that name.

    Commas between the braces of a template do not split.

    Raises:
        UsageError: a column has no name, or two have the same.
    """
    found: dict[str, str] = {}
    for piece in (piece.strip() for text in flags for piece in _PIECE.findall(text)):
        name, equals, template = (part.strip() for part in piece.partition("="))
        if not name or is_template(name):
            raise UsageError(
                f"--columns: {shown(piece)} names no column",
                hint='write "Name={{ template }}", several with commas between them',
            )
        if name in found:
            raise UsageError(f"--columns: two columns are called {shown(name)}")
        found[name] = template if equals else f"{{{{ {name} }}}}"
    return found


def table(columns: Mapping[str, str], rows: Sequence[Row], known: Iterable[str]) -> list[list[Any]]:
    """Fill the columns for each row; `known` names the columns that any row of the job has.

    Raises:
        UsageError: with each template that is not valid, and what its name is most like.
    """
    blank: dict[str, Any] = {**dict.fromkeys(_variables(known), ""), **dict.fromkeys(OWN, "")}
    blank["meta"] = {}
    makers = _compiled(columns, blank)
    lines, problems = [], []
    for row in rows:
        scope = {**blank, **_scope(row)}
        line = []
        for name, make in makers.items():
            try:
                line.append(make(scope))
            except InvalidError as error:
                problems.append(_problem(f"{name} of {row.task.id}", error))
        lines.append(line)
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise UsageError("\n".join(problems[:_MOST_PROBLEMS]))
    return lines


def _compiled(columns: Mapping[str, str], blank: Mapping[str, Any]) -> dict[str, Make]:
    """Compile the templates, and try each without values: a wrong name is found with no row too."""
    makers, problems = {}, []
    for name, template in columns.items():
        try:
            makers[name] = value_template(template)
        except InvalidError as error:
            problems.append(_problem(name, error))
            continue
        try:
            makers[name](blank)
        except UnknownNameError as error:
            problems.append(_problem(name, InvalidError(error.message, _near(error.name, blank))))
        except InvalidError:
            pass  # a date of nothing, for instance: the rows show whether it is wrong
    if problems:
        raise UsageError("\n".join(problems))
    return makers


def _near(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known) or f"known are {', '.join(known)}"


def _problem(place: str, error: InvalidError) -> str:
    hint = f" ({error.hint})" if error.hint else ""
    return f"column {shown(place)}: {error.message}{hint}"


def _variables(names: Iterable[str]) -> dict[str, str]:
    """Give columns such as `Publish date` a name that a template can use: `Publish_date`."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(_NOT_A_NAME.sub("_", name), name)
        found[name] = name
    return found


def _scope(row: Row) -> dict[str, Any]:
    meta = {name: "" if value is None else value for name, value in row.task.meta.items()}
    scope: dict[str, Any] = {name: meta[column] for name, column in _variables(meta).items()}
    scope.update((name, meta.get(name, "")) for name in ("publish", "channel", "caption"))
    if (when := moment(scope["publish"])) is not None:
        scope["publish_date"] = when.day.isoformat()
        scope["publish_time"] = when.clock.strftime("%H:%M") if when.clock else ""
    scope |= {"task": row.task.id, "status": row.status, "model": row.task.model, "meta": meta}
    scope |= {"file": row.file, "path": row.path, "verdict": row.verdict or ""}
    scope["prompt"] = row.task.prompt
    scope.setdefault("id", row.task.own_id)  # a column of that name may be one like any other
    if row.record is not None:
        scope |= _of_clip(row)
    return scope


def _of_clip(row: Row) -> dict[str, Any]:
    record = row.record
    assert record is not None
    facts: Any = getattr(record, "media", None)
    found = {
        "prompt": str(record.params.get("prompt", "")),
        "sha256": record.sha256,
        "cost": None if record.cost is None else float(record.cost),
        "seed": record.seed,
        "finished_at": record.finished_at,
        "kind": kind_of(record.content_type, row.path),
        **{name: _fact(facts, name) for name in ("width", "height", "duration_s")},
    }
    return {name: "" if value is None else value for name, value in found.items()}


def _fact(facts: Any, name: str) -> Any:
    """Read a fact of a clip, from a mapping or an object; an older record has none."""
    return facts.get(name) if isinstance(facts, Mapping) else getattr(facts, name, None)


def kind_of(content_type: str | None, path: str) -> str:
    """Return what a clip is: `video`, `image`, `gif` or `audio`; an empty text if unknown."""
    if PurePosixPath(path).suffix.casefold() == ".gif":
        return "gif"
    guessed = content_type or guess_type(path)[0] or ""
    kind = guessed.partition("/")[0]
    return kind if kind in {"video", "image", "audio"} else ""
