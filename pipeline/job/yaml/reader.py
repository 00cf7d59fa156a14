"""YAML bytes → nodes with lines, over libyaml's events.

The loaders of PyYAML guess types by YAML 1.1's rules (`9:16` is 556, `no` is false) and forget
where things stood; the events know neither fault and are several times faster. Bounded: the size
of the file, the depth, and what aliases expand to.
"""

import codecs
import re
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pipeline.job.files import WIDE_MARKS, nearest_file, open_regular, reason_of
from pipeline.job.nodes import Mapping
from pipeline.job.problems import InvalidError, Report, StoppedError, shown
from pipeline.job.yaml.builder import Builder, HopelessError
from pipeline.job.yaml.scalars import CONTROL, STEERING

MOST_BYTES = 64 * 1024**2

EVENTS: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML has it; only its events are used, so that either of the two does."""

_ODD_BREAKS = tuple(mark.encode() for mark in "\x85\u2028\u2029")
_BREAKS = re.compile(b"\r\n|[\r\n]|" + b"|".join(_ODD_BREAKS))
_LIKE_TEXT = re.compile(rb"[ \t]#+[^\s#]")
_COMMENT_AFTER_TEXT = re.compile(rb"\S[ \t]+(#+[^\s#].*)")
_FAR = 200
_COMMENT = re.compile(r"[ \t]+(#+[^\s#][^\r\n\x85\u2028\u2029]*)")


def read(report: Report, example: str) -> Mapping | None:
    """Read the report's file into nodes; problems go to the report, None when it is hopeless.

    `example` is a model, to start with.
    """
    try:
        check_name(report.file)
        data = read_bytes(report.file)
        check_text(data)
        document = parse(data, report)
    except StoppedError as error:
        report.at(error.line, error.message, error.hint)
        return None
    except InvalidError as error:
        report.at(1, error.message, error.hint)
        return None
    if not isinstance(document, Mapping):
        what = "is empty" if document is None else "is not a mapping of keys to values"
        report.at(1, f"the job file {what}", f"start with: model: {example}")
        return None
    return document


def check_name(path: Path) -> None:
    """Make sure that records, reports and messages can contain the path.

    Raises:
        InvalidError: when it is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InvalidError("the name of the file is not UTF-8", "rename it") from None
    if match := STEERING.search(str(path)):
        code = f"U+{ord(match.group()):04X}"
        raise InvalidError(
            f"the path of the file contains a control character ({code})", "rename it"
        )


def read_bytes(path: Path) -> bytes:
    """Read a job file whole.

    Raises:
        InvalidError: when it is missing, not a file, not readable, or too large.
    """
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        near = nearest_file(path, {".yaml", ".yml"})
        hint = f"did you mean {path.with_name(near)}?" if near else None
        raise InvalidError("there is no such file", hint) from None
    except IsADirectoryError:
        hint = f"name the job file in it: {path}/job.yaml"
        raise InvalidError("this is a directory", hint) from None
    except (OSError, ValueError) as error:
        raise InvalidError(f"the file cannot be read: {reason_of(error)}") from None
    if len(data) > MOST_BYTES:
        raise InvalidError(
            "the job file is larger than 64 MB", "move the prompts to a CSV: prompts_from"
        )
    return data


def check_text(data: bytes) -> None:
    """Make sure of UTF-8, with or without a byte order mark.

    Raises:
        InvalidError: when it is another encoding, or binary.
    """
    if data.startswith(WIDE_MARKS):
        raise StoppedError(1, "the file is UTF-16 or UTF-32", "save it as UTF-8")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StoppedError(line, "the file is not UTF-8 text", "save it as UTF-8") from None
    if match := CONTROL.search(text):
        line = text.count("\n", 0, match.start()) + 1
        code = f"U+{ord(match.group()):04X}"
        message = f"the file contains a control character ({code}): is it binary?"
        raise StoppedError(line, message)


def parse(data: bytes, report: Report, events: Any = EVENTS) -> Any:
    """Make nodes of the bytes of a YAML file, in UTF-8.

    Raises:
        StoppedError: when they are not valid YAML.
    """
    line_of = _line_counter(data)
    # A mark in the middle of a text is invisible and never meant, but libyaml may refuse it.
    data = data.replace(codecs.BOM_UTF8, b"")
    builder = Builder(report, line_of, _comments(data))
    loader = events(data)
    try:
        while (event := loader.get_event()) is not None:
            builder.take(event)
            if isinstance(event, yaml.StreamEndEvent):
                break
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = line_of(mark) if mark else 1
        first = line_of(error.context_mark) if error.context_mark else line
        raise StoppedError(line, *_explained(error, data, first, line)) from None
    except yaml.YAMLError as error:
        raise StoppedError(1, f"the file cannot be read: {error}") from None
    finally:
        loader.dispose()
    return builder.document


def _line_counter(data: bytes) -> Callable[[Any], int]:
    """Make a function from marks to lines as editors count; YAML 1.1 has three more line ends."""
    if not any(odd in data for odd in _ODD_BREAKS):
        return lambda mark: int(mark.line) + 1
    breaks = enumerate(_BREAKS.findall(data))
    odd = [number for number, found in breaks if found in _ODD_BREAKS]
    return lambda mark: int(mark.line) + 1 - bisect_left(odd, mark.line)


def _comments(data: bytes) -> Callable[[Any], str | None]:
    """Make what finds the comment at a mark, where it looks like the rest of a text: ` #7 on`."""
    if not _LIKE_TEXT.search(data):
        return lambda _: None
    text = data.decode()

    def comment_at(mark: Any) -> str | None:
        match = _COMMENT.match(text, mark.index)
        return match and match[1].rstrip()

    return comment_at


def _explained(
    error: yaml.MarkedYAMLError, data: bytes, first: int, line: int
) -> tuple[str, str | None]:
    """Say a syntax error in words that help: libyaml's own, and the usual cause."""
    problem = error.problem or "it ends too early"
    if isinstance(error, HopelessError):
        return problem, None
    lines = data.splitlines()
    source = next(iter(lines[line - 1 : line]), b"")
    hint = _cut_off(lines, max(first, line - _FAR), line)
    if hint is not None:
        pass
    elif (
        b"\t" in source[: len(source) - len(source.lstrip())] or "cannot start any token" in problem
    ):
        hint = "indent with spaces, not tabs; quote a text that starts with @, ` or %"
    elif "mapping values are not allowed" in problem:
        hint = 'quote a text that contains ": "'
    elif "expected" in problem:
        hint = "check quotes, brackets and indentation above this line"
    return f"not valid YAML: {problem}", hint


def _cut_off(lines: list[bytes], first: int, last: int) -> str | None:
    """Name the comment that takes away what the syntax needs: `[a car #7 on a track, a boat]`."""
    for number in range(first, last + 1):
        match = _COMMENT_AFTER_TEXT.search(next(iter(lines[number - 1 : number]), b""))
        if match is not None:
            comment = shown(match[1].decode(errors="replace"))
            return f"on line {number}, {comment} is a comment: quote a text that contains it"
    return None
