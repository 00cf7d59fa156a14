"""A job with a sheet, its clips, and exports of it in this process."""

import csv
import io
from pathlib import Path

import pytest

from pipeline.cli.edge import run_command
from pipeline.models import Record
from tests.support.rendered import render

JOB = "model: luma-txt-2-video\nprompts_from: rows.csv\n"
ROWS = """\
id,prompt,publish,channel,caption,Alt text
cat,a cat,2026-12-01 09:30,instagram,"Hi, you",=1+1
dog,a dog,2026-12-02,web,-50 %,plain
emu,an emu,,web,,
"""


class Exporting:
    """Exports of one job, in this process."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.job = folder / "job.yaml"
        self.out = folder / "outputs" / "job"
        self._capture = capture

    def __call__(self, *flags: object, code: int = 0) -> str:
        ended = run_command(["export", str(self.job), *map(str, flags)])
        told = self._capture.readouterr()
        assert ended == code, told.err
        self.err = told.err
        return told.out

    def rows(self, *flags: object) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self(*flags))))

    def refused(self, *flags: object) -> str:
        self(*flags, code=2)
        return self.err


@pytest.fixture
def export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Exporting:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text(JOB, "utf-8")
    (tmp_path / "rows.csv").write_text(ROWS, "utf-8")
    return Exporting(tmp_path, capsys)


@pytest.fixture
def records(export: Exporting) -> list[Record]:
    return render(export.job, leave={"emu"})
