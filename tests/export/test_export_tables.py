"""`pipeline export` as CSV and JSON: columns, profiles, files, and whose file is written."""

import csv
import io
import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.export.columns import parse
from pipeline.export.profiles import names
from pipeline.ledger import verdicts
from pipeline.models import Record
from tests.export.conftest import ROWS, Exporting
from tests.support.rendered import render

Say = Callable[..., None]


@pytest.fixture
def say(export: Exporting, records: list[Record]) -> Say:
    """Say of a task that its clip is kept or rejected."""
    clips = {record.task: record.sha256 or "" for record in records}

    def said(task: str, word: verdicts.Word) -> None:
        at = "2026-11-21T10:00:00Z"
        verdict = verdicts.Verdict(task=task, verdict=word, sha256=clips[task], at=at)
        verdicts.append(export.out / verdicts.NAME, [verdict])

    return said


def test_columns_know_the_row_and_the_clip(export: Exporting, records: list[Record]) -> None:
    cat, dog = export.rows(
        "--columns", "Text={{ caption | replace(',', ';') }},File={{ path }},Alt_text",
        "--columns", "Cost={{ cost }},Seed={{ seed }},When={{ publish_date }} {{ publish_time }}",
        "--columns", "All={{ task }}/{{ kind }}/{{ verdict }}/{{ width }}/{{ status }}",
    )  # fmt: skip
    assert cat == {
        "Text": "Hi; you", "File": records[0].output, "Alt_text": "'=1+1", "Cost": "0.95",
        "Seed": "7", "When": "2026-12-01 09:30", "All": "cat/video///succeeded",
    }  # fmt: skip
    assert (dog["When"], dog["Text"]) == ("2026-12-02 ", "'-50 %")


def test_commas_between_braces_do_not_split() -> None:
    assert parse(
        ["A={{ x | replace(',', '') }},B={% if a == ',' %}y{% endif %},C={# , #}, task,"]
    ) == {
        "A": "{{ x | replace(',', '') }}",
        "B": "{% if a == ',' %}y{% endif %}",
        "C": "{# , #}",
        "task": "{{ task }}",
    }


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("T={{ captoin }}", "did you mean caption"),
        ("T={{ Alt_txt }}", "did you mean Alt_text"),
        ("T={{ caption", "not valid"),
        ("T={{ caption | shout }}", "shout"),
        ("T={{ publish | date('%d') }},U={{ prompt.nothing }}", "U"),
        ("{{ caption }}", "names no column"),
        ("T=a,T=b", "two columns"),
        ("T={{ range(100000000) | join }}", "10000"),
    ],
)
def test_columns_that_are_wrong_are_named(export: Exporting, columns: str, said: str) -> None:
    render(export.job)
    assert said in export.refused("--columns", columns)


def test_wrong_names_are_found_without_a_clip(export: Exporting) -> None:
    assert "did you mean caption" in export.refused("--columns", "T={{ captoin }}")


def test_json_lists_the_columns_verbatim(export: Exporting, records: list[Record]) -> None:
    listed = json.loads(export("--to", "json", "--columns", "alt={{ Alt_text }},cost={{ cost }}"))
    assert listed[0] == {"alt": "=1+1", "cost": 0.95}


def test_raw_leaves_formulas(export: Exporting, records: list[Record]) -> None:
    assert [row["Alt text"] for row in export.rows("--raw")] == ["=1+1", "plain"]
    assert [row["Alt text"] for row in export.rows()] == ["'=1+1", "plain"]


def test_only_kept_clips(export: Exporting, say: Say) -> None:
    say("dog", "kept")
    say("cat", "rejected")
    assert [row["task"] for row in export.rows("--kept")] == ["dog"]
    marks = export.rows("--columns", "task,verdict")
    assert [mark["verdict"] for mark in marks] == ["rejected", "kept"]


def test_a_kept_clip_stands_for_its_task_when_that_has_changed(export: Exporting, say: Say) -> None:
    say("dog", "kept")
    text = ROWS.replace("a dog", "a wolf").replace("a cat", "a lion")
    (export.folder / "rows.csv").write_text(text, "utf-8")
    rows = export.rows()
    assert [(row["task"], row["prompt"]) for row in rows] == [("dog", "a dog")]


@pytest.mark.parametrize("name", names())
def test_a_shipped_profile_has_its_columns_in_order(
    export: Exporting, records: list[Record], name: str
) -> None:
    out = export("--profile", name, "--public", "https://cdn.example/x")
    header, cat, dog = csv.reader(io.StringIO(out))
    address = f"https://cdn.example/x/{records[0].output}"
    if name == "publer":
        assert (len(header), header[1], header[3]) == (
            12, "Text", "Media URL(s) - Separated by comma",
        )  # fmt: skip
        assert (cat[0], cat[1], cat[3]) == ("2026-12-01 09:30", "Hi, you", address)
        assert dog[0] == "2026-12-02"
    else:
        assert header[1:] == ["content", "link (OGmetaUrl)", "imageUrls", "gifUrl", "videoUrls"]
        assert cat == ["2026-12-01 09:30:00", "Hi, you", "", "", "", address]
        assert dog[0] == "2026-12-02 09:00:00"
        assert "at most 90 posts" in export.err


