"""Answers and descriptions that mean harm, or are odd: nothing leaks, and what was paid is had."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
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
from support.other_api import CLIP
from support.pictures import png

from pipeline.cli.edge import run_command

JOB = """\
provider: ./zap.yaml
model: brush
prompts: [{id: one, prompt: a lighthouse}]
retry: {wait: 0.05}
credits: {cost: 0.07, budget: 5}
"""


class Bench:
    """A job, a description beside it, and the command."""

    def __init__(self, folder: Path, api: InventedApi) -> None:
        self.folder, self.api = folder, api

    def run(self, description: str, job: str = JOB) -> int:
        (self.folder / "zap.yaml").write_text(description, encoding="utf-8")
        (self.folder / "job.yaml").write_text(job, encoding="utf-8")
        return run_command(["run", str(self.folder / "job.yaml")])

    @property
    def record(self) -> dict[str, Any]:
        text = (self.folder / "outputs" / "job" / "manifest.jsonl").read_bytes()
        record: dict[str, Any] = msgspec.json.decode(text.splitlines()[-1])
        return record

    def holds(self, secret: str) -> list[Path]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [path for path in files if secret.encode() in path.read_bytes()]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with InventedApi() as api:
        monkeypatch.setenv("ZAP_PASS", KEY)
        monkeypatch.setenv("ZAP_BASE_URL", api.url)
        yield Bench(tmp_path, api)


@pytest.mark.parametrize(
    ("name", "variable"),
    [("key", "OPENAI_API_KEY"), ("api", "ACMECORP_API_TOKEN"), ("zap", "OPENAI_ZAP_KEY")],
)
def test_no_name_of_a_description_gets_it_the_key_of_a_service(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "sk-of-another-service-0123")
    head = (
        f'provider: {name}\nbase_url: {bench.api.url}\nauth: {{header: x-zap, value: "{{key}}"}}\n'
    )
    text = head + AT_ONCE[AT_ONCE.index("submit") :]
    assert bench.run(text, f"{JOB}account: {{key: {variable}}}\n") == 2
    assert not bench.api.paths


def test_an_answer_that_repeats_the_key_puts_it_into_no_record(bench: Bench) -> None:
    told = TICKETS.replace("scale: 0.01", "scale: 0.01, seed: 'frame[0].seed'")
    bench.api.of = lambda order, parts: (  # type: ignore[method-assign]
        200,
        {"mood": "hung", "frame": [{"at": bench.api.media(order["ticket"]), "seed": f"s{KEY}"}]},
    )
    assert bench.run(told) == 0
    assert not bench.holds(KEY)
    assert bench.record["seed"] == "s[key]"


def test_a_request_whose_told_address_holds_the_key_is_asked_for_by_its_id(bench: Bench) -> None:
    bench.api.answer = lambda _: (
        200,
        {"order": {"ticket": bench.api.order({}, "x")["ticket"], "look": f"/orders/t-0?{KEY}"}},
    )
    assert bench.run(TICKETS) == 0
    assert not any(KEY in path for path in bench.api.paths)
    assert not bench.holds(KEY)


@pytest.mark.parametrize(
    "where", ["path: '/now/{once}/bytes'", "path: /now/bytes, headers: {x-mark: '{once}'}"]
)
def test_our_id_is_sent_wherever_a_submit_names_it(bench: Bench, where: str) -> None:
    job = JOB.replace("[{id: one", "[{id: two, prompt: a pier}, {id: one")
    assert bench.run(AT_ONCE.replace("path: /now/bytes", where), job) == 0
    assert len(set(zip(bench.api.paths, bench.api.marks, strict=True))) == 2


@pytest.mark.parametrize(
    "header",
    ['{x-mark: "ü"}', "{Host: evil.example}", "{transfer-encoding: chunked}", "{x-zap-ticket: a}"],
)
def test_a_header_that_cannot_be_sent_is_refused_with_its_line(
    bench: Bench, header: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = AT_ONCE.replace("body: $params", f"headers: {header}, body: $params")
    assert bench.run(text) == 2
    assert "zap.yaml:7" in capsys.readouterr().err
    assert not bench.api.paths


TEXT = base64.b64encode(CLIP).decode()
URI = f"data:video/mp4;base64,{TEXT}"


@pytest.mark.parametrize(
    ("description", "out"),
    [(ADDRESS, URI), (ADDRESS, "file"), (BASE64, "file"), (TICKETS, URI)],
    ids=["URI for an address", "address", "address for base64", "URI that is asked for"],
)
def test_an_output_is_had_in_whatever_form_it_comes(
    bench: Bench, description: str, out: str
) -> None:
    told = out if out == URI else f"{bench.api.files}/file/x.mp4"
    bench.api.media = lambda _: told
    if description is not TICKETS:
        bench.api.answer = lambda _: (200, {"pictures": [{"at": told, "blob": told}]})
    assert bench.run(description) == 0
    clip = bench.folder / "outputs" / "job" / bench.record["output"]
    assert clip.read_bytes() == CLIP
    assert not bench.holds(TEXT)


@pytest.mark.parametrize("out", ["file:///etc/passwd", "http://h/" + "x:" * 9000])
def test_an_output_that_nothing_can_be_fetched_from_is_in_doubt_at_once(
    bench: Bench, out: str
) -> None:
    bench.api.answer = lambda _: (200, {"pictures": [{"at": out}]})
    assert bench.run(ADDRESS) == 1
    assert bench.record["status"] == "in_doubt"
    assert bench.record["at_risk"] == 0.07


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ("", b"<html>down for maintenance</html>"),
        ("", None),
        ("rows: found, ", {"error": "slow down"}),
        ("rows: found, ", {"found": [{"ticket": "t-8"}, {"ticket": "t-9"}]}),
    ],
    ids=["page", "null", "error", "other requests"],
)
def test_only_a_clear_word_settles_what_is_looked_up(bench: Bench, rows: str, answer: Any) -> None:
    def lost() -> None:
        raise ConnectionError

    bench.api.at["accepted"] = lost
    asked = bench.api.get
    bench.api.get = lambda path, query: (  # type: ignore[method-assign]
        (200, answer) if path.startswith("/mine") else asked(path, query)
    )
    text = OWN_IDS.replace("by: lookup, ", f"by: lookup, {rows}")
    assert bench.run(text) == 1
    assert len(bench.api.orders) == 1
    assert bench.record["status"] == "in_doubt"


def test_a_task_whose_picture_has_no_place_in_the_body_is_not_sent(bench: Bench) -> None:
    (bench.folder / "a.png").write_bytes(png(1))
    text = AT_ONCE.replace("body: $params", 'body: {prompt: $params.prompt, list: "$inputs.b"}')
    assert bench.run(text, f"{JOB}inputs: {{a: a.png, b: [a.png]}}\n") == 2
    assert not bench.api.paths


@pytest.mark.parametrize("text", [TICKETS, ADDRESS])
def test_a_second_request_with_an_id_that_is_known_has_no_clip_of_its_own(
    bench: Bench, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.api.media = lambda _: f"{bench.api.files}/file/t-0.mp4"
    if text is TICKETS:  # the same ticket to everybody
        text = text[: text.index("resolve:")]
        bench.api.order({}, "x")
        bench.api.answer = lambda _: (202, {"order": {"ticket": "t-0"}})
    else:
        text = text.replace("id: ticket, ", "")
    two = JOB.replace("lighthouse}", "lighthouse}, {id: two, prompt: a pier}") + "concurrency: 1\n"
    assert bench.run(text, two) == 1
    lines = (bench.folder / "outputs" / "job" / "manifest.jsonl").read_bytes().splitlines()
    first, second = (msgspec.json.decode(line) for line in lines)
    assert (first["status"], first["cost"]) == ("succeeded", 0.07)
    assert (second["status"], second["cost"], second["at_risk"]) == ("in_doubt", None, 0.07)
    assert "which one has already" in second["error"]
    assert "which one has already" in capsys.readouterr().err


def test_a_cost_that_is_not_believed_is_named_by_its_field(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(ADDRESS, JOB.replace("cost: 0.07", "cost: 0.0001")) == 0
    assert "$0.07 (bill.cents)" in capsys.readouterr().err


@pytest.mark.parametrize("text", [TICKETS, BASE64, ADDRESS])
def test_of_several_outputs_the_first_is_kept_and_that_is_said_once(
    bench: Bench, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    media = {TICKETS: "frame[].at", BASE64: "pictures[0].blob", ADDRESS: "pictures[0].at"}[text]
    several = text.replace(media, f"[{media}, {media}, {media}]")
    two = JOB.replace("lighthouse}", "lighthouse}, {id: two, prompt: a pier}")
    assert bench.run(several, two) == 0
    told = 6 if text is TICKETS else 3
    assert capsys.readouterr().err.count(f"the answer has {told} outputs") == 1
