"""The public API as a user's program uses it. Type-checked by a test, never run.

Each `type: ignore` is an error that mypy must find: where a name has lost its types, mypy reports
the comment as unused.
"""

from collections.abc import Coroutine, Iterator
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_never, assert_type

import anyio

import pipeline
from pipeline import events

job = pipeline.load("job.yaml", output=Path("renders"))
assert_type(job, pipeline.Job)
assert_type(job.output_dir, Path)
assert_type(job.tasks(), Iterator[pipeline.Task])
pipeline.load(7)  # type: ignore[arg-type]
job.name = "other"  # type: ignore[misc]

assert_type(pipeline.control(job, "concurrency", 3), events.Standing)
pipeline.control(job)  # type: ignore[call-arg]

endpoint = pipeline.Endpoint("https://api.segmind.com", "key")
assert_type(endpoint, pipeline.Endpoint)
pipeline.Endpoint()  # type: ignore[call-arg]

options = pipeline.Options(
    retry=[pipeline.Retry.FAILED, pipeline.Retry.IN_DOUBT],
    limit=3,
    until=time(7, 30),
    wait_for_credits=60.0,
    handle_signals=True,
)
pipeline.Options(limit="3")  # type: ignore[arg-type]


def watch(event: events.Event) -> None:
    """Handle each event with the types of its fields."""
    match event:
        case events.Finished(record=record, money=money):
            assert_type(record, pipeline.Record)
            assert_type(money.spent, Decimal)
        case events.Held(reason=reason, until=until):
            assert_type(reason, events.Reason)
            assert_type(until, float | None)
        case events.Summary(exit_code=code):
            assert_type(code, pipeline.ExitCode)
        case _:
            assert_type(event.at, float)


def wrong(number: int) -> None:
    """Watch nothing that a run reports."""


coroutine = assert_type(
    pipeline.run(job, endpoint, options=options, watch=watch),
    Coroutine[Any, Any, pipeline.Summary],
)
pipeline.run(job, endpoint, watch=wrong)  # type: ignore[arg-type, unused-coroutine]
pipeline.run(job)  # type: ignore[call-arg, unused-coroutine]

summary = anyio.run(lambda: pipeline.run(job, endpoint))
assert_type(summary, pipeline.Summary)
assert_type(summary.exit_code, pipeline.ExitCode)
assert_type(summary.exit_code.meaning, str)
assert_type(summary.counts.failed, int)

state = pipeline.status(job)
assert_type(state.running, bool)
assert_type(state.spent, Decimal)
assert_type(state.remaining_credits, Decimal | None)

for record in pipeline.read_manifest(job):
    assert_type(record, pipeline.Record)
    assert_type(record.cost, Decimal | None)
    assert_type(record.output, str | None)
    match record.status:
        case pipeline.Status.SUCCEEDED | pipeline.Status.FAILED | pipeline.Status.IN_DOUBT:
            pass
        case other:
            assert_never(other)

try:
    pipeline.load("job.yaml")
except pipeline.JobFileError as error:
    assert_type([problem.line for problem in error.problems], list[int | None])
except pipeline.PipelineError as error:
    assert_type(error.hint, str | None)
    assert_type(error.exit_code, pipeline.ExitCode)

pipeline.load_all(job)  # type: ignore[attr-defined]
