"""The sandbox, over real sockets."""

import asyncio
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import click.testing
import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox import caption, faults, film, host
from sandbox.books import Books
from sandbox.camera import Move, View, read_move
from sandbox.clips import Cache, Studio, pad
from sandbox.command import sandbox as command
from sandbox.command import serve, settings_from
from sandbox.errors import SandboxError
from sandbox.events import Charged, Opened, ToppedUp
from sandbox.journal import open_books
from sandbox.media_faults import MediaFault, MediaRule
from sandbox.outages import Outages
from sandbox.settings import Clips, Outage, OutageKind, PriceOf, Settings
from sandbox.testing import Sandbox

LUMA = "luma-txt-2-video"
KEY = {"x-api-key": "any"}
PRICE = Decimal("0.95")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all tests that change nothing but its books."""
    with Sandbox(
        latency=0, clips="tiny", cost_header=True, retry_after=7, slow_seconds=0.3, credits=1000
    ) as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as session:
        yield session


@pytest.fixture
def post(sandbox: Sandbox, client: httpx.Client) -> Callable[..., httpx.Response]:
    """Ask the one that all share."""
    return lambda prompt, **params: ask(client, sandbox, prompt, **params)


def ask(client: httpx.Client, box: Sandbox, prompt: str, **params: Any) -> httpx.Response:
    return client.post(f"{box.url}/v1/{LUMA}", json={"prompt": prompt, **params}, headers=KEY)


def dial(box: Sandbox, prompt: str) -> socket.socket:
    """Send a request by hand, and leave its answer to the caller."""
    body = json.dumps({"prompt": prompt}).encode()
    head = f"POST /v1/{LUMA} HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\n"
    sock = socket.create_connection(("127.0.0.1", box.port), timeout=10)
    sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return sock


def read_to_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def request_of(box: Sandbox, prompt: str) -> dict[str, Any]:
    """Look up the last request with that prompt in the books."""
    return [entry for entry in box.books()["requests"] if entry["prompt"] == prompt][-1]


def eventually(look: Callable[[], Any], within: float = 5.0) -> Any:
    """Wait until `look` sees something, and return it."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def boxes(data: bytes) -> list[str]:
    """List the boxes of an MP4."""
    kinds, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        kinds.append(kind.decode())
        at += size
    assert at == len(data)
    return kinds


def decode(data: bytes) -> tuple[list[Image.Image], float, str]:
    """Decode a clip: its frames, its seconds, its codec and pixel format."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_image() for frame in container.decode(stream)]
        seconds = float(stream.duration * stream.time_base)
        return frames, seconds, f"{stream.codec_context.name} {stream.codec_context.pix_fmt}"


def difference(one: Image.Image, other: Image.Image) -> float:
    """Tell how far two pictures differ, from 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


# A generation


def test_a_generation_is_a_valid_clip_marked_and_paid_for(post: Any, sandbox: Sandbox) -> None:
    before = Decimal(sandbox.books()["balance"])
    answer = post("a quiet lake", aspect_ratio="16:9")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-sandbox"] == "1"
    assert answer.headers["x-cost"] == "0.95"
    assert float(answer.headers["x-generation-time"]) >= 0
    assert Decimal(answer.headers["x-remaining-credits"]) == before - PRICE
    assert boxes(answer.content) == ["ftyp", "moov", "free", "mdat", "free"]
    assert decode(answer.content)[0][0].size == (16, 16)
    charge = sandbox.books()["charges"][-1]
    assert charge["request_id"] == answer.headers["x-request-id"]
    assert (charge["model"], charge["price"], charge["status"]) == (LUMA, "0.95", 200)
    assert charge["params"] == {"prompt": "a quiet lake", "aspect_ratio": "16:9"}


def test_the_same_request_twice_gives_two_clips(post: Any) -> None:
    assert post("twins").content != post("twins").content


def test_books_add_up(post: Any, sandbox: Sandbox) -> None:
    post("one more")
    books = sandbox.books()
    paid = sum(Decimal(charge["price"]) for charge in books["charges"])
    assert paid == Decimal(books["charged"]) == 1000 - Decimal(books["balance"])
    assert books["posts"] == len(books["requests"])
    assert books["in_flight"] == 0
    assert all(entry["finished"] >= entry["arrived"] for entry in books["requests"])


