"""What commands say of finished clips that are not as their job expects."""

from collections.abc import Callable

from pipeline.cli.calling import spelled
from pipeline.events import Event, Finished, Recovered
from pipeline.facts.expected import flags_of
from pipeline.models import Job

_NAMED = 3


class Flagged:
    """Watches a run, and notes which of its clips are not as expected. `job` is the present one."""

    def __init__(self, job: Callable[[], Job]) -> None:
        self._job = job
        self._names: list[str] = []

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Finished | Recovered):
            record = event.record
            if flags_of(record, self._job().expect):
                self._names.append(record.output or record.task)

    def warning(self, shown: str) -> str | None:
        """Say how many there are; None where there are none. `shown` is the job file."""
        count, some = len(self._names), ", ".join(self._names[:_NAMED])
        if not count:
            return None
        more = f" and {count - _NAMED:,} more" if count > _NAMED else ""
        why = spelled("inspect", shown)
        return f"warning: {not_as_expected(count)}: {some}{more}. To see why: {why}"


def not_as_expected(count: int) -> str:
    """Say how many clips are not as expected."""
    return f"{count:,} {'clip is' if count == 1 else 'clips are'} not as expected"
