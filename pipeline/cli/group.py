"""The commands: the module of each is imported when it is called.

So `--help` imports none of them, and a module of a command imports what it needs at its top.
"""

from importlib import import_module
from typing import Any

import click

from pipeline import __version__
from pipeline.cli.sandbox import load_sandbox

_COMMANDS = {
    "run": "Render a job, or continue where an earlier run stopped.",
    "check": "Validate a job and show the plan. Sends and writes nothing.",
    "status": "Show where a run stands, also while it runs; without a job, all runs.",
    "metrics": "Write all runs as metrics for Prometheus.",
    "control": "Change a run while it runs: pause, slow down, reload, stop.",
    "pick": "Keep or reject clips, or list the verdicts.",
    "settle": "Find out what became of what is in doubt, or say it.",
    "audit": "Compare records with the provider's own list of charges.",
    "costs": "Show what jobs have cost, by model, day, month, account or meta.",
    "inspect": "Show what the finished clips are like, and what is not as expected.",
    "report": "Write report.html beside the manifest.",
    "view": "Serve the page of jobs on this machine, live.",
    "export": "List the finished clips, for scheduling tools.",
    "init": "Write a commented job file to start from.",
    "providers": "List the providers that are known, show one, check a description.",
    "schema": "Print the JSON Schema of the job file.",
    "sandbox": "Serve a simulated API on this machine.",
}


class _LazyGroup(click.Group):
    """Lists commands without importing them: `run` is `run` in `pipeline.cli.run`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        if cmd_name == "sandbox":
            return load_sandbox()
        command: click.Command = getattr(import_module(f"pipeline.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415 - seldom needed

            near = get_close_matches(args[0], _COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes and files: see the README. The key is read from SEGMIND_API_KEY or .env.",
)
@click.version_option(__version__, prog_name="pipeline")
def cli() -> None:
    """Render a YAML job of prompts against a paid media API, each paid for exactly once."""