def test_keys_are_told_apart_and_never_shown(sandbox: Sandbox, client: httpx.Client) -> None:
    for key in ("sk-one-0123456789", "sk-two-0123456789", "sk-one-0123456789"):
        told = {"prompt": "who pays"}
        client.post(f"{sandbox.url}/v1/{LUMA}", json=told, headers={"x-api-key": key})
    first, second, third = [request["key"] for request in sandbox.books()["requests"]][-3:]
    assert first == third != second
    assert "0123456789" not in str(sandbox.books())


# What the API objects to


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        ("dall-e", {"prompt": "x"}, (404, "Model not found")),
        ("get-user-credits", {"prompt": "x"}, (404, "Model not found")),
        ("a/b", {"prompt": "x"}, (404, "Not found")),
        (LUMA, {}, (400, "prompt")),
        (LUMA, {"prompt": "  "}, (400, "prompt")),
        (LUMA, [1], (400, "prompt")),
        (LUMA, {"prompt": "x", "aspect_ratio": "5:4"}, (400, "aspect_ratio")),
        (LUMA, {"prompt": "x", "aspect_ratio": [1]}, (400, "aspect_ratio")),
        (LUMA, {"prompt": "x", "loop": "no"}, (400, "loop")),
        (LUMA, {"prompt": "[[fail gently]]"}, (400, "'gently' is not a fault")),
        (LUMA, {"prompt": "[[succeed]]"}, (400, "[[succeed]]")),
        (LUMA, {"prompt": "[[media gone]]"}, (400, "'gone' is not a fault of media")),
    ],
)
def test_a_wrong_request_is_refused_in_json(
    sandbox: Sandbox, client: httpx.Client, model: str, body: Any, said: tuple[int, str]
) -> None:
    answer = client.post(f"{sandbox.url}/v1/{model}", json=body, headers=KEY)
    assert answer.status_code == said[0]
    assert said[1] in answer.json()["error"]
    assert answer.headers["x-sandbox"] == "1"
    assert "x-remaining-credits" in answer.headers


@pytest.mark.parametrize("body", [b"{", b'{"prompt":' + b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(
    sandbox: Sandbox, client: httpx.Client, body: bytes
) -> None:
    answer = client.post(f"{sandbox.url}/v1/{LUMA}", content=body, headers=KEY)
    assert answer.status_code == 400


def test_models_that_are_not_luma_take_any_ratio(sandbox: Sandbox, client: httpx.Client) -> None:
    body = {"prompt": "x", "aspect_ratio": "5:4"}
    assert client.post(f"{sandbox.url}/v1/kling-2", json=body, headers=KEY).status_code == 200


def test_a_request_without_a_key_is_refused(sandbox: Sandbox, client: httpx.Client) -> None:
    body = {"prompt": "x"}
    assert client.post(f"{sandbox.url}/v1/{LUMA}", json=body).status_code == 401
    assert client.get(f"{sandbox.url}/v1/get-user-credits").status_code == 401


@pytest.mark.parametrize(("method", "path"), [("GET", f"/v1/{LUMA}"), ("GET", "/sandbox/faults")])
def test_a_wrong_method_is_answered_in_html(
    sandbox: Sandbox, client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, sandbox.url + path, headers=KEY)
    assert answer.status_code == 405
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("127.9.9.9", 200),
        ("LocalHost:{port}", 200),
        ("[::1]:{port}", 200),
        ("clips.example:{port}", 421),
        ("localhost.clips.example", 421),
        ("127.0.0.1.clips.example:{port}", 421),
        ("clips.example@127.0.0.1", 421),
        ("::1", 421),
        ("10.0.0.1:{port}", 421),
        ("", 421),
    ],
)
def test_a_page_of_the_web_that_points_its_own_name_here_is_not_answered(
    sandbox: Sandbox, client: httpx.Client, name: str, status: int
) -> None:
    posts = sandbox.books()["posts"]
    host = {"host": name.format(port=sandbox.port)}
    url = f"{sandbox.url}/v1/{LUMA}"
    answer = client.post(url, json={"prompt": "rebound"}, headers={**KEY, **host})
    assert answer.status_code == status, answer.text
    assert client.get(f"{sandbox.url}/sandbox/books", headers=host).status_code == status
    assert sandbox.books()["posts"] - posts == (status == 200)
    assert status == 200 or "x-remaining-credits" not in answer.headers


