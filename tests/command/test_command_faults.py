"""Each fault through the real command, against the sandbox, without a list of requests and with."""

import hashlib
import itertools
import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from support.command import KEY, CommandWorkspace, Run, raw_server
from support.raw import CLIP, Line, answer, head

from sandbox.testing import Sandbox

pytestmark = [pytest.mark.few(2), pytest.mark.together]

IMPATIENT = "provider = Segmind(Timeouts(stall=1.0))"
# Whether faults follow each other without a success, and so make an outage, is up to the machine;
# what fails in an outage is no attempt. So here each fault is its task's own; outages are below,
# and on virtual time.
NO_OUTAGE = "import pipeline.runtime.circuit as c\nc.Circuit.threshold = property(lambda _: 10**6)"

# A task a fault: what is asked of the sandbox, how the task ends, and after how many requests.
FAULTS: dict[str, tuple[str, str, int]] = {
    "500 twice": ("[[fail 500 x2]]", "succeeded", 3),
    "500 always": ("[[fail 500]]", "failed", 3),
    "502 once": ("[[fail 502 x1]]", "succeeded", 2),
    "503 once": ("[[fail 503 x1]]", "succeeded", 2),
    "429 once": ("[[fail 429 x1]]", "succeeded", 2),
    "408 once": ("[[fail 408 x1]]", "succeeded", 2),
    "504": ("[[fail 504]]", "in_doubt", 1),
    "520": ("[[fail 520]]", "in_doubt", 1),
    "524": ("[[fail 524]]", "in_doubt", 1),
    "reset": ("[[fail reset]]", "in_doubt", 1),
    "drop": ("[[fail drop]]", "in_doubt", 1),
    "cut": ("[[fail cut]]", "in_doubt", 1),
    "stall": ("[[fail stall]]", "in_doubt", 1),
    "slow": ("[[fail slow x1]]", "succeeded", 1),
    "html200": ("[[fail html200]]", "failed", 1),
    "json200": ("[[fail json200]]", "failed", 1),
    "empty200": ("[[fail empty200]]", "failed", 1),
    "nonmedia": ("[[fail nonmedia]]", "failed", 1),
    "moderation": ("[[fail moderation]]", "failed", 1),
    "moderation as 403": ("[[fail 403-moderation]]", "failed", 1),
    "406 for a parameter": ("[[fail 406-param]]", "failed", 1),
    "400": ("[[fail 400]]", "failed", 1),
    "422": ("[[fail 422]]", "failed", 1),
}


class Shared:
    """One run that meets every fault, looked at by many tests."""

    def __init__(self, workspace: CommandWorkspace, sandbox: Sandbox) -> None:
        self.workspace = workspace
        prompts: list[Any] = []
        for name, (directive, _, _) in FAULTS.items():
            prompts.append({"id": name, "prompt": f"{directive} {name} ({workspace.name} x)"})
            prompts.append(f"good after {name}")
        workspace.write([*prompts, *["good at the end"] * 6], concurrency=3)
        self.run: Run = workspace.run(
            "--log-file", "log.jsonl", provider=IMPATIENT, patches=NO_OUTAGE
        )
        self.books = sandbox.books()
        self.records = workspace.records

    def sent(self, name: str) -> list[dict[str, Any]]:
        return [r for r in self.workspace.requests(self.books) if f"]] {name} (" in r["prompt"]]


