"""`pipeline export --to xlsx`, read back by the library."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from openpyxl.styles import Font

from pipeline.errors import PipelineError, UsageError
from pipeline.export import sources
from pipeline.export.rows import Row, rows
from pipeline.export.writing import Export, Wanted
from pipeline.job import load
from pipeline.models import Record
from pipeline.store.layout import Layout
from pipeline.store.posters import save
from tests.export.conftest import Exporting
from tests.support.rendered import render


def opened(path: Path) -> Any:
    return openpyxl.load_workbook(path)


def values(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in line] for line in sheet.iter_rows()]


def test_a_sheet_that_is_no_workbook_becomes_one(export: Exporting, records: list[Record]) -> None:
    export("--to", "xlsx", "--out", "posts.xlsx")
    header, cat, dog, emu = values(opened(export.folder / "posts.xlsx").active)
    assert header == [
        "task", "prompt", "publish", "channel", "caption", "Alt text",
        "status", "file", "cost", "verdict",
    ]  # fmt: skip
    assert cat[4:] == [
        "Hi, you",
        "'=1+1",
        "succeeded",
        str(export.out / records[0].output),
        0.95,
        None,
    ]
    assert dog[4] == "'-50 %"
    assert emu[6:] == ["pending", None, None, None]


def test_columns_of_a_workbook_keep_numbers(export: Exporting, records: list[Record]) -> None:
    export("--to", "xlsx", "--out", "p.xlsx", "--columns", "a={{ cost }},b={{ Alt_text }}", "--raw")
    _, cat, _ = opened(export.folder / "p.xlsx").active.iter_rows()
    assert [(cell.value, cell.data_type) for cell in cat] == [(0.95, "n"), ("=1+1", "s")]


def test_control_characters_and_long_texts_fit_a_cell(export: Exporting, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(
        '{"prompt": "p", "a": "x\\u0007y", "b": "%s", "c": [1, true]}\n' % ("z" * 40_000), "utf-8"
    )
    export.job.write_text("model: luma-txt-2-video\nprompts_from: rows.jsonl\n", "utf-8")
    render(export.job)
    export("--to", "xlsx", "--out", "p.xlsx")
    cells = values(opened(tmp_path / "p.xlsx").active)[1]
    assert cells[2] == "x\N{REPLACEMENT CHARACTER}y"
    assert len(cells[3]) == 32_767
    assert cells[4] == "[1, true]"


class Plan:
    """A job of a workbook, as it is once its rows were read."""

    def __init__(self, export: Exporting, records: list[Record]) -> None:
        self.job = load(export.job)
        self.path = export.folder / "plan.xlsx"
        self.said: list[str] = []
        export.job.write_text(
            "model: luma-txt-2-video\nprompts_from: {file: plan.xlsx, sheet: Plan}\n", "utf-8"
        )
        book = openpyxl.Workbook()
        book.active.title = "Notes"
        book.active["A1"] = "=SUM(1,2)"
        sheet = book.create_sheet("Plan")
        sheet["A1"] = "December"
        sheet["A1"].font = Font(bold=True, color="FFFF0000")
        sheet.merge_cells("A1:C1")
        for row in (["prompt", "publish", "channel"], ["a cat", 1, "=A1"], ["a dog", 2, "-x"]):
            sheet.append(row)
        sheet.column_dimensions["A"].width = 44
        sheet["XFD1048576"].font = Font(bold=True)  # formats alone are no column
        book.save(self.path)
        self.rows = [self._moved(row, 3 + n) for n, row in enumerate(rows(self.job, str))]

    def _moved(self, row: Row, line: int) -> Row:
        task = msgspec.structs.replace(row.task, line=f"plan.xlsx:{line}")
        return replace(row, task=task)

    def export(self, **wanted: Any) -> bytes:
        return Export(self.job, self.rows, Wanted("xlsx", **wanted), self.said.append).workbook()


@pytest.fixture
def plan(export: Exporting, records: list[Record]) -> Plan:
    return Plan(export, records)


def test_a_copy_has_how_each_row_stands_at_its_right(plan: Plan) -> None:
    plan.rows = plan.rows[:2]
    book = openpyxl.load_workbook(io.BytesIO(plan.export()))
    assert book.sheetnames == ["Notes", "Plan"]
    assert book["Notes"]["A1"].value == "=SUM(1,2)"
    sheet = book["Plan"]
    title, header, cat, dog = (
        [cell.value for cell in line] for line in sheet.iter_rows(max_row=4, max_col=8)
    )
    assert title == ["December", *[None] * 7]
    assert header[:7] == ["prompt", "publish", "channel", "status", "file", "cost", "verdict"]
    assert cat[:6] == ["a cat", 1, "=A1", "succeeded", plan.rows[0].path, 0.95]
    assert dog[2] == "-x"
    assert sheet["A1"].font.color.rgb == "FFFF0000"
    assert [str(merged) for merged in sheet.merged_cells.ranges] == ["A1:C1"]
    assert sheet.column_dimensions["A"].width == 44
    assert plan.said == []


def test_the_clips_of_one_row_are_lines_of_a_cell(plan: Plan) -> None:
    plan.rows = [plan._moved(row, 3) for row in plan.rows]
    sheet = openpyxl.load_workbook(io.BytesIO(plan.export()))["Plan"]
    first, second = plan.rows[0].path, plan.rows[1].path
    assert sheet["D3"].value == "succeeded\nsucceeded\npending"
    assert sheet["E3"].value == f"{first}\n{second}\n"
    assert sheet["F3"].value == 1.9


def test_the_same_clips_give_the_same_bytes(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan.export()
    assert plan.export() == before
    with zipfile.ZipFile(io.BytesIO(before)) as parts:
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
        assert b"2026-11-20T10:00:00Z</dcterms:modified>" in parts.read("docProps/core.xml")


def test_what_a_copy_does_not_keep_is_said(plan: Plan) -> None:
    with zipfile.ZipFile(plan.path, "a") as parts:
        parts.writestr("xl/ctrlProps/ctrlProp1.xml", "<a/>")
    plan.export()
    assert plan.said == ["warning: the copy of plan.xlsx: ctrlProps is not kept"]


def test_tasks_that_are_elsewhere_are_counted(plan: Plan) -> None:
    task = msgspec.structs.replace(plan.rows[2].task, line="job.yaml:7")
    plan.rows[2] = replace(plan.rows[2], task=task)
    plan.export()
    assert plan.said == ["warning: the copy does not list tasks that are not in plan.xlsx: 1"]


def _zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts, parts.open("x", "w") as part:
        for _ in range(401):
            part.write(b"\0" * 1_000_000)


def _merge_much(path: Path, encoding: str = "utf-8") -> None:
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name).replace(b"A1:C1", b"A1:XFD1048576").decode()
            new.writestr(name, text.encode(encoding if "/sheet" in name else "utf-8"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b"no zip"), "not a zip"),
        (lambda path: path.unlink(), "No such file"),
        (_zip_bomb, "unpacks to more"),
        (_merge_much, "of its cells are merged"),
        (lambda path: _merge_much(path, "utf-16"), "not UTF-8"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("a", "b"), "cannot be copied"),
        (lambda path: openpyxl.Workbook().save(path), "no tab 'Plan'"),
    ],
)
def test_a_workbook_that_cannot_be_copied_is_refused(plan: Plan, spoil: Any, said: str) -> None:
    spoil(plan.path)
    with pytest.raises(PipelineError, match=said) as refused:
        plan.export()
    assert "--to csv" in (refused.value.hint or "")


def test_columns_need_no_copy(plan: Plan) -> None:
    plan.path.unlink()
    book = openpyxl.load_workbook(io.BytesIO(plan.export(columns={"t": "{{ task }}"})))
    assert values(book.active) == [["t"], ["cat"], ["dog"]]


def test_a_still_picture_is_shown_in_a_small_one(plan: Plan) -> None:
    image = pytest.importorskip("PIL.Image")
    red = io.BytesIO()
    image.new("RGB", (640, 360), "red").save(red, "WEBP")
    layout = Layout(plan.job.output_dir)
    layout.root.mkdir(parents=True, exist_ok=True)
    for row, still in zip(plan.rows[:2], (b"no picture", red.getvalue()), strict=True):
        assert row.record is not None
        assert row.record.sha256 is not None
        save(layout, row.path, row.record.sha256, still, None)
    data = plan.export()
    assert plan.export() == data
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Plan"]
    assert sheet["H2"].value == "thumbnail"
    (picture,) = sheet._images
    assert (picture.anchor._from.row + 1, picture.anchor._from.col + 1) == (4, 8)


@pytest.mark.parametrize(
    ("written", "tab", "header"),
    [
        ("plan.xlsx", None, None),
        ("[plan.xlsx, rows.csv]", None, None),
        ("{file: plan.xlsx, sheet: Plan, header: 3}", "Plan", 3),
        ("[{file: PLAN.XLSX}]", None, None),
    ],
)
def test_the_workbook_is_the_one_that_the_job_names(
    export: Exporting, written: str, tab: str | None, header: int | None
) -> None:
    job = load(export.job)
    export.job.write_text(f"model: luma-txt-2-video\nprompts_from: {written}\n", "utf-8")
    found = sources.workbook(job)
    assert found is not None
    assert (found.path.name.casefold(), found.tab, found.header) == ("plan.xlsx", tab, header)
    export.job.write_text("prompts_from: [a.xlsx, {file: b.xlsx}]\n", "utf-8")
    with pytest.raises(UsageError, match="several workbooks"):
        sources.workbook(job)
    export.job.write_text("prompts_from: rows.csv\n", "utf-8")
    assert sources.workbook(job) is None


def test_new_columns_are_named_apart_from_theirs(plan: Plan) -> None:
    book = openpyxl.load_workbook(plan.path)
    book["Plan"]["D2"] = "Status "
    book.save(plan.path)
    sheet = openpyxl.load_workbook(io.BytesIO(plan.export()))["Plan"]
    assert [cell.value for cell in sheet[2][3:8]] == [
        "Status ", "clip status", "file", "cost", "verdict",
    ]  # fmt: skip
    plan.path.write_bytes(plan.export())
    again = openpyxl.load_workbook(io.BytesIO(plan.export()))["Plan"]
    assert [cell.value for cell in again[2][8:12]] == [
        "clip status 2", "clip file", "clip cost", "clip verdict",
    ]  # fmt: skip
