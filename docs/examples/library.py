"""Render a job from Python, and see what came of it."""

import os

import anyio

import pipeline

job = pipeline.load("job.yaml")
url = os.environ.get("SEGMIND_BASE_URL", "https://api.segmind.com")
endpoint = pipeline.Endpoint(url, os.environ["SEGMIND_API_KEY"])


def watch(event: pipeline.events.Event) -> None:
    if isinstance(event, pipeline.events.Finished):
        print(event.record.status, event.record.task, event.money.spent)


summary = anyio.run(lambda: pipeline.run(job, endpoint, watch=watch))
print(summary.exit_code.meaning, [r.output for r in pipeline.read_manifest(job)])
