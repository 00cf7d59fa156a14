"""Holds the manifest of a job against the books of a sandbox."""  # noqa: INP001 - scripts are no package

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

import pipeline
from sandbox.testing import Sandbox


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where the tasks stand by the manifest, and money by both sides, in US dollars.

    `recorded` counts the records of requests that this sandbox has had. `twice` are the prompts
    for which it has charged more than once.
    """

    failed: set[str]
    in_doubt: set[str]
    clips: int
    charged: Decimal
    recorded: Decimal
    twice: set[str]

    @property
    def agrees(self) -> bool:
        """Return whether both say the same, and nothing was paid for twice."""
        return self.charged == self.recorded and not self.twice


def compare(job: pipeline.Job, api: Sandbox) -> Comparison:
    """Read both."""
    records = list(pipeline.read_manifest(job))
    last = {record.task: record.status for record in records}
    books = api.books()
    here = {name for request in books["requests"] for name in _ids(request)}
    charges = Counter(charge["params"]["prompt"] for charge in books["charges"])
    return Comparison(
        failed={task for task, status in last.items() if status is pipeline.Status.FAILED},
        in_doubt={task for task, status in last.items() if status is pipeline.Status.IN_DOUBT},
        clips=len(books["charges"]),
        charged=Decimal(books["charged"]),
        recorded=sum((r.cost or Decimal(0) for r in records if r.request_id in here), Decimal(0)),
        twice={prompt for prompt, times in charges.items() if times > 1},
    )


def _ids(request: dict[str, str]) -> set[str]:
    return {request["request_id"], request["listed_id"]}
