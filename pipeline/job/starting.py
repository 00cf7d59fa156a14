"""The job file that `pipeline init` writes: short enough to read, with every key explained."""

from importlib import resources
from pathlib import Path

SCHEMA_NAME = "job.schema.json"


def starter(path: Path) -> dict[str, str]:
    """Make the files of a new job: the job file, and the schema beside it that editors use."""
    data = resources.files("pipeline") / "data"
    job = (data / "starter.yaml").read_text(encoding="utf-8")
    schema = (data / SCHEMA_NAME).read_text(encoding="utf-8")
    return {path.name: job, SCHEMA_NAME: schema}
