"""Sheets as people export them become the right tasks, or an error that says the line to write."""

import csv
import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from support.job_workspace import HEAD, JobWorkspace

from pipeline.cli.init import init
from pipeline.errors import JobFileError, UsageError
from pipeline.job import drafted, load
from pipeline.models import Task

TITLES = ["Publish Date", "Channel", "Prompt", "Caption", "Approved"]
FOX = "A fox in snow"
POSTS = [
    [date(2026, 12, 1), "Instagram", FOX, "Out early", "yes"],
    [date(2026, 12, 13), "TikTok", "A kite over dunes", "Fly", ""],
]
FIRST = {"publish": "2026-12-01", "channel": "Instagram", "caption": "Out early"}


def workbook(path: Path, *rows: list[Any], sheet: str = "December", **sheets: Any) -> Any:
    book = openpyxl.Workbook()
    table = book.active
    assert table is not None
    table.title = sheet
    for row in rows:
        table.append(row)
    for name, more in sheets.items():
        other = book.create_sheet(name)
        for row in more:
            other.append(row)
    book.save(path)
    return book


def delimited(rows: list[list[Any]], order: str, delimiter: str = ",") -> str:
    """Export rows as a program of some locale does."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow(c.strftime(order) if isinstance(c, date) else c for c in row)
    return out.getvalue()


def said(workspace: JobWorkspace, job: str) -> str:
    loaded = workspace.job(HEAD + job)
    list(loaded.tasks())
    return " ".join(line for sheet in loaded.sheets() for line in sheet["said"])


def standard(task: Task) -> dict[str, Any]:
    return {name: task.meta.get(name) for name in FIRST}


EXPORTS = {
    "google": (delimited([TITLES, *POSTS], "%-m/%-d/%Y").encode(), "%m/%d/%Y"),
    "excel-us": (delimited([TITLES, *POSTS], "%m/%d/%y").encode("utf-8-sig"), "%m/%d/%y"),
    "excel-de": (delimited([TITLES, *POSTS], "%d.%m.%Y", ";").encode("cp1252"), "%d.%m.%Y"),
    "excel-fr": (delimited([TITLES, *POSTS], "%d/%m/%Y", ";").encode("utf-8-sig"), "%d/%m/%Y"),
    "unicode-text": (delimited([TITLES, *POSTS], "%d-%m-%Y", "\t").encode("utf-16"), "%d-%m-%Y"),
    "title-row": (
        delimited([["Plan für Dezember", "", "", "", ""], [], TITLES, *POSTS], "%m/%d/%Y").encode(),
        "%m/%d/%Y",
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_becomes_the_right_tasks(workspace: JobWorkspace, name: str) -> None:
    content, order = EXPORTS[name]
    workspace.put("plan.csv", content)
    first, second = workspace.brief(f'prompts_from: {{file: plan.csv, dates: "{order}"}}\n')
    assert (first.prompt, first.id, first.verdict) == (FOX, "2026-12-01-instagram", "kept")
    assert standard(first) == FIRST
    assert (second.meta["publish"], second.verdict) == ("2026-12-13", None)


@pytest.mark.parametrize("source", ["plan.csv", "{file: plan.csv}"])
def test_a_date_that_could_be_swapped_is_refused_with_the_line(
    workspace: JobWorkspace, source: str
) -> None:
    workspace.put("plan.csv", EXPORTS["google"][0])
    found = workspace.wrong(f"prompts_from: {source}\n")
    assert found.startswith("plan.csv:2: row 2: Publish Date: ")
    assert 'dates: "%m/%d/%Y"' in found
    assert 'dates: "%d/%m/%Y"' in found


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026/12/1", "2026-12-01"),
        ("2026-12-01T09:30:00Z", "2026-12-01T09:30Z"),
        ("2026-12-01 09:30 +0200", "2026-12-01T09:30+02:00"),
        ("2026-12-01T00:00:00Z", "2026-12-01"),
        ("25/12/2026", "2026-12-25"),
        ("12/25/2026 9:30 PM", "2026-12-25T21:30"),
        ("11.11.2026", "2026-11-11"),
        ("Tuesday, December 1st, 2026", "2026-12-01"),
        ("1 Dec 2026", "2026-12-01"),
        ("46357", "2026-12-01"),
        ("46357.5", "2026-12-01T12:00"),
        ("soon", "soon"),
    ],
)
def test_a_date_of_one_meaning_needs_no_order(
    workspace: JobWorkspace, written: str, iso: str
) -> None:
    workspace.put("rows.csv", f'publish,prompt\n"{written}",A fox\n')
    assert workspace.brief("prompts_from: rows.csv\n")[0].meta["publish"] == iso


def test_an_excel_sheet_below_a_title_is_found_and_said(workspace: JobWorkspace) -> None:
    workbook(
        workspace.folder / "plan.xlsx", ["Content calendar"], [], TITLES, *POSTS, Ideas=[["x"]]
    )
    first, _ = workspace.brief("prompts_from: plan.xlsx\n")
    assert (first.id, first.line, standard(first)) == ("2026-12-01-instagram", "plan.xlsx:4", FIRST)
    words = said(workspace, "prompts_from: {file: plan.xlsx, where: caption == 'Fly'}\n")
    assert words.startswith("plan.xlsx, sheet December: ")
    assert "header in row 3" in words
    assert '"Publish Date" is publish' in words
    assert "1 of 2 rows pass where" in words
    assert '"Ideas"' in words


def test_an_edited_prompt_of_a_post_is_the_same_task_changed(workspace: JobWorkspace) -> None:
    path = workspace.folder / "plan.xlsx"
    workbook(path, TITLES, *POSTS)
    (before, other) = workspace.brief("prompts_from: plan.xlsx\n")
    workbook(path, TITLES, [*POSTS[0][:2], "A wolf", *POSTS[0][3:]], POSTS[1])
    (after, same) = workspace.brief("prompts_from: plan.xlsx\n")
    assert after.id == before.id
    assert after.fingerprint != before.fingerprint
    assert same == other


def test_a_csv_that_is_named_alone_keeps_its_identities(workspace: JobWorkspace) -> None:
    workspace.put("plan.csv", delimited([TITLES, *POSTS], "%Y-%m-%d"))
    alone = workspace.brief("prompts_from: plan.csv\n")
    mapped = workspace.brief("prompts_from: {file: plan.csv}\n")
    assert [task.id[0] for task in alone] == ["~", "~"]
    # What was rendered before the job said more is not rendered again.
    assert [task.former and task.former.id for task in mapped] == [task.id for task in alone]
    assert standard(alone[0]) == FIRST


def test_cells_have_types_and_numbers_no_point(workspace: JobWorkspace) -> None:
    titles = ["ID", "Prompt", "n", "share", "on", "Publish", "Time", "Post #1"]
    row = [7.0, FOX, 3, 0.5, True, datetime(2026, 12, 1), time(9, 30), "a\nb 🦊"]  # noqa: DTZ001
    workbook(workspace.folder / "plan.xlsx", titles, row)
    (task,) = workspace.brief(
        "prompts_from: plan.xlsx\nparams: {loop: '{{ on }}'}\noutput: {name: '{{ Post__1 }}'}\n"
    )
    assert (task.id, task.params["loop"], task.meta["publish"]) == ("7", True, "2026-12-01T09:30")
    assert (task.meta["n"], task.meta["share"], task.meta["Post #1"]) == (3, 0.5, "a\nb 🦊")


def test_merged_and_hidden_rows_are_read_and_said(workspace: JobWorkspace) -> None:
    path = workspace.folder / "plan.xlsx"
    book = workbook(path, ["Date", "Channel", "Prompt"], [date(2026, 12, 1), "a", "x"])
    table = book.active
    table.append([None, "b", "y"])
    table.append([date(2026, 12, 2), "c", "z"])
    table.merge_cells("A2:A3")
    table.row_dimensions[4].hidden = True
    book.save(path)
    tasks = workspace.brief("prompts_from: plan.xlsx\n")
    assert [task.id for task in tasks] == ["2026-12-01-a", "2026-12-01-b", "2026-12-02-c"]
    words = said(workspace, "prompts_from: plan.xlsx\n")
    assert "hidden rows are read like the others (1: 4)" in words
    assert "merged cells" in words


def test_a_document_of_libreoffice_is_read(workspace: JobWorkspace) -> None:
    from odf import opendocument, table, text  # noqa: PLC0415 - of this test alone

    document = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="Plan")
    for values in (["Publish Date", "Channel", "Prompt"], ["2026-12-01", "instagram", FOX]):
        row = table.TableRow()
        for value in values:
            dated = value[:4] == "2026"
            kind = {"valuetype": "date", "datevalue": value} if dated else {"valuetype": "string"}
            cell = table.TableCell(**kind)
            cell.addElement(text.P(text=value))
            row.addElement(cell)
        sheet.addElement(row)
    sheet.addElement(table.TableRow(numberrowsrepeated=1_048_573))
    document.spreadsheet.addElement(sheet)
    document.save(workspace.folder / "plan.ods")
    (task,) = workspace.brief("prompts_from: plan.ods\n")
    assert (task.id, task.prompt) == ("2026-12-01-instagram", FOX)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("sheet: Decembre", "did you mean December?"),
        ("header: 9", "there is nothing in row 9"),
        ("columns: {verdict: Aproved}", "did you mean Approved?"),
        ("dates: '%Y'", "is not an order of year, month and day"),
        ("where: 'a =='", "the template is not valid"),
        ("where: stats == 1", "where: the template's stats is not defined"),
        ("where: index > 99", "where: leaves out every row"),
        ("id: fixed", "would be the id of every row"),
        ("id: '{{ channel[0] }}{{ nope }}'", "id: the template's nope is not defined"),
        ("heading: 2", "did you mean header?"),
        ("columns: {verdikt: x}", "did you mean verdict?"),
        ("header: 0", "must be at least 1"),
    ],
)
def test_what_a_job_says_about_a_sheet_is_checked(
    workspace: JobWorkspace, keys: str, expected: str
) -> None:
    workbook(workspace.folder / "plan.xlsx", TITLES, *POSTS)
    found = workspace.problems(f"{HEAD}prompts_from: {{file: plan.xlsx, {keys}}}\n")
    assert expected in str(found[0])


def test_columns_override_what_headings_mean(workspace: JobWorkspace) -> None:
    rows = [["Date", "Go", "Where", "Brief", "OK"], ["2026-12-01", "2026-12-05", "tv", FOX, "x"]]
    workbook(workspace.folder / "plan.xlsx", *rows)
    (task,) = workspace.brief(
        "prompts_from:\n  file: plan.xlsx\n"
        "  columns: {publish: go, channel: Where, prompt: Brief, verdict: OK}\n"
        "  id: '{{ publish }}/{{ channel | upper }}'\n"
    )
    assert (task.id, task.prompt, task.verdict) == ("2026-12-05-TV", FOX, "kept")
    assert task.meta["Brief"] == FOX


def test_rows_of_json_have_standard_names_too(workspace: JobWorkspace) -> None:
    workspace.put("rows.json", '[{"Post date": "2026-12-01", "brief": "A fox", "approved": true}]')
    (task,) = workspace.brief("prompts_from: {file: rows.json, columns: {prompt: brief}}\n")
    assert (task.id, task.prompt, task.verdict) == ("2026-12-01", "A fox", "kept")


def _with_part(path: Path, name: str, change: Any) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in parts.items():
            archive.writestr(entry, content)


SHEET = "xl/worksheets/sheet1.xml"
FAR = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'
HOSTILE: dict[str, tuple[str, Any, str]] = {
    "far cell": (SHEET, lambda raw: raw.replace(b"</sheetData>", FAR), "XFD1048576"),
    "entities": (
        SHEET,
        lambda raw: b'<!DOCTYPE a [<!ENTITY b "c">]>' + raw.split(b"?>", 1)[-1],
        "declares entities",
    ),
    "one long text": (
        SHEET,
        lambda raw: raw.replace(
            b"</sheetData>",
            b'<row r="9"><c r="A9" t="inlineStr"><is><t>'
            + b"A" * (2 * 1024**2)
            + b"</t></is></c></row></sheetData>",
        ),
        "a text of more than 1 MB",
    ),
    "not xml": (SHEET, lambda raw: raw[:-20], "is not XML"),
    "bomb": ("xl/styles.xml", lambda _: b" " * (300 * 1024**2), "has 300 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_refused(workspace: JobWorkspace, name: str) -> None:
    part, change, expected = HOSTILE[name]
    workbook(workspace.folder / "plan.xlsx", TITLES, *POSTS)
    _with_part(workspace.folder / "plan.xlsx", part, change)
    found = workspace.problems(HEAD + "prompts_from: plan.xlsx\n")
    assert expected in str(found[0])
    assert str(found[0].file).endswith("plan.xlsx")


def test_a_dimension_that_claims_everything_is_not_trusted(workspace: JobWorkspace) -> None:
    workbook(workspace.folder / "plan.xlsx", TITLES, *POSTS)
    _with_part(
        workspace.folder / "plan.xlsx", SHEET, lambda raw: raw.replace(b"A1:E3", b"A1:XFD1048576")
    )
    assert len(workspace.brief("prompts_from: plan.xlsx\n")) == 2


@pytest.mark.parametrize(("cell", "why"), [("=B2", "without a value"), ("#N/A", "an error")])
def test_a_cell_without_a_value_names_itself(workspace: JobWorkspace, cell: str, why: str) -> None:
    workbook(workspace.folder / "plan.xlsx", TITLES, [*POSTS[0][:3], cell, "yes"], POSTS[1])
    found = workspace.wrong("prompts_from: plan.xlsx\n")
    assert found.startswith("plan.xlsx:2: row 2: cell D2 has ")
    assert why in found
    assert (
        len(workspace.brief("prompts_from: {file: plan.xlsx, where: channel != 'Instagram'}")) == 1
    )


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("plan.xlsx", b"a,b\n1,2\n", "not a workbook, whatever its name says"),
        ("plan.xlsx", b"<html><body>Sign in</body></html>", "a web page"),
        ("plan.xlsx", b"", "the file is empty"),
        ("plan.xlsx", b"PK\x03\x04" + b"\0" * 60, "damaged"),
        (
            "plan.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
        ("plan.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "an old .xls"),
        ("plan.csv", b"PK\x03\x04" + b"\0" * 60, "a workbook"),
        ("plan.csv", b"prompt\n\xcf\xf0\xe8\xe2\xe5\xf2\n", "the line is not UTF-8"),
        ("plan.csv", "prompt\nä\n".encode() + b"\xe4\n", "the line is not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_named(
    workspace: JobWorkspace, name: str, content: bytes, expected: str
) -> None:
    workspace.put(name, content)
    assert expected in str(workspace.problems(f"{HEAD}prompts_from: {name}\n")[0])


def test_windows_1252_is_read_and_said(workspace: JobWorkspace) -> None:
    workspace.put("plan.csv", "prompt\nEin Fuchs im Schnee: Größe L – 5 €\n".encode("cp1252"))
    assert workspace.brief("prompts_from: plan.csv\n")[0].prompt.endswith("Größe L – 5 €")
    assert "Windows-1252" in said(workspace, "prompts_from: plan.csv\n")


@pytest.mark.variant
def test_three_hundred_columns_and_a_thousand_rows(workspace: JobWorkspace) -> None:
    titles = ["prompt", *(f"c{n}" for n in range(299))]
    rows = [[f'„Füchse“ "{n}" 狐', *range(299)] for n in range(1000)]
    workbook(workspace.folder / "plan.xlsx", titles, *rows)
    tasks = workspace.brief("prompts_from: plan.xlsx\n")
    assert len({task.id for task in tasks}) == 1000
    assert tasks[-1].meta["c298"] == 298


@pytest.mark.parametrize("name", ["google", "excel-de"])
def test_a_job_is_drafted_and_says_what_is_not_known(workspace: JobWorkspace, name: str) -> None:
    sheet = workspace.put("plan.csv", EXPORTS[name][0])
    text = drafted(sheet, workspace.path)["job.yaml"]
    with pytest.raises(JobFileError, match="could be read month first"):
        list(workspace.job(text).tasks())
    order = EXPORTS[name][1]
    tasks = workspace.tasks(text.replace(f'# dates: "{order}"', f'dates: "{order}"'))
    assert [task.meta["publish"] for task in tasks] == ["2026-12-01", "2026-12-13"]


def test_a_drafted_job_passes_its_check(workspace: JobWorkspace) -> None:
    path = workspace.folder / "plan.xlsx"
    titles = ["Publish Date", "Platform", "Status", "Idea", "Aspect Ratio", "Post #"]
    posts = [[date(2026, 12, n), "tv", "Ready", f"A fox {n}", "9:16", n] for n in (1, 2)]
    workbook(path, ["Calendar"], titles, *posts, Notes=[["x"]])
    workspace.put("job.yaml", drafted(path, workspace.path)["job.yaml"])
    tasks = list(load(workspace.path).tasks())
    assert [task.id for task in tasks] == ["2026-12-01-tv", "2026-12-02-tv"]
    assert (tasks[0].prompt, tasks[0].params["aspect_ratio"]) == ("A fox 1", "9:16")
    assert "Status == " in workspace.path.read_text()


def test_init_from_a_sheet_never_overwrites(
    workspace: JobWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook(workspace.folder / "plan.xlsx", TITLES, *POSTS)
    monkeypatch.chdir(workspace.folder)
    first = CliRunner().invoke(init, ["--from", "plan.xlsx"])
    assert first.exception is None
    written = (workspace.folder / "plan.yaml").read_bytes()
    again = CliRunner().invoke(init, ["plan.yaml", "--from", "plan.xlsx"])
    assert isinstance(again.exception, UsageError)
    assert (workspace.folder / "plan.yaml").read_bytes() == written
    assert len(list(load(workspace.folder / "plan.yaml").tasks())) == 2


def test_posts_of_one_day_keep_their_clips_when_rows_move(workspace: JobWorkspace) -> None:
    head = HEAD + "prompts_from: {file: plan.xlsx, where: \"approved != 'no'\"}\n"

    def names(*rows: list[Any]) -> dict[str, set[str]]:
        """Say what each prompt's task is called, and was if its row had stood otherwise."""
        workbook(workspace.folder / "plan.xlsx", TITLES, *rows)
        tasks = list(workspace.job(head).tasks())
        found = {t.params["prompt"]: {t.id, t.former.id if t.former else t.id} for t in tasks}
        assert len({t.id for t in tasks}) == len(found)
        return found

    fox = [date(2026, 12, 1), "ig", FOX, "", ""]
    owl = [date(2026, 12, 1), "ig", "An owl", "", ""]
    both = names(fox, owl)
    assert names(owl, fox) == both
    assert names([*fox[:4], "no"], owl)["An owl"] == both["An owl"]
    assert names(fox)[FOX] == both[FOX]
    assert names(owl)["An owl"] == both["An owl"]


def test_a_date_in_a_prompt_is_as_it_was_rendered(workspace: JobWorkspace) -> None:
    text = "publish,subject\n12/1/2026,A fox\n"
    (workspace.folder / "plan.csv").write_text(text, "utf-8")
    written = 'prompts_from: {file: plan.csv, dates: "%m/%d/%Y"}\n'
    (task,) = workspace.job(HEAD + written + 'prompt: "{{ subject }}, {{ publish }}"\n').tasks()
    assert task.params["prompt"] == "A fox, 2026-12-01"
    assert task.former is not None
    assert task.former.params["prompt"] == "A fox, 12/1/2026"
