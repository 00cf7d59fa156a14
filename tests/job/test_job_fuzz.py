"""Whatever a job file holds: a valid job, or problems with lines. Never anything else."""

import contextlib
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import JobFileError
from pipeline.job import load, starter

ROOT = Path(__file__).parents[2]
KITCHEN = """\
name: kitchen sink
model: kling-2
params: &base {duration: 5, negative: "no {{ mood }}", nested: {a: [1, 2.5, ~, no]}}
matrix:
  aspect_ratio: [16:9, 9:16]
  loop: [yes, no]
  exclude: [{aspect_ratio: 9:16, loop: yes}]
takes: 2
vars: {mood: calm}
prompts:
  - A bare one, {{ mood }}
  - id: hero
    prompt: "An old wizard {{ id }} {{ index }}"
    params: {<<: *base, seed: 7}
    vars: {mood: wild}
    meta: {publish: 2026-12-01}
    priority: 3
prompts_from: [rows.csv, rows.jsonl, rows.txt]
prompt: "{{ subject | default('a clip') }} {{ mood }}"
output: {dir: out, name: "{{ mood }}/{{ index }}-{{ aspect_ratio }}-{{ loop }}-{{ take }}"}
concurrency: 8
rate: 60/minute
timeout: 10m
retry: {attempts: 5, wait: 1, max_wait: 60, outage: 2h, in_doubt: hold}
credits: {cost: 0.95, budget: 100, reserve: 5, gate: auto}
schedule: {window: 22:00-07:00, timezone: UTC}
notify: {to: NOTIFY_URL, on: [end]}
"""
ROWS = 'id,prompt,subject,priority\na,"one, two",x,1\n,"say ""hi"" {{ subject }}",y,\n,,z,\n'
LINES = (
    '{"id": "j", "prompt": "p", "params": {"seed": 1}, "n": [1]}\n{"prompt": "{{ n }}", "n": "q"}\n'
)
STARTS = [
    KITCHEN,
    starter(Path("job.yaml"))["job.yaml"],
    (ROOT / "jobs" / "demo.yaml").read_text(encoding="utf-8"),
]
SNIPPETS = [
    *(
        "\t",
        "{{ x }}",
        "{% for a in b %}",
        "{{",
        "}}",
        "{%",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "*base",
    ),
    *("<<: ", "!!python/object/apply:os.system ", "!!binary ", "!!set ", "!x ", "!!str ", "!!int "),
    *("---\n", "...\n", "%YAML 1.1\n", "? ", "| ", "> ", "|2-\n", "'", '"', "#", " #", ": ", ":"),
    *("- ", ",", "\r", "\r\n", "\n", "\ufeff", "\x00", "\x85", "\u2028", "\ud7ff", "\uffff", "🦊"),
    *("~", "null", "yes", "no", "1e999", ".nan", "-.inf", "9" * 40, "0x1F", "1_0", "007", "-0"),
    *(
        "1e-400",
        "2026-02-30",
        "../../x",
        "/etc/passwd",
        "C:\\",
        "con",
        "\\",
        '"\\ud800"',
        '"\\x00"',
    ),
    *("~0123456789abcdef", "x#2", "a" * 300, "[" * 70, "{a: " * 70, "{{ 'a' * 10**9 }}"),
    *("{{ range(10**9) | join }}", "{{ (9**9)**(9**9) }}", "matrix: {a: [1, 1]}", "model: m"),
    *("prompt:", "params:", "id: hero", '"a\\nb": 1'),
]
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
WIDE = f"model: m\nmatrix: {{a: {TEN}, b: {TEN}, c: {TEN}}}\ntakes: 1000\nprompts: [p]\n"
DIGITS = "9" * 1_000_000


