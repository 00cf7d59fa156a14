"""Files that a described API takes: in forms, uploaded before, or put where an answer says."""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.file_api import KEY, FileApi
from support.pictures import png
from support.raw import Line, Raw, Serve

from pipeline.api.abroad import Abroad
from pipeline.api.content import FileToSend, InputFailedError
from pipeline.api.described.loading import load
from pipeline.api.described.wire import DescribedWire
from pipeline.api.endpoint import Endpoint
from pipeline.api.forms import form
from pipeline.api.origin import Origin
from pipeline.api.timeouts import USUAL
from pipeline.api.uploading import Uploader
from pipeline.api.wire import Part
from pipeline.cli.edge import run_command
from pipeline.common.hashes import Hashes

CERTIFICATE = Path(__file__).parents[2] / "support" / "example.pem"
HEAD = """\
provider: zap
base_url: https://zap.example
auth: {header: x-zap-ticket, value: "{key}"}
answer: {media: $bytes}
submit:
  path: /now
  body: "$merge(params, inputs)"
"""
JOB = """\
provider: ./zap.yaml
model: brush
prompts: [{id: one, prompt: a pier, params: {n: 2}}, {id: two, prompt: a dune}]
concurrency: 1
credits: {cost: 0.05}
retry: {attempts: 1}
"""
FORM = """\
  with_inputs:
    path: /edits
    encode: multipart
    body: "$merge(params, {\\"image[]\\": inputs.image})"
inputs: {as: multipart}
"""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileApi]:
    with FileApi() as served:
        monkeypatch.setenv("ZAP_API_KEY", KEY)
        monkeypatch.setenv("ZAP_BASE_URL", served.url)
        yield served


def write(folder: Path, description: str, inputs: str) -> Path:
    for name in "ab":
        (folder / f"{name}.png").write_bytes(png(ord(name), 200_000))
    (folder / "zap.yaml").write_text(HEAD + description, encoding="utf-8")
    job = folder / "job.yaml"
    job.write_text(f"{JOB}inputs: {inputs}\n", encoding="utf-8")
    return job


def test_files_are_parts_of_a_form(api: FileApi, tmp_path: Path) -> None:
    job = write(tmp_path, FORM, "{image: [a.png, b.png]}")
    assert run_command(["run", str(job)]) == 0
    first, second = api.at("/edits")
    assert not api.at("/now")
    fields = first.fields
    assert [name for name, *_ in fields] == ["prompt", "n", "image[]", "image[]"]
    assert [one[3] for one in fields[:2]] == [b"a pier", b"2"]
    for letter, (_, called, kind, contents) in zip("ab", fields[2:], strict=True):
        assert contents == (tmp_path / f"{letter}.png").read_bytes()
        assert kind == "image/png"
        assert called is not None
        assert called.endswith(".png")
        assert called != f"{letter}.png"  # nothing is told of how files are called here
    assert [one[3] for one in second.fields[:1]] == [b"a dune"]
    told = (tmp_path / "outputs" / "job" / "manifest.jsonl").read_text(encoding="utf-8")
    assert "image/png" not in told
    assert run_command(["run", str(job)]) == 0
    assert len(api.at("/edits")) == 2


def test_without_inputs_it_is_sent_as_usual(api: FileApi, tmp_path: Path) -> None:
    job = write(tmp_path, FORM, "{}")
    assert run_command(["run", str(job)]) == 0
    assert [json.loads(one.body)["prompt"] for one in api.at("/now")] == ["a pier", "a dune"]


UPLOADS = {
    "form": "{url: /up, multipart: file, body: {name: $name}, found: at}",
    "bytes": "{url: /up, method: PUT, body: $bytes, found: at}",
    "uri": "{url: /up, body: {data: [$data_uri], size: $size}, found: at}",
    "base64": "{url: /up, body: {data: $base64, kind: $type}, found: at}",
}


