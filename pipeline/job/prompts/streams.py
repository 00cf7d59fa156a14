"""JSON lines and plain text: the other two kinds of files of prompts."""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from pipeline.common.depth import DEEPEST, is_too_deep
from pipeline.errors import Problem
from pipeline.job.identity import checked_id
from pipeline.job.items import Given, Item, Origin
from pipeline.job.keys.inputs import read_inputs
from pipeline.job.keys.mappings import FaultsError
from pipeline.job.nodes import dotted
from pipeline.job.problems import InvalidError, Report, StoppedError, shown
from pipeline.job.prompts.cells import refuse_errors
from pipeline.job.prompts.lines import lines
from pipeline.job.template.templates import is_template
from pipeline.job.yaml.scalars import MOST_PRIORITY, checked_float, checked_int

LONGEST_ARRAY = 64 * 1024**2

_BLANKS = re.compile(r"[ \t\r\n]*")
Said = Callable[[str], None]
_OWN = frozenset({"id", "prompt", "params", "vars", "meta", "priority"})


def _unheard(_text: str) -> None:
    """Take a remark that nobody asked for."""


def read_text(
    origin: Origin, file: BinaryIO, report: Report, *, variables: bool, said: Said = _unheard
) -> Iterator[Item]:
    """Yield the lines of a text file, each a prompt; blank ones are passed over."""
    for number, line in enumerate(lines(file, said=said), 1):
        prompt = line.strip()
        if prompt.startswith("#"):
            message = f"is {shown(prompt)} a heading, or a comment? Each line is a prompt"
            hint = "take the line out; a prompt that begins with # is written in a .csv"
            report.note(Problem(origin.file, number, origin.key(number), message, hint))
        elif prompt:
            yield bare(origin, number, number, prompt, variables=variables)


def bare(origin: Origin, number: int, line: int, prompt: str, *, variables: bool) -> Item:
    """Make an item of a prompt alone: a template only in a job that has variables.

    Version 0.1 filled it in all the same, where it asked for no more than its own number.
    """
    item = Item(origin, number, line, None, prompt, {}, {}, {}, 0, templated=variables)
    if not variables and is_template(prompt):
        item.former = msgspec.structs.replace(item, templated=True)
    return item


def read_json(
    origin: Origin, file: BinaryIO, report: Report, *, variables: bool, said: Said = _unheard
) -> Iterator[Item]:
    """Yield the objects of JSON lines, or of one array; other keys than ours are variables.

    They are kept as meta.
    """
    source = lines(file, said=said)
    first = next((found for found in enumerate(source, 1) if found[1].strip()), None)
    if first is None:
        return
    number, line = first
    if line.lstrip().startswith("["):
        rows = _array(itertools.chain([line], source), number)
    elif origin.file.suffix.casefold() == ".json":
        raise StoppedError(
            number, "the file is not a JSON array", "one object a line: call it .jsonl"
        )
    else:
        rows = _json_lines(origin, itertools.chain([line], source), number, report)
    for place, at, value in rows:
        try:
            if isinstance(value, str) and value.strip():
                yield bare(origin, place, at, value, variables=variables)
            else:
                yield _item(origin, place, at, value)
        except InvalidError as error:
            report.note(Problem(origin.file, at, origin.key(place), error.message, error.hint))


Row = tuple[int, int, Any]
"""Number, line and value of what stands in a file of JSON."""


def _json_lines(origin: Origin, source: Iterable[str], first: int, report: Report) -> Iterator[Row]:
    for number, line in enumerate(source, first):
        if not line.strip():
            continue
        try:
            yield number, number, _checked(_DECODER.decode(line), line)
        except json.JSONDecodeError as error:
            message, hint = f"the line is not valid JSON: {error.msg}", "one object a line"
            report.note(Problem(origin.file, number, origin.key(number), message, hint))
        except (InvalidError, RecursionError) as error:
            report.note(Problem(origin.file, number, origin.key(number), *_explained(error)))


