"""A description of an API that nobody has heard of works without code, through the real command."""

import base64
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.invented_api import (
    ADDRESS,
    AT_ONCE,
    BASE64,
    KEY,
    OWN_IDS,
    TICKETS,
    InventedApi,
)
from support.invented_bench import JOB, Bench
from support.other_api import CLIP
from support.pictures import png


@pytest.fixture
def api() -> Iterator[InventedApi]:
    with InventedApi() as served:
        yield served


@pytest.fixture
def bench(tmp_path: Path, api: InventedApi, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, api, monkeypatch)


@pytest.mark.parametrize("text", [TICKETS, OWN_IDS, AT_ONCE, BASE64, ADDRESS])
def test_it_renders_and_counts_exact_cents(bench: Bench, text: str) -> None:
    bench.describe(text)
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == ["a harbour", "a lighthouse"]
    found = bench.records
    assert [record["status"] for record in found] == ["succeeded"] * 2
    assert [record["cost"] for record in found] == [0.07, 0.07]
    assert {record["provider"] for record in found} == {"zap"}
    clips = [bench.out / record["output"] for record in found]
    assert all(clip.read_bytes() == CLIP for clip in clips)
    assert not bench.api.strangers
    before = len(bench.api.paths)
    assert bench.run() == 0
    assert len(bench.api.paths) == before


@pytest.mark.parametrize("form", ["base64", "data_uri"])
def test_a_picture_goes_where_the_description_puts_it(bench: Bench, form: str) -> None:
    (bench.job.parent / "a.png").write_bytes(png(1))
    body = "{what: $params.prompt, knobs: {w: $params.width, first: $inputs.frame}}"
    text = TICKETS.replace(
        TICKETS[(start := TICKETS.index("{what")) : TICKETS.index("\n", start)], body
    )
    bench.describe(f"{text}inputs: {{as: {form}}}\n")
    bench.job.write_text(f"{JOB}inputs: {{frame: a.png}}\n", encoding="utf-8")
    assert bench.run() == 0
    sent = base64.b64encode(png(1)).decode()
    head = "data:image/png;base64," if form == "data_uri" else ""
    assert {order["ask"]["knobs"]["first"] for order in bench.api.orders.values()} == {head + sent}
    before = len(bench.api.orders)
    assert bench.run() == 0
    assert len(bench.api.orders) == before
    assert sent not in (bench.out / "manifest.jsonl").read_text(encoding="utf-8")


def test_a_form_that_is_not_spoken_is_refused_before_anything_is_sent(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench.job.parent / "a.png").write_bytes(png(1))
    bench.describe(TICKETS)
    inputs = "inputs: {frame: {file: a.png, form: multipart}}\n"
    bench.job.write_text(f"{JOB}{inputs}", encoding="utf-8")
    assert bench.run() == 2
    assert not bench.api.paths
    assert "zap takes no input as multipart" in capsys.readouterr().err


@pytest.mark.few(4)
@pytest.mark.parametrize("text", [TICKETS, OWN_IDS])
@pytest.mark.parametrize("point", ["submit", "accepted", "poll", "file"])
def test_nothing_is_paid_twice_after_a_kill(bench: Bench, text: str, point: str) -> None:
    bench.describe(text)
    assert bench.killed(point) == -signal.SIGKILL
    for _ in range(4):
        if bench.run() == 0:
            break
    assert sorted(bench.api.prompts) == ["a harbour", "a lighthouse"]
    last = {record["task"]: record["status"] for record in bench.records}
    assert last == {"one": "succeeded", "two": "succeeded"}


def test_what_the_provider_proves_absent_is_sent_again(bench: Bench) -> None:
    bench.describe(OWN_IDS)

    def drop() -> None:
        raise ConnectionResetError

    bench.api.at["submit"] = drop
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == ["a harbour", "a lighthouse"]
    assert not [record for record in bench.records if record["status"] == "in_doubt"]


