"""What commands write: words for people, data for scripts, and never a secret among words.

Words are made printable wherever they go. Data stands as it is in a pipe or a file; on a terminal
it is made printable too.
"""

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import click
import msgspec

from pipeline.common.redaction import redactor
from pipeline.printable import printable_lines

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_secrets: set[str] = set()


def remember_secret(secret: str) -> None:
    """Note a secret that no message may show."""
    _secrets.add(secret)


def redact(text: str) -> str:
    """Remove every known secret from a text."""
    for secret in _secrets:
        text = redactor(secret).clean(text)
    return text


def tell(text: str) -> None:
    """Say something to people, on standard error."""
    with suppress(OSError):  # whoever would read it may have left
        sys.stderr.write(printable_lines(redact(text)).rstrip("\n") + "\n")
        sys.stderr.flush()


def show(text: str) -> None:
    """Answer people on standard output."""
    click.echo(printable_lines(text))


def give(text: str) -> None:
    """Write what a script may have asked for on standard output."""
    click.echo(printable_lines(text) if sys.stdout.isatty() else text)


def give_json(
    value: Any, *, pretty: bool = False, more: tuple[str, Iterable[str]] | None = None
) -> None:
    """Write a value as JSON on standard output; on a terminal it is the same JSON, escaped.

    `more` is one more key of an object, and the items of its list, each as JSON: as many as there
    are, one at a time.
    """
    text = as_json(value)
    if pretty:
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
    """Encode as JSON; what is no Unicode, such as some names of files, is escaped twice."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        return _ENCODER.encode(_in_unicode(value)).decode()


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
