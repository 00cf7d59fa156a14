"""Files of a run: the layout, claims, outputs, the order of commits, recovery after a kill."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.models import Job
    from pipeline.store.rendered import Rendered


def clips_of(job: "Job") -> "Rendered":
    """Read what a job has rendered.

    Raises:
        pipeline.errors.DirectoryError: its output directory cannot be read.
    """
    from pipeline.store.rendered import Rendered  # noqa: PLC0415 - for jobs that have clips as rows

    return Rendered(job)
