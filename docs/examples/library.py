"""Render a job from Python, and see what came of it."""

import os

import anyio

import pipeline

job = pipeline.load("job.yaml")
endpoint = pipeline.Endpoint(os.environ["SEGMIND_BASE_URL"], os.environ["SEGMIND_API_KEY"])


def watch(event: pipeline.events.Event) -> None:
    if isinstance(event, pipeline.events.Finished):
        print(event.record.status, event.record.task, event.money.spent)


summary = anyio.run(lambda: pipeline.run(job, endpoint, watch=watch))
print(summary.exit_code.meaning, [r.output for r in pipeline.read_manifest(job)])