def test_who_names_no_host_at_all_is_not_answered(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as sock:
        sock.sendall(b"GET /sandbox/books HTTP/1.0\r\n\r\n")
        assert read_to_end(sock).startswith(b"HTTP/1.1 421 ")


# Faults, by directive


@pytest.mark.parametrize(
    ("word", "status", "text"),
    [
        ("500", 500, '{"error"'),
        ("502", 502, "<html>"),
        ("503", 503, "<html>"),
        ("429", 429, "Rate limit"),
        ("401", 401, "key"),
        ("406", 406, "Insufficient credits"),
        ("406-param", 406, "unsupported value"),
        ("403-moderation", 403, "moderation"),
        ("moderation", 400, "content moderation"),
        ("failed", 422, "Generation failed"),
        ("410", 410, "retired"),
        ("418", 418, '{"error"'),
        ("302", 302, "Found"),
        ("304", 304, ""),
    ],
)
def test_a_refusal_costs_nothing(
    post: Any, sandbox: Sandbox, word: str, status: int, text: str
) -> None:
    charged = sandbox.books()["charged"]
    answer = post(f"no luck [[fail {word}]]")
    assert answer.status_code == status
    assert text in answer.text
    assert sandbox.books()["charged"] == charged
    expected = word if word in {"moderation", "failed"} else status
    assert request_of(sandbox, f"no luck [[fail {word}]]")["status"] == expected
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    assert answer.headers.get("location") == ("/moved" if status == 302 else None)


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("504", 504, ("text/html; charset=utf-8", "<html>")),
        ("520", 520, ("text/html; charset=utf-8", "Unknown Error")),
        ("html200", 200, ("text/html; charset=utf-8", "<html>")),
        ("json200", 200, ("application/json", '{"error"')),
        ("empty200", 200, ("video/mp4", "")),
        ("nonmedia", 200, ("video/mp4", "")),
    ],
)
def test_an_answer_that_is_no_clip_may_have_been_paid_for(
    post: Any, sandbox: Sandbox, word: str, status: int, said: tuple[str, str]
) -> None:
    before = Decimal(sandbox.books()["charged"])
    answer = post(f"paid [[fail {word}]]")
    assert (answer.status_code, answer.headers["content-type"]) == (status, said[0])
    assert said[1] in answer.text
    assert Decimal(sandbox.books()["charged"]) == before + PRICE
    expected = int(word) if word.isdigit() else word
    assert sandbox.books()["charges"][-1]["status"] == expected
    assert b"ftyp" not in answer.content


def test_a_reset_reaches_the_client_as_a_reset_and_is_charged(sandbox: Sandbox) -> None:
    with closing(dial(sandbox, "[[fail reset]]")) as sock, pytest.raises(ConnectionResetError):
        sock.recv(1)
    assert sandbox.books()["charges"][-1]["status"] == "reset"


def test_a_drop_is_a_clean_end_without_a_byte_and_is_charged(sandbox: Sandbox) -> None:
    with closing(dial(sandbox, "[[fail drop]]")) as sock:
        assert sock.recv(1) == b""
    assert sandbox.books()["charges"][-1]["status"] == "drop"


def test_a_cut_ends_cleanly_in_the_middle_of_the_body_and_is_charged(sandbox: Sandbox) -> None:
    with closing(dial(sandbox, "[[fail cut]]")) as sock:
        head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length
    assert 0 < len(body) < int(length[1])
    assert sandbox.books()["charges"][-1]["status"] == "cut"
    assert sandbox.books()["in_flight"] == 0


def test_a_stall_is_silent_in_the_middle_until_the_client_goes(sandbox: Sandbox) -> None:
    with closing(dial(sandbox, "[[fail stall]]")) as sock:
        assert b"video/mp4" in sock.recv(65536)
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            read_to_end(sock)
        assert sandbox.books()["in_flight"] == 1
    eventually(lambda: sandbox.books()["in_flight"] == 0)
    assert sandbox.books()["charges"][-1]["status"] == "stall"


def test_a_slow_body_trickles_and_arrives_whole(post: Any) -> None:
    begun = time.monotonic()
    answer = post("[[fail slow]]")
    assert time.monotonic() - begun >= 0.3
    assert boxes(answer.content)[-1] == "free"


