"""What one run is asked for, beside its job."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import time

from pipeline.ledger.plan import Plan, Retry
from pipeline.ledger.selection import Selection
from pipeline.models import Job


@dataclass(frozen=True, slots=True)
class Options:
    """What one run is asked for, beside its job.

    `select` says which tasks it may take up, and which of those that are done it renders anew.
    `limit` bounds how many of the tasks left it takes. `until` is a wall-clock time to be done
    by. `keep_places` leaves their places to what a killed run may still have at the API.
    `wait_for_credits` is the patience for a top-up in seconds; None stops instead. `settle_only`
    sends nothing: what is in doubt is looked up, and what was accepted is waited for. `confirm`
    is called with the plan before anything is sent, and raises to refuse. `reread` reads the job
    file again, with what its flags have set; without it a run cannot be reloaded. `defer` is given
    what the caller has to call last, once it has reported how the run ended: that forgets an
    `again` which has ended, and returns what hinders it. If the process dies before, the same
    `again` renders nothing a second time. Without `defer` the run itself forgets, at its end.
    """

    retry: Collection[Retry] = ()
    select: Selection = field(default_factory=Selection)
    limit: int | None = None
    until: time | None = None
    keep_places: bool = True
    wait_for_credits: float | None = None
    settle_only: bool = False
    fsync: bool = True
    handle_signals: bool = False
    confirm: Callable[[Plan], None] = lambda _: None
    reread: Callable[[], Job] | None = None
    defer: Callable[[Callable[[], str | None]], None] | None = None

    @property
    def sends_doubts(self) -> bool:
        """Whether every task that stays in doubt once it was looked up is to be sent again."""
        bounded = self.limit is not None or self.select.only or self.settle_only
        return Retry.IN_DOUBT in self.retry and not bounded
