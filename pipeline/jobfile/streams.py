"""JSON lines and plain text: the other two kinds of files of prompts."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from pipeline.errors import Problem
from pipeline.jobfile.builder import DEEPEST
from pipeline.jobfile.identity import checked_id
from pipeline.jobfile.items import Item, Origin
from pipeline.jobfile.problems import InvalidError, Report, shown
from pipeline.jobfile.rows import lines
from pipeline.jobfile.scalars import MOST_PRIORITY, checked_float, checked_int

_OWN = frozenset({"id", "prompt", "params", "vars", "meta", "priority"})


def read_text(origin: Origin, file: BinaryIO, report: Report) -> Iterator[Item]:
    """Yield the lines of a text file, each a prompt; blank ones are passed over."""
    del report
    for number, line in enumerate(lines(file), 1):
        prompt = line.strip()
        if prompt:
            yield Item(origin, number, number, None, prompt, {}, {}, {}, 0, templated=True)


def read_jsonl(origin: Origin, file: BinaryIO, report: Report) -> Iterator[Item]:
    """Yield the objects of a JSONL file; keys that are not ours are variables, kept as meta."""
    for number, line in enumerate(lines(file), 1):
        if not line.strip():
            continue
        try:
            yield _item(origin, number, _object(line))
        except InvalidError as error:
            report.note(Problem(origin.file, number, origin.key(number), error.message, error.hint))


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(
            line,
            object_pairs_hook=_pairs,
            parse_int=checked_int,
            parse_float=lambda text: checked_float(float(text), text),
            parse_constant=lambda text: checked_float(float(text), text),
        )
    except json.JSONDecodeError as error:
        raise InvalidError(f"the line is no JSON: {error.msg}", "one object a line") from None
    except RecursionError:
        raise InvalidError("the line nests too deeply") from None
    if line.count("[") + line.count("{") > DEEPEST and _depth(row) > DEEPEST:
        raise InvalidError("the line nests too deeply", f"at most {DEEPEST} deep")
    if not isinstance(row, dict):
        raise InvalidError("the line is no JSON object", 'such as {"prompt": "…"}')
    if "\\u" in line or "\\U" in line:
        _encodable(row)
    return row


def _depth(value: Any) -> int:
    """Count how deep a value nests. How deep the parser itself goes differs between Pythons."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidError(f"the key {shown(twice)} is there twice")
    return made


def _encodable(row: dict[str, Any]) -> None:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidError("the line holds half a character (a lone surrogate)") from None


def _item(origin: Origin, number: int, row: dict[str, Any]) -> Item:
    others = {key: value for key, value in row.items() if key not in _OWN}
    meta = _mapping(row, "meta")
    variables = _mapping(row, "vars")
    return Item(
        origin,
        number,
        number,
        _id(row.get("id")),
        _prompt(row.get("prompt")),
        _mapping(row, "params"),
        {**others, **variables} if variables else others,
        {**others, **meta} if meta else others,
        _priority(row.get("priority")),
        templated=True,
    )


def _mapping(row: dict[str, Any], key: str) -> dict[str, Any]:
    value = row.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidError(f"{key} is no object")
    return value


def _id(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidError(f"the id {shown(value)} is no text")
    return checked_id(str(value))


def _prompt(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidError(f"the prompt {shown(value)} is no text")
    return value if value.strip() else None


def _priority(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidError(f"the priority {shown(value)} is no whole number")
    if abs(value) > MOST_PRIORITY:
        raise InvalidError(f"the priority {shown(value)} is out of bounds", f"±{MOST_PRIORITY}")
    return value
