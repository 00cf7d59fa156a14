"""What a job has cost, for `costs` and the page of several jobs: read from its files."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from pipeline.errors import JobFileError
from pipeline.ledger.costs import Costs, dimension
from pipeline.ledger.history import History
from pipeline.ledger.manifest import spendings
from pipeline.ledger.picks import Picks
from pipeline.ledger.verdicts import read
from pipeline.models import Job
from pipeline.state import read_files
from pipeline.store.layout import Layout


def add_costs(costs: Costs, job: Job, by: Sequence[str], warn: Callable[[str], None]) -> None:
    """Count the records of a job, and what a killed run of it has left, as `status` does.

    `by` names the groups, as `pipeline.ledger.costs.dimension` knows them.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    zone = ZoneInfo(job.schedule.timezone) if job.schedule and job.schedule.timezone else None
    dimensions = [dimension(name, zone) for name in by]
    files, layout = read_files(job), Layout(job.output_dir)
    said, rows = read(layout.verdicts), _kept_by_rows(job, files.history, warn)
    for offset, record in spendings(layout.manifest):
        is_last = files.history.is_last(record.task, offset)
        word = said.on(record.task, record.sha256) if is_last else None
        kept = record.task in rows if word is None else word.verdict == "kept"
        costs.add(record, dimensions, is_last=is_last, kept=kept)
    for doubt in files.doubtful:
        costs.add(doubt, dimensions, is_last=True)


def _kept_by_rows(job: Job, history: History, warn: Callable[[str], None]) -> set[str]:
    """Return the tasks whose present clips are kept by what their rows say.

    What was spent is known without the sheet: where that cannot be read, only this is not.
    """
    picks = Picks(Layout(job.output_dir).manifest)
    try:
        known = map(history.recognising(), job.tasks())
        return {task.id for task in known if task.verdict and picks.of(task) == "kept"}
    except JobFileError as error:
        warn(
            f"{job.name}: the rows cannot be read, so clips that only a sheet keeps do not count as"
            f" kept: {str(error).splitlines()[0]}"
        )
        return set()
