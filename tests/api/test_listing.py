"""The provider's list of requests, over real sockets: whatever it looks like, it never raises."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.raw import KEY, Line, answer, head
from support.web import Web, as_json, web

from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import Origin
from pipeline.api.outcome import Page, Query, RequestState, Row
from pipeline.api.segmind import Segmind
from pipeline.api.segmind.wire import SegmindWire
from pipeline.api.timeouts import Timeouts
from pipeline.api.wire import Uploading

LIST = "/inference-request/request-history"
AT = datetime(2026, 11, 26, 6, 0, tzinfo=UTC).timestamp()
QUERY = Query(model="luma-txt-2-video", since=AT - 120, until=AT + 3600)
MEDIA = "https://images.example/clip.mp4?signature=s3cr3t"
SENT = {"prompt": "a lighthouse", "loop": False}
ROW: dict[str, Any] = {
    "request_id": "r-1",
    "model_name": "luma-txt-2-video",
    "model_status": "COMPLETED",
    "credits_deduction": 0.95,
    "request_body": json.dumps(SENT),
    "generation_url": MEDIA,
    "latency_ms": 61_250,
    "model_created": "2026-11-26T06:00:00Z",
    "error": None,
}


@pytest.fixture
async def api() -> AsyncIterator[Web]:
    async with web() as served:
        yield served


async def list_(api: Web, query: Query = QUERY, page: int = 1, **timeouts: float) -> Page:
    provider = Segmind(Timeouts(**timeouts)) if timeouts else providers.get("segmind")
    async with (
        provider.connect(Endpoint(api.url, KEY), timeout=5, max_size=10**9) as session,
        asyncio.timeout(8),
    ):
        return await session.list_requests(query, page)


async def rows(api: Web, *told: Any) -> tuple[Row, ...]:
    api.says[LIST] = as_json({"data": list(told)})
    page = await list_(api)
    assert page.readable
    return page.rows


async def row(api: Web, **changes: Any) -> Row:
    (only,) = await rows(api, {**ROW, **changes})
    return only


# -- what is asked --------------------------------------------------------------------------------


async def test_the_days_of_the_query_are_asked_for_in_utc_newest_first(api: Web) -> None:
    until = datetime(2026, 11, 27, 0, 30, tzinfo=UTC).timestamp()
    await list_(api, Query(model="luma", since=AT, until=until), page=3)
    (seen,) = api.seen
    assert dict(parse_qsl(urlsplit(seen.target).query)) == {
        "page": "3",
        "per_page": "100",
        "from_date": "2026-11-26",
        "to_date": "2026-11-27",
        "model_name": "luma",
        "sort_by": "model_created",
        "sort_order": "desc",
    }
    assert api.keyed == [LIST]


@pytest.mark.parametrize(("since", "until"), [(-1e18, 1e18), (float("nan"), float("inf"))])
async def test_times_that_no_clock_shows_do_not_end_a_run(
    api: Web, since: float, until: float
) -> None:
    api.says[LIST] = as_json({"data": [ROW]})
    assert (await list_(api, Query(model="m", since=since, until=until))).readable


FILE = Uploading("image/png", "a.png", 1, "0", "raw", "coded")


def test_the_list_of_the_vendor_is_at_its_own_host() -> None:
    wire = SegmindWire(Endpoint("https://api.segmind.com", KEY))
    asked = next(wire.list_requests(QUERY, 1))
    assert asked.url.startswith(f"https://api.spotprod.segmind.com{LIST}?")
    upload = next(wire.upload(FILE))
    assert upload.url == "https://workflows-api.segmind.com/upload-asset"
    hosts = {origin.host for origin in (*wire.origins, Origin.of(upload.url)) if origin}
    assert hosts == set(Segmind.hosts)


@pytest.mark.parametrize(
    "base", ["https://api.segmind.com:444", "https://gateway.example/segmind", "http://127.0.0.1:9"]
)
def test_with_another_base_url_the_list_is_below_that(base: str) -> None:
    wire = SegmindWire(Endpoint(base, KEY))
    assert next(wire.list_requests(QUERY, 1)).url.startswith(f"{base}{LIST}?")
    assert next(wire.upload(FILE)).url == f"{base}/upload-asset"
    assert len(wire.origins) == 1


# -- a row ----------------------------------------------------------------------------------------


async def test_a_row_is_read_with_all_that_it_says(api: Web) -> None:
    told = await row(api)
    assert (told.id, told.model, told.sent, told.created) == ("r-1", ROW["model_name"], SENT, AT)
    progress = told.progress
    assert (progress.state, progress.media) == (RequestState.DONE, MEDIA)
    assert (progress.cost, progress.seconds) == (Decimal("0.95"), 61.25)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("COMPLETED", RequestState.DONE),
        ("completed", RequestState.DONE),
        ("FAILED", RequestState.FAILED),
        ("PENDING", RequestState.WAITING),
        ("THAWING", RequestState.WAITING),
        (None, RequestState.WAITING),
        (7, RequestState.WAITING),
    ],
)
async def test_the_state_of_a_row_is_read(api: Web, word: Any, state: RequestState) -> None:
    assert (await row(api, model_status=word)).progress.state is state


async def test_why_a_request_has_failed_is_told(api: Web) -> None:
    told = await row(api, model_status="FAILED", error={"message": f"bad {KEY}"})
    assert told.progress.error == "bad [key]"


BODIES = [
    SENT,
    json.dumps(SENT),
    json.dumps(json.dumps(SENT)),
    repr(SENT),
    "  {'prompt': 'a lighthouse', 'loop': False}\n",
    '{"prompt": "a lighthouse", \'loop\': False}',
]


@pytest.mark.parametrize("body", BODIES)
async def test_what_was_sent_is_read_as_json_as_repr_and_as_an_object(api: Web, body: Any) -> None:
    assert (await row(api, request_body=body)).sent == SENT


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": "it's \"quoted\" \\ and\nbroken {[('", "n": -1.5e-7, "none": None},
        {"prompt": "日本語 — ünï 'é'", "deep": {"a": [1, 2, {"b": True}]}, "big": 2**53},
        {"prompt": "__import__('os').system('true')"},
        {"prompt": "\x00\x1b\u2028 \U0001f600"},
        {"prompt": "picture", "image": "iVBOR" * 50_000},
    ],
)
async def test_any_parameters_survive_the_repr(api: Web, value: dict[str, Any]) -> None:
    assert (await row(api, request_body=repr(value))).sent == value
    assert (await row(api, request_body=json.dumps(value))).sent == value


HOSTILE = [
    None,
    7,
    "",
    "hello",
    "[1, 2]",
    "{1: 2}",
    "{'a': __import__('os')}",
    "{'a': 1+1}",
    "{'a': " + "-" * 50_000 + "1}",
    "{'a': " + "+1" * 50_000 + "}",
    "{'a': " + "[" * 50_000 + "]" * 50_000 + "}",
    "{'a': " + "(" * 90 + "1" + ")" * 90 + "}",
    "{'a': lambda: 0}",
    "{'a': f'{1}'}",
    "{'a': [x for x in ()]}",
    "{'a': 1 if 1 else 2}",
    "{'a': '" + "\\" * 99_999 + "}",
    "{" * 100_000,
    "'\\" * 100_000,
    "{'a': 1" + "-1" * 50_000 + "}",
    "{'a': 1" + " -1" * 50_000 + "}",
    "{'a': 'x'" + "-1" * 50_000 + "}",
    "{'a': " + "0" * 100_000 + "x}",
    "'a' " * 50_000 + "x",
    "'" * 100_000,
    '"' * 99_999,
    "{'a': 9" + "9" * 100_000 + "}",
    "{'a': b'x', **{}}",
    "{'a': {1, 2}, 'b': Decimal('1')}",
    "{'a': nan}",
    "x" * 3_000_000,
    {"a": {"b": 1}, "1": None},
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_body_that_is_no_plain_data_is_unknown_and_does_no_harm(
    api: Web, body: Any
) -> None:
    async with asyncio.timeout(20):
        told = await row(api, request_body=body)
    assert told.sent is None or isinstance(body, dict)
    assert told.progress.state is RequestState.DONE


TIMES = [
    "2026-11-26T06:00:00Z",
    "2026-11-26T06:00:00",
    "2026-11-26 06:00:00",
    "2026-11-26 06:00:00.000000",
    "2026-11-26T06:00:00.000000000Z",
    "2026-11-26 06:00:00 UTC",
    "2026-11-26T11:30:00+05:30",
    "2026-11-25T22:00:00-08:00",
    "2026-11-26T08:00:00+0200",
    "20261126T060000Z",
    "Thu, 26 Nov 2026 06:00:00 GMT",
    AT,
    int(AT),
    str(int(AT)),
    AT * 1000,
    int(AT) * 10**6,
    str(int(AT) * 1000),
]


@pytest.mark.parametrize("time", TIMES)
async def test_a_time_is_read_in_any_zone_and_form(api: Web, time: Any) -> None:
    assert (await row(api, model_created=time)).created == AT


@pytest.mark.parametrize("name", ["created_at", "created", "createdAt", "timestamp"])
async def test_a_time_is_found_by_its_usual_names(api: Web, name: str) -> None:
    assert (await row(api, model_created=None, **{name: TIMES[0]})).created == AT


@pytest.mark.parametrize(
    "time",
    [None, "", "yesterday", "2026-11-26", -1, 0, 12, 1e300, True, [], {}, "9" * 400, "x" * 10_000,
     "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-13-45T99:99:99Z"],
)  # fmt: skip
async def test_a_time_that_is_none_is_unknown(api: Web, time: Any) -> None:
    assert (await row(api, model_created=time)).created is None


@pytest.mark.parametrize(
    ("cost", "amount"),
    [
        (0, "0"),
        ("0.95", "0.95"),
        ("$0.95", "0.95"),
        (1e-05, "0.00001"),
        (-0.95, None),
        ("-1", None),
        ("nan", None),
        ("1e400", None),
        (1e300, None),
        (10**400, None),
        (True, None),
        ("free", None),
        (None, None),
        ([0.95], None),
        ({}, None),
    ],
)
async def test_a_cost_is_a_number_or_a_text_and_never_absurd(
    api: Web, cost: Any, amount: str | None
) -> None:
    told = await row(api, credits_deduction=cost)
    assert told.progress.cost == (None if amount is None else Decimal(amount))


async def test_not_a_number_as_python_writes_it_spoils_no_page(api: Web) -> None:
    api.says[LIST] = answer(
        b'{"data": [{"request_id": "r-1", "credits_deduction": NaN, "latency_ms": Infinity}]}'
    )
    (only,) = (await list_(api)).rows
    assert (only.id, only.progress.cost, only.progress.seconds) == ("r-1", None, None)


@pytest.mark.parametrize(
    ("url", "media"),
    [
        (MEDIA, MEDIA),
        ([MEDIA, "https://other.example/"], MEDIA),
        (json.dumps([MEDIA]), MEDIA),
        (repr([MEDIA]), MEDIA),
        ({"url": MEDIA}, MEDIA),
        ([], None),
        ("", None),
        ("s3://bucket/clip", None),
        (7, None),
    ],
)
async def test_the_address_of_a_row_is_a_text_or_a_list(
    api: Web, url: Any, media: str | None
) -> None:
    assert (await row(api, generation_url=url)).progress.media == media


# -- a page ---------------------------------------------------------------------------------------


async def test_a_row_without_an_id_is_skipped_and_rows_of_one_id_stay_several(api: Web) -> None:
    told = await rows(
        api, ROW, None, 7, "x", [], {}, {**ROW, "request_id": None},
        {**ROW, "request_id": ""}, {**ROW, "request_id": "a\nb"}, {**ROW, "request_id": {}},
        {"request_id": "r-2"}, ROW, {**ROW, "request_id": 12},
    )  # fmt: skip
    assert [one.id for one in told] == ["r-1", "r-2", "r-1", "12"]
    assert told[1] == Row(id="r-2", progress=told[1].progress)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda rows: rows,
        lambda rows: {"data": rows},
        lambda rows: {"results": rows, "total": 1},
        lambda rows: {"data": {"requests": rows, "pagination": {"page": 1}}},
        lambda rows: {"tags": ["a"], "links": [{"rel": "next"}], "anything": {"else": rows}},
    ],
)
async def test_the_list_is_found_wherever_it_stands(api: Web, wrap: Any) -> None:
    api.says[LIST] = as_json(wrap([ROW]))
    page = await list_(api)
    assert [one.id for one in page.rows] == ["r-1"]
    assert not page.more


@pytest.mark.parametrize("empty", [[], {"data": []}, {"data": {"rows": []}, "total": 0}])
async def test_an_empty_list_is_readable(api: Web, empty: Any) -> None:
    api.says[LIST] = as_json(empty)
    assert await list_(api) == Page()


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (as_json({"data": [ROW]}, "500 Oops"), "HTTP 500"),
        (as_json({}, "404 Not Found"), "HTTP 404"),
        (as_json({}, "401 Unauthorized"), "HTTP 401"),
        (answer(b"", "302 Found", location="https://elsewhere.example/"), "HTTP 302"),
        (answer(b"<html>hello</html>", content_type="text/html"), "not a list"),
        (answer(b""), "not a list"),
        (answer(b"{}"), "not a list"),
        (answer(b'{"error": "internal", "detail": ["x"]}'), "not a list"),
        (answer(b"[" * 1_000_000), "not a list"),
        (answer(b'{"a":' * 500_000), "not a list"),
        (answer(b'{"data": [{"request_id": "r-1"'), "not a list"),
        (answer(b"\xff\xfe{}"), "not a list"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}", "closed the connection after 2 of"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"),
    ],
)
async def test_a_list_that_cannot_be_read_is_told_in_one_line(
    api: Web, said: bytes, detail: str
) -> None:
    async def once(line: Line) -> None:
        await line.say(said)

    api.says[LIST] = once
    page = await list_(api)
    assert (page.readable, page.rows, page.more) == (False, (), False)
    assert detail in page.detail
    assert page.detail.isprintable()


def many(count: int) -> list[dict[str, Any]]:
    return [{**ROW, "request_id": f"r-{number}"} for number in range(count)]


@pytest.mark.parametrize(
    ("answered", "page", "more"),
    [
        ({"data": many(100)}, 1, True),
        ({"data": many(99)}, 1, False),
        ({"data": many(20), "per_page": 20}, 1, True),
        ({"data": many(20), "pagination": {"total": 45}}, 1, True),
        ({"data": many(20), "pagination": {"total": 45, "per_page": 20}}, 3, False),
        ({"data": many(100), "total_pages": 2}, 2, False),
        ({"data": many(3), "meta": {"total_pages": 2}}, 1, True),
        ({"data": many(3), "has_next": True}, 1, True),
        ({"data": [], "has_next": True, "total_pages": 9}, 1, False),
        ({"data": many(100), "total": "many"}, 1, True),
    ],
)
async def test_whether_another_page_follows(api: Web, answered: Any, page: int, more: bool) -> None:
    api.says[LIST] = as_json(answered)
    assert (await list_(api, page=page)).more is more


# -- bounds ---------------------------------------------------------------------------------------


async def test_a_list_that_drips_is_cut_off_in_time(api: Web) -> None:
    async def drip(line: Line) -> None:
        await line.say(head(content_type="application/json"))
        while not line.writer.is_closing():
            await line.say(b" ")
            await asyncio.sleep(0.01)

    api.says[LIST] = drip
    page = await list_(api, asking=0.3, last_look=0.05)
    assert not page.readable
    assert "within 0.3 s" in page.detail


async def test_a_list_that_says_nothing_is_cut_off_in_time(api: Web) -> None:
    async def silence(line: Line) -> None:
        await line.gone()

    api.says[LIST] = silence
    assert not (await list_(api, asking=0.3, last_look=0.05)).readable


async def test_an_endless_list_is_not_read_to_its_end(api: Web) -> None:
    async def endless(line: Line) -> None:
        await line.say(head(), '{"data": [')
        while True:
            await line.say(json.dumps(ROW).encode() + b"," + b" " * 100_000)

    api.says[LIST] = endless
    page = await list_(api)
    assert not page.readable
    assert "more than" in page.detail
