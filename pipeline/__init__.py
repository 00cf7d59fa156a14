"""Batch generation against a paid media API, in which each clip is paid for once.

    import anyio
    import pipeline

    job = pipeline.load("jobs/demo.yaml")
    endpoint = pipeline.Endpoint("https://api.segmind.com", key)
    summary = anyio.run(pipeline.run, job, endpoint)
    for record in pipeline.read_manifest(job):
        print(record.task, record.status, record.output)

The command line is built on these names. Importing the package is cheap: each name imports what
it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline import events
    from pipeline.api.endpoint import Endpoint
    from pipeline.errors import ExitCode, JobFileError, PipelineError
    from pipeline.events import Summary
    from pipeline.ledger.plan import Retry
    from pipeline.library import control, load, read_manifest, status
    from pipeline.models import Job, Record, Status, Task
    from pipeline.runtime.options import Options
    from pipeline.runtime.runner import run

__version__ = "0.2.0.dev0"

__all__ = [
    "Endpoint",
    "ExitCode",
    "Job",
    "JobFileError",
    "Options",
    "PipelineError",
    "Record",
    "Retry",
    "Status",
    "Summary",
    "Task",
    "control",
    "events",
    "load",
    "read_manifest",
    "run",
    "status",
]

_HOMES = {
    "Endpoint": "api.endpoint",
    "ExitCode": "errors",
    "Job": "models",
    "JobFileError": "errors",
    "Options": "runtime.options",
    "PipelineError": "errors",
    "Record": "models",
    "Retry": "ledger.plan",
    "Status": "models",
    "Summary": "events",
    "Task": "models",
    "control": "library",
    "load": "library",
    "read_manifest": "library",
    "run": "runtime.runner",
    "status": "library",
}

if not TYPE_CHECKING:  # a type checker shall report a name that is not there

    def __getattr__(name: str) -> Any:
        if name == "events":
            return import_module("pipeline.events")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"pipeline.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