def test_another_server_proves_nothing_of_what_it_was_never_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.describe(OWN_IDS)
    assert bench.killed("accepted") == -signal.SIGKILL
    with InventedApi() as elsewhere:
        monkeypatch.setenv("ZAP_BASE_URL", elsewhere.url)
        bench.run()
        assert len(elsewhere.orders) + len(bench.api.orders) <= 2
        assert not set(elsewhere.prompts) & set(bench.api.prompts)


def test_a_body_that_would_be_empty_is_never_sent(bench: Bench) -> None:
    bench.describe(AT_ONCE.replace("body: $params", "body: $params.width, ignores: [prompt]"))
    bench.job.write_text(JOB.replace("width: 3", "width: null"), encoding="utf-8")
    assert bench.run() == 1
    assert not bench.api.paths
    assert {record["reason"] for record in bench.records} == {"input_unavailable"}
    assert {record["cost"] for record in bench.records} == {0}


def test_what_a_list_does_not_show_stays_in_doubt(bench: Bench) -> None:
    bench.describe(TICKETS)

    def drop() -> None:
        raise ConnectionResetError

    bench.api.at["submit"] = drop
    assert bench.run() != 0
    assert len(bench.api.orders) == 1
    statuses = sorted(record["status"] for record in bench.records)
    assert statuses == ["in_doubt", "succeeded"]


def test_an_address_that_was_told_at_once_outlives_a_kill(bench: Bench) -> None:
    bench.describe(ADDRESS)
    assert bench.killed("file") == -signal.SIGKILL
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == ["a harbour", "a lighthouse"]


def test_an_answer_that_no_rule_explains_is_in_doubt(bench: Bench) -> None:
    bench.describe(AT_ONCE)
    bench.api.answer = lambda _: (500, {"sorry": "who knows"})
    assert bench.run() != 0
    assert {record["status"] for record in bench.records} == {"in_doubt"}
    assert {record["at_risk"] for record in bench.records} == {0.07}


@pytest.mark.parametrize(("status", "number"), [(200, 77), (429, 78)])
def test_a_code_in_the_body_stops_for_money_under_any_status(
    bench: Bench, status: int, number: int
) -> None:
    bench.describe(TICKETS)
    bench.api.answer = lambda _: (status, {"oops": {"no": number}})
    assert bench.run() == 3
    assert not bench.api.orders
    bench.api.answer = lambda _: None
    assert bench.run() == 0


def test_a_documented_code_is_tried_again(bench: Bench) -> None:
    bench.describe(TICKETS)
    left: list[tuple[int, Any]] = [(418, {})] * 2
    bench.api.answer = lambda _: left.pop() if left else None
    assert bench.run() == 0
    assert len(bench.api.orders) == 2


@pytest.mark.parametrize(("mood", "reason"), [("torn", "rejected"), ("banned", "moderation")])
def test_a_failure_is_told_and_costs_what_is_described(
    bench: Bench, mood: str, reason: str
) -> None:
    bench.describe(TICKETS)
    bench.api.moods = ["pondering", mood]
    assert bench.run() == 1
    assert {record["status"] for record in bench.records} == {"failed"}
    assert {record["reason"] for record in bench.records} == {reason}
    assert {record["at_risk"] for record in bench.records} <= {None, 0}
    assert "it did not dry" in bench.records[0]["error"]


def test_a_redirect_of_an_output_is_followed_without_the_key(bench: Bench) -> None:
    bench.describe(TICKETS)
    bench.api.media = lambda _: f"{bench.api.files}/file/hop"
    assert bench.run() == 0
    assert not bench.api.strangers


def test_a_long_answer_to_a_submit_still_has_its_id(bench: Bench) -> None:
    bench.describe(TICKETS)
    bench.api.echo = "x" * 1_000_000
    assert bench.run() == 0


