"""Lists of requests as people export them from an account's page."""

import csv
import json
import os
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from pipeline.api import providers
from pipeline.api.outcome import RequestState, Row
from pipeline.errors import UsageError
from pipeline.settling.usage import read_usage

SENT = {"prompt": 'a fox, "so called"\nby all', "loop": False, "seed": 7}
HEADER = "request_id,model_name,model_status,credits_deduction,model_created,request_body\n"


def usage(folder: Path, text: str | bytes, name: str = "usage.csv") -> list[Row]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_usage(path, providers.get())


def written(delimiter: str, *rows: list[str]) -> str:

    out = StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("body", [json.dumps(SENT), repr(SENT), json.dumps(SENT, indent=2)])
def test_rows_are_read_whatever_program_wrote_them(
    tmp_path: Path, delimiter: str, mark: str, body: str
) -> None:
    text = written(
        delimiter,
        ["Request ID", "Model", "Status", "Cost", "Created at", "Input", "Output URL", "Error"],
        ["r1", "luma", "COMPLETED", "$0.95", "2026-11-26T10:00:00Z", body, "https://m.test/a", ""],
        ["r2", "luma", "failed", "0", "2026-11-26 10:01:00", body, "", "no such luck"],
    )
    first, second = usage(tmp_path, mark + text)
    assert (first.id, first.model, first.sent) == ("r1", "luma", SENT)
    assert (first.progress.state, first.progress.cost) == (RequestState.DONE, Decimal("0.95"))
    assert first.progress.media == "https://m.test/a"
    assert (second.progress.state, second.progress.error) == (RequestState.FAILED, "no such luck")
    assert second.created is not None
    assert first.created is not None
    assert second.created - first.created == 60


@pytest.mark.parametrize("heading", ["request_id", "Request-Id", " REQUEST ID ", "requestId", "id"])
def test_headings_are_known_whatever_their_case_and_signs(tmp_path: Path, heading: str) -> None:
    assert [row.id for row in usage(tmp_path, f'"{heading}",cost\nr1,0.95\n')] == ["r1"]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("0.95", "0.95"),
        ("$0.95", "0.95"),
        ("-$0.95", "0.95"),
        ("0.95 USD", "0.95"),
        ("-0.95", "0.95"),
        ("0,95", "0.95"),
        ("€ 0,95", "0.95"),
        ("1,234.50", "1234.50"),
        ("0.9500000001", "0.95"),
        ("0", "0"),
        ("free", None),
        ("", None),
        ("1e99", None),
        ("NaN", None),
        ("9" * 5000, None),
    ],
)
def test_amounts_are_read_as_people_write_them(
    tmp_path: Path, cell: str, amount: str | None
) -> None:
    [row] = usage(tmp_path, written(";", ["id", "credits deduction"], ["r1", cell]))
    assert row.progress.cost == (None if amount is None else Decimal(amount))


def test_a_list_of_charges_has_no_states(tmp_path: Path) -> None:
    first, second = usage(tmp_path, "id,amount\nr1,0.95\nr2,0.00\n")
    assert first.progress.state is RequestState.DONE
    assert second.progress.state is RequestState.WAITING


def test_a_state_that_is_empty_is_not_taken_for_completed(tmp_path: Path) -> None:
    [row] = usage(tmp_path, "id,status,amount\nr1,,0.95\n")
    assert row.progress.state is RequestState.WAITING


def test_date_and_time_in_two_columns_are_one_time(tmp_path: Path) -> None:
    [row] = usage(tmp_path, "id,date,time\nr1,2026-11-26,10:00:00\n")
    assert row.created == 1_795_687_200.0


def test_a_day_alone_is_not_a_time(tmp_path: Path) -> None:
    [row] = usage(tmp_path, "id,date\nr1,2026-11-26\n")
    assert row.created is None


def test_totals_and_empty_rows_are_passed_over(tmp_path: Path) -> None:
    assert len(usage(tmp_path, "id,cost\nr1,0.95\n,\n\n,Total 0.95\n")) == 1


def test_a_body_may_be_long(tmp_path: Path) -> None:
    sent = {"prompt": "x", "image": "A" * 1_000_000}
    limit = csv.field_size_limit()
    [row] = usage(tmp_path, written(",", ["id", "request body"], ["r1", json.dumps(sent)]))
    assert row.sent == sent
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "empty"),
        ("\n\n", 1, "empty"),
        ("a,b\n1,2\n", 1, "ids of requests"),
        ("id,ID,cost\nr1,r2,3\n", 1, "two columns"),
        ("id,cost\nr1,0.95\nr2,1,2,3\n", 3, "cells"),
        ('id,cost\nr1,"0.95\n', 2, "cannot be read"),
        ("id,cost\n" + "r" * 500 + ",1\n", 2, "not a valid request id"),
        ("id,cost\nr 1,1\n", 2, "not a valid request id"),
        (b"id,cost\nr1,\xff\xff\xff\n", 2, "UTF-8"),
        (b"\xff\xfeid,cost\nr1,1\n", 1, "UTF-16"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_read_is_said_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, what: str
) -> None:
    with pytest.raises(UsageError, match=what) as refused:
        usage(tmp_path, text)
    assert f"usage.csv:{line}: " in refused.value.message


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("nothing.csv", "pipe.csv", "", "a\0b.csv"):
        with pytest.raises(UsageError):
            read_usage(tmp_path / name, providers.get())


def test_a_line_without_an_end_stops(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="longer than 4 MB"):
        usage(tmp_path, "id,cost\n" + "x" * 5_000_000)
