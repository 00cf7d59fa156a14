"""Asking for a request that the provider has accepted, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from support.raw import KEY, Line, answer, head
from support.web import Web, as_json, web

from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Progress, RequestState
from pipeline.api.segmind import Segmind, SegmindV2
from pipeline.api.timeouts import Timeouts
from pipeline.models import Handle

ID = "0b7a2d52-6f5e-4b6c-9b1e-3a5f0c1d2e3f"
STATUS, RESULT = f"/v2/requests/{ID}/status", f"/v2/requests/{ID}"
LISTED = f"/inference-request/request-history/{ID}"
MEDIA = "https://images.example/clip.mp4?signature=s3cr3t"
DONE = {"request_id": ID, "status": "COMPLETED"}
ROW = {
    "request_id": ID,
    "model_name": "luma-txt-2-video",
    "model_status": "COMPLETED",
    "credits_deduction": 0.95,
    "generation_url": MEDIA,
    "latency_ms": 61_000,
}


@pytest.fixture
async def api() -> AsyncIterator[Web]:
    async with web() as served:
        yield served


async def ask(api: Web, handle: Handle | None = None, name: str = "segmind-v2") -> Progress:
    asked = handle or Handle(id=ID)
    endpoint = Endpoint(api.url, KEY)
    async with providers.get(name).connect(endpoint, timeout=5, max_size=10**9) as session:
        return await session.ask(asked)


async def says(api: Web, status: Any = None, result: Any = None, listed: Any = None) -> Progress:
    for path, value in ((STATUS, status), (RESULT, result), (LISTED, listed)):
        if value is not None:
            api.says[path] = value if isinstance(value, bytes) else as_json(value)
    return await ask(api)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("QUEUED", RequestState.WAITING),
        ("queued", RequestState.WAITING),
        ("PENDING", RequestState.WAITING),
        ("PROCESSING", RequestState.RUNNING),
        ("THAWING", RequestState.WAITING),
    ],
)
async def test_a_state_is_read_and_one_that_nobody_knows_waits(
    api: Web, word: str, state: RequestState
) -> None:
    told = await says(api, {"request_id": ID, "status": word})
    assert told.state is state
    assert not told.final
    assert api.paths == [STATUS]
    assert ("THAWING" in told.detail) is (word == "THAWING")


async def test_what_is_done_is_told_with_its_address_its_cost_and_the_balance(api: Web) -> None:
    metrics = {"cost": 0.95, "remaining_credits": 4.05, "inference_time": 60, "total_time": 61.5}
    told = await says(api, DONE, {**DONE, "video": {"url": MEDIA}, "metrics": metrics, "seed": 7})
    assert told.state is RequestState.DONE
    assert (told.media, told.seconds, told.seed) == (MEDIA, 61.5, 7)
    assert (told.cost, told.remaining) == (Decimal("0.95"), Decimal("4.05"))
    assert api.paths == [STATUS, RESULT]


@pytest.mark.parametrize(
    "where",
    [
        {"video": {"url": MEDIA}},
        {"images": [{"url": MEDIA}]},
        {"image_url": MEDIA},
        {"output": MEDIA},
        {"output": [MEDIA]},
        {"output": [[{"url": MEDIA}]]},
        {"output": {"video": {"url": MEDIA}}},
        {"output": f'["{MEDIA}"]'},
        {"video": MEDIA},
        {"output": "no address", "video_url": MEDIA},
        {"image": "https://input.example/frame.png", "output": MEDIA},
    ],
)
async def test_the_address_of_an_output_is_found_where_models_put_it(
    api: Web, where: dict[str, Any]
) -> None:
    told = await says(api, DONE, {**DONE, **where})
    assert (told.state, told.media) == (RequestState.DONE, MEDIA)


@pytest.mark.parametrize(
    "output",
    ["ftp://x/y", "file:///etc/passwd", "javascript:1", "https://", "https://a b/", "x" * 9000, 7],
)
async def test_what_is_no_http_address_is_none(api: Web, output: Any) -> None:
    told = await says(api, DONE, {**DONE, "output": output})
    assert (told.state, told.media) == (RequestState.DONE, None)


async def test_a_result_without_an_address_is_looked_for_in_the_list(api: Web) -> None:
    told = await says(api, DONE, {**DONE, "metrics": {"cost": 0.9}}, ROW)
    assert (told.media, told.cost) == (MEDIA, Decimal("0.9"))


@pytest.mark.parametrize("status", ["200 OK", "422 Unprocessable Entity", "400 Bad Request"])
async def test_failed_is_failed_also_under_422_and_costs_nothing(api: Web, status: str) -> None:
    body = {"request_id": ID, "status": "FAILED", "error": "frame moderation failed"}
    told = await says(api, as_json(body, status))
    assert told.state is RequestState.FAILED
    assert (told.error, told.cost) == ("frame moderation failed", None)
    assert told.final


async def test_a_result_that_says_failed_has_failed(api: Web) -> None:
    body = {"status": "FAILED", "error": {"message": "boom"}}
    told = await says(api, DONE, as_json(body, "422 Unprocessable Entity"))
    assert (told.state, told.error) == (RequestState.FAILED, "boom")


@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "404 Not Found", "429 Slow", "302 Go"])
async def test_failed_under_another_code_is_the_gateways_word_and_not_the_requests(
    api: Web, status: str
) -> None:
    told = await says(api, as_json({"status": "FAILED", "error": "gateway"}, status))
    assert told.state is not RequestState.FAILED


async def test_an_answer_about_another_request_says_nothing_of_this_one(api: Web) -> None:
    told = await says(api, {"request_id": "another", "status": "FAILED", "error": "x"})
    assert told.state is RequestState.UNREACHED


async def test_a_state_that_is_done_before_its_result_is_there_is_asked_for_again(api: Web) -> None:
    told = await says(api, DONE, {"request_id": ID, "status": "PROCESSING"})
    assert told.state is RequestState.RUNNING


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (as_json({"error": "slow down"}, "429 Too Many", retry_after=7), 429),
        (as_json({"error": "x"}, "500 Oops"), 500),
        (answer(b"<html>502</html>", "502 Bad Gateway", content_type="text/html"), 502),
        (answer(b"<html>welcome</html>", content_type="text/html"), 200),
        (answer(b""), 200),
        (answer(b"[]"), 200),
        (answer(b'"COMPLETED"'), 200),
        (answer(b"null"), 200),
        (answer(b"[" * 100_000), 200),
        (answer(b"", "302 Found", location="https://elsewhere.example/"), 302),
    ],
)
async def test_an_answer_that_says_nothing_of_it_is_asked_again(
    api: Web, said: bytes, status: int
) -> None:
    told = await says(api, said)
    assert (told.state, told.status) == (RequestState.UNREACHED, status)
    assert told.detail
    assert told.retry_after == (7 if status == 429 else None)
    assert api.paths == [STATUS]


async def test_an_object_without_a_state_waits(api: Web) -> None:
    assert (await says(api, {"request_id": ID})).state is RequestState.WAITING


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_key_that_may_not_ask_is_told_apart(api: Web, status: str) -> None:
    told = await says(api, as_json({"status": "FAILED"}, status))
    assert told.state is RequestState.REFUSED
    assert api.paths == [STATUS]


# -- records that have expired --------------------------------------------------------------------


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_a_record_that_has_expired_is_asked_for_in_the_list_at_once(
    api: Web, status: str
) -> None:
    told = await says(api, as_json({"detail": "no such request"}, status), listed=ROW)
    assert (told.state, told.media, told.cost) == (RequestState.DONE, MEDIA, Decimal("0.95"))
    assert told.seconds == 61
    assert api.paths == [STATUS, LISTED]


@pytest.mark.parametrize(
    "wrapped", [ROW, {"data": ROW}, {"data": [ROW]}, [ROW], {"result": {"request": ROW}}]
)
async def test_the_row_of_one_request_is_found_wherever_it_stands(api: Web, wrapped: Any) -> None:
    assert (await says(api, listed=wrapped)).media == MEDIA


async def test_of_several_rows_of_one_request_one_with_an_address_is_taken(api: Web) -> None:
    rows = [{**ROW, "generation_url": None}, ROW]
    assert (await says(api, listed={"data": rows})).media == MEDIA


async def test_a_row_of_another_request_is_not_this_one(api: Web) -> None:
    told = await says(api, listed={"data": [{**ROW, "request_id": "another"}]})
    assert told.state is RequestState.UNREACHED


async def test_what_neither_knows_is_gone(api: Web) -> None:
    told = await says(api)
    assert (told.state, told.status) == (RequestState.GONE, 404)
    assert api.paths == [STATUS, LISTED]


@pytest.mark.parametrize(
    "listed",
    [
        as_json({}, "500 Oops"),
        as_json({}, "401 Unauthorized"),
        as_json({}, "403 Forbidden"),
        answer(b"<html>"),
        answer(b"{}"),
    ],
)
async def test_a_list_that_says_nothing_is_no_proof_that_a_request_is_gone(
    api: Web, listed: bytes
) -> None:
    told = await says(api, listed=listed)
    assert told.state is RequestState.UNREACHED
    assert "the list of requests" in told.detail


async def test_a_result_that_has_expired_is_asked_for_in_the_list(api: Web) -> None:
    told = await says(api, DONE, listed=ROW)
    assert (told.state, told.media) == (RequestState.DONE, MEDIA)
    assert api.paths == [STATUS, RESULT, LISTED]


async def test_a_result_that_has_expired_while_the_list_fails_is_asked_for_again(api: Web) -> None:
    told = await says(api, DONE, listed=as_json({}, "500 Oops"))
    assert told.state is RequestState.UNREACHED
    assert api.paths == [STATUS, RESULT, LISTED]


async def test_what_is_done_and_found_nowhere_is_done_without_an_address(api: Web) -> None:
    told = await says(api, DONE)
    assert (told.state, told.media) == (RequestState.DONE, None)
    assert told.detail


@pytest.mark.parametrize("name", ["segmind", "segmind-v2"])
async def test_what_was_found_in_the_list_is_asked_for_there_whatever_the_provider(
    api: Web, name: str
) -> None:
    api.says[LISTED] = as_json({**ROW, "model_status": "PENDING", "generation_url": None})
    told = await ask(api, Handle(id=ID, listed=True), name)
    assert told.state is RequestState.WAITING
    assert api.paths == [LISTED]


async def test_what_the_list_has_lost_may_still_have_a_state(api: Web) -> None:
    api.says[STATUS] = as_json({"status": "PROCESSING"})
    assert (await ask(api, Handle(id=ID, listed=True))).state is RequestState.RUNNING


async def test_what_the_list_has_lost_and_no_state_is_known_of_is_gone(api: Web) -> None:
    for said in (answer(b"", "404 No"), answer(b"", "405 No"), answer(b"", "500 Oops")):
        api.says[STATUS] = said
        assert (await ask(api, Handle(id=ID, listed=True))).state is RequestState.GONE


async def test_v1_asks_for_what_v2_has_submitted(api: Web) -> None:
    api.says[STATUS] = as_json({"status": "PROCESSING"})
    assert (await ask(api, name="segmind")).state is RequestState.RUNNING


# -- addresses of others --------------------------------------------------------------------------


async def test_an_address_of_the_answer_that_is_at_the_provider_is_asked(api: Web) -> None:
    api.says["/s/1"] = as_json(DONE)
    api.says["/r/1"] = as_json({**DONE, "output": MEDIA})
    told = await ask(api, Handle(id=ID, status=f"{api.url}/s/1?x=1", result=f"{api.url}/r/1"))
    assert told.media == MEDIA
    assert [one.target for one in api.seen] == ["/s/1?x=1", "/r/1"]


async def test_an_address_at_another_host_is_not_asked_and_gets_no_key(api: Web) -> None:
    api.says[STATUS] = as_json(DONE)
    api.says[RESULT] = as_json({**DONE, "output": MEDIA})
    async with web() as other:
        other.says["/s"] = as_json({**DONE, "status": "FAILED"})
        told = await ask(api, Handle(id=ID, status=f"{other.url}/s?token=1", result=other.url))
        assert other.seen == []
    assert (told.state, told.media) == (RequestState.DONE, MEDIA)
    assert "another host" in told.detail
    assert "token" not in told.detail


@pytest.mark.parametrize(
    "address",
    [
        "ftp://{host}/s",
        "file:///etc/passwd",
        "https://{host}/s",
        "http://user:pass@{host}/s",
        "http://{host}@elsewhere.example/s",
        "http://localhost:{port}/s",
        "http://127.1:{port}/s",
        "http://{host}:80/s",
        "//{host}/s",
        "/s",
        "",
        "http://{host}\\@elsewhere.example/s",
        "http://{host}/s\r\nx: y",
        "http://[",
        "http://{host}/" + "s" * 10_000,
    ],
)
async def test_only_http_at_the_very_origin_is_asked(api: Web, address: str) -> None:
    api.says[STATUS] = as_json({"status": "PROCESSING"})
    host = api.url.removeprefix("http://")
    handle = Handle(id=ID, status=address.format(host=host, port=host.split(":")[1]))
    assert (await ask(api, handle)).state is RequestState.RUNNING
    assert api.paths == [STATUS]


@pytest.mark.parametrize(
    "id_", ["", ".", "..", "a b", "a\nb", "\x00", "x" * 201, "\ud800", "\u202e"]
)
async def test_an_id_that_cannot_be_part_of_an_address_is_not_asked_for(api: Web, id_: str) -> None:
    told = await ask(api, Handle(id=id_))
    assert told.state is RequestState.UNREACHED
    assert api.seen == []


@pytest.mark.parametrize("id_", ["../../v1/get-user-credits", "a/b", "a?b=c", "a#b", "%2e%2e", "é"])
async def test_an_id_stays_within_its_part_of_the_path(api: Web, id_: str) -> None:
    assert (await ask(api, Handle(id=id_))).state is RequestState.GONE
    first, second = (one.target for one in api.seen)
    assert first.count("/") == STATUS.count("/")
    assert second.count("/") == LISTED.count("/")
    assert "?" not in first + second


# -- bounds ---------------------------------------------------------------------------------------


async def quickly(api: Web, provider: Segmind, handle: Handle) -> Progress:
    endpoint = Endpoint(api.url, KEY)
    async with provider.connect(endpoint, timeout=600, max_size=10**9) as session:
        async with asyncio.timeout(5):
            return await session.ask(handle)


async def test_an_answer_that_drips_is_not_waited_for(api: Web) -> None:
    async def drip(line: Line) -> None:
        await line.say(head(content_length=10_000))
        while not line.writer.is_closing():
            await line.say(b"x")
            await asyncio.sleep(0.01)

    api.says[STATUS] = drip
    provider = SegmindV2(Timeouts(asking=0.3, last_look=0.05))
    told = await quickly(api, provider, Handle(id=ID))
    assert told.state is RequestState.UNREACHED
    assert "within 0.3 s" in told.detail


async def test_an_endless_answer_is_not_read_to_its_end(api: Web) -> None:
    async def endless(line: Line) -> None:
        await line.say(head())
        while True:
            await line.say(b"x" * 1_000_000)

    api.says[STATUS] = endless
    told = await ask(api)
    assert told.state is RequestState.UNREACHED
    assert "more than" in told.detail


async def test_a_server_that_is_not_there_is_unreached() -> None:
    async with web() as gone:
        url = gone.url
    gone.url = url
    told = await ask(gone)
    assert told.state is RequestState.UNREACHED
    assert "no connection" in told.detail


# -- secrets --------------------------------------------------------------------------------------


async def test_an_error_shows_neither_the_key_nor_the_query_of_an_address(api: Web) -> None:
    error = f"key {KEY} may not read https://bucket.example/in.png?X-Amz-Signature=abcdef0123"
    told = await says(api, {"status": "FAILED", "error": error})
    assert KEY not in told.error
    assert "abcdef0123" not in told.error
    assert "https://bucket.example/in.png" in told.error
