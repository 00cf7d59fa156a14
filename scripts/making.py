"""How commands are written for people who use make."""  # noqa: INP001 - scripts are no package

import shlex
from collections.abc import Callable


def spelling(run: str) -> Callable[[list[str]], str]:
    """Write arguments of `pipeline` as a call of make, in which `run` stands for the command run.

    A target that is words, such as `demo`, has its job by itself.
    """
    targets = {"run": run, "check": "plan JOB="}

    def as_make(arguments: list[str]) -> str:
        command, job, *flags = arguments
        target = targets.get(command, f"{command} JOB=")
        words = f"make {target}{shlex.quote(job) if target.endswith('=') else ''}"
        return f"{words} ARGS={shlex.quote(shlex.join(flags))}" if flags else words

    return as_make
