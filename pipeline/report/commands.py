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
    def of(cls, run: Callable[..., str], **others: str) -> "Commands":
        """Write them; `run` writes the one that runs the job, with the flags it is given."""
        return cls(
            run=run(),
            failed=run("--retry", "failed"),
            in_doubt=run("--retry", "in-doubt"),
            missing=run("--retry", "missing"),
            rejected=run("--again", "rejected"),
            **others,
        )