def test_an_answer_whose_id_holds_the_key_is_in_doubt(bench: Bench) -> None:
    bench.describe(TICKETS)
    bench.api.answer = lambda _: (202, {"order": {"ticket": KEY}})
    assert bench.run() != 0
    assert {record["status"] for record in bench.records} == {"in_doubt"}
    assert KEY not in (bench.out / "manifest.jsonl").read_text(encoding="utf-8")


def test_base64_that_was_cut_by_a_kill_is_never_asked_for_again(bench: Bench) -> None:
    bench.describe(BASE64)
    assert bench.killed("answered") == -signal.SIGKILL
    bench.run()
    assert len(bench.api.orders) == len(set(bench.api.prompts))


def test_a_list_that_lags_settles_a_doubt_later(bench: Bench) -> None:
    bench.describe(TICKETS)
    bench.api.answer = lambda _: (500, {})
    assert bench.run() != 0
    assert {record["status"] for record in bench.records} == {"in_doubt"}
    for prompt in ("a lighthouse", "a harbour"):
        bench.api.order({"what": prompt, "knobs": {"width": 3}, "tag": "fixed"}, "brush")
    assert bench.pipeline("settle", bench.job) == 0
    assert {record["status"] for record in bench.records[-2:]} == {"succeeded"}
    assert len(bench.api.orders) == 2


@pytest.mark.parametrize(
    "media",
    [
        "file:///etc/passwd",
        "ftp://files.example/x",
        f"{{url}}/file/{KEY}",
        "/nowhere-at-all",
        {"at": 3},
        "",
    ],
)
def test_a_hostile_address_leaves_the_task_in_doubt(
    bench: Bench, media: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.runtime.following._AGAIN", 0.01)
    bench.describe(TICKETS)
    told = media.replace("{url}", bench.api.files) if isinstance(media, str) else media
    bench.api.media = lambda _: told
    assert bench.run() != 0
    assert {record["status"] for record in bench.records} == {"in_doubt"}
    assert KEY not in (bench.out / "manifest.jsonl").read_text(encoding="utf-8")
    assert not bench.api.strangers


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"pictures": [{"blob": "' + b"A" * 5_000 + b'*"}]}',
        b'{"pictures": [{"blob": "' + b"QUJD" * 5_000 + b'"}]}',
        b'{"pictures": [' + b'{"blob": 7},' * 9 + b"0]}",
        b'{"pictures": "' + b"[" * 6_000_000 + b'"}',
    ],
)
def test_a_hostile_answer_is_never_taken_for_an_output(bench: Bench, told: bytes) -> None:
    bench.describe(BASE64)
    bench.api.answer = lambda _: (200, told)
    assert bench.run() != 0
    assert {record["status"] for record in bench.records} <= {"in_doubt", "failed"}
    assert {record["at_risk"] for record in bench.records} == {0.07}


@pytest.mark.parametrize("variable", ["SEGMIND_API_KEY", "INNER_ADMIN_TOKEN"])
def test_a_description_gets_no_key_of_another_name(
    bench: Bench, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.describe(TICKETS)
    monkeypatch.setenv(variable, KEY)
    bench.job.write_text(f"{JOB}account: {{key: {variable}}}\n", encoding="utf-8")
    assert bench.run() == 2
    assert not bench.api.paths
    monkeypatch.setenv("ZAP_PASS_ACME_KEY", KEY)
    bench.job.write_text(f"{JOB}account: {{key: ZAP_PASS_ACME_KEY}}\n", encoding="utf-8")
    assert bench.run() == 0


def test_check_says_what_is_known_of_money(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.describe(AT_ONCE.replace("cost: header:x-zap-cents, scale: 0.01", "seed: seed"))
    bench.job.write_text(JOB.replace("cost: 0.07, ", ""), encoding="utf-8")
    assert bench.pipeline("check", bench.job) == 2
    told = capsys.readouterr().err
    assert "zap does not report what a generation costs" in told
    bench.job.write_text(JOB, encoding="utf-8")
    assert bench.pipeline("check", bench.job) == 0
    assert "nothing reports the cost" in capsys.readouterr().out
