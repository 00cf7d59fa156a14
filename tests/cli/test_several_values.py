"""Options that take several values: what follows one is a value of it until the next option."""

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.several import Several


@click.command(cls=Several)
@click.argument("jobs", nargs=-1)
@click.option("--billed", multiple=True)
@click.option("--not-billed", multiple=True)
@click.option("--output")
@click.option("--json", "as_json", is_flag=True)
def command(
    jobs: tuple[str, ...],
    billed: tuple[str, ...],
    not_billed: tuple[str, ...],
    output: str | None,
    *,
    as_json: bool,
) -> None:
    click.echo(repr((jobs, billed, not_billed, output, as_json)))


def read(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, list(arguments))
    return done.exit_code, done.output.strip()


@pytest.mark.parametrize(
    ("arguments", "meaning"),
    [
        ("job", (("job",), (), (), None, False)),
        ("job --billed a", (("job",), ("a",), (), None, False)),
        (
            "job --billed a b#2 --not-billed c d",
            (("job",), ("a", "b#2"), ("c", "d"), None, False),
        ),
        ("job --billed a --not-billed c --billed b", (("job",), ("a", "b"), ("c",), None, False)),
        ("job --billed a --json", (("job",), ("a",), (), None, True)),
        ("job --billed a --output d", (("job",), ("a",), (), "d", False)),
        ("--json --output=d --billed=a b -- job", (("job",), ("a", "b"), (), "d", True)),
        ("--billed a -- -job", (("-job",), ("a",), (), None, False)),
        ("job --billed=-a b", (("job",), ("-a", "b"), (), None, False)),
        ("job --billed=a=b c=d", (("job",), ("a=b", "c=d"), (), None, False)),
        ("job --output --billed --json", (("job",), (), (), "--billed", True)),
    ],
)
def test_words_after_an_option_are_values_of_it_until_the_next(
    arguments: str, meaning: tuple[object, ...]
) -> None:
    assert read(*arguments.split()) == (0, repr(meaning))


@pytest.mark.parametrize(
    "arguments", ["job --billed", "job --billed --not-billed a", "job --billed --", "--billed -x"]
)
def test_an_option_without_a_value_is_refused_by_its_name(arguments: str) -> None:
    code, told = read(*arguments.split())
    assert code == 2
    assert "'--billed' needs at least one value" in told
