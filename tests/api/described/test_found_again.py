"""What was lost is found by what a claim says, and by whatever clock the provider has."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from support.invented_api import OWN_IDS, TICKETS

from pipeline.api import providers
from pipeline.api.described.bodies import marked, read_body
from pipeline.api.described.expressions import app_of
from pipeline.api.described.wire import DescribedWire
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Asked, Page, Query, RequestState
from pipeline.api.wire import Conversation, Reply
from pipeline.models import Handle

NOW = 1_790_000_000.0
BASE = "http://127.0.0.1:9"
MODEL = "fal-ai/flux-pro/v1.1/ultra"
HERE = "https://queue.fal.run/fal-ai/flux-pro/requests/r1"


def fal() -> DescribedWire:
    told = providers.description("fal")
    return DescribedWire(told, Endpoint(told.base_url, "sk-found-0123456789"))


def zap(folder: Path, text: str) -> DescribedWire:
    file = folder / "zap.yaml"
    file.write_text(text, encoding="utf-8")
    return DescribedWire(providers.description(str(file)), Endpoint(BASE, "sk-found-0123456789"))


def asked_by(talk: Conversation[Any], *replies: Reply) -> tuple[Any, list[str]]:
    """Let a conversation have its answers; what it made of them, and what it asked."""
    asked = list[str]()
    left = list(replies)
    try:
        request = next(talk)
        while True:
            asked.append(request.url)
            request = talk.send(left.pop(0))
    except StopIteration as end:
        return end.value, asked


def reply(body: Any, status: int = 200, at: float | None = None) -> Reply:
    moment = None if at is None else format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)
    headers = {} if moment is None else {"date": moment}
    return Reply(status=status, headers=headers, text=json.dumps(body).encode())


@pytest.mark.parametrize("told", [None, "https://thief.example/r1/status"])
def test_fal_is_asked_by_owner_and_app_although_a_claim_has_no_address(told: str | None) -> None:
    handle = Handle(id="r1", model=MODEL, status=told, result=told)
    done = reply({"status": "COMPLETED"})
    progress, asked = asked_by(fal().ask(handle), done, reply({"video": {"url": "https://x/v"}}))
    assert asked == [f"{HERE}/status", HERE]
    assert progress.media == "https://x/v"


def test_without_a_model_there_is_no_address_and_nobody_is_asked() -> None:
    progress, asked = asked_by(fal().ask(Handle(id="r1")))
    assert progress.state is RequestState.ELSEWHERE
    assert not asked


@pytest.mark.parametrize(
    ("model", "app"),
    [
        (MODEL, "fal-ai/flux-pro"),
        ("fal-ai/flux", "fal-ai/flux"),
        ("workflows/acme/still-to-film/fast", "workflows/acme/still-to-film"),
        ("alone", "alone"),
        ("", None),
    ],
)
def test_an_app_is_found_in_a_model(model: str, app: str | None) -> None:
    assert app_of(model) == app


@pytest.mark.parametrize("ahead", [7200, -7200])
def test_a_list_is_asked_and_read_by_the_providers_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    monkeypatch.setattr("pipeline.api.described.wire.time.time", lambda: NOW)
    asked = Asked(once="x", params={"prompt": "p"}, began=NOW - 60)
    query = Query(model="brush", since=NOW - 180, until=NOW, asked=(asked,))
    row = {"ticket": "t1", "kind": "brush", "when": NOW + ahead - 50, "ask": {"what": "p"}}
    book = reply({"book": [row]}, at=NOW + ahead)
    page, urls = asked_by(zap(tmp_path, TICKETS).list_requests(query, 1), book, book)
    assert [one.created for one in page.rows] == [pytest.approx(NOW - 50)]
    since = datetime.fromtimestamp(NOW - 180 + ahead, UTC)
    assert since.strftime("%Y-%m-%dT%H:%M:%S").replace(":", "%3A") in urls[1]


@pytest.mark.parametrize(
    ("here", "there", "proves"),
    [
        (90.0, 90.0, True),
        (90.0, None, True),
        (90.0, 10.0, False),  # the clock here was set forward since
        (10.0, 90.0, False),
    ],
)
def test_absence_proves_something_once_it_is_old_by_both_clocks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: float,
    there: float | None,
    proves: bool,
) -> None:
    monkeypatch.setattr("pipeline.api.described.rows.time.time", lambda: NOW + here)
    wire = zap(tmp_path, OWN_IDS.replace("settle: 0", "settle: 60"))
    asked = Asked(once="x", params={"prompt": "p"}, began=NOW, base_url=BASE)
    query = Query(model="brush", since=NOW, until=NOW + 90, asked=(asked,))
    absent = reply({}, 404, None if there is None else NOW + there)
    page, _ = asked_by(wire.list_requests(query, 1), absent)
    assert bool(page.rows) is proves
    unknown = Asked(once="x", params={"prompt": "p"}, began=NOW)
    page, _ = asked_by(
        wire.list_requests(Query(**{**_fields(query), "asked": (unknown,)}), 1), absent
    )
    assert page == Page()


def _fields(query: Query) -> dict[str, Any]:
    return {"model": query.model, "since": query.since, "until": query.until}


INPUTS = {"frame": {"path": "a.png"}, "more": [{"path": "b.png"}, {"path": "c.png"}]}


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"a": "x", "f": "F", "l": ["M", "N"], "id": "me"}, {"frame": "F", "more": ["M", "N"]}),
        (
            {"a": "x", "f": {"url": "u"}, "l": ["M", "N"]},
            {"frame": {"url": "u"}, "more": ["M", "N"]},
        ),
        ({"a": "y", "f": "F", "l": ["M", "N"]}, None),
        ({"a": "x", "f": "F", "l": ["M"]}, None),
        ({"a": "x", "f": "F", "l": ["M", "N"], "id": "another"}, None),
        ({"a": "x", "f": "F", "l": ["M", "N"], "b": 1}, None),
        ({"a": "x", "l": ["M", "N"]}, None),
        ("a", None),
        (None, None),
    ],
)
def test_a_body_is_compared_but_for_what_it_shows_for_inputs(row: Any, shown: Any) -> None:
    values, marks = marked(INPUTS)
    made = {"a": "x", "f": values["frame"], "l": values["more"], "id": "me"}
    assert read_body(made, row, marks, once="me") == shown


def test_an_input_within_a_text_is_read_out_of_it() -> None:
    values, marks = marked({"frame": {"path": "a.png"}})
    made = {"f": f"data:image/png;base64,{values['frame']}"}
    assert read_body(made, {"f": "data:image/png;base64,QUJD"}, marks, once="x") == {
        "frame": "QUJD"
    }
    assert read_body(made, {"f": "data:image/gif;base64,QUJD"}, marks, once="x") is None
    assert read_body(made, {"f": 7}, marks, once="x") is None