def test_a_script_fails_the_first_requests_and_then_lets_one_work(post: Any) -> None:
    prompt = "patience [[fail 500 x2]] [[fail 429 x1]]"
    assert [post(prompt).status_code for _ in range(5)] == [500, 500, 429, 200, 200]


def test_a_connection_lives_on_after_a_refusal(sandbox: Sandbox) -> None:
    with closing(dial(sandbox, "[[fail 503]]")) as sock:
        while b"</html>" not in sock.recv(65536):
            pass
        sock.sendall(f"GET /v1/{LUMA} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b"405" in sock.recv(65536)


# Clients that leave


def test_a_generation_goes_on_and_is_charged_when_its_client_leaves(sandbox: Sandbox) -> None:
    prompt = "[[latency 0.4]] too late"
    with closing(dial(sandbox, prompt)):
        eventually(lambda: sandbox.books()["in_flight"] == 1)
    entry = eventually(lambda: (e := request_of(sandbox, prompt))["finished"] and e)
    assert entry["status"] == "gone"
    paid = eventually(
        lambda: [c for c in sandbox.books()["charges"] if c["params"]["prompt"] == prompt]
    )
    assert paid[0]["at"] > entry["finished"]


@pytest.mark.parametrize("word", ["reset", "drop", "cut", "stall", "html200"])
def test_nothing_breaks_where_the_client_left_before_the_fault(sandbox: Sandbox, word: str) -> None:
    prompt = f"[[latency 0.05]] [[fail {word}]] gone first"
    dial(sandbox, prompt).close()
    eventually(lambda: [c for c in sandbox.books()["charges"] if c["params"]["prompt"] == prompt])
    assert request_of(sandbox, prompt)["status"] == "gone"


def test_a_request_that_breaks_off_in_its_body_was_none(sandbox: Sandbox) -> None:
    posts = sandbox.books()["posts"]
    with closing(socket.create_connection(("127.0.0.1", sandbox.port))) as sock:
        head = f"POST /v1/{LUMA} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        sock.sendall(f"{head}{{".encode())
    assert sandbox.books()["posts"] == posts


def test_requests_in_flight_are_counted(sandbox: Sandbox) -> None:
    async def crowd() -> None:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=10) as session:
            url, body = f"{sandbox.url}/v1/{LUMA}", {"prompt": "[[latency 0.7]]"}
            jobs = (session.post(url, json=body, headers=KEY) for _ in range(60))
            answers = await asyncio.gather(*jobs)
        assert {answer.status_code for answer in answers} == {200}

    asyncio.run(crowd())
    assert sandbox.books()["peak_in_flight"] == 60


# Levers


def test_rates_change_while_it_runs(post: Any, sandbox: Sandbox) -> None:
    sandbox.set_faults({"500": 0.5, "json200": 0.5})
    try:
        seen = Counter(post(f"either {number}").status_code for number in range(20))
    finally:
        sandbox.set_faults({"500": 0, "json200": 0})
    assert set(seen) == {500, 200}
    assert post("neither").headers["content-type"] == "video/mp4"


def test_an_outage_begins_at_once_and_ends(post: Any, sandbox: Sandbox) -> None:
    sandbox.outage(0.2, "500")
    assert post("out").status_code == 500
    eventually(lambda: post("back").status_code == 200)


def test_an_outage_that_refuses_closes_the_port_and_opens_it_again(
    post: Any, sandbox: Sandbox, client: httpx.Client
) -> None:
    assert post("idle connection").status_code == 200
    sandbox.outage(0.1, "refuse")
    sandbox_is_shut(sandbox)
    eventually(lambda: listens(sandbox))
    assert post("back").status_code == 200


def sandbox_is_shut(box: Sandbox) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", box.port))


def listens(box: Sandbox) -> bool:
    try:
        socket.create_connection(("127.0.0.1", box.port)).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("lever", "order"),
    [
        ("credits", {}),
        ("credits", {"add": "much"}),
        ("faults", {"911": 0.5}),
        ("faults", {"500": "often"}),
        ("faults", {"500": 0.7, "502": 0.7}),
        ("faults", {"500": 2}),
        ("outage", {"seconds": 1, "kind": "flood"}),
        ("options", {"colour": "red"}),
        ("options", {"history": "sometimes"}),
        ("options", {"history_lag": None}),
        ("options", {"media": "gone"}),
    ],
)
def test_an_order_that_means_nothing_is_refused(
    sandbox: Sandbox, client: httpx.Client, lever: str, order: Any
) -> None:
    answer = client.post(f"{sandbox.url}/sandbox/{lever}", json=order)
    assert answer.status_code == 400
    assert "not a valid order" in answer.json()["error"]


# Credits


def test_credits_run_out_and_are_topped_up(client: httpx.Client) -> None:
    options = {"charge": "accept", "no_credit_header": True, "no_balance_call": True}
    with Sandbox(
        latency=0, clips="tiny", credits="1", free_credits="0.9", unmarked=True, body_size=200_000,
        price_of=["aspect_ratio=9:16:0.50", "model=wan-1:0"], verbose=True, **options,
    ) as box:  # fmt: skip
        first = ask(client, box, "whole")
        assert [len(first.content), boxes(first.content)[-1]] == [200_000, "free"]
        assert not {"x-sandbox", "x-remaining-credits"} & set(first.headers)
        assert client.get(f"{box.url}/v1/get-user-credits", headers=KEY).status_code == 404
        assert ask(client, box, "cheap", aspect_ratio="9:16").status_code == 200
        poor = ask(client, box, "dear")
        assert poor.status_code == 406
        assert "Insufficient credits" in poor.json()["error"]
        assert box.books()["balance"] == "0.45"
        box.top_up("0.5")
        assert ask(client, box, "dear").status_code == 200
        assert box.books()["balance"] == "0.00"
        free = client.post(f"{box.url}/v1/wan-1", json={"prompt": "free"}, headers=KEY)
        assert free.status_code == 200


def test_of_two_that_one_balance_covers_the_later_is_refused(client: httpx.Client) -> None:
    with (
        Sandbox(
            latency=0.3, jitter=0, clips="tiny", credits=1, header_lag=True, key="K",
            balance_garbage=True,
        ) as box,
        ThreadPoolExecutor() as pool,
    ):  # fmt: skip
        url = f"{box.url}/v1/{LUMA}"
        headers = {"x-api-key": "K"}
        jobs = [
            pool.submit(client.post, url, json={"prompt": f"{n}"}, headers=headers)
            for n in range(2)
        ]
        answers = sorted((job.result() for job in jobs), key=lambda answer: answer.status_code)
        assert [answer.status_code for answer in answers] == [200, 406]
        assert answers[0].headers["x-remaining-credits"] == "1"
        assert answers[1].headers["x-remaining-credits"] == "0.05"
        assert ask(client, box, "wrong key").status_code == 401
        page = client.get(f"{box.url}/v1/get-user-credits", headers=headers)
        assert (page.status_code, page.text[:9]) == (200, "<!DOCTYPE")


def test_the_balance_call_tells_both_kinds_of_credits(
    client: httpx.Client, sandbox: Sandbox
) -> None:
    answer = client.get(f"{sandbox.url}/v1/get-user-credits", headers=KEY)
    balance = json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)
    assert balance == {"credits": Decimal(sandbox.books()["balance"]), "free-credits": 0}
    assert answer.headers["x-sandbox"] == "1"


