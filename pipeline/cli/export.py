"""`pipeline export`."""

import io
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import NamedPath, job_argument, load_job, output_option, sign_option
from pipeline.cli.output import as_json, message, write, write_json
from pipeline.errors import UsageError
from pipeline.models import Job
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files
from pipeline.store.shelf import open_shelf

if TYPE_CHECKING:
    from pipeline.export.rows import Link
    from pipeline.export.writing import Export

_TABLES = ("csv", "json", "xlsx")


@click.command()
@job_argument
@output_option
@click.option(
    "--to",
    "form",
    type=click.Choice(["csv", "json", "ics", "xlsx"]),
    default="csv",
    show_default=True,
)
@click.option(
    "--columns",
    multiple=True,
    metavar='"NAME={{ … }},…"',
    help="These columns, each a template; repeatable.",
)
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="The columns of a scheduling tool: publer, gohighlevel, or a YAML file.",
)
@click.option("--kept", is_flag=True, help="Only clips that `pick` has kept.")
@click.option(
    "--out",
    type=NamedPath(path_type=Path),
    metavar="FILE",
    help="Write to FILE; it is left alone where nothing has changed.",
)
@click.option(
    "--relative", is_flag=True, help="Paths relative to --out, or to the working directory."
)
@click.option(
    "--public",
    metavar="URL",
    help="Where people find the clips: an address, {path} in it or the path behind it.",
)
@click.option(
    "--raw", is_flag=True, help="CSV, XLSX: leave texts that a spreadsheet would read as formulas."
)
@sign_option
@click.option("--bom", is_flag=True, help="CSV: begin with the mark by which Excel knows UTF-8.")
def export(  # noqa: PLR0913, PLR0917 - the flags of the command
    job: Path,
    output: Path | None,
    form: str,
    columns: tuple[str, ...],
    profile: str | None,
    out: Path | None,
    public: str | None,
    sign: float | None,
    *,
    kept: bool,
    relative: bool,
    raw: bool,
    bom: bool,
) -> None:
    """List each finished clip with its publish date, channel, caption and file.

    In a CSV or a workbook a text that begins with = + - @, a tab or a CR gets a leading apostrophe,
    as a spreadsheet would read it as a formula; --raw leaves it out. JSON is never changed.
    """
    from pipeline.export import placing, sources  # noqa: PLC0415 - `--help` exports nothing
    from pipeline.export.rows import rows  # noqa: PLC0415 - likewise
    from pipeline.export.writing import Export, Wanted  # noqa: PLC0415 - likewise

    _refuse_contradictions(form, columns, profile, bom=bom)
    if sum((sign is not None, public is not None, relative)) > 1:
        raise UsageError("--sign, --public and --relative say where clips are found: give one")
    templates = _templates(columns, profile)
    loaded = load_job(job, output, to_send=False)
    to_file = out is not None and str(out) != "-"
    link = _link(loaded, sign, public, out if relative and to_file else None, relative=relative)
    listed = list(rows(loaded, link))
    on_terminal = not to_file and sys.stdout.isatty()
    wanted = Wanted(form, templates, kept=kept, raw=raw, bom=bom and not on_terminal)
    made = Export(loaded, listed, wanted, message)
    if out is None or not to_file:
        _show(made, on_terminal=on_terminal)
        return
    needed = sources.needed(loaded, (row.task for row in listed))
    place = placing.refuse_own_files(out, loaded, needed, (row.path for row in listed))
    placing.place(place, _content(made))


def _refuse_contradictions(
    form: str, columns: tuple[str, ...], profile: str | None, *, bom: bool
) -> None:
    if bom and form != "csv":
        raise UsageError(f"--bom is for --to csv; leave it out with --to {form}")
    if (columns or profile) and form not in _TABLES:
        flag = "--columns" if columns else "--profile"
        raise UsageError(f"{flag} is for a table; leave it out with --to {form}")


def _templates(columns: Iterable[str], profile: str | None) -> dict[str, str]:
    """Join the columns of a profile and of flags; a flag wins over a profile's own column."""
    from pipeline.export import profiles  # noqa: PLC0415 - few exports have columns
    from pipeline.export.columns import parse  # noqa: PLC0415 - likewise

    found: dict[str, str] = {}
    if profile is not None:
        read = profiles.load(profile)
        if read.note:
            message(f"note: {read.note}")
        found |= read.columns
    return found | parse(columns)


def _link(
    job: Job, sign: float | None, public: str | None, out: Path | None, *, relative: bool
) -> "Link":
    from pipeline.export.rows import below, relative_to  # noqa: PLC0415 - as above

    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    refuse_another_job(layout, job)
    shelf = open_shelf(job, layout)
    if sign is not None:
        return partial(shelf.sign, seconds=sign)
    if public is not None:
        return below(public)
    return relative_to(out.parent if out else Path(), shelf.link) if relative else shelf.link


def _show(made: "Export", *, on_terminal: bool) -> None:
    """Write an export to standard output, made printable on a terminal."""
    form = made.wanted.form
    if form in {"ics", "xlsx"}:
        if form == "xlsx" and on_terminal:
            raise UsageError("a workbook is not text", hint="write it to a file: --out posts.xlsx")
        data = _content(made)
        if on_terminal:
            write(data.decode())
        else:
            click.echo(data, nl=False)
        return
    if isinstance(sys.stdout, io.TextIOWrapper) and not on_terminal:
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if form == "json":
        write_json(made.objects(), pretty=True)
    else:
        for line in made.lines():
            write(line)


def _content(made: "Export") -> bytes:
    """Return what a file would contain: the same as standard output would."""
    form = made.wanted.form
    if form == "ics":
        return made.calendar()
    if form == "xlsx":
        return made.workbook()
    if form == "json":
        import msgspec  # noqa: PLC0415 - `--help` writes no JSON

        text = msgspec.json.format(as_json(made.objects())) + "\n"
    else:
        text = "".join(f"{line}\n" for line in made.lines())
    return text.encode(errors="backslashreplace")