@pytest.mark.few(2)
@pytest.mark.parametrize("way", list(UPLOADS))
def test_a_file_is_uploaded_once_and_its_address_is_sent(
    api: FileApi, tmp_path: Path, way: str
) -> None:
    description = f"inputs: {{as: upload, upload: {UPLOADS[way]}}}\n"
    job = write(tmp_path, description, "{image: a.png}")
    assert run_command(["run", str(job)]) == 0
    (uploaded,) = api.at("/up")
    data = (tmp_path / "a.png").read_bytes()
    if way == "form":
        assert [(one[0], one[3]) for one in uploaded.fields][1:] == [("file", data)]
    elif way == "bytes":
        assert (uploaded.method, uploaded.body) == ("PUT", data)
        assert uploaded.headers["content-type"] == "image/png"
    else:
        told = json.loads(uploaded.body)["data"]
        coded = base64.b64encode(data).decode()
        assert told == (coded if way == "base64" else [f"data:image/png;base64,{coded}"])
    sent = [json.loads(one.body)["image"] for one in api.at("/now")]
    assert sent == ["https://zap.example/1"] * 2


PUT = "inputs: {as: upload, upload: {url: /start, body: {kind: $type}, put: put_to, found: at}}\n"


def test_what_is_put_where_an_answer_says_goes_without_the_key(
    api: FileApi, tmp_path: Path
) -> None:
    job = write(tmp_path, PUT, "{image: a.png}")
    assert run_command(["run", str(job)]) == 0
    (put,) = api.at("/put")
    assert (put.host, put.method, put.path) == ("files", "PUT", "/put?signature=secret")
    assert put.body == (tmp_path / "a.png").read_bytes()
    assert put.headers["content-type"] == "image/png"
    assert KEY not in str(put.headers)
    sent = [json.loads(one.body)["image"] for one in api.at("/now")]
    assert sent == ["https://zap.example/started"] * 2


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("put_to", "status", "said"),
    [
        ("file:///etc/passwd", 200, "not a plain http(s) URL"),
        ("", 200, "does not say where"),
        (f"{{files}}/put?{KEY}", 200, "contains the API key"),
        ("http://192.0.2.1/put", 200, "unencrypted"),
        ("{files}/put?signature=secret", 403, "HTTP 403"),
    ],
)
def test_an_upload_that_goes_nowhere_pays_for_nothing(
    api: FileApi, tmp_path: Path, put_to: str, status: int, said: str
) -> None:
    job = write(tmp_path, PUT, "{image: a.png}")
    api.put_to, api.status = put_to.replace("{files}", api.files), status
    assert run_command(["run", str(job)]) == 1
    assert not api.at("/now")
    text = (tmp_path / "outputs" / "job" / "manifest.jsonl").read_text(encoding="utf-8")
    records: list[dict[str, Any]] = [
        json.loads(line) for line in text.splitlines() if "task" in line
    ]
    assert {one["reason"] for one in records} == {"input_unavailable"}
    assert {one["cost"] for one in records} == {0}
    assert said in records[0]["error"]
    assert "secret" not in text
    assert KEY not in text


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254"])
async def test_no_file_is_put_into_a_private_network(
    serve: Serve, tmp_path: Path, address: str
) -> None:
    async def names(_: Origin) -> list[str]:
        return [address]

    async def act(line: Any) -> None:
        await line.read_request()
        told = b'{"put_to": "https://files.example/x", "at": "https://zap.example/1"}'
        await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))

    write(tmp_path, PUT, "{}")
    told = load(tmp_path / "zap.yaml")
    file = file_of(tmp_path)
    async with serve(act) as server:
        wire = DescribedWire(told, Endpoint(f"http://127.0.0.1:{server.port}", KEY))
        elsewhere = Abroad(Endpoint(told.base_url, KEY), look_up=names)
        uploader = Uploader(wire, wire_endpoint(server), USUAL, abroad=elsewhere)
        with pytest.raises(InputFailedError, match="private network"):
            await uploader.upload(file, "image/png")


