"""Answers that mean something else than their code says, through the real command."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from support.command import CommandWorkspace, raw_server
from support.raw import CLIP, Act, Line, answer

pytestmark = pytest.mark.few(0)


def api(generate: Callable[[str], bytes], *, credits_left: str = "50") -> Act:
    """A server that tells a balance, and answers a prompt as told."""

    async def act(line: Line) -> None:
        request = await line.read_request()
        if request.startswith(b"GET"):
            told = f'{{"credits": {credits_left}}}'.encode()
            await line.say(answer(told, content_type="application/json"))
        else:
            prompt = json.loads(request.partition(b"\r\n\r\n")[2])["prompt"]
            await line.say(generate(prompt))

    return act


USELESS = {
    "json": answer(b'{"image": "https://cdn.example/1.mp4"}', content_type="application/json"),
    "base64": answer(b'{"video": "AAAAIGZ0eXA="}', content_type="application/json"),
    "accepted": answer(b'{"id": 1}', "202 Accepted", content_type="application/json"),
    "page": answer(b"<!doctype html><title>Welcome</title>", content_type="text/html"),
    "parts": answer(b"--x\r\n\r\nno\r\n--x--", content_type="multipart/mixed; boundary=x"),
    "nothing": answer(b"", "204 No Content"),
}


@pytest.mark.parametrize("kind", USELESS)
def test_an_api_that_charges_and_sends_no_clip_is_stopped_after_three(
    workspace: CommandWorkspace, kind: str
) -> None:
    workspace.write(["a film"] * 60, concurrency=1)
    with raw_server(api(lambda _: USELESS[kind])) as server:
        run = workspace.run(url=server.url)
        posts = sum(line.request.startswith(b"POST") for line in server.lines)
    assert (run.code, posts) == (4, 3)
    assert "3 in a row cost and brought no clip; the first: t000: HTTP 20" in run.last_line
    assert "57 left to do" in run.last_line
    assert {record["reason"] for record in workspace.manifest} == {"not_media"}
    if kind != "nothing":
        (kept,) = [
            file for file in (workspace.out / "errors").iterdir() if file.name in run.last_line
        ]
        assert kept.read_bytes()


def test_a_clip_between_them_stops_nothing(workspace: CommandWorkspace) -> None:
    workspace.write([f"film {n}" for n in range(20)], concurrency=4)
    with raw_server(api(lambda p: USELESS["json"] if p.endswith(("5)", "0)")) else answer())) as s:
        run = workspace.run(url=s.url)
    assert run.code == 1
    assert workspace.counts() == {"failed": 4, "succeeded": 16}


def test_a_result_that_lies_elsewhere_is_in_doubt_and_is_not_sent_again(
    workspace: CommandWorkspace,
) -> None:
    workspace.write(["a film"] * 6, concurrency=2)
    goal = "https://results.example/42\x1b[2J?" + "x" * 5000
    elsewhere = answer(b"", "303 See Other", location=goal)
    with raw_server(api(lambda _: elsewhere)) as server:
        runs = [workspace.run(url=server.url) for _ in range(3)]
        posts = sum(line.request.startswith(b"POST") for line in server.lines)
    assert [run.code for run in runs] == [4, 4, 4]
    assert posts == len(workspace.records) <= 6
    assert workspace.counts() == {"in_doubt": posts}
    assert workspace.money() == (0, Decimal("0.95") * posts)
    for run in runs:
        assert "results.example/42" in run.last_line
        assert "\x1b" not in run.err
        assert len(run.last_line) < 1000
    assert all("results.example/42" in record["error"] for record in workspace.manifest)
    assert {record["reason"] for record in workspace.manifest} == {"elsewhere"}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("429 Too Many Requests", '{"error": {"code": "insufficient_quota"}}'),
        ("403 Forbidden", '{"error": "Insufficient credits"}'),
        ("400 Bad Request", '{"message": "You do not have enough credits"}'),
        ("200 OK", '{"error": "Insufficient credits"}'),
    ],
)
def test_an_empty_account_ends_with_3_however_it_is_told(
    workspace: CommandWorkspace, status: str, text: str
) -> None:
    workspace.write(["a film"] * 20, concurrency=4)
    refusal = answer(text.encode(), status, content_type="application/json")
    with raw_server(api(lambda _: refusal)) as server:
        run = workspace.run(url=server.url)
    assert run.code == 3
    assert "20 left to do" in run.last_line
    assert not workspace.manifest
    assert not workspace.claims()


def test_prompts_that_are_too_long_do_not_stop_the_run(workspace: CommandWorkspace) -> None:
    workspace.write(["long"] * 5 + ["short"], concurrency=1)
    refusal = answer(b'{"error": "Prompt length limit exceeded"}', "406 Not Acceptable")
    act = api(lambda prompt: refusal if prompt.startswith("long") else answer(CLIP))
    with raw_server(act) as server:
        run = workspace.run(url=server.url)
    assert run.code == 1
    assert workspace.counts() == {"failed": 5, "succeeded": 1}


def test_a_gateway_that_never_reached_the_api_costs_nothing(workspace: CommandWorkspace) -> None:
    asked: list[str] = []

    def generate(prompt: str) -> bytes:
        asked.append(prompt)
        return answer(b"", "530 Whatever") if len(asked) <= 4 else answer(CLIP)

    workspace.write(["a film"] * 4, concurrency=3)
    with raw_server(api(generate)) as server:
        assert workspace.run(url=server.url).code == 0
    assert workspace.money()[1] == 0


def test_a_service_of_moderation_that_is_slow_or_broken_fails_nobody(
    workspace: CommandWorkspace,
) -> None:
    asked: list[str] = []
    troubles = [
        answer(b'{"error": "our safety service is busy"}', "429 X", retry_after="0"),
        answer(b'{"error": "safety_checker: CUDA out of memory"}', "500 X"),
        answer(b'{"error": "moderation service unavailable"}', "503 X"),
    ]

    def generate(prompt: str) -> bytes:
        asked.append(prompt)
        return troubles[len(asked) - 1] if len(asked) <= len(troubles) else answer(CLIP)

    workspace.write(["a film"] * 3, concurrency=1)
    with raw_server(api(generate)) as server:
        assert workspace.run(url=server.url).code == 0
    assert workspace.counts() == {"succeeded": 3}
