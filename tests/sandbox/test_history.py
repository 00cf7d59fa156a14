"""The request history of the sandbox, over real sockets."""

import ast
import json
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import QueryParams
from support.simulated import HISTORY, LUMA, Client, dial, until

from sandbox.history import read_question
from sandbox.testing import Sandbox

# Most variants start a sandbox of their own.
pytestmark = pytest.mark.few(2)

FIELDS = [
    "request_id", "model_name", "model_status", "credits_deduction", "request_body",
    "generation_url", "latency_ms", "model_created", "model_updated", "error",
]  # fmt: skip


def simulated(session: httpx.Client, **options: Any) -> Any:
    return Sandbox(**{"latency": 0, "clips": "tiny", **options})


# What has a row


def test_both_wires_are_listed_the_newest_first_with_cost_and_clip(api: Client) -> None:
    answered = api.v1("one of v1", loop=True)
    accepted = api.v2("one of v2").json()
    api.finished(accepted)
    v2, v1 = api.rows(per_page=2)
    assert list(v1) == FIELDS
    assert v1["request_id"] == answered.headers["x-request-id"]
    assert v2["request_id"] == accepted["request_id"]
    for row in (v1, v2):
        assert (row["model_name"], row["model_status"], row["error"]) == (LUMA, "COMPLETED", None)
        assert row["credits_deduction"] == 0.95
        assert row["latency_ms"] >= 0
    assert json.loads(v1["request_body"]) == {"prompt": "one of v1", "loop": True}
    assert api.fetch(v1["generation_url"]).content == answered.content


@pytest.mark.parametrize("word", ["504", "reset", "drop", "cut", "stall", "slow", "html200"])
def test_what_was_paid_and_did_not_arrive_is_completed(session: httpx.Client, word: str) -> None:
    with simulated(session, slow_seconds=0.1) as box:
        api, prompt = Client(box, session), f"[[fail {word}]]"
        with dial(box, f"/v1/{LUMA}", json.dumps({"prompt": prompt}).encode()):
            until(lambda: box.books()["charges"])
            (row,) = until(lambda: api.rows(status="COMPLETED"))
        assert row["credits_deduction"] == 0.95
        assert b"ftyp" in api.fetch(row["generation_url"]).content[:16]


@pytest.mark.parametrize("word", ["500", "502", "503", "moderation", "403-moderation", "failed"])
def test_what_failed_at_work_is_listed_as_failed_and_cost_nothing(api: Client, word: str) -> None:
    prompt = f"bad luck [[fail {word}]]"
    assert api.v1(prompt).status_code >= 400
    row = api.row_of(prompt)
    assert row is not None
    assert (row["model_status"], row["credits_deduction"]) == ("FAILED", 0)
    assert row["error"]
    assert row["generation_url"] is None


@pytest.mark.parametrize("word", ["400", "401", "404", "406", "406-param", "410", "422", "429"])
@pytest.mark.parametrize("wire", ["v1", "v2"])
def test_what_was_refused_before_has_no_row(api: Client, wire: str, word: str) -> None:
    prompt = f"refused by {wire} [[fail {word}]]"
    assert getattr(api, wire)(prompt).status_code >= 400
    assert api.row_of(prompt) is None


@pytest.mark.parametrize("wire", ["v1", "v2"])
def test_what_is_under_way_is_pending_and_ends_though_its_client_has_left(
    session: httpx.Client, wire: str
) -> None:
    with simulated(session) as box:
        api = Client(box, session)
        dial(box, f"/{wire}/{LUMA}", b'{"prompt": "later [[latency 600]]"}').close()
        (row,) = until(api.rows)
        assert (row["model_status"], row["credits_deduction"]) == ("PENDING", 0)
        assert (row["generation_url"], row["latency_ms"]) == (None, None)
        dial(box, f"/{wire}/{LUMA}", b'{"prompt": "soon [[latency 0.2]]"}').close()
        (row,) = until(lambda: api.rows(status="COMPLETED"))
        assert "soon" in row["request_body"]
        assert (box.books()["at_work"], box.books()["peak_at_work"]) == (1, 2)


def test_one_request_is_found_by_its_id_with_the_key_only(api: Client) -> None:
    made = api.v1("to find").headers["x-request-id"]
    found = api.get(f"{HISTORY}/{made}").json()
    assert (list(found), found["request_id"]) == (FIELDS, made)
    assert api.get(f"{HISTORY}/unknown").status_code == 404
    assert api.get(f"{HISTORY}/..%2Fteam-usage-summary").status_code == 404
    for path in (HISTORY, f"{HISTORY}/{made}"):
        assert api.fetch(api.box.url + path).status_code == 401


