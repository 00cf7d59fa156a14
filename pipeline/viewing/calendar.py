"""The posts of a job as a calendar file, as `pipeline export --to ics` writes it."""

from pipeline.export.rows import rows
from pipeline.export.writing import Export, Wanted
from pipeline.models import Job
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files
from pipeline.store.shelf import open_shelf


def calendar(job: Job, *, kept: bool) -> bytes:
    """Write the calendar; with `kept` only of clips that were kept.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    refuse_another_job(layout, job)
    listed = list(rows(job, open_shelf(job, layout).link))
    return Export(job, listed, Wanted("ics", kept=kept), lambda _: None).calendar()
