"""Compose the page: one HTML file that carries its style, its script and its data.

The policy in its head allows exactly that script and that style, and media from beside the page, or
from the one host where a bucket's clips are found; everything else, the network included, is
refused by the browser.
"""

import base64
import contextlib
import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from pipeline.common.files import create, open_file, refuse_linked_folders
from pipeline.errors import BucketError, DirectoryError, StorageError
from pipeline.ledger.disk import Clips
from pipeline.ledger.formats import FORMAT
from pipeline.report import summary
from pipeline.report.data import ReportData
from pipeline.report.entries import Embed, embedded, embedded_entries, outputs
from pipeline.store.layout import Layout
from pipeline.store.shelf import LocalShelf

# Marks a page as written by us, since the first version. It is in the head.
_MARK = b'<meta name="generator" content="pipeline">'
_HEAD = 16 * 1024


def write(path: Path, data: ReportData, shelf: Clips | None = None) -> None:
    """Make the page at `path`, and replace an older page whole.

    `shelf` knows which clips are in place; by default they are looked for beside the page.

    Raises:
        StorageError: the page cannot be written.
        DirectoryError: the file at `path` was not written by `pipeline`; it is left alone.
    """
    place(path, looked_for(data, shelf or LocalShelf(Layout(path.parent))))


def place(path: Path, data: ReportData) -> None:
    """Write the page as `write` does, of which the missing clips are known."""
    for folder in {output.rpartition("/")[0] for _, output in outputs(data.records)}:
        refuse_linked_folders(path.parent, folder)
    place_page(path, render(data))


def place_page(path: Path, pieces: Iterable[str]) -> None:
    """Write a page piece by piece, and replace an older page whole.

    Raises:
        StorageError: the page cannot be written.
        DirectoryError: the file at `path` was not written by `pipeline`; it is left alone.
    """
    _refuse_foreign_page(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(create(part), "w", encoding="utf-8", newline="\n") as page:
            page.writelines(pieces)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write the report {path}: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _refuse_foreign_page(path: Path) -> None:
    try:
        with os.fdopen(open_file(path), "rb") as page:
            ours = _MARK in page.read(_HEAD)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"cannot read the report {path}: {error}") from error
    if not ours:
        raise DirectoryError(
            f"{path} was not written by pipeline, and is left unchanged",
            hint="move it away, then run `pipeline report` again",
        )


def render(
    data: ReportData, live: Mapping[str, Any] | None = None, embed: Embed | None = None
) -> Iterator[str]:
    """Yield the page in pieces, so that a long one is never in memory as a whole.

    `live` says to its script where it is served, and by whom; None is a page that lies on a disk.
    `embed` puts pictures and films into an entry: then the page has nothing beside it.
    """
    style, script = _style(), _script()
    head, tail = _text("page.html").split("$entries")
    yield Template(head).substitute(
        summary.parts(data),
        policy=_policy(style, script, None if embed else _elsewhere(data), live=live is not None),
        style=style,
    )
    yield from embedded_entries(data, embed)
    yield Template(tail).substitute(
        nights=embedded(data.nights), job=embedded(facts(data, live)), script=script
    )


def facts(data: ReportData, live: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the script knows of the job besides its entries; what is unknown is left out.

    `format` is that of the lines of a file of verdicts.
    """
    commands = data.commands
    known = {
        "timezone": data.timezone,
        "settle": commands.settle,
        "import": commands.picks,
        "export_ics": commands.calendar,
    }
    return {
        "name": data.name,
        "command": commands.run,
        "again": commands.rejected,
        **{name: value for name, value in known.items() if value},
        "simulated": data.simulated,
        "generated_at": data.generated_at,
        "format": FORMAT,
        "totals": data.totals,
        "live": live,
    }


def render_front(front: dict[str, Any]) -> str:
    """Return the first page of several jobs, as `view` serves it.

    `front` has the `jobs`, each with its `name`, its `address` and its state, or why it cannot be
    read; and the `costs` of all of them, by campaign too. Its script shows them.
    """
    style, script = _style(), _text("front.js")
    return Template(_text("front.html")).substitute(
        title=f"{len(front['jobs'])} jobs",
        policy=_policy(style, script, "", live=True),
        style=style,
        jobs=embedded(front),
        script=script,
    )


def looked_for(data: ReportData, shelf: Clips) -> ReportData:
    """Note which clips are not in their place."""
    return dataclasses.replace(data, missing=data.missing | _missing(shelf, data))


def _missing(shelf: Clips, data: ReportData) -> frozenset[str]:
    made = {task: output for task, output in outputs(data.records) if task not in data.saved}
    try:
        gone = shelf.missing(made.values())
    except BucketError:  # the page is written all the same
        gone = set()
    return frozenset(task for task, output in made.items() if output in gone)


def _elsewhere(data: ReportData) -> str:
    """Name the host of clips that are not beside the page, as a policy does."""
    linked = next((url for _, name in outputs(data.records) if (url := data.url_of(name))), "")
    found = re.match(r"https?://[A-Za-z0-9.:\[\]-]+(?=/|$)", linked, re.ASCII)
    return f" {found[0]}" if found else ""


def _policy(style: str, script: str, elsewhere: str | None, *, live: bool) -> str:
    """Compose the policy; `elsewhere` is None for a page that has its clips in it."""
    # For Chromium 'self' is the folder of a file: page; other browsers need `file:`.
    clips = "data: blob:" if elsewhere is None else f"'self' file:{elsewhere}"
    pictures = clips if elsewhere is None else f"'self' file: data:{elsewhere}"
    return "; ".join(
        (
            "default-src 'none'",
            f"media-src {clips}",
            f"img-src {pictures}",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            *(["connect-src 'self'"] if live else []),
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
    return _text("page.js")


def _text(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text("utf-8")