# What is asked for


def test_pages_status_model_and_order(session: httpx.Client) -> None:
    with simulated(session, price_of=["model=wan-1:0.5"]) as box:
        api = Client(box, session)
        for number in range(5):
            api.v1(f"number {number}")
        api.v1("[[fail 500]]")
        api.finished(api.v2("cheap", model="wan-1").json())
        first = api.get(f"{HISTORY}?per_page=3&sort_order=asc").json()
        assert {key: first[key] for key in ("page", "per_page", "total", "total_pages")} == {
            "page": 1, "per_page": 3, "total": 7, "total_pages": 3,
        }  # fmt: skip
        pages = [api.rows(per_page=3, page=page, sort_order="asc") for page in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [3, 3, 1, 0]
        rows = [row for page in pages for row in page]
        assert len({row["request_id"] for row in rows}) == 7
        assert [row["model_created"] for row in rows] == sorted(
            row["model_created"] for row in rows
        )
        assert [row["model_name"] for row in api.rows(model_name="wan")] == ["wan-1"]
        assert len(api.rows(model_name="luma-txt")) == 6
        assert [len(api.rows(status=name)) for name in ("FAILED", "PENDING")] == [1, 0]
        costs = [row["credits_deduction"] for row in api.rows(sort_by="credits_deduction")]
        assert costs == [0.95] * 5 + [0.5, 0]
        assert api.rows(sort_by="model_name")[0]["model_name"] == "wan-1"


def test_the_days_are_inclusive(api: Client) -> None:
    api.v1("today")
    today = datetime.now(UTC).date()
    assert api.rows(from_date=today, to_date=today)
    yesterday = today - timedelta(days=1)
    assert not api.rows(from_date=yesterday, to_date=yesterday)
    tomorrow = today + timedelta(days=1)
    assert api.rows(from_date=yesterday, to_date=tomorrow)


@pytest.mark.parametrize(
    "query",
    [
        "per_page=0", "per_page=101", "per_page=x", "page=0", "page=-1", "status=DONE",
        "sort_by=price", "sort_order=up", "from_date=01-01-2026", "to_date=2026-02-30",
        "from_date=2026-01-01&to_date=2026-02-01", "from_date=2026-02-01&to_date=2026-01-01",
    ],
)  # fmt: skip
def test_a_question_that_means_nothing_is_refused(api: Client, query: str) -> None:
    assert api.get(f"{HISTORY}?{query}").status_code == 400


def test_31_days_are_the_most_and_7_the_default() -> None:
    today = date(2026, 11, 26)
    month = read_question(QueryParams("from_date=2026-01-01&to_date=2026-01-31"), today)
    assert (month.last - month.first).days == 30
    usual = read_question(QueryParams(""), today)
    assert (usual.first, usual.last, usual.per_page) == (date(2026, 11, 19), today, 20)


# How it answers, to order


@pytest.mark.parametrize("kind", ["json", "repr", "object"])
def test_the_body_of_a_request_is_written_to_order(session: httpx.Client, kind: str) -> None:
    sent = {"prompt": 'it\'s "quoted"\n', "loop": False, "seed": None, "more": [1, 2.5]}
    with simulated(session, history=kind) as box:
        api = Client(box, session)
        api.v1(**sent)
        body = api.rows()[0]["request_body"]
    read = {"json": json.loads, "repr": ast.literal_eval, "object": dict}[kind]
    assert read(body) == sent


def test_the_history_answers_otherwise_to_order_while_it_serves(session: httpx.Client) -> None:
    with simulated(session) as box:
        api = Client(box, session)
        one = f"{HISTORY}/{api.v1('x').headers['x-request-id']}"
        for kind, status in (("missing", 404), ("error", 500), ("html", 200), ("shape", 200)):
            box.change(history=kind)
            answers = [api.get(path) for path in (HISTORY, one)]
            assert [answer.status_code for answer in answers] == [status, status]
            assert all("request_id" not in answer.text for answer in answers)
            assert answers[0].text.startswith("<!DOCTYPE") == (kind == "html")
        box.change(history="slow", slow_seconds=0.4)
        begun = time.monotonic()
        assert api.rows()
        assert time.monotonic() - begun >= 0.4
        assert box.books()["questions"] == {"history_lists": 5, "history_looks": 4}


def test_a_row_appears_after_its_lag(session: httpx.Client) -> None:
    with simulated(session, history_lag=60) as box:
        api = Client(box, session)
        made = api.v1("x").headers["x-request-id"]
        assert api.rows() == []
        assert api.get(f"{HISTORY}/{made}").status_code == 404
        box.change(history_lag=0.5)
        until(api.rows)


@pytest.mark.parametrize(("times", "mark"), [("utc", "Z"), ("offset", "+05:30"), ("naive", "")])
def test_times_are_written_to_order(session: httpx.Client, times: str, mark: str) -> None:
    with simulated(session, history_times=times) as box:
        api = Client(box, session)
        before = time.time()
        api.v1("x")
        text = api.rows()[0]["model_created"]
        read = datetime.fromisoformat(text)
        assert text.endswith(mark)
        assert (read.tzinfo is None) == (times == "naive")
        seconds = read.replace(tzinfo=read.tzinfo or UTC).timestamp()
        assert before - 1 <= seconds <= time.time() + 1


@pytest.mark.parametrize("ids", ["same", "other", "none"])
def test_the_id_of_v1_is_that_of_the_history_or_not_to_order(
    session: httpx.Client, ids: str
) -> None:
    with simulated(session, request_ids=ids) as box:
        api = Client(box, session)
        told = api.v1("x").headers.get("x-request-id")
        row, entry = api.rows()[0], api.entry("x")
        assert row["request_id"] == entry["listed_id"]
        assert (told is None) == (ids == "none")
        assert (entry["request_id"] == row["request_id"]) == (ids != "other")
        accepted = api.v2("y").json()
        api.finished(accepted)
        assert api.rows()[0]["request_id"] == accepted["request_id"]


def test_several_outputs_have_a_row_each_with_the_whole_cost(session: httpx.Client) -> None:
    with simulated(session, outputs=3) as box:
        api = Client(box, session)
        clip = api.v1("x").content
        rows = api.rows()
        assert [row["credits_deduction"] for row in rows] == [0.95] * 3
        assert len({row["request_id"] for row in rows}) == 1
        clips = [api.fetch(row["generation_url"]).content for row in rows]
        assert clips[0] == clip
        assert len(set(clips)) == 3
        assert box.books()["charged"] == "0.95"


def test_rows_of_others_are_there_to_order_and_cost_nothing_here(session: httpx.Client) -> None:
    with simulated(session, strangers=4, twins=2) as box:
        api = Client(box, session)
        assert api.rows() == []
        ours = [api.v1(f"shot {number}").headers["x-request-id"] for number in range(3)]
        rows = api.rows(per_page=100)
        assert len(rows) == 3 + 4 + 2
        assert {row["model_name"] for row in rows} == {LUMA}
        others = [row for row in rows if row["request_id"] not in ours]
        assert len({row["request_id"] for row in others}) == 6
        bodies = [json.loads(row["request_body"])["prompt"] for row in others]
        assert sorted(body for body in bodies if body.startswith("shot")) == ["shot 0", "shot 1"]
        twin = next(row for row in others if "shot 0" in row["request_body"])
        assert twin["model_status"] == "COMPLETED"
        assert b"ftyp" in api.fetch(twin["generation_url"]).content[:16]
        assert api.get(f"{HISTORY}/{twin['request_id']}").json() == twin
        assert box.books()["charged"] == "2.85"
        assert api.rows(per_page=100) == rows


def test_history_and_strangers_survive_a_kill(session: httpx.Client, tmp_path: Path) -> None:
    with simulated(session, books=tmp_path / "books", strangers=2, request_ids="other") as box:
        api = Client(box, session)
        api.v1("x")
        api.v1("[[fail 500]]")
        api.finished(api.v2("y").json())
        rows = api.rows()
        with dial(box, f"/v1/{LUMA}", b'{"prompt": "[[latency 60]] under way"}'):
            until(lambda: box.books()["in_flight"] == 1)
            box.kill()
        box.restart()
        again = {row["request_id"]: row for row in api.rows()}
        assert [again[row["request_id"]] for row in rows] == rows
        assert len(again) == len(rows) + 1
        lost = api.row_of("under way")
        assert lost is not None
        assert (lost["model_status"], lost["credits_deduction"]) == ("FAILED", 0)
