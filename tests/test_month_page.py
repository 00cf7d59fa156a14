"""The page about a month of posts, word for word: its commands, and what people do in between."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import icalendar
import openpyxl
import pytest

from pipeline.cli.edge import run_command
from sandbox.testing import Sandbox

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "month.md"
CHANNELS = ("Instagram", "TikTok", "YouTube")
POSTS, SHAPES = 30, 3
YML = re.compile(r"^```yml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def sheet(path: Path, subjects: dict[int, str]) -> None:
    """Write the sheet of the page; `subjects` are those that were edited, by day."""
    book = openpyxl.Workbook()
    tab = book.active
    assert tab is not None
    tab.title = "December"
    tab.append(["December"])
    tab.merge_cells("A1:E1")
    tab.append([])
    tab.append(["Publish Date", "Channel", "Subject", "Caption", "Status"])
    for day in range(1, POSTS + 1):
        subject = subjects.get(day, f"A harbour on day {day}")
        caption = f"Day {day}!\nSee you there 🎄"
        channel = CHANNELS[(day - 9) % 3]
        tab.append([date(2026, 12, day), channel, subject, caption, "For Production"])
    tab.append([date(2026, 12, 31), "YouTube", "Fireworks, perhaps", "", "Idea"])
    book.save(path)


def steps() -> list[list[list[str]]]:
    """The commands of each section of the page."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = []
    for section in sections:
        text = "".join(re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE))
        found.append([shlex.split(line) for line in text.splitlines()])
    return found


class Month:
    """A folder with the sheet, in which the page's commands run."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.job, self.sheet = folder / "december.yaml", folder / "plan.xlsx"

    def run(self, commands: list[list[str]]) -> str:
        self._capsys.readouterr()
        for program, *arguments in commands:
            assert program == "pipeline"
            assert run_command(arguments) == 0, arguments
        return self._capsys.readouterr().out

    def plan(self, *arguments: str) -> dict[str, Any]:
        command = ["pipeline", "check", self.job.name, "--json", *arguments]
        return dict(json.loads(self.run([command])))

    @property
    def rendered(self) -> Counter[str]:
        """How often each task was rendered."""
        lines = (self.folder / "outputs/december/manifest.jsonl").read_text("utf-8").splitlines()
        records = (json.loads(line) for line in lines)
        return Counter(r["task"] for r in records if r.get("status") == "succeeded")


@pytest.fixture
def month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Month]:
    with Sandbox(latency=0, clips="tiny", credits=1000) as api:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SEGMIND_API_KEY", "sk-month-0123456789abcdef")
        monkeypatch.setenv("SEGMIND_BASE_URL", api.url)
        yield Month(tmp_path, capsys)


def test_a_month_from_the_sheet_to_the_calendar(month: Month) -> None:
    make, render, pick, again, brand, hand_over = steps()
    sheet(month.sheet, {})
    month.run(make)
    (written,) = YML.findall(PAGE.read_text("utf-8"))
    month.job.write_text(written, "utf-8")

    month.run(render)
    first = month.rendered
    assert set(first.values()) == {1}
    assert len(first) == POSTS * SHAPES

    listed = month.run(pick)
    assert sum(" kept " in line for line in listed.splitlines()) == 8 * SHAPES

    sheet(month.sheet, {9: "Gulls over the pier", 10: "Ropes in the sun"})
    month.run(again)
    twice = {task for task, times in month.rendered.items() if times == 2}
    assert {task.partition("[")[0] for task in twice} == {
        "2026-12-09-instagram",
        "2026-12-10-tiktok",
    }
    assert len(twice) == 2 * SHAPES

    month.job.write_text(written.replace("Harbour Coffee", "Pier Coffee"), "utf-8")
    plan = month.plan()
    assert (plan["changed"], plan["kept"], plan["to_do"]) == (66, 24, 66)
    before = month.rendered
    month.run(brand)
    fresh = {task for task, times in month.rendered.items() if times > before[task]}
    assert len(fresh) == 66
    assert not [task for task in fresh if task < "2026-12-09"]
    assert month.plan()["to_do"] == 0

    month.run(hand_over)
    tab = openpyxl.load_workbook(month.folder / "december-done.xlsx")["December"]
    heads = [cell.value for cell in tab[3]]
    assert heads[:5] == ["Publish Date", "Channel", "Subject", "Caption", "Status"]
    assert len(heads) > 5
    read = icalendar.Calendar.from_ical((month.folder / "december.ics").read_bytes())
    events = list(read.walk("VEVENT"))
    assert [event["DTSTART"].dt.day for event in events] == list(range(1, 9))
    assert all(len(event["ATTACH"]) == SHAPES for event in events)
