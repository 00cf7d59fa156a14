"""Records to make reports of."""

import shlex
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pipeline.models import Record, Status, fingerprint
from pipeline.report import ReportData, collect
from pipeline.report.commands import Commands


def commands_of(job: str, **others: str) -> Commands:
    return Commands.of(lambda *flags: shlex.join(["pipeline", "run", job, *flags]), **others)


@pytest.fixture
def a_record() -> Callable[..., Record]:
    def make(task: str = "hero", prompt: str = "A lighthouse at dusk", **fields: Any) -> Record:
        params = {
            "prompt": prompt,
            "aspect_ratio": "16:9",
            "loop": False,
            **fields.pop("params", {}),
        }
        succeeded = fields.get("status", Status.SUCCEEDED) is Status.SUCCEEDED
        usual: dict[str, Any] = {
            "status": Status.SUCCEEDED,
            "model": "luma-txt-2-video",
            "fingerprint": fingerprint("luma-txt-2-video", params),
            "output": f"{task}.mp4" if succeeded else None,
            "content_type": "video/mp4" if succeeded else None,
            "cost": Decimal("0.95") if succeeded else None,
            "started_at": "2026-11-21T22:00:00.000Z",
            "finished_at": "2026-11-21T22:01:02.000Z",
            "duration_s": 62.0,
        }
        return Record(task=task, params=params, **(usual | fields))

    return make


@pytest.fixture
def a_report(a_record: Callable[..., Record]) -> Callable[..., ReportData]:
    def make(*records: Record, **given: Any) -> ReportData:
        usual = {
            "name": "spring",
            "commands": commands_of("jobs/spring.yaml"),
            "generated_at": "2026-11-22T07:00:00Z",
        }
        return collect(records, **(usual | given))

    return make
