"""`pipeline export --to ics`, read back by the library."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import icalendar
import pytest
from msgspec import structs

from pipeline.export import agenda
from pipeline.export.rows import rows
from pipeline.job import load
from pipeline.models import Record
from tests.export.conftest import Exporting
from tests.support.rendered import render


def events(export: Exporting, *flags: str) -> list[Any]:
    read = icalendar.Calendar.from_ical(export("--to", "ics", *flags))
    return list(read.walk("VEVENT"))


def test_each_post_is_an_event(export: Exporting, records: list[Record]) -> None:
    timed, whole_day = events(export)
    assert timed["DTSTART"].dt == datetime(2026, 12, 1, 9, 30)  # noqa: DTZ001 - a local time
    assert whole_day["DTSTART"].dt == date(2026, 12, 2)
    assert (timed["SUMMARY"], timed["DESCRIPTION"]) == ("instagram: Hi, you", "Hi, you")
    assert timed["DTSTAMP"].dt == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert timed["ATTACH"] == (export.out / (records[0].output or "")).as_uri()
    assert "URL" not in timed


def test_the_shapes_of_one_post_are_one_event(export: Exporting) -> None:
    text = export.job.read_text("utf-8")
    export.job.write_text(f"{text}matrix: {{aspect_ratio: [16:9, 9:16, 1:1]}}\n", "utf-8")
    render(export.job)
    found = events(export, "--public", "https://x.example/ä b/{path}")
    assert len(found) == 2
    assert len(found[0]["ATTACH"]) == 3
    assert found[0]["URL"].startswith("https://x.example/%C3%A4%20b/")


def test_the_same_clips_give_the_same_bytes_and_ids_outlive_edits(
    export: Exporting, records: list[Record]
) -> None:
    before = export("--to", "ics")
    assert export("--to", "ics") == before
    sheet = export.folder / "rows.csv"
    sheet.write_text(sheet.read_text("utf-8").replace("Hi, you", "New").replace("-01 ", "-05 "))
    old = {event["UID"] for event in icalendar.Calendar.from_ical(before).walk("VEVENT")}
    moved = events(export)
    assert {event["UID"] for event in moved} == old
    assert len(old) == 2
    assert moved[0]["DTSTART"].dt.day == 5


def test_a_zone_that_is_written_is_kept(export: Exporting) -> None:
    sheet = export.folder / "rows.csv"
    sheet.write_text(sheet.read_text("utf-8").replace("09:30", "09:30+02:00"), "utf-8")
    render(export.job)
    assert events(export)[0]["DTSTART"].dt == datetime(2026, 12, 1, 7, 30, tzinfo=UTC)


def test_posts_without_a_date_are_named(export: Exporting) -> None:
    sheet = export.folder / "rows.csv"
    sheet.write_text(sheet.read_text("utf-8").replace("2026-12-02", "soon"), "utf-8")
    render(export.job)
    assert len(events(export)) == 1
    assert "rows.csv:3: dog is not in the calendar: publish 'soon' is not a date" in export.err
    assert "rows.csv:4: emu is not in the calendar: it has no publish date" in export.err


@pytest.mark.parametrize(
    "sign", ["\r", "\n", "\x85", "\x1b", ";", ",", ":", "\\", "\N{PILE OF POO}"]
)
def test_no_text_ends_its_line(export: Exporting, sign: str, tmp_path: Path) -> None:
    caption = f"a{sign}END:VEVENT{sign}b" + "x" * 200
    rows = f'{{"prompt": "p", "caption": {json.dumps(caption)}, "channel": {json.dumps(caption)},'
    (tmp_path / "rows.jsonl").write_text(f'{rows} "publish": "2026-12-01"}}\n', "utf-8")
    export.job.write_text("model: luma-txt-2-video\nprompts_from: rows.jsonl\n", "utf-8")
    render(export.job)
    (event,) = events(export)
    clean = "\n" if sign in "\r\n" else "\N{REPLACEMENT CHARACTER}" if sign in "\x85\x1b" else sign
    assert event["DESCRIPTION"] == caption.replace(sign, clean)


def test_rows_that_share_a_clip_are_events_of_their_own(
    export: Exporting, records: list[Record]
) -> None:
    listed = [row for row in rows(load(export.job), str) if row.record]
    task = listed[0].task
    later = structs.replace(task, meta={**task.meta, "publish": "2026-12-24"})
    posts, _ = agenda.posts([*listed, replace(listed[0], task=later)])
    read = icalendar.Calendar.from_ical(agenda.calendar("job", posts))
    assert len({event["UID"] for event in read.walk("VEVENT")}) == 3
