import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models import Expect, Facts, Record, Settled, Status
from pipeline.report import ReportData
from pipeline.report.entries import (
    Entry,
    embedded,
    embedded_entries,
    entry,
    kind,
    outputs,
    url,
)
from pipeline.report.shortening import LONGEST_VALUE, shortened

MakeRecord = Callable[..., Record]
MakeReport = Callable[..., ReportData]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("hero.mp4", "./hero.mp4"),
        ("a b.mp4", "./a%20b.mp4"),
        ("50% #1?.mp4", "./50%25%20%231%3F.mp4"),
        ("été/ü.mp4", "./%C3%A9t%C3%A9/%C3%BC.mp4"),
        ("javascript:alert(1).mp4", "./javascript%3Aalert%281%29.mp4"),
        ('"><img>.mp4', "./%22%3E%3Cimg%3E.mp4"),
        ("back\\slash.mp4", "./back%5Cslash.mp4"),
    ],
)
def test_a_file_name_becomes_a_relative_url(output: str | None, expected: str | None) -> None:
    assert url(output) == expected


@pytest.mark.parametrize("output", [None, "/etc/passwd", "//host/clip.mp4", "../other/clip.mp4"])
def test_what_leads_elsewhere_has_no_url(output: str | None) -> None:
    assert url(output) is None


@given(st.text(min_size=1).filter(lambda name: not name.startswith("/") and ".." not in name))
def test_every_name_survives_the_way_into_a_url_and_back(name: str) -> None:
    assert unquote(url(name), errors="surrogatepass") == f"./{name}"


@pytest.mark.variant
@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists))
def test_embedded_data_is_json_and_can_end_no_script(value: object) -> None:
    text = embedded(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_hostile_prompts_stay_data(a_record: MakeRecord, a_report: MakeReport) -> None:
    prompt = "</script><!-- <script>alert(1)</script> \u2028 \u2029 & \" ' \\ \x00"
    text = "".join(embedded_entries(a_report(a_record(prompt=prompt))))
    assert "<" not in text
    assert json.loads(text)[0]["prompt"] == prompt


def test_entries_are_an_array_that_reads_back_as_what_was_shown(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(a_record("one"), a_record("two", status=Status.FAILED, error="400: refused"))
    text = "".join(embedded_entries(data))
    first, second = msgspec.json.decode(text, type=list[Entry])
    assert (first.task, first.src, first.kind, first.cost) == (
        "one",
        "./one.mp4",
        "video",
        Decimal("0.95"),
    )
    assert (second.status, second.error, second.src) == (Status.FAILED, "400: refused", None)


def test_what_has_no_value_takes_no_room(a_record: MakeRecord, a_report: MakeReport) -> None:
    (shown,) = json.loads("".join(embedded_entries(a_report(a_record()))))
    assert set(shown) == {
        "task", "status", "prompt", "model", "group", "params",
        "file", "src", "kind", "cost", "finished_at", "duration_s", "post",
    }  # fmt: skip
    assert shown["params"] == {"aspect_ratio": "16:9", "loop": False}


def test_takes_of_one_request_share_a_group(a_record: MakeRecord, a_report: MakeReport) -> None:
    one, two, other = a_record("a"), a_record("b"), a_record("c", "Another prompt")
    groups = [entry(record, a_report()).group for record in (one, two, other)]
    assert groups[0] == groups[1] != groups[2]


def test_pictures_sent_as_base64_are_not_carried_into_the_page(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    frame = "data:image/png;base64," + "A" * 1_000_000
    record = a_record(params={"frames": [{"start": frame}]}, meta={"note": frame})
    text = embedded(entry(record, a_report()))
    assert len(text) < 1_000
    assert "1,000,022 characters" in text


def test_short_values_stay_as_they_are() -> None:
    value = {"a": [1, None, "x" * LONGEST_VALUE]}
    assert shortened(value) == value


@pytest.mark.parametrize(
    ("output", "content_type", "expected"),
    [
        ("clip.mp4", "image/jpeg", "video"),
        ("still.PNG", None, "image"),
        ("song.mp3", None, "audio"),
        ("clip.bin", "video/mp4; codecs=x", "video"),
        ("clip.bin", "application/json", None),
        ("clip", None, None),
        (None, "video/mp4", None),
    ],
)
def test_the_extension_tells_how_to_play_and_then_the_content_type(
    a_record: MakeRecord, output: str | None, content_type: str | None, expected: str | None
) -> None:
    assert kind(a_record(output=output, content_type=content_type)) == expected


def test_an_entry_says_how_its_task_stands_in_the_job(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    records = [a_record("kept"), a_record("changed"), a_record("former")]
    data = a_report(*records, current={"kept": records[0].fingerprint, "changed": "another"})
    assert [entry(record, data).standing for record in records] == ["", "changed", "former"]


def test_an_entry_says_how_its_doubt_has_ended_and_no_difference_as_risk(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    found = a_record("a", at_risk=Decimal("-0.95"), settled=Settled.FOUND)
    shown = entry(found, a_report(found, accepted=["b"]))
    assert (shown.settled, shown.at_risk, shown.standing) == ("found", None, "")
    waiting = a_record("b", status=Status.IN_DOUBT)
    assert entry(waiting, a_report(waiting, accepted=["b"])).standing == "accepted"


def test_outputs_are_those_of_successes(a_record: MakeRecord) -> None:
    records = [a_record("one"), a_record("two", status=Status.FAILED, output="body.txt")]
    assert list(outputs(records)) == [("one", "one.mp4")]


def test_a_task_without_a_file_says_what_its_file_would_be_called(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(
        a_record("~1", status=Status.FAILED), a_record("~2"),
        names={"~1": "a-harbour-in-rain", "~2": "a-pier"},
    )  # fmt: skip
    failed, done = (entry(record, data) for record in data.records)
    assert failed.name == "a-harbour-in-rain"
    assert done.name is None


def test_what_is_not_as_expected_is_in_the_entry(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    record = a_record(media=Facts(width=720, height=1280, duration_s=5.0))
    data = a_report(record)
    assert entry(record, data).flags == ()
    data = replace(data, expect=Expect(aspect_ratio=True, min_duration=6))
    made = entry(record, data)
    assert made.media == record.media
    assert made.flags == (
        "aspect ratio 720×1280, expected 16:9",
        "duration 5 s, expected at least 6 s",
    )
    failed = a_record(status=Status.FAILED)
    assert entry(failed, data).flags == ()
