"""One attempt over a real socket, whatever the other side does with it.

The question each time: is "never sent" said where no byte was written, and nowhere else?
"""

# ruff: noqa: ASYNC240 - a look at a file in a test may block

import asyncio
import gzip
import hashlib
import os
import socket
import ssl
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from support.raw import (
    CERTIFICATE,
    CLIP,
    KEY,
    Attempt,
    Line,
    Serve,
    answer,
    chunk,
    connect,
    full_backlog,
    head,
    judge,
    make_task,
)

from pipeline.api import receiving
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Decision, Fault, Outcome
from pipeline.api.timeouts import Timeouts
from pipeline.errors import UsageError
from pipeline.models import Cause


async def send_to(url: str, part: Path, **options: Any) -> Outcome:
    async with connect(url, **options) as client, asyncio.timeout(20):
        return await client.attempt(make_task(), part)


def never_sent(outcome: Outcome) -> bool:
    assert outcome.status is None
    assert outcome.fault in {Fault.NOT_SENT, Fault.TIMEOUT, Fault.NO_ANSWER}
    sent = outcome.fault is not Fault.NOT_SENT
    assert judge(outcome).decision is (Decision.IN_DOUBT if sent else Decision.RETRY)
    assert outcome.detail, "people want to know why"
    return not sent


def in_doubt(outcome: Outcome) -> bool:
    return judge(outcome).decision is Decision.IN_DOUBT


# -- before a byte was written --------------------------------------------------------------------


async def test_a_refused_connect_was_never_sent(part: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        outcome = await send_to(f"http://127.0.0.1:{taken.getsockname()[1]}", part)
    assert never_sent(outcome)
    assert not part.exists()


async def test_a_name_that_does_not_resolve_was_never_sent(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    outcome = await send_to("https://nowhere.example", part)
    assert never_sent(outcome)
    assert "Name or service not known" in outcome.detail


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "a..example", "[::1", "☃.x"])
def test_a_name_that_can_be_no_name_is_refused_before_anything_is_sent(host: str) -> None:
    with pytest.raises(UsageError):
        Endpoint(f"https://{host}/", KEY)


async def test_a_connect_that_times_out_was_never_sent(part: Path) -> None:
    with full_backlog() as port:
        outcome = await send_to(f"http://127.0.0.1:{port}", part, timeouts=Timeouts(connect=0.2))
    assert never_sent(outcome)
    assert "timed out" in outcome.detail