async def test_a_name_s_certificate_is_checked_and_its_next_address_is_tried(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    asked = list[str]()

    async def names(origin: Origin) -> list[str]:
        asked.append(origin.host)
        return ["127.0.0.2", "127.0.0.1"]

    async def take(line: Line) -> None:
        await line.read_request()
        await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    write(tmp_path, PUT, "{}")
    told = load(tmp_path / "zap.yaml")
    async with serve(take, tls=True, certificate=CERTIFICATE) as files:
        put_to = f"https://api.example.test:{files.port}/put"

        async def act(line: Line) -> None:
            await line.read_request()
            body = json.dumps({"put_to": put_to, "at": "https://zap.example/1"}).encode()
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

        async with serve(act) as server:
            wire = DescribedWire(told, wire_endpoint(server))
            elsewhere = Abroad(
                Endpoint(told.base_url, KEY), look_up=names, is_private=lambda _: False
            )
            uploader = Uploader(wire, wire_endpoint(server), USUAL, abroad=elsewhere)
            assert await uploader.upload(file_of(tmp_path), "image/png") == "https://zap.example/1"
            assert asked == ["api.example.test"]
            put_to = f"https://localhost:{files.port}/put"
            with pytest.raises(InputFailedError, match="certificate"):
                await uploader.upload(file_of(tmp_path), "image/png")


def file_of(folder: Path) -> FileToSend:
    found = Hashes().read(folder / "a.png", 10**9)
    assert not isinstance(found, int)
    return FileToSend(folder / "a.png", found.size, found.sha256, "a.png")


def wire_endpoint(server: Raw) -> Endpoint:
    return Endpoint(f"http://127.0.0.1:{server.port}", KEY)


def test_what_was_fetched_is_gone_after_the_run_and_after_the_one_that_follows_a_kill(
    api: FileApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = write(tmp_path, "inputs: {as: base64}\n", f"{{image: {api.files}/p.png}}")
    spool = tmp_path / "tmp"
    spool.mkdir()
    command = [sys.executable, "-m", "pipeline", "run", str(job)]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(spool)})
    api.now = process.kill
    assert process.wait(60) == -signal.SIGKILL
    assert [path for path in spool.rglob("*") if path.is_file() and path.name != "lock"]
    api.now = lambda: None
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    run_command(["run", str(job), "--no-wait"])
    assert not list(spool.iterdir())
    sent = [json.loads(one.body) for one in api.at("/now")]
    assert sorted(one["prompt"] for one in sent) == ["a dune", "a pier"]
    assert {base64.b64decode(one["image"]) for one in sent} == {png(5, 100_000)}


def test_a_larger_file_is_for_an_upload(
    api: FileApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"inputs: {{max_bytes: 50kB, upload: {UPLOADS['form']}}}\n"
    job = write(tmp_path, text, "{image: a.png}")
    assert run_command(["run", str(job)]) == 2
    assert "form: upload" in capsys.readouterr().err
    assert not api.sent
    job = write(tmp_path, text, "{image: {file: a.png, form: upload}}")
    assert run_command(["run", str(job)]) == 0


def test_a_form_escapes_what_is_not_its_own() -> None:
    fields = {'a"b\r\nc': "x\r\ny", "n": None, "l": [1, True], "o": {"p": "ü"}}
    kind, body = form({**fields, "f": Part("MARK", "image/png", "a.png")})
    assert kind.startswith("multipart/form-data; boundary=")
    text = body.decode()
    assert 'name="a%22b%0D%0Ac"\r\n\r\nx\r\ny\r\n' in text
    assert 'name="l"\r\n\r\n1\r\n' in text
    assert 'name="l"\r\n\r\ntrue\r\n' in text
    assert 'name="o"\r\n\r\n{"p": "ü"}\r\n' in text
    assert 'name="f"; filename="a.png"\r\ncontent-type: image/png\r\n\r\nMARK\r\n' in text
    assert 'name="n"' not in text
