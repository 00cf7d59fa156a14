"""`check`, `status`, `report`, `export`, `init`, `schema`, and the edge, from outside."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

import pipeline as pipeline_package
from pipeline.api import providers
from pipeline.cli import edge
from pipeline.cli.options import debug_option
from pipeline.cli.output import remember_secret
from pipeline.models import task_key
from sandbox.testing import Sandbox
from tests.cli.conftest import Command, records

pytestmark = pytest.mark.few(3)


def test_check_needs_no_key_and_writes_nothing(pipeline: Command, job: Path) -> None:
    done = pipeline("check", job, env={})
    assert done.code == 0
    assert "2  new" in done.out
    assert "$1.90" in done.out
    assert list(job.parent.iterdir()) == [job]


@pytest.mark.parametrize("name", [None, *providers.names()])
def test_check_says_which_provider_a_job_uses_and_why(
    pipeline: Command, job: Path, name: str | None
) -> None:
    if name is not None:
        # ComfyUI takes a prompt into a graph.
        graph = "params: {workflow: {'6': {inputs: {text: ''}}}}\n" if name == "comfyui" else ""
        text = job.read_text(encoding="utf-8")
        job.write_text(f"provider: {name}\n{graph}{text}", encoding="utf-8")
    chosen = providers.get(name)
    done = pipeline("check", job, env={})
    why = "the default" if name is None else "as the job says"
    assert f"Provider: {chosen.name} ({chosen.about}), {why}." in done.out.splitlines()
    assert json.loads(pipeline("check", job, "--json", env={}).out)["provider"] == chosen.name


def test_a_prompt_without_the_graph_that_takes_it_is_refused(pipeline: Command, job: Path) -> None:
    job.write_text(f"provider: comfyui\n{job.read_text(encoding='utf-8')}", encoding="utf-8")
    done = pipeline("check", job, env={})
    assert done.code == 2
    assert "(the body takes it by way of others of `params`: node, workflow)" in done.err


def test_check_says_which_hosts_get_the_key(pipeline: Command, job: Path) -> None:
    def told(*flags: str, **env: str) -> list[str]:
        done = pipeline("check", job, "--json", *flags, env=env)
        hosts: list[str] = json.loads(done.out)["hosts"]
        words = f"The key goes to {' and '.join(hosts)}, and to no other host."
        assert words in pipeline("check", job, *flags, env=env).out.splitlines()
        return hosts

    usual = list(providers.get().hosts)
    assert told() == usual
    assert told(SEGMIND_BASE_URL="https://api.segmind.com/") == usual
    elsewhere = {"SEGMIND_BASE_URL": "https://u:pw@proxy.example:8443/x"}
    assert told(**elsewhere) == ["proxy.example:8443"]  # then all addresses are below that one
    assert told("--base-url", "http://127.0.0.1:9", **elsewhere) == ["127.0.0.1:9"]
    (job.parent / ".env").write_text("SEGMIND_BASE_URL=https://other.example\n", encoding="utf-8")
    assert told() == ["other.example"]
    assert told("--base-url", "https://api.segmind.com", **elsewhere) == usual


def test_check_tells_what_a_run_would_do(pipeline: Command, job: Path) -> None:
    pipeline("run", job)
    text = job.read_text(encoding="utf-8")
    job.write_text(
        text.replace("a harbour}", "a port}\n  - {id: three, prompt: a pier}").replace(
            "id: one", "id: uno"
        ),
        encoding="utf-8",
    )
    plan = json.loads(pipeline("check", job, "--json").out)
    assert (plan["done"], plan["changed"], plan["new"], plan["removed"]) == (0, 1, 2, 1)
    # An object for each task to do, in the order of the job: lists of names told too little.
    assert [(task["task"], task["reason"]) for task in plan["tasks"]] == [
        ("uno", "new"), ("two", "changed"), ("three", "new"),
    ]  # fmt: skip
    assert plan["price"] == 2.85
    words = pipeline("check", job).out
    assert "no longer in the job" in words
    assert "by past tasks" in words


@pytest.mark.variant
def test_check_with_balance_says_whether_it_is_covered(pipeline: Command, job: Path) -> None:
    assert json.loads(pipeline("check", job, "--balance", "--json").out)["covered"] is True
    with Sandbox(latency=0, clips="tiny", credits=1) as poor:
        done = pipeline("check", job, "--balance", "--base-url", poor.url)
    assert "does not cover" in done.out
    assert done.code == 3  # as the run would end


@pytest.mark.variant
def test_check_says_where_the_balance_is_not_reported(pipeline: Command, job: Path) -> None:
    with Sandbox(latency=0, clips="tiny", no_balance_call=True) as silent:
        done = pipeline("check", job, "--balance", "--base-url", silent.url)
    assert done.code == 0
    assert "did not report a balance" in done.err


def test_status_counts_and_sums(pipeline: Command, job: Path) -> None:
    assert json.loads(pipeline("status", job, "--json").out)["pending"] == 2
    pipeline("run", job, "--limit", 1)
    state = json.loads(pipeline("status", job, "--json", env={}).out)
    assert (state["total"], state["succeeded"], state["pending"]) == (2, 1, 1)
    assert (state["failed"], state["in_doubt"], state["running"]) == (0, 0, False)
    assert (state["spent"], state["at_risk"]) == (0.95, 0)
    assert state["output"] == str(job.parent / "outputs" / "job")
    assert isinstance(state["remaining_credits"], float)
    words = pipeline("status", job, "--watch").out
    assert "1 of 2" in words


def test_status_counts_a_killed_run_s_claims_as_in_doubt(pipeline: Command, job: Path) -> None:
    pipeline("run", job)
    folder = job.parent / "outputs" / "job"
    (folder / "manifest.jsonl").write_text("", encoding="utf-8")
    fingerprint = next(pipeline_package.load(job).tasks()).fingerprint
    claim = {
        "task": "one", "fingerprint": fingerprint, "model": "m", "params": {}, "meta": {},
        "price": 0.95, "attempt": 1, "output": "one", "started_at": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
    (folder / ".inflight" / f"{task_key('one')}.json").write_text(
        json.dumps(claim), encoding="utf-8"
    )
    state = json.loads(pipeline("status", job, "--json").out)
    assert (state["in_doubt"], state["pending"], state["at_risk"]) == (1, 1, 0.95)


@contextmanager
def one_in_flight(job: Path, sandbox: Sandbox, pipeline: Command) -> Iterator[Any]:
    """A run with one task done, and one that waits for its answer."""
    text = job.read_text(encoding="utf-8").replace("a lighthouse", '"slow [[latency 20]]"')
    job.write_text(text, encoding="utf-8")
    env = {**os.environ, "SEGMIND_API_KEY": "k" * 12, "SEGMIND_BASE_URL": sandbox.url}
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", str(job)], env=env, stderr=subprocess.PIPE
    ) as running:
        state = {"in_flight": 0}
        while state["in_flight"] != 1 or not state["succeeded"]:
            assert running.poll() is None
            state = json.loads(pipeline("status", job, "--json").out)
        yield running
        running.kill()


@pytest.mark.variant
def test_status_finds_a_run_that_is_going_on(
    pipeline: Command, sandbox: Sandbox, job: Path
) -> None:
    with one_in_flight(job, sandbox, pipeline):
        assert json.loads(pipeline("status", job, "--json").out)["running"] is True
        assert pipeline("run", job).code == 2
    assert json.loads(pipeline("status", job, "--json").out)["running"] is False


def test_report_writes_the_page_and_needs_a_manifest(pipeline: Command, job: Path) -> None:
    assert pipeline("report", job).code == 2
    pipeline("run", job, "--no-report")
    page = job.parent / "outputs" / "job" / "report.html"
    assert not page.exists()
    done = pipeline("report", job)
    assert done.out.strip() == str(page)
    assert "a lighthouse" in page.read_text(encoding="utf-8")


def test_export_lists_each_finished_clip_with_the_meta_of_now(pipeline: Command, job: Path) -> None:
    pipeline("run", job)
    text = job.read_text(encoding="utf-8").replace("channel: web", "channel: radio, extra: 7")
    job.write_text(text, encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(pipeline("export", job).out)))
    assert [row["task"] for row in rows] == ["one", "two"]
    assert (rows[0]["channel"], rows[0]["extra"]) == ("radio", "7")
    assert (rows[0]["caption"], rows[0]["publish"]) == ("Hi, you", "2026-12-01")
    assert Path(rows[0]["file"]).is_file()
    as_json = json.loads(pipeline("export", job, "--to", "json").out)
    assert as_json[0]["meta"]["channel"] == "radio"
    by_task = {record["task"]: record for record in records(job.parent / "outputs" / "job")}
    assert as_json[0]["sha256"] == by_task["one"]["sha256"]


def test_export_keeps_columns_of_a_sheet_that_are_called_like_its_own(
    pipeline: Command, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("prompt,meta,file,cost\na cat,x,cat.png,low\n", "utf-8")
    (tmp_path / "rows.jsonl").write_text(
        '{"prompt": "a dog", "tags": ["ä", true], "paid": false, "note": null}\n', "utf-8"
    )
    (tmp_path / "job.yaml").write_text(
        "model: luma-txt-2-video\nprompts_from: [rows.csv, rows.jsonl]\n", "utf-8"
    )
    assert pipeline("run", "job.yaml", "--no-report").code == 0
    cat, dog = csv.DictReader(io.StringIO(pipeline("export", "job.yaml").out))
    assert (cat["meta"], cat["meta.file"], cat["meta.cost"]) == ("x", "cat.png", "low")
    assert (Path(cat["file"]).suffix, cat["cost"]) == (".mp4", "0.95")
    assert (dog["tags"], dog["paid"], dog["note"]) == ('["ä", true]', "false", "")


def test_export_leaves_out_what_changed(pipeline: Command, job: Path) -> None:
    pipeline("run", job)
    text = job.read_text(encoding="utf-8").replace("a harbour", "a port")
    job.write_text(text, encoding="utf-8")
    assert [row["task"] for row in json.loads(pipeline("export", job, "--to", "json").out)] == [
        "one"
    ]


@pytest.mark.parametrize("command", ["check", "export", "report", "run", "status"])
def test_every_command_refuses_the_directory_of_another_job(
    pipeline: Command, job: Path, tmp_path: Path, command: str
) -> None:
    pipeline("run", job)
    other = tmp_path / "other.yaml"
    other.write_bytes(job.read_bytes())
    ended = pipeline(command, other, "--output", job.parent / "outputs" / "job")
    assert (ended.code, ended.out) == (2, "")
    assert "belongs to the job 'job'" in ended.err


def test_init_writes_a_job_that_checks_and_never_overwrites(
    pipeline: Command, tmp_path: Path
) -> None:
    assert pipeline("init", "jobs/mine").code == 0
    written = (tmp_path / "jobs" / "mine.yaml").read_text(encoding="utf-8")
    assert pipeline("check", "jobs/mine.yaml").code == 0
    assert pipeline("init", "jobs/mine.yaml").code == 2
    assert (tmp_path / "jobs" / "mine.yaml").read_text(encoding="utf-8") == written


@pytest.mark.parametrize("name", ["foo.txt", "job.YAML", "spring.yml"])
def test_init_makes_the_file_that_was_asked_for(
    pipeline: Command, tmp_path: Path, name: str
) -> None:
    assert pipeline("init", name).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {name, "job.schema.json"}
    assert pipeline("check", name).code == 0
    again = pipeline("init", name)
    assert (again.code, "already exists" in again.err) == (2, True)
    assert pipeline("init", "job.schema.json").code == 2


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", "/"])
def test_init_needs_the_name_of_a_file(pipeline: Command, tmp_path: Path, path: str) -> None:
    done = pipeline("init", path)
    assert done.code == 2
    assert "name a file" in done.err
    assert not list(tmp_path.iterdir())


def test_init_says_which_folder_cannot_be_made(pipeline: Command, tmp_path: Path) -> None:
    (tmp_path / "file.yaml").touch()
    done = pipeline("init", "file.yaml/x")
    assert done.code == 2
    assert "cannot make the folder file.yaml" in done.err


def test_schema_prints_a_json_schema(pipeline: Command) -> None:
    assert json.loads(pipeline("schema").out)["properties"]["model"]


def test_a_mistyped_command_gets_the_nearest_one(pipeline: Command) -> None:
    done = pipeline("chekc")
    assert done.code == 2
    assert "check" in done.err


@pytest.mark.parametrize(
    "flag",
    ["--concurrency=0", "--until=25:00", "--nope", "--wait-for-credits=soon"],
)
def test_a_bad_flag_exits_2(pipeline: Command, job: Path, flag: str) -> None:
    assert pipeline("run", job, flag).code == 2


@pytest.mark.parametrize("amount", ["x", "nan", "inf", "-1"])
def test_an_amount_to_confirm_above_is_finite_and_not_negative(
    pipeline: Command, job: Path, amount: str
) -> None:
    done = pipeline("run", job, f"--confirm-above={amount}")
    assert done.code == 2
    assert "not a valid amount of credits" in done.err


def test_help_exits_0(pipeline: Command) -> None:
    done = pipeline("--help")
    assert done.code == 0
    assert "sandbox" in done.out


def test_a_bug_exits_70_without_a_traceback_and_without_the_key(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    @debug_option
    def broken(*, debug: bool) -> None:
        remember_secret("sk-cli-0123456789abcdef")
        raise RuntimeError("the key is sk-cli-0123456789abcdef")

    assert edge.run_command([], command=broken) == 70
    brief = capsys.readouterr().err
    assert "RuntimeError: the key is" in brief
    assert "Traceback" not in brief
    assert edge.run_command(["--debug"], command=broken) == 70
    full = capsys.readouterr().err
    assert "Traceback" in full
    assert "sk-cli" not in brief + full


@pytest.mark.variant
def test_what_is_in_flight_is_in_doubt_only_once_its_run_is_gone(
    pipeline: Command, sandbox: Sandbox, job: Path
) -> None:
    page = job.parent / "outputs" / "job" / "report.html"
    with one_in_flight(job, sandbox, pipeline):
        assert json.loads(pipeline("check", job, "--json").out)["in_doubt"] == 0
    assert json.loads(pipeline("check", job, "--json").out)["in_doubt"] == 1
    assert pipeline("report", job).code == 0
    assert "the run was killed" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["check", "status", "report"])
def test_the_directory_of_another_job_is_refused(
    pipeline: Command, job: Path, command: str
) -> None:
    pipeline("run", job)
    page = job.parent / "outputs" / "job" / "report.html"
    before = page.read_bytes()
    other = job.with_name("other.yaml")
    other.write_text(job.read_text(encoding="utf-8") + "\nname: other\n", encoding="utf-8")
    done = pipeline(command, other, "--output", page.parent)
    assert done.code == 2
    assert "belongs to the job" in done.err
    assert page.read_bytes() == before


def test_an_output_directory_that_cannot_be_looked_into_is_said(
    pipeline: Command, job: Path
) -> None:
    for command in ("check", "status", "report"):
        done = pipeline(command, job, "--output", "x" * 300)
        assert done.code == 2, done.err
        assert "bug" not in done.err


@pytest.mark.variant
def test_a_reader_of_standard_output_that_has_left_is_no_failure(job: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "schema"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.variant
def test_a_terminal_that_does_not_know_every_letter_gets_what_it_knows(
    pipeline_process: Command, job: Path
) -> None:
    done = pipeline_process("check", job, env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0, done.err


@pytest.mark.parametrize("flag", ["--output=", "--log-file="])
def test_an_empty_path_is_refused_and_does_not_mean_the_working_directory(
    pipeline: Command, job: Path, flag: str
) -> None:
    done = pipeline("run", job, flag)
    assert done.code == 2
    assert "the path is empty" in done.err
    assert list(job.parent.iterdir()) == [job]


def test_the_working_directory_can_be_named(pipeline: Command, job: Path) -> None:
    assert json.loads(pipeline("check", job, "--output", ".", "--json").out)["output"] == str(
        job.parent
    )


@pytest.mark.parametrize(
    "note",
    [
        b'{"remaining": "NaN", "told_at": "9"}', b'{"remaining": "x", "told_at": "9"}',
        b'{"remaining": [1]}', b'{"remaining": 5, "told_at": 5}', b"[]", b"\xff", b"",
        b'{"hold": {"a": 1}, "until": "soon"}',
    ],
)  # fmt: skip
def test_a_note_of_a_run_that_is_none_is_passed_over(
    pipeline: Command, job: Path, note: bytes
) -> None:
    pipeline("run", job)
    before = json.loads(pipeline("status", job, "--json").out)
    state = job.parent / "outputs" / "job" / ".state.json"
    state.write_bytes(note)
    done = pipeline("status", job, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out) == before
    assert pipeline("status", job).code == 0


@pytest.mark.few(0)
def test_a_reader_of_a_plan_that_has_left_is_no_failure(pipeline: Command, tmp_path: Path) -> None:
    prompts = json.dumps([f"clip {n}" for n in range(20_000)])
    (tmp_path / "job.yaml").write_text(f"model: m\nprompts: {prompts}\n", encoding="utf-8")
    for flag in ("--json", "--all"):
        command = [sys.executable, "-m", "pipeline", "check", "job.yaml", flag]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == 0


# Each takes longer to import than all that these commands do.
SLOW = {
    *("anyio", "asyncio", "difflib", "dotenv", "email.utils", "httpcore", "httpx", "jinja2"),
    *("platformdirs", "puremagic", "pydantic", "rich", "sqlite3", "ssl", "tenacity", "traceback"),
}


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--help"], {"msgspec", "pipeline.common", "pipeline.job", "pipeline.models", "yaml"}),
        (["schema"], {"yaml"}),
        (["check", "job.yaml"], {"pipeline.notify", "pipeline.runtime"}),
        (["status", "job.yaml"], {"pipeline.notify", "pipeline.runtime"}),
    ],
)
def test_what_sends_nothing_imports_nothing_slow(
    job: Path, arguments: list[str], more: set[str]
) -> None:
    script = (
        # Where coverage is measured, that has imported some of them.
        "import sys\nbefore = set(sys.modules)\nfrom pipeline.cli.edge import run_command\n"
        f"assert run_command({arguments}) == 0\n"
        f"print(sorted({SLOW | more} & (set(sys.modules) - before)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=job.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_a_run_without_a_terminal_imports_no_code_for_terminals(job: Path) -> None:
    script = (
        "import sys\nfrom pipeline.__main__ import main\nsys.argv[1:] = ['run', 'job.yaml']\n"
        "try:\n    main()\nfinally:\n    print(sorted({'rich', 'pygments'} & set(sys.modules)))"
    )
    environ = {**os.environ, "SEGMIND_API_KEY": "", "FORCE_COLOR": ""}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=job.parent, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "[]\n"), done.stderr
