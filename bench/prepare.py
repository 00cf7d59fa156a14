"""Writes the manifest and the outputs of a job as if all but some of its tasks were done."""

import sys
from decimal import Decimal
from pathlib import Path

import pipeline
from pipeline.ledger.manifest import encode
from pipeline.models import Record, Status


def main() -> None:
    job, every = pipeline.load(sys.argv[1]), int(sys.argv[2])
    out = job.output_dir
    out.mkdir(parents=True, exist_ok=True)
    pending: list[Path] = []
    with (out / "manifest.jsonl").open("wb") as manifest:
        for number, task in enumerate(job.tasks()):
            clip = out / f"{task.output}.mp4"
            if number % every == every - 1:
                pending.append(clip)
                continue
            clip.touch()
            record = Record(
                task=task.id,
                status=Status.SUCCEEDED,
                model=task.model,
                params=task.params,
                fingerprint=task.fingerprint,
                meta=task.meta,
                output=clip.name,
                bytes=1024,
                sha256="0" * 64,
                content_type="video/mp4",
                http_status=200,
                cost=Decimal("0.95"),
                at_risk=Decimal(0),
                remaining_credits=Decimal("615.98"),
                started_at="2026-01-01T00:00:00.000Z",
                finished_at="2026-01-01T00:01:02.000Z",
                duration_s=62.0,
            )
            manifest.write(encode(record))
    for clip in pending:
        clip.unlink(missing_ok=True)


main()
