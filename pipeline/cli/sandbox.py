"""`pipeline sandbox`: the command of the package `sandbox`, installed beside `pipeline`."""

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import click

from pipeline.errors import UsageError

_PLACE = Path(__file__).parents[2]


def load_sandbox(place: Path = _PLACE) -> click.Command:
    """Load the command from the sandbox in the folder `place`, whatever else has its name.

    A plain import would take the first `sandbox` on the path, and with `python -m pipeline` the
    working directory comes first.

    Raises:
        UsageError: there is no sandbox in `place`, or the process has imported another package of
            that name.
    """
    spec = PathFinder.find_spec("sandbox", [str(place)])
    if spec is None or spec.loader is None or spec.origin is None:
        raise UsageError(
            f"the package `sandbox` is missing from {place}, where `pipeline` is installed",
            hint="reinstall: pip install --force-reinstall '.[sandbox]' in the checkout",
        )
    loaded = sys.modules.get("sandbox")
    if loaded is None:
        sys.modules["sandbox"] = loaded = module_from_spec(spec)
        spec.loader.exec_module(loaded)
    found = getattr(loaded, "__file__", None)
    if found != spec.origin:
        raise UsageError(
            f"this process has imported another `sandbox`, from {found or 'a folder without code'}",
            hint="run `pipeline sandbox` in a process of its own",
        )
    command: click.Command = import_module("sandbox.command").sandbox
    return command