def test_a_flag_wins_over_a_column_of_a_profile(export: Exporting, records: list[Record]) -> None:
    (export.folder / "mine.yaml").write_text(
        'columns:\n  Text: "{{ caption }}"\n  Link: ""\n', "utf-8"
    )
    first = export.rows("--profile", "mine.yaml", "--columns", "Link=https://example.com")[0]
    assert first == {"Text": "Hi, you", "Link": "https://example.com"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colums: {}\n", "mine.yaml:1: colums: is not a key of a profile (did you mean columns?)"),
        ("about: x\n", "columns: must be a mapping"),
        ("columns:\n  A: [1]\n", "mine.yaml:2: columns.A: is not a text"),
        ("columns: {\n", "not valid YAML"),
        ("", "not a mapping"),
        ("\0", "control character"),
    ],
)
def test_a_profile_that_is_wrong_is_refused_with_its_line(
    export: Exporting, text: str, said: str
) -> None:
    (export.folder / "mine.yaml").write_text(text, "utf-8")
    assert said in export.refused("--profile", "mine.yaml")


def test_a_profile_that_is_not_there_suggests_one(export: Exporting) -> None:
    assert "did you mean publer" in export.refused("--profile", "publr")


def test_files_are_found_relative_to_the_export(export: Exporting, records: list[Record]) -> None:
    (export.folder / "hand over").mkdir()
    export("--relative", "--out", "hand over/posts.csv")
    with (export.folder / "hand over/posts.csv").open(newline="") as file:
        found = [row["file"] for row in csv.DictReader(file)]
    assert found == [f"../outputs/job/{record.output}" for record in records]
    assert export.rows("--relative")[0]["file"] == f"outputs/job/{records[0].output}"


def test_a_public_address_takes_the_path_where_it_says(
    export: Exporting, records: list[Record]
) -> None:
    first = export.rows("--public", "https://x.example/{path}?dl=1")[0]
    assert first["file"] == f"https://x.example/{records[0].output}?dl=1"
    assert "give one" in export.refused("--public", "https://x.example", "--relative")


@pytest.mark.parametrize("form", ["csv", "json", "ics", "xlsx"])
def test_an_unchanged_file_is_left_alone(
    export: Exporting, records: list[Record], form: str
) -> None:
    out = export.folder / f"posts.{form}"
    export("--to", form, "--out", out)
    before = out.read_bytes()
    os.utime(out, (1_000_000_000, 1_000_000_000))
    assert export("--to", form, "--out", out) == ""
    assert (out.read_bytes(), out.stat().st_mtime) == (before, 1_000_000_000)
    rows = (export.folder / "rows.csv").read_text("utf-8").replace("Hi, you", "Hello")
    (export.folder / "rows.csv").write_text(rows, "utf-8")
    export("--to", form, "--out", out)
    assert out.read_bytes() != before
    assert out.stat().st_mtime != 1_000_000_000
    assert sorted(path.name for path in export.folder.iterdir()) == [
        "job.yaml", "outputs", f"posts.{form}", "rows.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_file_has_what_standard_output_has(
    export: Exporting, records: list[Record], form: str
) -> None:
    export("--to", form, "--out", "posts")
    assert (export.folder / "posts").read_text("utf-8") == export("--to", form)
    assert export("--to", form, "--out", "-") == export("--to", form)


@pytest.mark.parametrize(
    "name",
    [
        "job.yaml", ".env", "rows.csv", "link.csv", "outputs/job/manifest.jsonl",
        "outputs/job/.lock",
        "outputs/job/report.html", "outputs/job/verdicts.jsonl", "outputs/job/posters/x.csv",
        "outputs/job/cat.mp4", "missing/posts.csv", "outputs", "",
    ],
)  # fmt: skip
def test_what_the_job_needs_is_never_written_over(
    export: Exporting, records: list[Record], name: str
) -> None:
    (export.folder / "link.csv").symlink_to("rows.csv")
    name = name.replace("cat.mp4", records[0].output or "")
    before = {path: path.read_bytes() for path in export.folder.rglob("*") if path.is_file()}
    assert "out" in export.refused("--out", name)
    after = {path: path.read_bytes() for path in export.folder.rglob("*") if path.is_file()}
    assert before == after


def test_a_sheet_of_which_no_row_is_taken_is_not_written_over(export: Exporting) -> None:
    (export.folder / "rest.csv").write_text("id,prompt\nyak,a yak\n", "utf-8")
    sheets = "prompts_from: [rows.csv, {file: rest.csv, where: \"prompt == ''\"}]\n"
    export.job.write_text(f"model: luma-txt-2-video\n{sheets}", "utf-8")
    assert "never written over" in export.refused("--out", "rest.csv")


@pytest.mark.parametrize(
    "flags",
    [
        ["--to", "ics", "--columns", "a=b"],
        ["--to", "ics", "--profile", "publer"],
        ["--to", "xlsx", "--bom"],
    ],
)
def test_flags_that_contradict_are_refused(export: Exporting, flags: list[str]) -> None:
    assert "leave it out" in export.refused(*flags)


def test_the_profile_of_the_guide_is_one(export: Exporting, records: list[Record]) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/export.md").read_text("utf-8")
    block = textwrap.dedent(page.partition("```yml\n")[2].partition("```")[0])
    (export.folder / "our-tool.yaml").write_text(block, "utf-8")
    first = export.rows("--profile", "our-tool.yaml")[0]
    assert (first["Post date"], first["Text"]) == ("01/12/2026", "Hi, you #instagram")


def test_id_is_the_row_s_own_without_values_and_takes(export: Exporting) -> None:
    more = "takes: 2\nmatrix: {aspect_ratio: [16:9, 9:16]}\nprompts: [no id of its own]\n"
    export.job.write_text(export.job.read_text() + more)
    render(export.job, leave=set())
    rows = export.rows("--columns", "id,task")
    assert len(rows) == 16
    assert {row["id"] for row in rows if not row["task"].startswith("~")} == {"cat", "dog", "emu"}
    assert [row["id"] for row in rows if row["task"].startswith("~")] == [""] * 4
    assert all(row["task"].startswith(row["id"]) for row in rows)
