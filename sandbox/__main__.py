"""`python -m sandbox`: the sandbox without the rest of the command line."""

import sys

import click

from pipeline.errors import PipelineError
from pipeline.printable import printable_lines
from sandbox.command import sandbox


def main() -> int:
    """Run the sandbox; return its exit code."""
    try:
        sandbox(prog_name="pipeline sandbox", standalone_mode=False)
    except PipelineError as error:
        hint = f"\nHint: {error.hint}" if error.hint else ""
        click.echo(printable_lines(f"Error: {error.message}{hint}"), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
