"""`pipeline providers`."""

from pathlib import Path

import click

from pipeline.api import providers as known
from pipeline.cli.output import message, show, write_json
from pipeline.printable import printable


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def providers(context: click.Context, *, as_json: bool) -> None:
    """List the providers that are known. A job names one: `provider: fal`."""
    if context.invoked_subcommand is not None:
        return
    found = [known.get(name) for name in known.names()]
    if as_json:
        write_json(
            {
                one.name: {"about": one.about, "base_url": one.base_url, "key": one.key_variable}
                for one in found
            }
        )
        return
    for one in found:
        show(f"{one.name:14} {one.about}; {one.key_variable if one.traits.needs_key else 'no key'}")


@providers.command("show")
@click.argument("name")
def show_one(name: str) -> None:
    """Print what is known of NAME, or of the description in a file: decisions, money, hosts."""
    for line in known.page(name):
        show(line)


@providers.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_one(file: Path) -> None:
    """Check the description in FILE: each problem with its line, column and what would be right."""
    found = known.description(str(file.absolute()))
    if found.resolve.is_proof and found.resolve.url is not None:
        message(
            "warning: resolve.absence: proof takes a 404 for proof that nothing was paid for, and a"
            f" wrong address answers 404 too. Try {printable(found.resolve.url.text)} once with the"
            " id of a request that was accepted: it has to be found"
        )
    message(f"{file.name}: {found.name} is described; `pipeline providers show {file}` prints it")