OPTIONS = {
    "latency": 0.02, "clips": "tiny", "credits": 1_000_000, "retry_after": 1, "slow_seconds": 1.2
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with Sandbox(**OPTIONS, history="missing") as api:
        yield Shared(CommandWorkspace(tmp_path_factory.mktemp("faults"), api.url), api)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with Sandbox(**OPTIONS) as api:
        yield Shared(CommandWorkspace(tmp_path_factory.mktemp("settled"), api.url), api)


@pytest.mark.variant
def test_with_a_list_of_requests_what_was_paid_for_is_taken_in(settled: Shared) -> None:
    doubtful = {name for name, (_, status, _) in FAULTS.items() if status == "in_doubt"}
    for name in doubtful:
        record = settled.records[name]
        assert (record["status"], record["settled"]) == ("succeeded", "found")
        assert len(settled.sent(name)) == FAULTS[name][2]
    bad = {name for name, record in settled.records.items() if record["status"] != "succeeded"}
    assert bad == {name for name, (_, status, _) in FAULTS.items() if status == "failed"}
    assert not settled.workspace.claims()


def test_with_a_list_of_requests_ours_and_the_server_s_books_differ_by_useless_answers(
    settled: Shared,
) -> None:
    spent, at_risk = settled.workspace.money()
    useless = sum(record["at_risk"] for record in settled.records.values())
    assert at_risk == useless == Decimal("0.95") * 4
    assert settled.workspace.charged(settled.books) == spent + at_risk


def test_a_night_of_faults_ends_with_1_and_every_good_task_has_succeeded(shared: Shared) -> None:
    assert shared.run.code == 1
    bad = {name for name, record in shared.records.items() if record["status"] != "succeeded"}
    assert bad == {name for name, (_, status, _) in FAULTS.items() if status != "succeeded"}
    assert len(shared.records) == 2 * len(FAULTS) + 6


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_ends_as_the_table_says(shared: Shared, name: str) -> None:
    _, status, requests = FAULTS[name]
    record = shared.records[name]
    assert record["status"] == status, record["error"]
    assert len(shared.sent(name)) == requests
    assert (record["error"] is None) is (status == "succeeded")
    if status == "in_doubt":
        assert record["at_risk"] == Decimal("0.95")
        assert "may have been paid for" in record["error"]


@pytest.mark.parametrize("name", ["html200", "json200", "empty200", "nonmedia"])
def test_a_200_without_a_clip_is_counted_as_paid_and_its_body_is_kept(
    shared: Shared, name: str
) -> None:
    record = shared.records[name]
    assert (record["http_status"], record["at_risk"]) == (200, Decimal("0.95"))
    if name == "empty200":
        assert "empty" in record["error"]
        return
    kept = shared.workspace.out / "errors"
    (file,) = [path for path in kept.iterdir() if path.name in record["error"]]
    words, kind = {
        "html200": (b"<html>", ".html"),
        "json200": (b"Generation failed", ".json"),
        "nonmedia": (b"\xbf", ".bin"),
    }[name]
    assert words in file.read_bytes()
    assert file.suffix == kind


@pytest.mark.parametrize("name", ["moderation", "moderation as 403"])
def test_a_refusal_on_moderation_grounds_says_so(shared: Shared, name: str) -> None:
    record = shared.records[name]
    assert record["error"].startswith("refused by moderation")
    assert record["at_risk"] == 0


@pytest.mark.parametrize("name", [n for n, (_, s, _) in FAULTS.items() if s != "succeeded"])
def test_each_task_that_ended_badly_has_one_line(shared: Shared, name: str) -> None:
    # People see the file's name and the first words of the prompt.
    lines = [line for line in shared.run.err.splitlines() if f"]] {name} (" in line]
    assert len(lines) == 1, lines
    word = "failed" if FAULTS[name][1] == "failed" else "in doubt"
    assert f" {word}: " in lines[0]


@pytest.mark.variant
def test_the_last_line_sums_up(shared: Shared) -> None:
    bad = [status for _, status, _ in FAULTS.values()]
    line = shared.run.last_line
    assert "exit 1: " in line
    assert f"{bad.count('failed')} failed" in line
    assert f"{bad.count('in_doubt')} in doubt" in line
    assert "at risk" in line


def test_every_clip_is_whole_and_is_what_its_record_says(shared: Shared) -> None:
    for record in shared.records.values():
        if record["status"] == "succeeded":
            data = (shared.workspace.out / record["output"]).read_bytes()
            assert len(data) == record["bytes"]
            assert hashlib.sha256(data).hexdigest() == record["sha256"]
    assert not shared.workspace.claims()
    assert not list((shared.workspace.out / ".inflight").iterdir())


def test_the_server_s_books_lie_between_what_is_spent_and_what_is_at_risk(shared: Shared) -> None:
    spent, at_risk = shared.workspace.money()
    assert spent == Decimal("0.95") * shared.workspace.counts()["succeeded"]
    assert spent <= shared.workspace.charged(shared.books) <= spent + at_risk


def test_the_log_has_a_json_object_a_line_with_every_pause_and_its_end(shared: Shared) -> None:
    text = (shared.workspace.folder / "log.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in text.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "summary"
    reasons = {event["reason"] for event in events if event["event"] == "held"}
    assert reasons == {"rate limit"}
    assert reasons == {event["reason"] for event in events if event["event"] == "resumed"}
    assert kinds.count("dispatched") == kinds.count("landed")


def test_a_second_run_renders_nothing_and_says_the_same(shared: Shared) -> None:
    before = shared.workspace.manifest
    again = shared.workspace.call()
    assert again.code == 1
    assert shared.workspace.manifest == before


# -- refusals of the run --------------------------------------------------------------------------


@pytest.mark.variant
@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "SEGMIND_API_KEY"),
        (403, "account"),
        (404, "model"),
        (405, "base URL"),
        (410, "another model"),
        (307, "base URL"),
    ],
)
def test_a_refused_run_stops_within_the_requests_in_flight_and_says_what_to_do(
    workspace: CommandWorkspace, sandbox: Sandbox, status: int, advice: str
) -> None:
    workspace.write([f"[[fail {status}]] [[latency 0.2]]"] * 15, concurrency=3)
    run = workspace.run()
    assert run.code == 4
    assert len(workspace.requests(sandbox.books())) <= 3
    assert f"HTTP {status}" in run.last_line
    assert advice in run.last_line
    assert "15 left to do" in run.last_line
    assert not workspace.records
    assert not workspace.claims()


