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

from pipeline.common.files import create, open_file, refuse_linked_folders
from pipeline.errors import DirectoryError, StorageError
from pipeline.report import summary
from pipeline.report.data import ReportData
from pipeline.report.entries import embedded, embedded_entries, outputs

# What makes a page ours, since the first version; it stands in the head.
_MARK = b'<meta name="generator" content="pipeline">'
_HEAD = 16 * 1024
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

    Raises `StorageError` where it cannot be written, `DirectoryError` where a page of somebody
    else lies there: it stays.
    """
    _refuse_alien_page(path)
    for folder in {output.rpartition("/")[0] for _, output in outputs(data.records)}:
        refuse_linked_folders(path.parent, folder)
    data = dataclasses.replace(data, missing=data.missing | _missing(path.parent, data))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(create(part), "w", encoding="utf-8", newline="\n") as page:
            page.writelines(render(data))
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StorageError(f"the report {path} cannot be written: {error}") from error


def _refuse_alien_page(path: Path) -> None:
    try:
        with os.fdopen(open_file(path), "rb") as page:
            ours = _MARK in page.read(_HEAD)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"the report {path} cannot be read: {error}") from error
    if not ours:
        raise DirectoryError(
            f"{path} is a page of somebody else, and is left as it is",
            hint="move it away, and `pipeline report` writes ours",
        )


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
