"""Compose the page: one HTML file that carries its style, its script and its data.

The policy in its head allows exactly that script and that style, and media from beside the page;
everything else, the network included, is refused by the browser.
"""

import base64
import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from string import Template

from pipeline.errors import StorageError
from pipeline.report import summary
from pipeline.report.data import ReportData
from pipeline.report.entries import embedded, embedded_entries, outputs

# In this order they are one script: each file may use what stands above it when it is loaded.
SCRIPTS = (
    "dom.js",
    "words.js",
    "store.js",
    "media.js",
    "detail.js",
    "gallery.js",
    "calendar.js",
    "unfinished.js",
    "night.js",
    "main.js",
)


def write(path: Path, data: ReportData) -> None:
    """Make the page at `path`, looking beside it for the clips. An older page is replaced whole.

    Raises `StorageError` where it cannot be written.
    """
    data = dataclasses.replace(data, missing=data.missing | _missing(path.parent, data))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as page:
            page.writelines(render(data))
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StorageError(f"the report {path} cannot be written: {error}") from error


def render(data: ReportData) -> Iterator[str]:
    """Yield the page piece by piece, so that a long one is never held as a whole."""
    style, script = _style(), _script()
    head, tail = _text("page.html").split("$entries")
    yield Template(head).substitute(
        summary.parts(data),
        policy=_policy(style, script),
        style=style,
    )
    yield from embedded_entries(data)
    yield Template(tail).substitute(nights=embedded(data.nights), script=script)


def _missing(folder: Path, data: ReportData) -> frozenset[str]:
    # Path.exists raises for a name that no file can have; such a file is not there either.
    return frozenset(
        task
        for task, output in outputs(data.records)
        if not os.path.exists(folder / output)  # noqa: PTH110
    )


def _policy(style: str, script: str) -> str:
    # Chromium takes 'self' for the folder of a file: page; `file:` says it to the others.
    return "; ".join(
        (
            "default-src 'none'",
            "media-src 'self' file:",
            "img-src 'self' file: data:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _style() -> str:
    return _text("page.css")


def _script() -> str:
    body = "\n".join(_text(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{body}}})();\n'


def _text(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text("utf-8")
