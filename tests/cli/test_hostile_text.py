"""Text from outside never steers a terminal or a spreadsheet."""

import csv
import io
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pipeline.printable import printable, printable_lines
from tests.cli.conftest import KEY, Command, Terminal

pytestmark = pytest.mark.few(1)

# ESC, BEL, a C1 control, an override of direction, a line separator, DEL.
EVIL = "\x1b]0;owned\x07\x9b31m\u202egpj\u2066\u2028\x7f"
_OURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and moves of the live display


def steers(text: str) -> list[str]:
    """Find what would steer a terminal; the display's own sequences are the display's."""
    rest = _OURS.sub("", text)
    return sorted({char for char in rest if not char.isprintable() and char not in "\n\r"})


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A job whose every text tries."""
    path = tmp_path / "job.yaml"
    plan = {
        "model": "luma-txt-2-video",
        "credits": {"cost": 0.95},
        "retry": {"attempts": 1},
        "prompts": [
            {"prompt": "a cat \u202egpj\u2028", "meta": {"caption": EVIL, EVIL: "=1+1"}},
            {"prompt": "a dog"},
        ],
    }
    # YAML in the form of JSON: its escapes say what plain text may not hold.
    path.write_text(json.dumps(plan), encoding="utf-8")
    return path


@pytest.fixture
def liar() -> Iterator[str]:
    """An API whose refusals try."""

    class Lying(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(422)
            self.end_headers()
            self.wfile.write(("no: " + EVIL).encode())

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Lying) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_steers_is_escaped_and_what_joins_letters_stays() -> None:
    assert printable("a\x1b[31m\x9b\u202e\x7f") == "a\\x1b[31m\\x9b\\u202e\\x7f"
    assert printable("a\nb\tc\u2028d\u3000e") == "a b c d e"
    assert printable("👩\u200d🚀 مى\u200cشود") == "👩\u200d🚀 مى\u200cشود"
    assert printable_lines("a\x1b\nb\r\u2029") == "a\\x1b\nb  "


@pytest.mark.variant
@pytest.mark.parametrize("command", ["check", "run", "status", "export", "report"])
def test_no_text_of_a_job_steers_a_terminal(
    on_terminal: Terminal, hostile: Path, command: str
) -> None:
    for name in dict.fromkeys(("check", "run", command)):
        done = on_terminal(name, hostile)
        assert not steers(done.text), ascii(done.text)


@pytest.mark.parametrize("flags", [(), ("--to", "json")], ids=["csv", "json"])
def test_an_export_is_printable_on_a_terminal_and_as_it_is_in_a_pipe(
    on_terminal: Terminal, pipeline: Command, hostile: Path, flags: tuple[str, ...]
) -> None:
    assert pipeline("run", hostile).code == 0
    shown = on_terminal("export", hostile, *flags)
    assert shown.code == 0
    assert not steers(shown.text)
    told = pipeline("export", hostile, *flags).out
    if flags:
        assert json.loads(told)[0]["meta"]["caption"] == EVIL
        assert json.loads(shown.text)[0]["meta"]["caption"] == EVIL
    else:
        assert next(csv.DictReader(io.StringIO(told)))["caption"] == EVIL


@pytest.mark.parametrize("command", ["check", "status"])
def test_json_on_a_terminal_is_the_same_json(
    on_terminal: Terminal, pipeline: Command, hostile: Path, command: str
) -> None:
    shown = on_terminal(command, hostile, "--json").text
    assert not steers(shown)
    assert json.loads(shown) == json.loads(pipeline(command, hostile, "--json").out)


@pytest.mark.variant
@pytest.mark.parametrize("tty", [True, False])
def test_no_answer_steers_a_terminal(
    on_terminal: Terminal, pipeline: Command, hostile: Path, liar: str, *, tty: bool
) -> None:
    env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": liar}
    done: Any = on_terminal("run", hostile, env=env) if tty else pipeline("run", hostile, env=env)
    said = done.text if tty else done.err
    assert done.code == 1
    assert "no: " in said
    assert not steers(said)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", f"{EVIL}.yaml"),
        ("check", "job.yaml", "--output", EVIL),
        ("run", "job.yaml", "--log-file", f"{EVIL}/x"),
        ("run", "job.yaml", "--until", EVIL),
        ("run", "job.yaml", "--base-url", EVIL),
        ("run", "job.yaml", EVIL),
        ("run", "--" + EVIL),
        (EVIL,),
        ("init", EVIL),
    ],
    ids=ascii,
)
def test_no_argument_steers_a_terminal(
    pipeline: Command, hostile: Path, arguments: tuple[str, ...]
) -> None:
    done = pipeline(*arguments)
    assert not steers(done.err + done.out), ascii(done.err)


def test_no_record_of_a_manifest_steers_a_terminal(pipeline: Command, job: Path) -> None:
    assert pipeline("run", job).code == 0
    manifest = job.parent / "outputs" / "job" / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    gone = {"task": "gone" + EVIL, "status": "failed", "output": None, "error": EVIL}
    lines.append({**lines[0], **gone, "request_id": EVIL})
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for command in ("check", "status", "run"):
        done = pipeline(command, job)
        assert not steers(done.out + done.err)
    assert "gone" in pipeline("check", job).out


# -- spreadsheets ---------------------------------------------------------------------------------


@pytest.fixture
def formulas(pipeline: Command, tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    texts = ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\rx", "plain", "a\rb", "mid=dle"]
    plan = {
        "model": "luma-txt-2-video",
        "credits": {"cost": 0.95},
        "prompts": [
            {"id": f"-t{n}", "prompt": f"={n}", "meta": {"caption": text, "=head": -5, "f": -0.5}}
            for n, text in enumerate(texts)
        ],
    }
    path.write_text(json.dumps(plan), encoding="utf-8")
    assert pipeline("run", path, "--no-report").code == 0
    return path


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(
    pipeline: Command, formulas: Path
) -> None:
    head, *rows = cells(pipeline("export", formulas).out)
    column = {name: place for place, name in enumerate(head)}
    assert "'=head" in column
    captions = [row[column["caption"]] for row in rows]
    assert captions == ["'=1+1", "'+1", "'-1", "'@SUM(1)", "'\tx", "'\rx", "plain", "a\rb",
                        "mid=dle"]  # fmt: skip
    assert {row[column["'=head"]] for row in rows} == {"-5"}  # a number is not text
    assert {row[column["f"]] for row in rows} == {"-0.5"}
    assert {row[column["cost"]] for row in rows} == {"0.95"}
    assert rows[0][column["task"]] == "'-t0"
    assert rows[0][column["prompt"]] == "'=0"


def test_raw_leaves_texts_and_json_always_does(pipeline: Command, formulas: Path) -> None:
    head, first, *_ = cells(pipeline("export", formulas, "--raw").out)
    assert "=head" in head
    assert first[0] == "-t0"
    as_json = json.loads(pipeline("export", formulas, "--to", "json").out)
    assert as_json[4]["meta"]["caption"] == "\tx"
    assert as_json[0]["task"] == "-t0"


@pytest.mark.variant
def test_a_mark_for_spreadsheets_is_written_on_request(
    pipeline_process: Command, formulas: Path
) -> None:
    plain = pipeline_process("export", formulas, env={"PYTHONIOENCODING": "latin-1"})
    marked = pipeline_process("export", formulas, "--bom", env={"PYTHONIOENCODING": "latin-1"})
    assert marked.out == "\ufeff" + plain.out
    assert pipeline_process("export", formulas, "--bom", "--to", "json").code == 2
