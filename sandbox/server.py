"""The way in: serves a sandbox if what it needs is installed."""

from importlib.util import find_spec

from pipeline.errors import UsageError
from sandbox.settings import Settings

EXTRA = ("av", "PIL", "starlette", "uvicorn")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        UsageError: the extra is missing, the port is taken, or the books are no books.
    """
    if any(find_spec(name) is None for name in EXTRA):
        raise UsageError(
            "the sandbox needs its extra",
            hint="in the checkout: uv tool install '.[sandbox]', or pip install '.[sandbox]'",
        )
    from sandbox.host import run  # noqa: PLC0415 - only here is the extra certain

    run(settings)
