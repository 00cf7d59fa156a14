"""`pipeline init`."""

from pathlib import Path

import click

from pipeline.cli.calling import spelled
from pipeline.cli.output import message
from pipeline.errors import UsageError
from pipeline.job import SCHEMA_NAME, drafted, starter


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH", required=False)
@click.option(
    "--from",
    "sheet",
    type=click.Path(path_type=Path),
    metavar="SHEET",
    help="Write the job for this sheet, with what is found out about it.",
)
def init(path: Path | None, sheet: Path | None) -> None:
    """Write a commented job file to start from. Never overwrites.

    With --from, PATH is the sheet's name with .yaml unless it is given.
    """
    if path is None:
        if sheet is None:
            raise UsageError(
                "PATH is missing", hint=f"name a file: {spelled('init', 'jobs/spring.yaml')}"
            )
        path = sheet.with_suffix(".yaml")
    path = _checked(path)
    if sheet is not None and path.exists():
        raise UsageError(f"{path} already exists; nothing was written")
    files = starter(path) if sheet is None else drafted(sheet, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    for number, (name, text) in enumerate(files.items()):
        target = path.parent / name
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            if number == 0:
                raise UsageError(f"{target} already exists; nothing was written") from None
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}") from error
    message(f"{path} written. Next: {spelled('check', str(path))}")


def _checked(path: Path) -> Path:
    if path.name in {"", ".."}:
        raise UsageError(
            f"{path} is a folder", hint=f"name a file: {spelled('init', 'jobs/spring.yaml')}"
        )
    path = path if path.suffix else path.with_name(path.name + ".yaml")
    if path.name == SCHEMA_NAME:
        raise UsageError(
            f"{path} is the name of the schema that is written beside the job",
            hint="choose another name",
        )
    return path
