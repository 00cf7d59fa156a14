import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.errors import DirectoryError, StorageError
from pipeline.models import Record, Status
from pipeline.report import ReportData, render, write
from pipeline.report.data import Totals
from pipeline.report.summary import lede
from tests.report.conftest import commands_of

MakeRecord = Callable[..., Record]
MakeReport = Callable[..., ReportData]
HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.text, self.data = [], "", {}
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._script = dict(attrs).get("id", tag)
            self.data[self._script] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.text += data
        else:
            self.data[self._script] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(data: ReportData) -> "Page":
    return Page("".join(render(data)))


def policy(shown: "Page") -> dict[str, str]:
    (meta,) = [each for each in shown.all("meta") if each.get("http-equiv")]
    return dict(part.split(" ", 1) for part in meta["content"].split("; "))


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_the_policy_allows_this_script_and_this_style_and_nothing_from_elsewhere(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    shown = page(a_report(a_record()))
    allowed = policy(shown)
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == digest(shown.data["script"])
    assert allowed["style-src"] == digest(shown.data["style"])
    assert allowed["media-src"] == "'self' file:"
    assert allowed["base-uri"] == allowed["form-action"] == "'none'"
    assert not any("http" in value for value in allowed.values())


def test_the_page_asks_for_nothing_outside_itself(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    shown = page(a_report(a_record()))
    for tag, attributes in shown.elements:
        assert not {"onclick", "onerror", "onload", "style", "srcset"} & set(attributes), tag
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/svg+xml,"))
    assert "innerHTML" not in shown.data["script"]
    assert "@import" not in shown.data["style"]


def test_the_script_and_the_style_hold_nothing_that_ends_them(a_report: MakeReport) -> None:
    shown = page(a_report())
    assert not re.search(r"</script|<!--", shown.data["script"], re.IGNORECASE)
    assert "<" not in shown.data["style"].replace("%3C", "")


def test_names_prompts_and_paths_cannot_become_markup(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    clean = page(a_report(a_record(status=Status.FAILED)))
    data = a_report(
        a_record(HOSTILE, HOSTILE, status=Status.FAILED, error=HOSTILE, meta={HOSTILE: HOSTILE}),
        name=HOSTILE,
        commands=commands_of(HOSTILE),
        generated_at=HOSTILE,
    )
    shown = page(data)
    assert [tag for tag, _ in shown.elements if tag != "time"] == [
        tag for tag, _ in clean.elements if tag != "time"
    ]
    assert HOSTILE in shown.text
    assert json.loads(shown.data["entries"])[0]["prompt"] == HOSTILE


def test_a_placeholder_in_a_name_or_a_prompt_stays_text(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    shown = page(a_report(a_record("$entries", "$script $$ $nights"), name="$style ${money}"))
    assert "$style ${money}" in shown.text
    assert json.loads(shown.data["entries"])[0]["task"] == "$entries"


def test_the_page_says_all_totals_without_its_script(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(
        a_record("a"),
        a_record("b", status=Status.FAILED),
        a_record("c", status=Status.IN_DOUBT, at_risk=Decimal("0.95")),
        pending=4,
        balance=Decimal("41.3"),
    )
    text = page(data).text
    assert "1 of 7 clips is ready." in text
    for said in ("Succeeded1", "Failed1", "In doubt1", "Left to do4"):
        assert said in text
    assert "Spent$0.95At risk$0.95Balance$41.30" in text
    assert "22 November 2026, 07:00 UTC" in text


def test_each_kind_of_unfinished_task_has_its_command(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(
        a_record("a"),
        a_record("b", status=Status.FAILED),
        a_record("c", status=Status.IN_DOUBT),
        pending=1,
        commands=commands_of("my job.yaml"),
    )
    text = page(replace(data, missing=frozenset({"a"}))).text
    for retry in (" --retry failed", " --retry in-doubt", " --retry missing", ""):
        assert f"pipeline run 'my job.yaml'{retry}" in text


def test_a_doubt_is_settled_before_it_is_sent_again_and_what_waits_is_said(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(
        a_record("a"),
        a_record("c", status=Status.IN_DOUBT),
        accepted=["w"],
        commands=commands_of("my job.yaml", settle="pipeline settle 'my job.yaml'"),
        pending=0,
    )
    text = page(data).text
    assert text.index("pipeline settle 'my job.yaml'") < text.index("--retry in-doubt")
    assert "Waiting1" in text
    assert "Waiting at the provider: 1" in text
    assert "Waiting" not in page(a_report(a_record("a"))).text


def test_a_finished_job_offers_no_command(a_record: MakeRecord, a_report: MakeReport) -> None:
    text = page(a_report(a_record())).text
    assert "pipeline run" not in text
    assert "Nothing is left" in text


def test_a_simulated_report_says_so_in_its_title_and_its_head(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    assert page(a_report(a_record(simulated=True))).text.count("Simulated") == 2
    assert "Simulated" not in page(a_report(a_record())).text


def test_nights_are_embedded_for_the_picture(a_record: MakeRecord, a_report: MakeReport) -> None:
    (night,) = json.loads(page(a_report(a_record())).data["nights"])
    assert set(night) == {
        "start", "end", "step", "in_flight", "succeeded", "failed", "in_doubt", "balance",
    }  # fmt: skip


def totals(succeeded: int, total: int) -> Totals:
    left = total - succeeded
    return Totals(total, succeeded, 0, 0, left, Decimal(0), Decimal(0), None)


@pytest.mark.parametrize(
    ("succeeded", "total", "said"),
    [
        (0, 0, "Nothing has been rendered yet."),
        (1, 1, "The clip is ready."),
        (1200, 1200, "All 1,200 clips are ready."),
        (0, 1, "None of 1 clip is ready yet."),
        (0, 9, "None of 9 clips is ready yet."),
        (1, 9, "1 of 9 clips is ready."),
        (5, 9, "5 of 9 clips are ready."),
    ],
)
def test_one_sentence_says_how_the_job_stands(succeeded: int, total: int, said: str) -> None:
    assert lede(totals(succeeded, total)) == said


def test_the_report_is_written_whole_beside_the_clips(
    a_record: MakeRecord, a_report: MakeReport, tmp_path: Path
) -> None:
    (tmp_path / "here #1.mp4").write_bytes(b"clip")
    target = tmp_path / "report.html"
    write(target, a_report(a_record("older")))
    records = [
        a_record("here", output="here #1.mp4"),
        a_record("gone"),
        a_record("long", output="x" * 5_000 + ".mp4"),
    ]
    write(target, a_report(*records))
    shown = Page(target.read_text("utf-8"))
    standing = {each["task"]: each.get("missing") for each in json.loads(shown.data["entries"])}
    assert standing == {"here": None, "gone": True, "long": True}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["here #1.mp4", "report.html"]


def test_a_report_that_cannot_be_written_is_told_and_leaves_nothing(
    a_report: MakeReport, tmp_path: Path
) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(DirectoryError, match=r"report\.html is a link, a folder"):
        write(tmp_path / "report.html", a_report())
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(StorageError):
        write(tmp_path / "nowhere" / "report.html", a_report())


def test_ten_thousand_records_make_a_page_of_bounded_size_in_bounded_time(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    records = [
        a_record(f"shot-{number}", f"Shot {number} " + "of the sea " * 12, meta={"channel": "film"})
        for number in range(10_000)
    ]
    begun = time.process_time()
    size = sum(len(piece) for piece in render(a_report(*records)))
    assert time.process_time() - begun < 10
    assert size < 10_000 * 700 + 200_000
