"""`pipeline view`."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.calling import page_commands
from pipeline.cli.options import distinct, load_job, output_flag, output_option
from pipeline.cli.output import message
from pipeline.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pipeline.models import Job
    from pipeline.viewing.source import Source

EXTRA = ("starlette", "uvicorn")


@click.command("view")
@click.argument(
    "jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB.yaml…"
)
@output_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="By default a free one is taken."
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def view(jobs: tuple[Path, ...], output: Path | None, port: int, *, open_page: bool) -> int:
    """Serve the page of jobs on this machine, live, until Ctrl-C.

    The page shows a run as it goes, and its buttons do what pick, control, settle and run do. The
    first line of standard output is its address; the token in it is for you alone. Several jobs
    share a first page. It listens on loopback only, needs no key, and a run that is started from
    the page outlives it.
    """
    _refuse_without_extra(EXTRA)
    if output is not None and len(jobs) > 1:
        raise UsageError("--output is for one job; leave it out, or name one job")
    import anyio  # noqa: PLC0415 - `--help` serves nothing

    from pipeline.viewing.serve import listen, serve  # noqa: PLC0415 - only here it is installed

    found = [(source_of(path, output), load_job(path, output, to_send=False)) for path in jobs]
    shown = {id(job) for job in distinct([job for _, job in found])}
    sock = listen(port)
    with ExitStack() as resources:
        ready = partial(_announce, browse=partial(_browse, resources) if open_page else None)
        anyio.run(serve, [one for one in found if id(one[1]) in shown], sock, ready, message)
    return ExitCode.OK


def _refuse_without_extra(needs: tuple[str, ...]) -> None:
    """Say what is missing, before anything is read.

    Raises:
        UsageError: a module that `view` needs is not installed.
    """
    if any(find_spec(name) is None for name in needs):
        raise UsageError(
            "`pipeline view` needs the extra `view`, which is not installed",
            hint="in the checkout: uv tool install '.[view]', or pip install '.[view]'",
        )


def source_of(path: Path, output: Path | None) -> "Source":
    """Make what reads a job, and names it in commands."""
    from pipeline.viewing.source import Source  # noqa: PLC0415 - as above

    # A path that begins with a dash would be a flag of the commands that a page starts.
    named = str(path) if not str(path).startswith("-") else f"./{path}"
    flags = output_flag(output)

    def load() -> "Job":
        return load_job(path, output, to_send=False)

    return Source(load, (named, *flags), page_commands(named, flags))


def _announce(address: str, *, browse: Callable[[str], None] | None) -> None:
    """Print the address; the token is never written again."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    message("the page is served until Ctrl-C; whoever has its address can do what its buttons do")
    if browse is not None:
        browse(address)


def _browse(resources: ExitStack, address: str) -> None:
    """Open the address by a file that leads to it: every user can see the words of a command."""
    file, name = tempfile.mkstemp(prefix="pipeline-view-", suffix=".html")
    resources.callback(Path(name).unlink, missing_ok=True)
    with os.fdopen(file, "w", encoding="utf-8") as page:
        page.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">')

    def open_page() -> None:  # some wait until the browser is closed
        if click.launch(Path(name).as_uri(), wait=True) != 0:
            message("warning: no browser could be opened")

    threading.Thread(target=open_page, daemon=True).start()