@st.composite
def mutated(draw: st.DrawFn, start: str) -> bytes:
    """A valid text with a few changes of the kinds that people, editors and fate make."""
    lines = start.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        where = draw(st.integers(0, max(0, len(lines) - 1)))
        line = lines[where] if lines else "\n"
        column = draw(st.integers(0, len(line)))
        snippet = draw(st.sampled_from(SNIPPETS) | st.text(max_size=4))
        lines[where : where + 1] = draw(
            st.sampled_from(
                [
                    [],
                    [line, line],
                    [line[:column] + snippet + line[column:]],
                    [line[:column] + snippet + "\n"],
                    [line[:column] + line[column + 3 :]],
                    [snippet + "\n", line],
                    ["  " + line],
                    [line.lstrip()],
                    [line.replace(":", ": " + snippet, 1)],
                    [line.replace("e", "", 1)],
                    [line, lines[draw(st.integers(0, len(lines) - 1))] if lines else ""],
                ]
            )
        )
    data = "".join(lines).encode("utf-8", "surrogatepass")
    shape = draw(st.sampled_from(["", "", "", "crlf", "bom", "utf-16", "latin-1", "cut", "flip"]))
    if shape == "crlf":
        return data.replace(b"\n", b"\r\n")
    if shape == "bom":
        return b"\xef\xbb\xbf" + data
    if shape in {"utf-16", "latin-1"}:
        return data.decode("utf-8", "replace").encode(shape, "replace")
    if shape == "cut":
        return data[: draw(st.integers(0, len(data)))]
    if shape == "flip" and data:
        place = draw(st.integers(0, len(data) - 1))
        return data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("fuzz")
    (made / "rows.txt").write_text("a line of {{ mood }}\n")
    with contextlib.chdir(made):
        yield made


def judge(path: Path) -> None:
    """Load and expand: a job whose tasks are JSON, or problems that can be printed."""
    began = time.process_time()
    problem = None
    try:
        for task in islice(load(path).tasks(), 5000):
            json.dumps([task.params, task.meta], allow_nan=False).encode()
            assert task.id.encode()
            assert task.fingerprint
            assert ".." not in task.output.split("/")
            assert not task.output.startswith("/")
    except JobFileError as error:
        problem = error
    took = time.process_time() - began
    if problem is not None:
        assert problem.problems
        for one in problem.problems:
            assert one.message
            assert one.line is None or one.line >= 1
            assert str(one).isprintable()
            assert str(one).encode()
    assert took < 30  # a bound for what would never end; benchmarks measure speed


FUZZ = settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
    database=None,
)


@FUZZ
@given(data=st.sampled_from(STARTS).flatmap(mutated))
@example(data=b"a: &a [" + b"*a, " * 9 + b"]")
@example(data=BOMB.encode())
@example(data=b"a: " + b"[" * 100_000)
@example(data=b"{" * 100_000)
@example(data=b"- " * 50_000)
@example(data=b"? " * 50_000)
@example(data=f"model: m\nprompts: [{DIGITS}]\nparams: {{a: {DIGITS}}}\n".encode())
@example(data=b"model: m\nprompts: ['" + b"\\" * 100_000 + b"']\n")
@example(data=b"model: m\n" + b"x: y\n" * 10_000)
@example(data=b"model: m\nprompts:\n" + b"- same\n" * 3000)
@example(data=WIDE.encode())
@example(data=b"\xff\xfe\x00")
@example(data=bytes(range(256)))
@example(data=b"model: m\nvars: {a: 1}\nprompts: ['" + b"{% if a %}" * 900 + b"']\n")
@example(data=b"model: m\nvars: {a: 1}\nprompts: ['{{ " + b"a|" * 5000 + b" }}']\n")
def test_a_mutated_job_file_is_a_job_or_has_problems(folder: Path, data: bytes) -> None:
    (folder / "rows.csv").write_text(ROWS)
    (folder / "rows.jsonl").write_text(LINES)
    (folder / "job.yaml").write_bytes(data)
    judge(folder / "job.yaml")


@pytest.mark.variant
@FUZZ
@given(sheet=mutated(ROWS), lines=mutated(LINES))
def test_mutated_rows_are_tasks_or_have_problems(folder: Path, sheet: bytes, lines: bytes) -> None:
    (folder / "rows.csv").write_bytes(sheet)
    (folder / "rows.jsonl").write_bytes(lines)
    (folder / "job.yaml").write_text(KITCHEN)
    judge(folder / "job.yaml")


@FUZZ
@given(data=st.binary(max_size=200))
def test_random_bytes_have_problems(folder: Path, data: bytes) -> None:
    (folder / "job.yaml").write_bytes(data)
    judge(folder / "job.yaml")


@FUZZ
@given(source=st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=5), max_size=6).map("".join))
def test_random_templates_make_texts_or_have_problems(folder: Path, source: str) -> None:
    text = json.dumps(source.encode("utf-8", "ignore").decode(), ensure_ascii=False)
    (folder / "job.yaml").write_text(
        f"model: m\nvars: {{x: y}}\nprompts: [{text}]\nparams: {{a: {text}}}\n"
        f"output: {{name: {text}}}\n",
        encoding="utf-8",
    )
    judge(folder / "job.yaml")
