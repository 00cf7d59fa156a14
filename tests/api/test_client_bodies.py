"""Bodies: with an encoding that was not requested, cut, trickling, with odd ends, and kept."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import signal
import threading
import time
import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import pytest
from PIL import Image
from support.command import CommandWorkspace, eventually, raw_server
from support.raw import (
    CLIP,
    Act,
    Attempt,
    Line,
    Serve,
    answer,
    chunk,
    connect,
    head,
    judge,
)

from pipeline.api.outcome import Decision, Fault, Outcome
from pipeline.api.timeouts import Timeouts

pytestmark = pytest.mark.few(2)

CHUNKED = head(content_type="video/mp4", transfer_encoding="chunked").encode()


def saying(*pieces: bytes) -> Act:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(*pieces)

    return act


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


@cache
def bomb(layers: int, size: int) -> bytes:
    """Zeros that were compressed so many times."""
    engine = zlib.compressobj(9, wbits=31)
    data = b"".join(engine.compress(bytes(2**20)) for _ in range(size >> 20)) + engine.flush()
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


def assert_clip(outcome: Outcome, part: Path, data: bytes = CLIP) -> None:
    assert outcome.body is not None, outcome
    assert outcome.body.sha256 == hashlib.sha256(data).hexdigest()
    assert outcome.body.size == len(data)
    assert part.read_bytes() == data
    assert judge(outcome).decision is Decision.SUCCEED


# -- encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(CLIP)),
        ("GZip", gzip.compress(CLIP)),
        ("x-gzip", gzip.compress(CLIP)),
        ("identity, gzip", gzip.compress(CLIP)),
        ("gzip", gzip.compress(CLIP[:500]) + gzip.compress(CLIP[500:])),
        ("gzip", gzip.compress(CLIP) + b"\0\0\0\0"),
        ("deflate", zlib.compress(CLIP)),
        ("deflate", raw_deflate(CLIP)),
        ("identity", CLIP),
        ("", CLIP),
        # Lies: the bytes rule.
        ("gzip", CLIP),
        ("br", CLIP),
        ("gzip, gzip", CLIP),
    ],
)
async def test_one_encoding_that_nobody_asked_for_is_undone(
    attempt: Attempt, coding: str, body: bytes
) -> None:
    outcome = await attempt(saying(answer(body, content_encoding=coding)))
    assert_clip(outcome, attempt.part)


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("media", [picture("PNG"), picture("JPEG"), picture("GIF"), CLIP])
@pytest.mark.parametrize("framed", [True, False])
async def test_an_encoding_that_does_not_reach_its_end_is_a_cut(
    attempt: Attempt, media: bytes, framed: bool
) -> None:
    whole = gzip.compress(media)
    for lost in (1, 9, len(whole) // 2):
        told = {"content_length": len(whole) - lost} if framed else {}
        said = head(content_encoding="gzip", **told).encode() + whole[:-lost]
        outcome = await attempt(saying(said))
        assert outcome.fault is Fault.CUT, outcome
        assert judge(outcome).decision is Decision.IN_DOUBT
        assert attempt.part.read_bytes() == whole[:-lost], "it is kept as it came"


async def test_an_encoding_that_is_damaged_is_a_cut(attempt: Attempt) -> None:
    body = bytearray(gzip.compress(CLIP))
    body[-6] ^= 1  # its checksum
    outcome = await attempt(saying(answer(bytes(body), content_encoding="gzip")))
    assert outcome.fault is Fault.CUT


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip, gzip, gzip", "br", "zstd", "aws-chunked"])
async def test_other_encodings_are_no_media_and_are_kept_as_they_came(
    attempt: Attempt, coding: str
) -> None:
    body = gzip.compress(gzip.compress(CLIP))
    outcome = await attempt(saying(answer(body, content_encoding=coding)))
    assert outcome.fault is Fault.NOT_MEDIA
    assert coding in outcome.detail
    assert attempt.part.read_bytes() == body


@pytest.mark.variant
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 X", "303 See Other"])
@pytest.mark.parametrize("layers", [1, 2, 3])
async def test_a_body_that_grows_without_bound_costs_neither_memory_nor_time(
    attempt: Attempt, status: str, layers: int
) -> None:
    body = bomb(layers, 2**26)
    said = answer(body, status, content_encoding=", ".join(["gzip"] * layers))
    tracemalloc.start()
    try:
        outcome = await attempt(saying(said), max_size=2**24)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.body is None
    assert outcome.status == int(status[:3])
    assert peak < 8_000_000
    assert attempt.part.stat().st_size < 2**21 if attempt.part.exists() else status[0] in "45"
    assert [path for path in attempt.part.parent.iterdir() if path != attempt.part] == []


@pytest.mark.variant
async def test_an_image_that_grows_without_bound_is_too_large(attempt: Attempt) -> None:
    engine = zlib.compressobj(9, wbits=31)
    body = engine.compress(b"BM" + bytes(2**28)) + engine.flush()
    said = answer(body, content_type="image/bmp", content_encoding="gzip")
    outcome = await attempt(saying(said), max_size=2**20)
    assert outcome.fault is Fault.TOO_LARGE
    assert attempt.part.read_bytes() == body


@pytest.mark.variant
async def test_the_balance_call_is_not_filled_up(serve: Serve) -> None:
    for layers in (1, 3):
        body = bomb(layers, 2**28)
        coding = ", ".join(["gzip"] * layers)

        async def act(line: Line, said: bytes = answer(body, content_encoding=coding)) -> None:
            await line.read_head()
            await line.say(said)

        tracemalloc.start()
        async with serve(act) as server, connect(server.url) as client:
            balance = await client.balance()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert balance.credits is None
        assert peak < 8_000_000


async def test_a_balance_that_is_compressed_is_read(serve: Serve) -> None:
    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(answer(gzip.compress(b'{"credits": 2.5}'), content_encoding="gzip"))

    async with serve(act) as server, connect(server.url) as client:
        assert str((await client.balance()).credits) == "2.5"


# -- ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        CLIP + b"\n",
        CLIP + b"\0\0\0\0",
        CLIP + bytes(64),
        CLIP + b"<!-- rendered by node 7, thank you -->",
        CLIP + b"--boundary--\r\n",
    ],
)
@pytest.mark.parametrize("framed", [True, False])
async def test_a_whole_clip_with_something_behind_it_is_a_clip_and_it_is_said(
    attempt: Attempt, body: bytes, framed: bool
) -> None:
    said = answer(body) if framed else head().encode() + body
    outcome = await attempt(saying(said))
    assert_clip(outcome, attempt.part, body)
    assert f"{len(body) - len(CLIP)} bytes follow its end" in outcome.detail


@pytest.mark.parametrize("end", [b"", b"0\r\n", b"5\r\n", b"zz\r\n", b"5\r\n\n\n"])
@pytest.mark.parametrize(
    "media", [CLIP, picture("PNG"), picture("JPEG"), picture("GIF"), picture("WEBP")]
)
async def test_a_whole_file_whose_transfer_lacks_its_end_is_taken_and_it_is_said(
    attempt: Attempt, media: bytes, end: bytes
) -> None:
    outcome = await attempt(saying(CHUNKED + chunk(media) + end))
    if end.startswith(b"5"):
        media += end[3:]  # the begin of another chunk
    assert_clip(outcome, attempt.part, media)
    assert "complete nevertheless" in outcome.detail


@pytest.mark.parametrize(
    "media", [CLIP, picture("PNG"), picture("JPEG"), picture("GIF"), picture("WEBP")]
)
async def test_a_file_that_is_cut_with_its_transfer_is_in_doubt(
    attempt: Attempt, media: bytes
) -> None:
    for size in range(1, len(media) - 1, max(len(media) // 7, 1)):
        outcome = await attempt(saying(CHUNKED + chunk(media[:size])))
        assert outcome.fault is Fault.CUT, size
        assert attempt.part.read_bytes() == media[:size]


async def test_a_file_that_tells_no_end_is_whole_only_with_its_transfer(attempt: Attempt) -> None:
    sound = (b"\xff\xfb\x90\x00" + bytes(413)) * 9
    assert (await attempt(saying(CHUNKED + chunk(sound)))).fault is Fault.CUT
    assert_clip(await attempt(saying(CHUNKED + chunk(sound) + chunk(b""))), attempt.part, sound)


async def test_a_clip_is_taken_where_the_server_promised_more_than_there_was(
    attempt: Attempt,
) -> None:
    outcome = await attempt(saying(head(content_length=len(CLIP) + 100).encode() + CLIP))
    assert_clip(outcome, attempt.part)
    assert f"after {len(CLIP)} of {len(CLIP) + 100} bytes" in outcome.detail


async def test_a_whole_clip_whose_line_stays_silent_is_taken(attempt: Attempt) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(CHUNKED + chunk(CLIP))
        await line.gone()

    assert_clip(await attempt(act, timeouts=Timeouts(stall=0.2)), attempt.part)


# -- what trickles --------------------------------------------------------------------------------


async def drip(line: Line, *pieces: bytes | str, pause: float = 0.02) -> None:
    """Say one piece after another for ever."""
    while True:
        await line.say(*pieces)
        await asyncio.sleep(pause)


@pytest.mark.parametrize(
    "piece", ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n"]
)
async def test_interim_answers_do_not_hold_a_task_beyond_its_timeout(
    attempt: Attempt, piece: str
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await drip(line, piece)

    outcome = await attempt(act, timeout=0.5)
    assert outcome.fault is Fault.TIMEOUT
    assert outcome.seconds < 5


async def test_headers_that_trickle_do_not_hold_a_task_beyond_its_timeout(
    attempt: Attempt,
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say("HTTP/1.1 200 OK\r\n")
        await drip(line, "x-still: here\r\n")

    outcome = await attempt(act, timeout=0.5)
    assert outcome.fault is Fault.TIMEOUT
    assert outcome.seconds < 5


async def test_a_body_that_trickles_ends_and_what_came_is_kept(attempt: Attempt) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head(content_length=len(CLIP)), CLIP[:100])
        await drip(line, b"x")

    outcome = await attempt(act, timeouts=Timeouts(grace=0.5))
    assert outcome.fault is Fault.CUT
    assert outcome.seconds < 5
    assert attempt.part.read_bytes().startswith(CLIP[:100] + b"x")


async def test_a_refusal_that_trickles_ends_and_its_status_rules(attempt: Attempt) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(head("400 Bad Request", content_length=10**6), "no such ratio")
        await drip(line, " ")

    outcome = await attempt(act, timeouts=Timeouts(stall=0.5))
    assert (outcome.status, judge(outcome).decision) == (400, Decision.FAIL)
    assert outcome.text.startswith("no such ratio")


# -- what is kept ---------------------------------------------------------------------------------

KEPT = {
    "json": (b'{"url": "https://cdn.example/clip.mp4"}' + bytes(range(128, 256)), ".json"),
    "long json": (b'{"b64": "' + b"QUJD" * 100_000 + b'"}', ".json"),
    "html": (b"<!DOCTYPE html>\n<html><body>\xff maintenance</body></html>", ".html"),
    "text": ("Größe unbekannt\n".encode(), ".txt"),
    "noise": (b"\x8e\x91\x00" * 200_000, ".bin"),
    "half a clip": (CLIP[:-10], ".mp4"),
}


@pytest.mark.variant
@pytest.mark.parametrize("what", KEPT)
def test_what_came_and_is_no_clip_is_kept_byte_for_byte(
    workspace: CommandWorkspace, what: str
) -> None:
    body, extension = KEPT[what]
    workspace.write(["a lighthouse"])
    with raw_server(saying(answer(body))) as server:
        workspace.run(url=server.url)
    (kept,) = (workspace.out / "errors").iterdir()
    assert kept.read_bytes() == body
    assert kept.suffix == extension
    (record,) = workspace.manifest
    assert f"errors/{kept.name}" in record["error"]


@pytest.mark.parametrize("twice", [False, True])
def test_what_came_of_a_clip_that_was_cut_is_kept(workspace: CommandWorkspace, twice: bool) -> None:
    how = {"in_doubt": "resend", "attempts": 2, "wait": 0.05} if twice else {}
    workspace.write(["a lighthouse"], retry=how)
    with raw_server(saying(answer()[:-10])) as server:
        workspace.run(url=server.url)
    kept = sorted((workspace.out / "errors").iterdir())
    assert [path.read_bytes() for path in kept] == [CLIP[:-10]] * (1 + twice)
    for record, path in zip(
        workspace.manifest, sorted(kept, key=lambda p: len(p.name)), strict=True
    ):
        assert record["status"] == "in_doubt"
        assert f"errors/{path.name}" in record["error"]
    assert not list((workspace.out / ".inflight").iterdir())


def test_the_first_bytes_of_what_is_too_large_are_kept(workspace: CommandWorkspace) -> None:
    clip = CLIP + (8 + 3_000_000).to_bytes(4) + b"free" + bytes(3_000_000)
    workspace.write(["a lighthouse"], output={"dir": "out", "max_size": "1MB"})
    with raw_server(saying(answer(clip))) as server:
        workspace.run(url=server.url)
    (kept,) = (workspace.out / "errors").iterdir()
    assert clip.startswith(kept.read_bytes())
    assert 900_000 < kept.stat().st_size <= 1_048_576


@pytest.mark.variant
def test_the_key_is_in_no_body_that_is_kept(workspace: CommandWorkspace) -> None:
    key = "sk-command-0123456789abcdef"
    body = json.dumps({"headers": {"x-api-key": key}, "rest": "x" * 2_000_000, "again": key})
    workspace.write(["a lighthouse"])
    with raw_server(saying(answer(body.encode()))) as server:
        workspace.run(url=server.url)
    (kept,) = (workspace.out / "errors").iterdir()
    assert len(kept.read_bytes()) == len(body)
    assert json.loads(kept.read_bytes())["headers"] == {"x-api-key": "*" * len(key)}


# -- a process that stood still -------------------------------------------------------------------


@pytest.mark.variant
@pytest.mark.parametrize("still", [4, 8])
def test_answers_that_came_while_the_process_was_stopped_are_clips(
    workspace: CommandWorkspace, still: int
) -> None:
    """Seconds beyond the timeout, few and many: each answer lies whole in its socket."""
    asked: list[Line] = []
    stopped, answered = threading.Event(), threading.Semaphore(0)

    async def act(line: Line) -> None:
        await line.read_request()
        asked.append(line)
        await asyncio.to_thread(stopped.wait, 60)
        await line.say(answer())
        answered.release()
        await line.gone()

    workspace.write(["a lighthouse"] * 6, concurrency=6, timeout=2, credits={"gate": "off"})
    with raw_server(act) as server:
        process = workspace.start(url=server.url)
        eventually(lambda: len(asked) == 6, say="six requests")
        process.send(signal.SIGSTOP)
        stopped.set()
        assert all(answered.acquire(timeout=20) for _ in range(6))
        time.sleep(still)  # nothing happens: that is what is tried
        process.send(signal.SIGCONT)
        run = process.end()
    assert run.code == 0, run.err
    assert workspace.counts() == {"succeeded": 6}


@pytest.mark.variant
async def test_a_wait_begins_anew_where_the_loop_stood_still(attempt: Attempt) -> None:

    async def act(line: Line) -> None:
        await line.read_request()
        time.sleep(1)  # noqa: ASYNC251 - the loop stands still
        await asyncio.sleep(1.2)  # beyond the timeout and its last look, counted from the sending
        await line.say(answer())

    assert_clip(await attempt(act, timeout=1.5, timeouts=Timeouts(stood_still=0.3)), attempt.part)


@pytest.mark.few(4)
@pytest.mark.parametrize("how", ["link", "hard link", "pipe", "nothing"])
async def test_what_was_put_in_place_of_a_part_gets_no_byte_and_costs_no_clip(
    attempt: Attempt, tmp_path: Path, how: str
) -> None:
    victim = tmp_path / "precious"
    victim.write_bytes(b"of somebody")

    async def act(line: Line) -> None:
        await line.read_request()
        attempt.part.unlink(missing_ok=True)
        if how == "link":
            attempt.part.symlink_to(victim)
        elif how == "hard link":
            os.link(victim, attempt.part)
        elif how == "pipe":
            os.mkfifo(attempt.part)
        await line.say(answer(CLIP))

    outcome = await attempt(act)
    assert outcome.body is not None
    assert attempt.part.read_bytes() == CLIP
    assert not attempt.part.is_symlink()
    assert victim.read_bytes() == b"of somebody"