async def test_a_certificate_that_nobody_vouches_for_was_never_sent(
    serve: Serve, part: Path
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()

    async with serve(act, tls=True) as server:
        outcome = await send_to(server.url, part)
        assert never_sent(outcome)
        assert "certificate" in outcome.detail.lower()
        assert not any(line.request for line in server.lines)


@pytest.mark.parametrize("does", ["answers in plain text", "hangs up", "resets", "says nothing"])
async def test_a_tls_handshake_that_fails_was_never_sent(
    serve: Serve, part: Path, does: str
) -> None:
    left = asyncio.Event()

    async def act(line: Line) -> None:
        await line.reader.read(100)
        match does:
            case "answers in plain text":
                await line.say("HTTP/1.1 400 Bad Request\r\n\r\n")
            case "resets":
                line.reset()
            case "says nothing":
                await line.gone()
        left.set()

    async with serve(act) as server:
        outcome = await send_to(
            server.url.replace("http:", "https:"), part, timeouts=Timeouts(connect=0.3)
        )
        assert never_sent(outcome)
        await asyncio.wait_for(left.wait(), 5)


async def test_over_tls_an_answer_arrives_whole(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    clip = CLIP + (8 + 3_000_000).to_bytes(4) + b"free" + bytes(3_000_000)

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(clip))

    async with serve(act, tls=True) as server:
        outcome = await send_to(server.url, part)
    assert outcome.body is not None
    assert outcome.body.sha256 == hashlib.sha256(clip).hexdigest()


async def test_over_tls_a_cut_body_is_in_doubt(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer()[:-100])

    async with serve(act, tls=True) as server:
        outcome = await send_to(server.url, part)
    assert (outcome.status, outcome.fault) == (200, Fault.CUT)


async def test_a_list_of_authorities_that_is_missing_is_said_before_anything_is_sent(
    part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(UsageError, match="certificate authorities"):
        await send_to("https://localhost:1", part)


# -- after a byte was written, and before an answer -----------------------------------------------


async def accept_and_reset(line: Line) -> None:
    line.reset()


async def accept_and_close(line: Line) -> None:
    pass


async def half_the_request_and_reset(line: Line) -> None:
    await line.reader.readexactly(20)
    line.reset()


async def read_and_reset(line: Line) -> None:
    await line.read_request()
    line.reset()


async def read_and_close(line: Line) -> None:
    await line.read_request()


async def half_a_status_line(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 2")


async def half_the_headers(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 200 OK\r\nContent-Type: video/m")


async def headers_without_their_end(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n")


async def half_the_headers_and_reset(line: Line) -> None:
    await half_the_headers(line)
    line.reset()


async def only_an_interim_answer(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 100 Continue\r\n\r\n")


async def garbage(line: Line) -> None:
    await line.read_request()
    await line.say(b"\x00\xffSSH-2.0-OpenSSH_9.6\r\n\r\n")


async def another_protocol_speaks_first(line: Line) -> None:
    await line.say(b"220 mail.example ESMTP\r\n")
    await line.read_request()


async def huge_headers(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 200 OK\r\nX-Big: ", b"x" * 300_000, "\r\n\r\n")


async def headers_that_contradict_themselves(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd")


async def a_length_that_is_none(line: Line) -> None:
    await line.read_request()
    await line.say("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabcd")


@pytest.mark.parametrize(
    "act",
    [
        accept_and_reset,
        accept_and_close,
        half_the_request_and_reset,
        read_and_reset,
        read_and_close,
        half_a_status_line,
        half_the_headers,
        headers_without_their_end,
        half_the_headers_and_reset,
        only_an_interim_answer,
        garbage,
        another_protocol_speaks_first,
        huge_headers,
        headers_that_contradict_themselves,
        a_length_that_is_none,
    ],
)
async def test_once_a_byte_was_written_silence_is_doubt(attempt: Attempt, act: object) -> None:
    outcome = await attempt(act)  # type: ignore[arg-type]
    assert not never_sent(outcome)
    assert KEY not in repr(outcome)


async def test_a_server_that_says_nothing_is_waited_for_and_then_in_doubt(
    attempt: Attempt,
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.gone()

    outcome = await attempt(act, timeout=0.2)
    assert not never_sent(outcome)
    assert outcome.fault is Fault.TIMEOUT
    assert "no answer" in outcome.detail
    assert 0.15 < outcome.seconds < 3


async def test_headers_that_stop_in_the_middle_end_with_the_timeout_in_doubt(
    attempt: Attempt,
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say("HTTP/1.1 200 OK\r\nContent-")
        await line.gone()

    assert not never_sent(await attempt(act, timeout=0.2))


async def test_a_request_that_is_not_taken_is_in_doubt(attempt: Attempt) -> None:
    given_up = asyncio.Event()

    async def act(line: Line) -> None:
        line.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await given_up.wait()

    outcome = await attempt(
        act, task=make_task(image="x" * 20_000_000), timeouts=Timeouts(write=0.2)
    )
    given_up.set()
    assert not never_sent(outcome)
    assert "stopped accepting the request" in outcome.detail


# -- the answer has begun -------------------------------------------------------------------------


def assert_cut(outcome: Outcome) -> None:
    assert (outcome.status, outcome.fault) == (200, Fault.CUT)
    assert in_doubt(outcome)
    assert judge(outcome).charged


CHUNKED = head(content_type="video/mp4", transfer_encoding="chunked")


@pytest.mark.parametrize(
    "said",
    [
        answer()[:-1],
        answer()[: len(answer()) // 2],
        head(content_type="video/mp4", content_length=len(CLIP)).encode(),
        CHUNKED.encode() + chunk(CLIP)[:-100],
        CHUNKED.encode() + b"zz\r\n" + CLIP,
        head(content_type="video/mp4").encode() + CLIP[:-1],  # ends with the connection
        head(content_type="video/mp4").encode() + CLIP[:40],
    ],
)
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_body_that_is_cut_is_in_doubt(attempt: Attempt, said: bytes, how: str) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(said)
        if how == "reset":
            await asyncio.sleep(0.05)  # RST throws away what was not read yet
            line.reset()

    assert_cut(await attempt(act))


@pytest.mark.parametrize(
    "said",
    [
        answer(),
        answer(content_type="application/octet-stream"),
        answer(content_type="image/jpeg"),
        CHUNKED.encode() + chunk(CLIP[:700]) + chunk(CLIP[700:]) + chunk(b""),
        head(content_type="video/mp4").encode() + CLIP,
        head(content_type="video/mp4", connection="close").encode() + CLIP,
        b"HTTP/1.0 200 OK\r\n\r\n" + CLIP,
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(),
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer(),
        answer(status="201 Created"),
        answer(status="200 "),
        answer() + b"and more than was announced",
    ],
)
async def test_a_whole_clip_is_taken_however_it_is_framed(attempt: Attempt, said: bytes) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(said)

    outcome = await attempt(act)
    assert outcome.body is not None, outcome
    assert outcome.body.extension == ".mp4"
    assert outcome.body.sha256 == hashlib.sha256(CLIP).hexdigest()
    assert attempt.part.read_bytes() == CLIP
    assert judge(outcome).decision is Decision.SUCCEED


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(600) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(600) + b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"


@pytest.mark.parametrize("image", [JPEG, PNG], ids=["jpeg", "png"])
async def test_an_image_whose_length_nobody_told_has_to_have_its_end(
    attempt: Attempt, image: bytes
) -> None:
    for body, whole in [(image, True), (image[:300], False)]:

        async def act(line: Line, body: bytes = body) -> None:
            await line.read_request()
            await line.say(head().encode() + body)

        outcome = await attempt(act)
        assert (outcome.body is not None) is whole, outcome
        assert whole or outcome.fault is Fault.CUT


async def test_a_part_of_an_answer_is_in_doubt(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(status="206 Partial Content", content_range="bytes 0-1503/99999"))

    outcome = await attempt(act)
    assert outcome.fault is Fault.CUT
    assert judge(outcome).decision is Decision.IN_DOUBT


@pytest.mark.parametrize("begun", [b"", CLIP[:5], CLIP[:-1]])
async def test_a_body_that_stalls_is_in_doubt(attempt: Attempt, begun: bytes) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head(content_length=len(CLIP)), begun)
        await line.gone()

    outcome = await attempt(act, timeouts=Timeouts(stall=0.2))
    assert_cut(outcome)
    assert "then nothing" in outcome.detail


@pytest.mark.variant
async def test_a_body_that_still_comes_is_never_cut_however_long_it_takes(attempt: Attempt) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head(content_length=len(CLIP)))
        for start in range(0, len(CLIP), 100):
            await asyncio.sleep(0.16)
            await line.say(CLIP[start : start + 100])

    outcome = await attempt(act, timeout=1.0, timeouts=Timeouts(stall=2.0))
    assert outcome.body is not None
    assert outcome.seconds > 2  # longer than either


async def test_an_answer_may_begin_at_the_very_end_of_the_timeout(attempt: Attempt) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await asyncio.sleep(0.5)
        await line.say(head(content_length=len(CLIP)))
        await asyncio.sleep(1.6)
        await line.say(CLIP)

    assert (await attempt(act, timeout=1.5, timeouts=Timeouts(stall=5.0))).body is not None


@pytest.mark.parametrize(
    ("status", "decision"),
    [(500, Decision.RETRY), (401, Decision.STOP), (400, Decision.FAIL), (504, Decision.IN_DOUBT)],
)
@pytest.mark.parametrize("how", ["cut", "stalled"])
async def test_the_status_rules_where_the_body_of_a_refusal_does_not_come(
    attempt: Attempt, status: int, decision: Decision, how: str
) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head(f"{status} X", content_length=100), "half a rea")
        if how == "stalled":
            await line.gone()

    outcome = await attempt(act, timeouts=Timeouts(stall=0.2))
    assert (outcome.status, outcome.text) == (status, "half a rea")
    assert judge(outcome).decision is decision


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(attempt: Attempt, status: int) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        location = f"http://localhost:{line.writer.get_extra_info('sockname')[1]}/elsewhere"
        await line.say(head(f"{status} Moved", location=location, content_length=0))

    outcome = await attempt(act)
    assert (outcome.status, judge(outcome).decision) == (status, Decision.STOP)
    assert len(attempt.server.lines) == 1


async def test_an_early_refusal_counts_although_the_request_was_not_read(
    attempt: Attempt,
) -> None:
    async def act(line: Line) -> None:
        await line.reader.readexactly(10)
        await line.say(answer(b'{"error": "key"}', "401 Unauthorized"))

    outcome = await attempt(act)
    assert (outcome.status, judge(outcome).decision) == (401, Decision.STOP)


async def test_an_early_refusal_of_a_large_request_counts(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(answer(b"too much", "413 Content Too Large"))
        line.writer.write_eof()
        await line.gone()

    outcome = await attempt(act, task=make_task(image="x" * 20_000_000))
    assert outcome.status == 413


@pytest.mark.parametrize("status", ["403 Forbidden", "500 Internal Server Error"])
async def test_a_compressed_error_is_read(attempt: Attempt, status: str) -> None:
    body = gzip.compress(b'{"error": "flagged by content moderation"}')

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(body, status, content_encoding="gzip"))

    outcome = await attempt(act)
    assert "moderation" in outcome.text
    assert judge(outcome).reason is Cause.MODERATION


async def test_what_only_claims_to_be_compressed_does_no_harm(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(b"plain", "500 X", content_encoding="gzip"))

    outcome = await attempt(act)
    assert (outcome.status, judge(outcome).decision) == (500, Decision.RETRY)


@pytest.mark.parametrize(
    "body", [b"", b'{"error": "no"}', b"<html></html>", b"\x8e\x91" * 2000, CLIP[:100] + CLIP]
)
async def test_a_200_without_media_keeps_its_body_as_evidence(
    attempt: Attempt, body: bytes
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(body))

    outcome = await attempt(act)
    assert outcome.fault in {Fault.NOT_MEDIA, Fault.BROKEN_MEDIA}
    assert outcome.text == body.decode("utf-8", "replace")
    assert judge(outcome).decision is Decision.FAIL


async def test_a_204_is_no_clip(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head("204 No Content"))

    assert (await attempt(act)).fault is Fault.NOT_MEDIA


@pytest.mark.parametrize("framed", [True, False])
async def test_a_body_longer_than_the_limit_is_cut_off(attempt: Attempt, framed: bool) -> None:
    sent = 0

    async def act(line: Line) -> None:
        nonlocal sent
        await line.read_request()
        await line.say(head(**({"content_length": 10**10} if framed else {})), CLIP)
        while True:
            await line.say(bytes(65536))
            sent += 65536

    outcome = await attempt(act, max_size=1_000_000)
    assert outcome.fault is Fault.TOO_LARGE
    assert judge(outcome).decision is Decision.FAIL
    assert judge(outcome).charged
    assert attempt.part.stat().st_size <= 1_000_000
    assert len(outcome.text) <= receiving.EVIDENCE


async def test_an_endless_error_is_not_read_to_its_end(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head("500 X"))
        while True:
            await line.say(b"x" * 65536)

    outcome = await attempt(act)
    assert (outcome.status, len(outcome.text)) == (500, receiving.EVIDENCE)


@pytest.mark.parametrize(
    "size", [receiving.EVIDENCE - 1, receiving.EVIDENCE, receiving.EVIDENCE + 1]
)
async def test_an_error_of_just_the_size_that_is_kept_is_read(attempt: Attempt, size: int) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(b"e" * size, "500 X"))

    assert len((await attempt(act)).text) == min(size, receiving.EVIDENCE)


@pytest.mark.variant
async def test_memory_does_not_grow_with_the_body(attempt: Attempt) -> None:
    size = 48 * 1024 * 1024
    piece = bytes(65536)

    async def act(line: Line) -> None:
        await line.read_request()
        padding = (8 + size).to_bytes(4) + b"free"
        await line.say(head(content_length=len(CLIP) + 8 + size), CLIP, padding)
        for _ in range(size // len(piece)):
            await line.say(piece)

    tracemalloc.start()
    try:
        outcome = await attempt(act)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.body is not None
    assert outcome.body.size == len(CLIP) + 8 + size
    assert peak < 6_000_000


async def test_memory_does_not_grow_with_a_body_that_the_disk_takes_slowly(
    attempt: Attempt, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written yet waits in the kernel, not here."""
    sent = 0

    async def act(line: Line) -> None:
        nonlocal sent
        await line.read_request()
        await line.say(head(content_length=10**9), CLIP)
        while True:
            await line.say(bytes(65536))
            sent += 65536

    os.mkfifo(part)  # takes no more than its reader has taken
    monkeypatch.setattr(receiving, "renew", lambda pipe: os.open(pipe, os.O_RDWR))
    disk = SlowDisk(part)
    disk.start()
    await attempt(act, max_size=2_000_000)
    disk.join(10)
    assert disk.taken == 2_000_000
    assert sent < 2_000_000 + 16_000_000


class SlowDisk(threading.Thread):
    """Takes what is written to a pipe, a little at a time."""

    def __init__(self, pipe: Path) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self.taken = 0

    def run(self) -> None:
        with self._pipe.open("rb", buffering=0) as file:
            while data := file.read(65536):
                self.taken += len(data)
                time.sleep(0.005)  # this is what is tried


# -- the disk -------------------------------------------------------------------------------------


async def test_an_answer_that_cannot_be_written_is_told_from_one_that_did_not_come(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer())

    monkeypatch.setattr(receiving, "renew", lambda _: os.open("/dev/full", os.O_RDWR))
    outcome = await attempt(act)
    assert (outcome.status, outcome.fault) == (200, Fault.UNSAVED)
    assert "No space left" in outcome.detail
    assert judge(outcome).charged


async def test_an_answer_that_has_no_place_to_go_is_unsaved(attempt: Attempt, part: Path) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer())

    part.mkdir()
    assert (await attempt(act)).fault is Fault.UNSAVED


# -- secrets --------------------------------------------------------------------------------------


def echoing(key: str) -> dict[str, bytes]:
    """Answers that say the key wherever a server can say something."""
    quoted = "".join(f"%{ord(char):02X}" for char in key)
    return {
        "body": answer(f"bad key {key}".encode(), "401 Unauthorized"),
        "quoted": answer(f"url?key={quoted}".encode(), "400 Bad Request"),
        "200": answer(f'{{"error": "key {key}"}}'.encode()),
        "reason": answer(b"no", f"500 {key}"),
        "status line": f"{key} is not HTTP\r\n\r\n".encode(),
        "status": f"HTTP/1.1 {key} OK\r\n\r\n".encode(),
        "header name": f"HTTP/1.1 200 OK\r\n{key} : 1\r\n\r\n".encode(),
        "request id": answer(b"no", "500 X", x_request_id=f"id-{key}"),
        "type": answer(b"no", "500 X", content_type=f"text/{key}"),
        "type of a clip": answer(content_type=f"video/{key}"),
        "money": answer(b"no", "500 X", x_cost=key, x_remaining_credits=key),
        "length": head(content_length=key).encode(),
        "chunk": CHUNKED.encode() + f"{key}\r\n".encode(),
        "encoding": answer(b"no", "500 X", content_encoding=key),
        "retry": answer(b"no", "429 X", retry_after=key, date=key),
        "edge": answer(b"x" * (receiving.EVIDENCE - 10) + key.encode() + b"y" * 90, "500 X"),
        "edge of a clip": answer(b"x" * (receiving.EVIDENCE - 10) + key.encode() + b"y" * 90),
    }


@pytest.mark.parametrize("place", echoing(KEY))
async def test_the_key_is_in_no_outcome_wherever_the_server_says_it(
    attempt: Attempt, place: str
) -> None:
    async def act(line: Line) -> None:
        request = await line.read_request()
        assert KEY.encode() in request
        await line.say(echoing(KEY)[place])

    told = repr(await attempt(act))
    assert KEY not in told
    # Nor the better part of it.
    assert KEY[:10] not in told


@pytest.mark.parametrize("key", ["a/b+c=d&e\"f'g", "k%2Fx", "back\\slash"])
@pytest.mark.parametrize("form", ["plain", "upper", "json", "html", "url"])
async def test_a_key_of_odd_characters_is_removed_however_it_is_escaped(
    serve: Serve, part: Path, key: str, form: str
) -> None:
    import html  # noqa: PLC0415 - only here
    import json  # noqa: PLC0415
    from urllib.parse import quote  # noqa: PLC0415

    escape = {
        "plain": str,
        "upper": str.upper,
        "json": lambda text: json.dumps(text)[1:-1],
        "html": html.escape,
        "url": lambda text: quote(text, safe=""),
    }[form]

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer(f"bad <{escape(key)}>".encode(), "401 X"))

    async with serve(act) as server, connect(server.url, key) as client:
        assert (await client.attempt(make_task(), part)).text == "bad <[key]>"


# -- what is sent ---------------------------------------------------------------------------------


async def test_a_request_says_all_that_it_must_and_says_it_once(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer())

    await attempt(act, task=make_task("a “quoted” prompt", loop=False))
    (line,) = attempt.server.lines
    told, _, body = line.request.partition(b"\r\n\r\n")
    start, *headers = told.decode().split("\r\n")
    assert start == "POST /v1/luma-txt-2-video HTTP/1.1"
    names = [name.lower() for name, _, _ in (header.partition(":") for header in headers)]
    assert len(names) == len(set(names))
    assert f"x-api-key: {KEY}" in headers
    assert "content-type: application/json" in [header.lower() for header in headers]
    assert body == '{"prompt":"a “quoted” prompt","loop":false}'.encode()


async def test_each_request_goes_over_a_fresh_connection(serve: Serve, part: Path) -> None:
    async def act(line: Line) -> None:
        while True:
            await line.read_request()
            await line.say(answer())

    async with serve(act) as server, connect(server.url) as client:
        for _ in range(3):
            assert (await client.attempt(make_task(), part)).body is not None
        assert len(server.lines) == 3


async def test_an_attempt_that_is_cancelled_closes_its_connection(serve: Serve, part: Path) -> None:
    reached, left = asyncio.Event(), asyncio.Event()

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head(content_length=len(CLIP)), CLIP[:10])
        reached.set()
        await line.gone()
        left.set()

    async with serve(act) as server, connect(server.url) as client:
        running = asyncio.create_task(client.attempt(make_task(), part))
        await asyncio.wait_for(reached.wait(), 5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.wait_for(left.wait(), 5)


async def test_many_attempts_at_once_do_not_disturb_one_another(
    serve: Serve, tmp_path: Path
) -> None:
    async def act(line: Line) -> None:
        request = await line.read_request()
        match request.count(b"x") % 4:
            case 0:
                line.reset()
            case 1:
                await line.say(answer()[:-10])
            case 2:
                await line.say(answer(b"no", "500 X"))
            case _:
                await line.say(answer())

    async with serve(act) as server, connect(server.url) as client:
        outcomes = await asyncio.gather(
            *(
                client.attempt(make_task("x" * number), tmp_path / str(number))
                for number in range(60)
            )
        )
    kinds = {(outcome.status, outcome.fault) for outcome in outcomes}
    assert kinds == {(None, Fault.NO_ANSWER), (200, Fault.CUT), (500, None), (200, None)}
    assert sum(outcome.body is not None for outcome in outcomes) == 15


# -- the balance call -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "credits_"),
    [
        (answer(b'{"credits": 1.5, "free-credits": 0.018}', content_type="json"), "1.518"),
        (answer(b'{"credits": "2.50"}'), "2.50"),
        (answer(b'{"credits": null, "free-credits": 3}'), "3.0"),
        (answer(b"<html></html>"), None),
        (answer(b"{}"), None),
        (answer(b'{"credits": "many"}'), None),
        (answer(b'{"credits": 1e999}'), None),
        (answer(b'{"credits": 5}', "404 Not Found"), None),
        (answer(b'{"credits": 5}')[:-3], None),
        (b"garbage\r\n\r\n", None),
        (b"", None),
        (head("307 X", location="/", content_length=0).encode(), None),
    ],
)
async def test_the_balance_call_tells_a_figure_or_none_and_never_fails(
    serve: Serve, said: bytes, credits_: str | None
) -> None:
    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(said)

    async with serve(act) as server, connect(server.url) as client:
        balance = await client.balance()
    assert (None if balance.credits is None else str(balance.credits)) == credits_
    assert balance.detail


async def test_the_balance_call_does_not_wait_for_ever(serve: Serve) -> None:

    async def act(line: Line) -> None:
        await line.gone()

    async with serve(act) as server, connect(server.url, timeouts=Timeouts(asking=0.2)) as client:
        assert (await asyncio.wait_for(client.balance(), 5)).credits is None


def test_the_test_certificate_is_one() -> None:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    assert context.get_ca_certs()
