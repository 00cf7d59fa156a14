"""`pipeline status` without a job: every run of the accounts on this machine.

It imports what draws screens and reads the accounts' ledgers; the status of one job needs neither.
"""

from rich.console import Console

from pipeline import overview
from pipeline.cli import watching
from pipeline.cli.calling import spelled
from pipeline.cli.output import show, write_json
from pipeline.display import runs
from pipeline.display.screen import screen
from pipeline.printable import printable


def show_all(*, as_json: bool, watch: bool) -> int:
    """Show all runs, with `watch` until Ctrl-C or their end; return the exit code."""
    if watch and not as_json and (console := _terminal()) is not None:
        return watching.on_screen(lambda height: screen(overview.look(), height, spelled), console)
    if watch:
        return watching.in_blocks(lambda: _show(as_json=as_json).running)
    _show(as_json=as_json)
    return 0


def _terminal() -> Console | None:
    """Return the terminal that a full screen can be drawn on."""
    console = Console(highlight=False)
    return console if console.is_terminal and not console.is_dumb_terminal else None


def _show(*, as_json: bool) -> overview.Overview:
    seen = overview.look()
    if as_json:
        write_json(seen.as_json())
    else:
        show("\n".join(map(printable, runs.lines(seen, spelled))))
    return seen
