"""The commands that a page shows."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of a job, as they must be typed; an empty one is not known.

    `run` does what is left, the next four take something up again. `settle` settles its doubts,
    `picks` takes in a file of verdicts that is called FILE there, `calendar` exports the posts.
    """

    run: str
    failed: str = ""
    in_doubt: str = ""
    missing: str = ""
    rejected: str = ""
    settle: str = ""
    picks: str = ""
    calendar: str = ""

    @classmethod
    def of(cls, command: Callable[..., str], **others: str) -> "Commands":
        """Write them; `command` writes the one that runs the job, with the flags it is given."""
        return cls(
            run=command(),
            failed=command("--retry", "failed"),
            in_doubt=command("--retry", "in-doubt"),
            missing=command("--retry", "missing"),
            rejected=command("--again", "rejected"),
            **others,
        )
