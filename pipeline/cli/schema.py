"""`pipeline schema`."""

import json

import click

from pipeline.job import schema as make_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of the job file, for editors."""
    click.echo(json.dumps(make_schema(), indent=2, ensure_ascii=False))