def test_free_credits_go_first_and_the_past_is_known() -> None:
    books = Books()
    books.record(Opened(Decimal(2), Decimal("0.5"), 100))
    books.record(ToppedUp(Decimal(1), 110))
    assert [books.balance_at(at) for at in (90, 105, 110)] == [Decimal("2.5")] * 2 + [
        Decimal("3.5")
    ]
    assert books.before_charge("unknown") == Decimal("3.5")
    with pytest.raises(KeyError):
        books.record(Charged("unknown", PRICE, 120))


# Lives and deaths


@pytest.mark.variant
def test_a_killed_server_keeps_its_books(client: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "books.jsonl"
    with Sandbox(latency=0, clips="tiny", books=path, header_late=30) as box:
        assert ask(client, box, "first").headers["x-remaining-credits"] == "100"
        assert ask(client, box, "[[fail 500 x1]]").status_code == 500
        with closing(dial(box, "[[latency 60]]")):
            eventually(lambda: box.books()["in_flight"] == 1)
            before, port = box.books(), box.port
            box.kill()
        with path.open("ab") as file:
            file.write(b'{"type":"charg')
        box.restart()
        after = box.books()
        assert box.port == port
        assert (after["posts"], after["in_flight"], after["charged"]) == (3, 0, "0.95")
        assert after["balance"] == before["balance"] == "99.05"
        assert after["charges"] == before["charges"]
        assert [entry["status"] for entry in after["requests"]] == [200, 500, "killed"]
        assert ask(client, box, "[[fail 500 x1]]").status_code == 200


def test_books_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "books.jsonl"
    path.write_text('{"type": "novel"}\n')
    with pytest.raises(SandboxError, match="is not a books file of the sandbox"):
        open_books(Settings(books=path), 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_whoever_waits(number: signal.Signals) -> None:
    with Sandbox(latency=30, clips="tiny", outage=["30:1"], outage_kind="refuse") as box:
        with closing(dial(box, "x")), closing(dial(box, "[[latency 0]] [[fail stall]]")):
            eventually(lambda: box.books()["in_flight"] == 2)
            begun = time.monotonic()
            os.kill(box.pid, number)
            assert box.stop() == 0
        assert time.monotonic() - begun < 15  # half of what an answer takes
        box.kill()


def test_planned_outages_come_and_go_and_of_two_the_later_end_holds(client: httpx.Client) -> None:
    windows = ["0.1:0.3", "0.15:0.01", "0:0"]
    with Sandbox(latency=0, clips="tiny", outage=windows, outage_kind="refuse") as box:
        assert ask(client, box, "first").status_code == 200
        eventually(lambda: not listens(box))
        eventually(lambda: listens(box))
        assert ask(client, box, "after").status_code == 200
        box.outage(30, "refuse")
        # It ends at once where nothing listens, too.
        assert box.stop() == 0


def test_outages_are_told_by_the_clock() -> None:
    planned = (
        Outage(0, 2),
        Outage(5, 5, OutageKind.REFUSE),
        Outage(20, 1, OutageKind.RATE_LIMIT),
    )
    outages = Outages(planned)
    kinds = [outages.kind_at(100 + seconds, 100) for seconds in (1, 3, 6, 20.5, 30)]
    assert kinds == [OutageKind.UNAVAILABLE, None, None, OutageKind.RATE_LIMIT, None]
    assert list(outages.closings(100, 100)) == [(5, 5)]
    assert list(outages.closings(107, 100)) == [(0, 3)]
    assert list(outages.closings(111, 100)) == []


# The command


def test_a_taken_port_is_told(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match=f"cannot listen on port {sandbox.port}"):
        host.bind("127.0.0.1", sandbox.port)


def test_a_sandbox_that_cannot_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        Sandbox(host="192.0.2.1").start()
    assert "loopback only" in capfd.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com"])
def test_only_loopback_is_served(host: str) -> None:
    with pytest.raises(SandboxError, match="loopback only"):
        Settings(host=host)
    assert Settings(host="::1").host == "::1"
    assert Settings(host="localhost").host == "localhost"


def test_without_its_extra_it_says_what_to_install() -> None:
    with pytest.raises(SandboxError, match="extra `sandbox`") as caught:
        serve(Settings(), needs=("sys", "a_module_that_is_not_installed"))
    assert caught.value.hint is not None
    assert "pip install '.[sandbox]'" in caught.value.hint


def test_importing_the_command_needs_no_extra() -> None:
    script = "import sys, sandbox.command; print({*sys.modules} & {'av','PIL','starlette'})"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "set()\n"


def settings_of(*options: str) -> Settings:
    return settings_from(command.make_context("sandbox", list(options)).params)


def test_without_options_the_settings_are_the_defaults() -> None:
    assert settings_of() == Settings()


def test_options_become_settings() -> None:
    options = (
        "--models=luma-a, wan-*", "--price-of=aspect_ratio=9:16:1.5", "--fault=500=0.1",
        "--fault=reset=0.2", "--outage=3:4", "--outage-kind=429", "--clips=tiny", "--unmarked",
        "--balance-garbage", "--no-credit-header", "--charge=accept", "--history=repr",
        "--history-lag=2.5", "--history-times=naive", "--strangers=3", "--twins=1", "--outputs=2",
        "--record-life=60", "--media=once-dead=0.5", "--states=strange", "--request-ids=none",
    )  # fmt: skip
    made = settings_of(*options)
    assert made.models == ("luma-a", "wan-*")
    assert made.prices == (PriceOf("aspect_ratio", "9:16", Decimal("1.5")),)
    assert made.faults == {"500": 0.1, "reset": 0.2}
    assert made.outages == (Outage(3, 4, OutageKind.RATE_LIMIT),)
    assert [made.clips, made.charge, made.balance_call] == ["tiny", "accept", "garbage"]
    assert not made.marked
    assert not made.credit_header
    assert [made.history, made.history_times, made.history_lag] == ["repr", "naive", 2.5]
    assert [made.strangers, made.twins, made.outputs, made.record_life] == [3, 1, 2, 60]
    assert made.media == MediaRule(MediaFault.DEAD, 1, 0.5)
    assert [made.states, made.request_ids] == ["strange", "none"]


@pytest.mark.parametrize(
    "option",
    [
        "--outage=3",
        "--fault=500",
        "--price=-1",
        "--price=x",
        "--price-of=a:1",
        "--clips=huge",
        "--media=gone",
        "--media=dead=2",
        "--history=sometimes",
        "--outputs=0",
        "--record-life=-1",
    ],
)
def test_an_option_that_means_nothing_is_refused(option: str) -> None:
    ended = click.testing.CliRunner().invoke(command, [option])
    assert ended.exit_code == 2
    assert "Invalid value" in ended.output


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(SandboxError, match="'fire' is not a valid fault"):
        Settings(faults={"fire": 0.1})


@pytest.mark.parametrize(
    ("option", "message"),
    [("--nonsense", "No such option"), ("--host=0.0.0.0", "\n  use --host 127.0.0.1")],
)
def test_the_command_says_in_a_few_lines_what_is_wrong(option: str, message: str) -> None:
    ended = click.testing.CliRunner().invoke(command, [option])
    assert ended.exit_code == 2
    assert message in ended.stderr
    assert ended.stdout == ""


def test_a_price_depends_on_what_is_asked() -> None:
    rules = (PriceOf("loop", "true", Decimal(2)), PriceOf("model", "wan-1", Decimal(3)))
    settings = replace(Settings(), prices=rules)
    assert settings.price_of(LUMA, {"loop": True}) == 2
    assert settings.price_of("wan-1", {"loop": True}) == 3
    assert settings.price_of(LUMA, {"loop": False}) == PRICE


# Chance


def test_faults_depend_on_the_request_and_not_on_the_order() -> None:
    dice, rates = faults.Dice(1, 1.0, 0.3), {"500": 0.25, "reset": 0.25}
    plans = {n: dice.plan(f"{n}", 1, faults.Script(), rates) for n in range(400)}
    again = {n: dice.plan(f"{n}", 1, faults.Script(), rates) for n in reversed(range(400))}
    assert plans == again
    seen = Counter(plan.fault for plan in plans.values())
    assert all(60 < seen[kind] < 140 for kind in ("500", "reset"))
    assert all(0.7 <= plan.latency <= 1.3 for plan in plans.values())
    other = faults.Dice(2, 1.0, 0.3)
    assert any(other.plan(f"{n}", 1, faults.Script(), rates) != plans[n] for n in range(400))


def test_what_runs_to_its_end_is_paid() -> None:
    paid = {kind for kind in faults.KINDS if faults.Plan(kind, 0).paid}
    assert paid == faults.KINDS - faults.REFUSALS
    assert faults.Plan(None, 0).paid
    assert faults.Plan("524", 0).paid
    assert not faults.Plan("406-param", 0).paid


# Clips


@pytest.fixture(scope="module")
def real() -> Iterator[Sandbox]:
    with Sandbox(latency=0) as running:
        yield running


@pytest.mark.variant
def test_a_real_clip_plays_and_shows_what_was_asked(real: Sandbox, client: httpx.Client) -> None:
    prompt = "A lighthouse at dusk, camera orbit left [[latency 0]]"
    clips = [ask(client, real, prompt, aspect_ratio="16:9").content for _ in range(2)]
    assert clips[0] != clips[1]
    assert boxes(clips[0])[:2] == ["ftyp", "moov"]
    assert len(clips[0]) < 150_000
    frames, seconds, codec = decode(clips[0])
    assert codec == "h264 yuv420p"
    assert 2 <= seconds <= 3
    assert 12 <= len(frames) / seconds <= 15
    assert frames[0].size == (480, 270)
    assert difference(frames[0], frames[-1]) > 1


def test_requests_for_one_clip_share_its_rendering() -> None:
    async def both() -> tuple[bytes, bytes, bytes]:
        studio = Studio(Clips.REAL, 0, None)
        body = {"prompt": "static tripod shot of dunes", "aspect_ratio": "9:16"}
        one, two = await asyncio.gather(*(studio.make("m", body, 1, "") for _ in range(2)))
        three = await studio.make("m", body, 1, "")
        studio.close()
        return one.head, two.head, three.head

    one, two, three = asyncio.run(both())
    assert one is two is three
    assert decode(one)[0][0].size == (270, 480)


def test_a_loop_ends_where_it_began() -> None:
    body = {"prompt": "Neon city, push in", "loop": True, "aspect_ratio": "21:9"}
    frames = decode(film.shoot(LUMA, body, "x"))[0]
    assert frames[0].size == (480, 206)
    assert difference(frames[0], frames[-1]) < difference(frames[0], frames[15]) / 3


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("1:1", (360, 360)), ("9:21", (206, 480)), ("4:3", (416, 312)), ("odd", (480, 270))],
)
def test_a_frame_has_the_ratio_and_even_sides(ratio: str, size: tuple[int, int]) -> None:
    assert film.frame_size(ratio) == size


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("orbit left around it", Move(orbit=-1)),
        ("pan right", Move(pan=1)),
        ("crane down slowly", Move(rise=-1)),
        ("tilt up, then pull out", Move(rise=1, push=-1)),
        ("handheld", Move(shake=0.15)),
        ("a static shot", Move()),
        ("a cat", Move(pan=0.35, push=0.3)),
    ],
)
def test_a_camera_move_is_read_from_the_prompt(prompt: str, move: Move) -> None:
    assert read_move(prompt) == move


