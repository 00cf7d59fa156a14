"""`pipeline init` and `pipeline schema`."""

import json
from pathlib import Path

import click

from pipeline.cli.calling import spelled
from pipeline.cli.output import tell
from pipeline.errors import UsageError


@click.command()
def schema() -> None:
    """Print the JSON Schema of the job file, for editors."""
    from pipeline.job import schema as make_schema  # noqa: PLC0415 - needs pydantic

    click.echo(json.dumps(make_schema(), indent=2, ensure_ascii=False))


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
def init(path: Path) -> None:
    """Write a commented job file to start from. Never overwrites."""
    from pipeline.job import starter  # noqa: PLC0415 - needs pydantic
    from pipeline.job.starting import SCHEMA_NAME  # noqa: PLC0415

    if path.name in {"", ".."}:
        raise UsageError(
            f"{path} is a folder", hint=f"name a file: {spelled('init', 'jobs/spring.yaml')}"
        )
    path = path if path.suffix else path.with_name(path.name + ".yaml")
    if path.name == SCHEMA_NAME:
        raise UsageError(f"{path} is what the schema beside the job is called", hint="another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {path.parent} cannot be made: {error.strerror}") from error
    for number, (name, text) in enumerate(starter(path).items()):
        target = path.parent / name
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            if number == 0:
                raise UsageError(f"{target} is there already; nothing was written") from None
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    tell(f"{path} written. Next: {spelled('check', str(path))}")