def test_an_unknown_model_stops_with_4(workspace: CommandWorkspace, sandbox: Sandbox) -> None:
    workspace.write(["a", "b"], model="no-such-model")
    run = workspace.call()
    assert run.code == 4
    assert "model" in run.last_line


@pytest.mark.variant
def test_after_a_refusal_the_same_command_goes_on(workspace: CommandWorkspace) -> None:
    workspace.write(["[[fail 403 x1]]"] + ["good"] * 4, concurrency=1)
    assert workspace.call().code == 4
    assert workspace.call().code == 0
    assert workspace.counts() == {"succeeded": 5}


# -- connections ----------------------------------------------------------------------------------


@pytest.mark.variant
def test_a_server_that_is_down_is_waited_for_until_it_is_up(workspace: CommandWorkspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    workspace.write(["good"] * 5)
    # Nobody who listens on this machine is waited for in seconds: here the API takes longer.
    hope = "import pipeline.runtime.circuit\npipeline.runtime.circuit.PATIENCE_WITHOUT_HOPE = 60.0"
    process = workspace.start(url=f"http://127.0.0.1:{port}", patches=hope)
    process.until_said("paused (outage)")
    with Sandbox(latency=0, clips="tiny", port=port) as late:
        run = process.end()
        assert run.code == 0, run.err
        assert len(workspace.requests(late.books())) == 5
    assert workspace.counts() == {"succeeded": 5}
    assert {record["attempts"] for record in workspace.manifest} == {1}
    assert run.err.count("resumed after") == 1


def test_a_server_that_stays_down_ends_with_5_and_everything_is_left_to_do(
    workspace: CommandWorkspace,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    workspace.write(["good"] * 5, retry={"outage": "1s", "attempts": 1})
    run = workspace.call(url=f"http://127.0.0.1:{port}")
    assert run.code == 5
    assert "5 left to do" in run.last_line
    assert not workspace.records


@pytest.mark.variant
def test_a_port_of_this_machine_where_nobody_listens_is_named_within_seconds(
    workspace: CommandWorkspace,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    workspace.write(["good"] * 5, retry={"outage": "2h"})
    run = workspace.run(url=f"http://127.0.0.1:{port}", within=60)
    assert run.code == 5
    assert f"127.0.0.1:{port}" in run.last_line
    assert "waiting would not fix it" in run.last_line
    assert "5 left to do" in run.last_line
    assert not workspace.records


def test_endless_429s_end_with_5(workspace: CommandWorkspace) -> None:
    workspace.write(["[[fail 429]]"] * 4, retry={"outage": "1.5s", "attempts": 1})
    run = workspace.call()
    assert run.code == 5
    assert "rate limit" in run.last_line
    assert not workspace.records


# -- the key --------------------------------------------------------------------------------------

ECHOES = {
    "a body": answer(f'{{"error": "bad key {KEY}"}}'.encode(), "400 Bad Request"),
    "a 200": answer(f'{{"error": "bad key {KEY}"}}'.encode()),
    "a reason": answer(b"no", f"422 {KEY}"),
    "a header": answer(b"no", "400 X", x_request_id=KEY, content_type=KEY),
    "a clip": answer(x_request_id=KEY, content_type=f"video/{KEY}"),
    "no HTTP": f"{KEY}\r\n\r\n".encode(),
    "a status": f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
    "half an answer": head(content_length=5000).encode() + KEY.encode(),
    "half an error": head("500 X", content_length=5000).encode() + KEY.encode(),
    "a gateway": answer(f"<html>{KEY}</html>".encode(), "503 X"),
    "a refusal": answer(f"key {KEY} is not valid".encode(), "401 X"),
}


@pytest.mark.variant
@pytest.mark.parametrize("debug", [True, False])
def test_the_key_is_nowhere_whatever_the_server_does_with_it(
    workspace: CommandWorkspace, debug: bool
) -> None:
    heard = []

    async def act(line: Line) -> None:
        request = await line.read_request()
        assert KEY.encode() in request
        if request.startswith(b"GET"):
            await line.say(answer(f'{{"credits": "{KEY}"}}'.encode()))
            return
        name = next(name for name in ECHOES if f'"{name} #'.encode() in request)
        heard.append(name)
        await line.say(ECHOES[name])

    # A success after each, or what is in doubt would soon be an outage.
    names = itertools.chain.from_iterable((name, "a clip") for name in ECHOES)
    prompts = [{"id": f"t{n}", "prompt": f"{name} #{n}"} for n, name in enumerate(names)]
    workspace.write(prompts, concurrency=1, retry={"attempts": 1, "wait": 0.01})
    with raw_server(act) as server:
        # `run` looks through both streams and every file that is left.
        run = workspace.run(
            "--log-file", "log.jsonl", *(["--debug"] if debug else []), url=server.url, report=True
        )
    assert run.code == 4
    assert set(heard) == set(ECHOES)
    assert (workspace.folder / "log.jsonl").read_text().count("\n") > len(ECHOES)


@pytest.mark.variant
def test_the_key_is_not_in_what_a_bug_says(workspace: CommandWorkspace) -> None:
    workspace.write(["good"])
    provider = (
        "class Broken(Segmind):\n"
        f"    def judge(self, *_, **__): raise RuntimeError('{KEY}')\n"
        "provider = Broken()"
    )
    run = workspace.start("--debug", provider=provider).end(bug=True)
    assert run.code == 70
    assert "RuntimeError" in run.err


@pytest.mark.variant
def test_a_machine_without_memory_is_no_bug_of_ours(workspace: CommandWorkspace) -> None:
    workspace.write(["good"] * 4, concurrency=2)
    provider = (
        "class Full(Segmind):\n    def judge(self, *_, **__): raise MemoryError\nprovider = Full()"
    )
    run = workspace.run(provider=provider)
    assert run.code == 7
    assert "no memory left" in run.last_line
    assert "lower --concurrency" in run.last_line
    assert workspace.run("--retry", "in-doubt").code == 0, "the same command goes on"


# -- figures that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"x_remaining_credits": "1e400", "x_cost": "1e400"},
        {"x_remaining_credits": "9" * 300, "x_cost": "-5"},
        {"x_remaining_credits": "NaN", "x_cost": "1e-300"},
        {"x_request_id": "\x1b[31mred", "content_type": "video/\x07"},
    ],
)
def test_absurd_headers_stop_nothing(workspace: CommandWorkspace, headers: dict[str, str]) -> None:
    async def act(line: Line) -> None:
        request = await line.read_request()
        if request.startswith(b"GET"):
            await line.say(answer(b'{"credits": 50}', content_type="application/json"))
        else:
            await line.say(answer(CLIP, **headers))

    workspace.write(["one", "two"], concurrency=1)
    with raw_server(act) as server:
        run = workspace.call(url=server.url)
    assert run.code == 0
    assert "\x1b" not in run.err


def test_a_429_with_an_absurd_time_is_held_for_no_longer_than_the_patience(
    workspace: CommandWorkspace,
) -> None:
    async def act(line: Line) -> None:
        request = await line.read_request()
        if request.startswith(b"GET"):
            await line.say(answer(b'{"credits": 50}', content_type="application/json"))
        else:
            await line.say(answer(b"", "429 X", retry_after="999999999999"))

    workspace.write(["one", "two"], concurrency=1, retry={"outage": "1s"})
    with raw_server(act) as server:
        assert workspace.call(url=server.url).code == 5


@pytest.mark.variant
def test_a_request_body_that_is_large_meets_an_early_refusal(workspace: CommandWorkspace) -> None:
    async def act(line: Line) -> None:
        head_ = await line.read_head()
        if head_.startswith(b"GET"):
            await line.say(answer(b'{"credits": 50}', content_type="application/json"))
            return
        await line.say(answer(b'{"error": "bad key"}', "401 Unauthorized"))
        line.writer.write_eof()
        await line.gone()

    workspace.write(["one"], params={"image": "x" * 1_500_000}, model="kling-x")
    with raw_server(act) as server:
        run = workspace.run(url=server.url)
    assert run.code == 4, run.err