def test_a_camera_goes_from_end_to_end_and_on_a_loop_returns() -> None:
    assert Move(pan=1, push=-1).at(0, loop=False) == View(-1, 0, 1, 0)
    assert Move(pan=1, push=1).at(1, loop=False) == View(1, 0, 1, 0)
    assert Move(pan=1, push=1).at(1, loop=True) == View(-1, 0, 0, 0)


def test_every_look_can_be_painted_and_the_same_look_is_the_same_scene() -> None:
    view = View(0.5, -0.5, 0.5, 1)
    frames = [film.scenery.paint(look, (64, 36)).seen(view, 0.3) for look in "aabcdefgh"]
    assert {frame.size for frame in frames} == {(64, 36)}
    assert frames[0].tobytes() == frames[1].tobytes()
    assert len({frame.tobytes() for frame in frames}) == 8


def test_a_long_prompt_is_wrapped_and_cut() -> None:
    font = caption.ImageFont.load_default(12)
    lines = caption.wrap("short words and averyveryverylongwordwithoutanend", font, 90)
    assert all(font.getlength(line) <= 90 for line in lines)
    assert "".join(lines).replace(" ", "") == "shortwordsandaveryveryverylongwordwithoutanend"
    overlay = caption.write("word " * 500, "luma-ray-txt-2-video", "9:21", (206, 480)).overlay
    assert overlay.size == (206, 480)
    assert caption.write("", "m", "1:1", (360, 360)).overlay.size == (360, 360)


def test_a_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = Cache(limit=10)
    for key in "ab":
        cache.put(key, bytes(4))
    assert cache.get("a")
    cache.put("c", bytes(4))
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]


def test_padding_is_a_box_of_its_own_of_any_size() -> None:
    assert pad(b"clip", None).size == 4
    assert pad(b"clip", 11).size == 4  # no room for a box
    assert (pad(b"clip", 12).size, pad(b"clip", 12).padding) == (12, 0)
    huge = pad(b"clip", 2**32 + 100)
    assert huge.size == 2**32 + 100
    assert huge.head[4:] == struct.pack(">I4sQ", 1, b"free", 2**32 + 96)
