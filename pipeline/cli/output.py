"""What commands write: text for people, data for scripts, and no secret in a message.

Text is always made printable. Data goes to a pipe or a file unchanged, and is made printable on a
terminal.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import click

from pipeline.printable import printable_lines

# Characters; a name in a manifest that was copied may have any length.
_WIDEST = 60
_secrets: set[str] = set()


def remember_secret(secret: str) -> None:
    """Register a secret that no message may show."""
    _secrets.add(secret)


def secrets() -> frozenset[str]:
    """Return the secrets that no message shows, and no other program gets."""
    return frozenset(_secrets)


def redact(text: str) -> str:
    """Remove every known secret from a text."""
    if not _secrets:
        return text
    from pipeline.common.redaction import clean  # noqa: PLC0415 - `--help` knows no secret

    return clean(text, _secrets)


def message(text: str) -> None:
    """Write a message for people to standard error."""
    with suppress(OSError):  # its reader may have gone
        sys.stderr.write(printable_lines(redact(text)).rstrip("\n") + "\n")
        sys.stderr.flush()


def show(text: str) -> None:
    """Write an answer for people to standard output."""
    click.echo(printable_lines(text))


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table as lines; a very long cell moves only the rest of its own row."""
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def write(text: str) -> None:
    """Write data to standard output: unchanged, but printable on a terminal."""
    click.echo(printable_lines(text) if sys.stdout.isatty() else text)


def write_json(
    value: Any, *, pretty: bool = False, more: tuple[str, Iterable[str]] | None = None
) -> None:
    """Write a value as JSON to standard output; on a terminal it is the same JSON, escaped.

    `more` adds a key to an object: its name, and the items of its list, each as JSON. They are
    written one at a time.
    """
    text = as_json(value)
    if pretty:
        import msgspec  # noqa: PLC0415 - as below

        text = msgspec.json.format(text)
    escape = _escaped if sys.stdout.isatty() else str
    if more is not None:
        name, items = more
        click.echo(escape(f'{text[:-1]},"{name}":['), nl=False)
        for number, item in enumerate(items):
            click.echo(escape((",\n" if number else "\n") + item), nl=False)
        text = "]}"
    click.echo(escape(text))


def as_json(value: Any) -> str:
    """Encode as JSON; what is not valid Unicode, as some file names, is escaped twice."""
    import msgspec  # noqa: PLC0415 - `--help` writes no JSON

    encoder = msgspec.json.Encoder(decimal_format="number")
    try:
        return encoder.encode(value).decode()
    except UnicodeEncodeError:
        return encoder.encode(_in_unicode(value)).decode()


def _in_unicode(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_in_unicode(name): _in_unicode(item) for name, item in value.items()}
    return [_in_unicode(item) for item in value] if isinstance(value, list) else value


def _escaped(text: str) -> str:
    """Escape what is not printable, as JSON does; outside its strings only line feeds are."""
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
