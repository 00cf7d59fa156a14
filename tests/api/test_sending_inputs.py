"""What is sent of inputs: as it was planned or not at all, in little memory."""

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.pictures import png
from support.raw import CLIP, KEY, Line, Raw, Serve

from pipeline.api.client import Client
from pipeline.api.content import BLOCK, FileToSend, InputFailedError, Marks
from pipeline.api.endpoint import Endpoint
from pipeline.api.inputs import judge_input
from pipeline.api.outcome import Decision, Fault, Outcome
from pipeline.api.segmind.wire import SegmindWire
from pipeline.common.hashes import Hashes
from pipeline.models import Cause, Form, Input, Task, fingerprint

GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: %d\r\n\r\n%b" % (
    len(CLIP),
    CLIP,
)


def given(path: Path, form: Form = Form.DATA_URI) -> Input:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return Input(
        sha256=digest, form=form, path=path.name, file=str(path.resolve()),
        bytes=len(data), type="image/png",
    )  # fmt: skip


def task(**inputs: Any) -> Task:
    params = {"prompt": "x"}
    digest = fingerprint("m", params, inputs)
    return Task(id="a", model="m", params=params, fingerprint=digest, output="a", inputs=inputs)


async def send(server: Raw, what: Task, part: Path) -> Outcome:
    endpoint = Endpoint(f"http://127.0.0.1:{server.port}", KEY)
    async with Client(SegmindWire(endpoint), endpoint) as client:
        return await client.attempt(what, part)


def body(line: Line) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(line.request.partition(b"\r\n\r\n")[2])
    return told


async def answer(line: Line) -> None:
    await line.read_request()
    await line.say(GOOD)


@pytest.mark.parametrize("size", [1, 2, 3, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 1_000_000])
def test_a_file_takes_the_place_of_its_mark(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(data := os.urandom(size))
    marks = Marks()
    file = FileToSend(path, size, hashlib.sha256(data).hexdigest(), "a")
    text = f'{{"a":"{marks.of(file)}","b":["{marks.of(file)}"]}}'
    content = marks.content(text.encode())
    whole = b"".join(content.blocks())
    assert len(whole) == content.length
    told = json.loads(whole)
    assert base64.b64decode(told["a"]) == base64.b64decode(told["b"][0]) == data
    raw = marks.content(f"begin {marks.of(file, raw=True)} end".encode())
    assert b"".join(raw.blocks()) == b"begin " + data + b" end"
    assert raw.length == len(data) + 10


async def test_each_form_reaches_the_server_as_its_parameter_wants_it(
    serve: Serve, part: Path, tmp_path: Path
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png(1, 200_000))
    address = Input(sha256="0", form=Form.DATA_URI, url="https://x.test/a.png")
    async with serve(answer) as server:
        outcome = await send(
            server, task(u=given(path), b=given(path, Form.BASE64), l=[address, given(path)]), part
        )
        assert outcome.body is not None
        told = body(server.lines[0])
    coded = base64.b64encode(path.read_bytes()).decode()
    uri = f"data:image/png;base64,{coded}"
    assert told == {"prompt": "x", "u": uri, "b": coded, "l": ["https://x.test/a.png", uri]}


def _edited(path: Path) -> None:
    path.write_bytes(png(2, 200_000))


def _cut(path: Path) -> None:
    os.truncate(path, 1000)


def _grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _linked(path: Path) -> None:
    path.unlink()
    path.symlink_to(__file__)


def _piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [_edited, _cut, _grown, Path.unlink, _linked, _piped])
async def test_what_was_changed_since_the_plan_is_not_sent(
    serve: Serve, part: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png(1, 200_000))
    planned = task(u=given(path))
    change(path)
    async with serve(answer) as server:
        outcome = await send(server, planned, part)
        assert not server.lines
    assert outcome.fault is Fault.INPUT_CHANGED
    assert "p.png was changed since the run was planned" in outcome.detail
    meaning = judge_input(outcome)
    assert meaning is not None
    assert (meaning.decision, meaning.charged) == (Decision.FAIL, False)
    assert meaning.reason is Cause.INPUT_CHANGED


async def test_what_changes_while_it_is_sent_is_broken_off_before_its_end(
    serve: Serve, part: Path, tmp_path: Path
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png(1, 30_000_000))
    planned = task(u=given(path))
    came = bytearray()

    async def act(line: Line) -> None:
        head = await line.read_head()
        path.write_bytes(png(2, 30_000_000))
        expected = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while block := await line.reader.read(1 << 20):
            came.extend(block)
        assert len(came) < expected

    async with serve(act) as server:
        outcome = await send(server, planned, part)
        await asyncio.sleep(0)
        assert not server.errors
    assert outcome.fault is Fault.INPUT_CUT
    assert not bytes(came).endswith(b"}")
    meaning = judge_input(outcome)
    assert meaning is not None
    assert meaning.decision is Decision.IN_DOUBT