def _array(source: Iterable[str], first: int) -> Iterator[Row]:
    """Yield the items of an array, each when it is read: what is wrong ends it, with its line."""
    text = _whole(source, first)
    place, line, counted = text.index("[") + 1, first, 0
    for number in itertools.count(1):
        place = _after_blanks(text, place)
        if number == 1 and text.startswith("]", place):
            break
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, end = _DECODER.raw_decode(text, place)
            yield number, line, _checked(value, text[place:end])
        except json.JSONDecodeError as error:
            wrong = line + text.count("\n", counted, error.pos)
            raise StoppedError(wrong, f"the file is not valid JSON: {error.msg}") from None
        except (InvalidError, RecursionError) as error:
            raise StoppedError(line, *_explained(error)) from None
        place = _after_blanks(text, end)
        if not text.startswith(",", place):
            break
        place += 1
    if not text.startswith("]", place) or text[place + 1 :].strip():
        wrong = line + text.count("\n", counted, place)
        raise StoppedError(
            wrong, "the file is not valid JSON: a comma, or one ] at the end, is missing"
        )


def _whole(source: Iterable[str], first: int) -> str:
    parts, length = [], 0
    for number, line in enumerate(source, first):
        length += len(line)
        if length > LONGEST_ARRAY:
            raise StoppedError(
                number, "the array is longer than 64 MB", "one object a line: .jsonl"
            )
        parts.append(line if line.endswith("\n") else line.removesuffix("\r") + "\n")
    return "".join(parts)


def _after_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    assert match is not None
    return match.end()


def _explained(error: InvalidError | RecursionError) -> tuple[str, str | None]:
    if isinstance(error, InvalidError):
        return error.message, error.hint
    return "the line nests too deeply", f"at most {DEEPEST} deep"


def _checked(value: Any, source: str) -> Any:
    """Refuse what no request could contain.

    Raises:
        InvalidError: for what nests too deeply, and for half a character.
    """
    if is_too_deep(source, value):
        raise InvalidError("the line nests too deeply", f"at most {DEEPEST} deep")
    if "\\u" in source or "\\U" in source:
        _encodable(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidError(f"duplicate key {shown(twice)}")
    return made


def _encodable(row: Any) -> None:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidError("the line contains half a character (a lone surrogate)") from None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_int=checked_int,
    parse_float=lambda text: checked_float(float(text), text),
    parse_constant=lambda text: checked_float(float(text), text),
)


def _item(origin: Origin, number: int, line: int, row: Any) -> Item:
    if not isinstance(row, dict):
        raise InvalidError("this is not a JSON object", 'such as {"prompt": "…"}')
    refuse_errors(row)
    inputs = _inputs(row)
    own = _OWN | {"inputs"} if inputs else _OWN
    others = {key: value for key, value in row.items() if key not in own}
    meta = _mapping(row, "meta")
    variables = _mapping(row, "vars")
    return Item(
        origin,
        number,
        line,
        _id(row.get("id")),
        _prompt(row.get("prompt")),
        _mapping(row, "params"),
        {**others, **variables} if variables else others,
        {**others, **meta} if meta else others,
        _priority(row.get("priority")),
        templated=True,
        inputs=inputs,
    )


def _inputs(row: dict[str, Any]) -> dict[str, Given]:
    """Read the inputs of a row; a text or a list called so is a variable, as it was before."""
    value = row.get("inputs")
    if not isinstance(value, dict):
        return {}
    try:
        return read_inputs(value)
    except FaultsError as error:
        first = error.faults[0]
        where = dotted(("inputs", *first.way))
        raise InvalidError(f"{where}: {first.message}", first.hint) from None


def _mapping(row: dict[str, Any], key: str) -> dict[str, Any]:
    value = row.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidError(f"{key} is not an object")
    return value


def _id(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidError(f"the id {shown(value)} is not text")
    return checked_id(str(value))


def _prompt(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidError(f"the prompt {shown(value)} is not text")
    return value if value.strip() else None


def _priority(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidError(f"the priority {shown(value)} is not a whole number")
    if abs(value) > MOST_PRIORITY:
        raise InvalidError(f"the priority {shown(value)} is out of bounds", f"±{MOST_PRIORITY}")
    return value
