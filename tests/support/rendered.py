"""A job whose clips are there, without a run: records and files as a run leaves them."""

import hashlib
from collections.abc import Callable, Container
from decimal import Decimal
from pathlib import Path

from pipeline import load
from pipeline.ledger.manifest import encode
from pipeline.models import Record, Status, Task

FINISHED = "2026-11-20T10:00:00.000Z"


def _body(task: str) -> bytes:
    return f"clip of {task}".encode()


def render(
    file: Path,
    *,
    leave: Container[str] = (),
    cost: str = "0.95",
    body: Callable[[str], bytes] = _body,
) -> list[Record]:
    """Write the records and clips of a job's tasks but those to `leave`."""
    job = load(file)
    job.output_dir.mkdir(parents=True, exist_ok=True)
    tasks = [task for task in job.tasks() if task.id not in leave]
    records = [_record(task, Decimal(cost), body(task.id)) for task in tasks]
    for record in records:
        clip = job.output_dir / (record.output or "")
        clip.parent.mkdir(parents=True, exist_ok=True)
        clip.write_bytes(body(record.task))
    lines = (encode(record, first=not number) for number, record in enumerate(records))
    (job.output_dir / "manifest.jsonl").write_bytes(b"".join(lines))
    return records


def _record(task: Task, cost: Decimal, body: bytes) -> Record:
    return Record(
        task=task.id,
        status=Status.SUCCEEDED,
        model=task.model,
        params=task.params,
        fingerprint=task.fingerprint,
        meta=task.meta,
        output=f"{task.output}.mp4",
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        content_type="video/mp4",
        http_status=200,
        cost=cost,
        seed=7,
        started_at=FINISHED,
        finished_at=FINISHED,
        duration_s=1.0,
    )