async def test_an_address_is_fetched_once_and_without_the_key_where_bytes_are_wanted(
    serve: Serve, part: Path
) -> None:
    picture, asked = png(5, 1000), list[bytes]()

    async def act(line: Line) -> None:
        head = await line.read_head()
        if head.startswith(b"GET"):
            asked.append(head)
            length = len(picture)
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length, picture)
            return
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        line.request += await line.reader.readexactly(size)
        await line.say(GOOD)

    async with serve(act) as server:
        url = f"http://127.0.0.1:{server.port}/p.png?signature=1"
        wanted = task(image=Input(sha256="0", form=Form.BASE64, url=url))
        endpoint = Endpoint(f"http://127.0.0.1:{server.port}", KEY)
        async with Client(SegmindWire(endpoint), endpoint) as client:
            first, second = await asyncio.gather(
                client.attempt(wanted, part), client.attempt(wanted, part.with_suffix(".2"))
            )
        assert first.body is not None
        assert second.body is not None
        posts = [line for line in server.lines if line.request.startswith(b"POST")]
        assert [base64.b64decode(body(line)["image"]) for line in posts] == [picture, picture]
    assert len(asked) == 1
    assert KEY.encode() not in asked[0]


@pytest.mark.parametrize(
    ("reply", "again"),
    [
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", False),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", False),
        (b"HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n", False),
    ],
)
async def test_an_address_that_brings_no_picture_is_not_paid_for(
    serve: Serve, part: Path, reply: bytes, *, again: bool
) -> None:
    async def act(line: Line) -> None:
        assert (await line.read_head()).startswith(b"GET")
        await line.say(reply)

    async with serve(act) as server:
        url = f"http://127.0.0.1:{server.port}/p.png"
        outcome = await send(server, task(i=Input(sha256="0", form=Form.BASE64, url=url)), part)
        assert not server.errors
    assert outcome.fault is Fault.INPUT_UNAVAILABLE
    meaning = judge_input(outcome)
    assert meaning is not None
    assert meaning.decision is (Decision.RETRY if again else Decision.FAIL)


async def test_a_file_is_uploaded_once_and_its_address_is_sent(
    serve: Serve, part: Path, tmp_path: Path
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png(1, 100_000))

    async def act(line: Line) -> None:
        if (await line.read_request()).startswith(b"POST /upload-asset"):
            told = b'{"file_urls": ["https://images.test/1.png"]}'
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
        else:
            await line.say(GOOD)

    async with serve(act) as server:
        wanted = given(path, Form.UPLOAD)
        outcome = await send(server, task(a=wanted, b=wanted), part)
        assert outcome.body is not None
        uploaded, sent = map(body, server.lines)
    (uri,) = uploaded["data_urls"]
    assert base64.b64decode(uri.partition("base64,")[2]) == path.read_bytes()
    assert sent["a"] == sent["b"] == "https://images.test/1.png"


@pytest.mark.parametrize(
    ("reply", "again"),
    [
        (b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", False),
        (b"HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", False),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"urls": ["file:/x"]}', False),
        (b"nonsense\r\n\r\n", True),
    ],
)
async def test_an_upload_without_an_address_pays_for_nothing(
    serve: Serve, part: Path, tmp_path: Path, reply: bytes, *, again: bool
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png(1))

    async def act(line: Line) -> None:
        assert (await line.read_request()).startswith(b"POST /upload-asset")
        await line.say(reply)

    async with serve(act) as server:
        outcome = await send(server, task(a=given(path, Form.UPLOAD)), part)
        assert not server.errors
    assert outcome.fault is Fault.INPUT_UNAVAILABLE
    assert outcome.hopeless is not again


async def test_a_task_of_an_earlier_run_is_never_sent_without_its_files(
    serve: Serve, part: Path
) -> None:
    async with serve(answer) as server:
        outcome = await send(server, task(i=Input(sha256="", form=Form.DATA_URI, path="i")), part)
        assert not server.lines
    assert outcome.fault is Fault.INPUT_CHANGED


# -- hashes ---------------------------------------------------------------------------------------


def _coarse(about: os.stat_result) -> tuple[int, ...]:
    return about.st_dev, about.st_ino, about.st_size


@pytest.mark.parametrize("coarse", [True, False])
def test_a_file_that_has_just_changed_is_read_again_though_it_looks_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, coarse: bool
) -> None:
    if coarse:  # as on a file system whose clock has not moved since
        monkeypatch.setattr("pipeline.common.hashes._stamp", _coarse)
    path, hashes = tmp_path / "a", Hashes()
    path.write_bytes(b"one")
    about = path.stat()
    first = hashes.read(path, 100)
    path.write_bytes(b"two")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    second = hashes.read(path, 100)
    assert not isinstance(first, int)
    assert not isinstance(second, int)
    assert first.sha256 != second.sha256 == hashlib.sha256(b"two").hexdigest()


def test_an_old_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, hashes = tmp_path / "a", Hashes()
    path.write_bytes(b"one")
    later = path.stat().st_ctime_ns + 10**10
    monkeypatch.setattr("pipeline.common.hashes.time.time_ns", lambda: later)
    first = hashes.read(path, 100)
    assert hashes.read(path, 100) is first
    path.write_bytes(b"two")
    assert hashes.read(path, 100) is not first
    assert hashes.read(path, 2) == 3


def test_a_wrong_digest_is_noticed_before_the_last_block(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * (2 * BLOCK))
    file, came = FileToSend(path, 2 * BLOCK, "0" * 64, "a"), list[bytes]()
    with pytest.raises(InputFailedError):
        came.extend(file.blocks())
    assert len(b"".join(came)) == BLOCK
