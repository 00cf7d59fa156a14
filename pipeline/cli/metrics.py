"""`pipeline metrics`."""

from pathlib import Path

import click

from pipeline import overview
from pipeline.cli.options import NamedPath, load_job
from pipeline.common.files import replace_file
from pipeline.display.metrics import exposition
from pipeline.errors import StorageError
from pipeline.state import look

# The collector runs as another user.
_MODE = 0o644


@click.command()
@click.argument(
    "jobs", type=click.Path(path_type=Path), metavar="[JOB.yaml]…", nargs=-1, required=False
)
@click.option(
    "--out",
    type=NamedPath(path_type=Path, dir_okay=False),
    metavar="FILE.prom",
    help="Replace this file at once; default: standard output.",
)
def metrics(jobs: tuple[Path, ...], out: Path | None) -> None:
    """Write every run of the accounts on this machine as metrics for Prometheus.

    The format is that of node_exporter's textfile collector. A JOB.yaml adds a job that is not
    running, and counts its tasks exactly.
    """
    states = [look(load_job(job, to_send=False)) for job in jobs]
    text = exposition(overview.look(), states)
    if out is None:
        click.echo(text, nl=False)
    else:
        _replace(out, text)


def _replace(path: Path, data: bytes) -> None:
    """Replace a file at once: a reader sees the old or the new one, whole.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        replace_file(path, data, _MODE)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="its folder must exist, have room and be writable by you",
        ) from error
