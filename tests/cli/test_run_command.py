"""`pipeline run`, from outside: exit codes, streams, precedence, and what it refuses early."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pipeline.cli.run import write_report_at_end
from pipeline.events import Counts
from pipeline.job import load
from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, records


def test_a_job_ends_with_0_and_leaves_clips_a_manifest_and_a_report(
    pipeline_process: Command, job: Path
) -> None:
    done = pipeline_process("run", job)
    folder = job.parent / "outputs" / "job"
    assert done.code == 0, done.err
    assert done.out == ""
    assert {record["task"] for record in records(folder)} == {"one", "two"}
    assert all((folder / record["output"]).is_file() for record in records(folder))
    assert (folder / "report.html").is_file()
    assert list((folder / ".inflight").iterdir()) == []


def test_a_second_run_sends_nothing(pipeline: Command, job: Path, sandbox: Sandbox) -> None:
    pipeline("run", job)
    before = sandbox.books()["posts"]
    assert pipeline("run", job).code == 0
    assert sandbox.books()["posts"] == before


def test_a_record_has_every_field_of_the_contract(pipeline: Command, job: Path) -> None:
    pipeline("run", job)
    record = records(job.parent / "outputs" / "job")[0]
    assert {
        "task", "status", "model", "params", "fingerprint", "meta", "output", "bytes", "sha256",
        "content_type", "http_status", "attempts", "cost", "at_risk", "remaining_credits",
        "request_id", "error", "started_at", "finished_at", "duration_s",
    } <= set(record)  # fmt: skip
    assert record["error"] is None
    assert record["started_at"].endswith("Z")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: m\n", "prompts"),
        ("model: m\nprompts: [a]\nconcurency: 3\n", "concurrency"),
        ("model: m\nprompts: [a, a]\n", "takes"),
        ("model: [\n", "job.yaml:"),
        ("", "job.yaml"),
    ],
)
def test_a_bad_job_file_exits_2_and_says_what_would_be_right(
    pipeline: Command, job: Path, sandbox: Sandbox, text: str, said: str
) -> None:
    job.write_text(text, encoding="utf-8")
    before = sandbox.books()["posts"]
    done = pipeline("run", job)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert sandbox.books()["posts"] == before


def test_every_problem_of_a_job_file_is_told_at_once_with_its_line(
    pipeline: Command, job: Path
) -> None:
    job.write_text(
        "model: luma-txt-2-video\nparams: {aspect_ratio: 16:10}\nconcurrency: 0\n"
        "prompts:\n  - {id: a/b, prompt: x}\n",
        encoding="utf-8",
    )
    done = pipeline("run", job)
    assert done.code == 2
    for place in ("job.yaml:2", "job.yaml:3", "job.yaml:5"):
        assert place in done.err


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "binary.yaml"])
def test_a_job_that_is_no_text_file_exits_2(pipeline: Command, job: Path, name: str) -> None:
    (job.parent / "folder").mkdir()
    (job.parent / "binary.yaml").write_bytes(bytes(range(256)))
    done = pipeline("run", name)
    assert done.code == 2
    assert name in done.err


def test_no_key_exits_2(pipeline: Command, job: Path) -> None:
    done = pipeline("run", job, env={})
    assert done.code == 2
    assert "SEGMIND_API_KEY" in done.err
    assert not (job.parent / "outputs").exists()


def test_the_key_may_stand_in_a_dotenv_file_beside_the_job(
    pipeline: Command, job: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    (job.parent / ".env").write_text(
        f'export SEGMIND_API_KEY="{KEY}"\nSEGMIND_BASE_URL={sandbox.url}\n', encoding="utf-8"
    )
    assert pipeline("run", job, env={}).code == 0


def test_a_key_is_not_sent_in_the_clear_to_another_machine(pipeline: Command, job: Path) -> None:
    done = pipeline("run", job, "--base-url", "http://api.example.com")
    assert done.code == 2
    assert "https" in done.err
    assert KEY not in done.err


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1", "https://u:p@h", "http://[", "x"])
def test_a_base_url_that_is_none_exits_2(pipeline: Command, job: Path, url: str) -> None:
    assert pipeline("run", job, "--base-url", url).code == 2


def test_a_flag_wins_over_the_environment(pipeline: Command, job: Path, sandbox: Sandbox) -> None:
    env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": "http://127.0.0.1:1"}
    assert pipeline("run", job, "--base-url", sandbox.url, env=env).code == 0


def test_output_is_relative_to_the_working_directory(pipeline: Command, job: Path) -> None:
    assert pipeline("run", job, "--output", "elsewhere/here").code == 0
    assert len(records(job.parent / "elsewhere" / "here")) == 2


def test_limit_renders_so_many_and_judges_those(pipeline: Command, job: Path) -> None:
    assert pipeline("run", job, "--limit", 1).code == 0
    assert len(records(job.parent / "outputs" / "job")) == 1
    assert pipeline("run", job, "--limit", 5).code == 0
    assert len(records(job.parent / "outputs" / "job")) == 2


def test_a_failing_task_ends_with_1_and_is_taken_up_on_request_only(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    job.write_text(
        "model: luma-txt-2-video\nprompts: [good, 'bad [[fail moderation]]']\n", encoding="utf-8"
    )
    assert pipeline("run", job).code == 1
    before = sandbox.books()["posts"]
    assert pipeline("run", job).code == 1
    assert sandbox.books()["posts"] == before
    again = pipeline("run", job, "--retry", "failed")
    assert again.code == 1
    assert sandbox.books()["posts"] == before + 1
    assert "moderation" in again.err


def test_a_moved_clip_stays_done_with_a_warning_and_missing_renders_it(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    pipeline("run", job)
    folder = job.parent / "outputs" / "job"
    clip = folder / records(folder)[0]["output"]
    clip.rename(job.parent / "moved.mp4")
    before = sandbox.books()["posts"]
    again = pipeline("run", job)
    assert again.code == 0
    assert "1 finished clip is not in place, and stays done" in again.err
    assert sandbox.books()["posts"] == before
    anew = pipeline("run", job, "--retry", "missing")
    assert anew.code == 0
    assert "1 finished clip is not in place, and rendered again" in anew.err
    assert sandbox.books()["posts"] == before + 1
    assert clip.is_file()


def test_a_changed_task_is_rendered_again_and_its_old_clip_is_kept(
    pipeline: Command, job: Path
) -> None:
    pipeline("run", job)
    folder = job.parent / "outputs" / "job"
    old = {record["task"]: record for record in records(folder)}["two"]
    job.write_text(job.read_text(encoding="utf-8").replace("a harbour", "a port"), encoding="utf-8")
    assert pipeline("run", job).code == 0
    assert [record["task"] for record in records(folder)][2:] == ["two"]
    kept = list((folder / "superseded").iterdir())
    assert [path.stat().st_size for path in kept] == [old["bytes"]]


def test_editing_meta_names_and_order_renders_nothing(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    pipeline("run", job, "--output", "out")
    before = sandbox.books()["posts"]
    job.write_text(
        "name: other\nmodel: luma-txt-2-video\noutput: {name: 'x-{{ id }}'}\nprompts:\n"
        "  - {id: two, prompt: a harbour, meta: {a: 1}}\n  - {id: one, prompt: a lighthouse}\n",
        encoding="utf-8",
    )
    assert pipeline("run", job, "--output", "out").code == 0
    assert sandbox.books()["posts"] == before


def test_confirm_above_refuses_without_a_terminal(pipeline: Command, job: Path) -> None:
    done = pipeline("run", job, "--confirm-above", "1")
    assert done.code == 2
    assert "$1.90" in done.err
    assert pipeline("run", job, "--confirm-above", "2").code == 0


def test_the_log_file_has_one_json_object_a_line(pipeline: Command, job: Path) -> None:
    pipeline("run", job, "--log-file", "logs/run.jsonl")
    lines = (job.parent / "logs" / "run.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "summary"
    assert events[-1]["exit_code"] == 0
    assert {event["event"] for event in events} >= {"dispatched", "finished"}


def test_simulated_clips_do_not_mix_with_real_ones(pipeline: Command, job: Path) -> None:
    assert pipeline("run", job, "--limit", 1).code == 0
    with Sandbox(latency=0, clips="tiny", unmarked=True) as real:
        mixed = pipeline("run", job, "--base-url", real.url)
        assert mixed.code == 2
        assert "sandbox" in mixed.err
        assert real.books()["posts"] == 0


def test_a_budget_with_no_way_to_know_the_price_is_refused(pipeline: Command, job: Path) -> None:
    job.write_text(
        "model: wan-x\nprompts: [a]\ncredits: {budget: 3, gate: off}\n", encoding="utf-8"
    )
    done = pipeline("run", job)
    assert done.code == 2
    assert "credits.cost" in done.err


@pytest.mark.variant
def test_messages_go_out_at_the_end_and_a_bad_address_fails_nothing(
    pipeline_process: Command, job: Path, sandbox: Sandbox
) -> None:
    bodies: list[bytes] = []

    class Inbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    job.write_text(
        job.read_text(encoding="utf-8") + "notify: {to: [INBOX, NOWHERE], on: [end]}\n",
        encoding="utf-8",
    )
    with HTTPServer(("127.0.0.1", 0), Inbox) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        env = {
            "SEGMIND_API_KEY": KEY,
            "SEGMIND_BASE_URL": sandbox.url,
            "INBOX": f"json://127.0.0.1:{server.server_port}/",
        }
        done = pipeline_process("run", job, env=env)
        server.shutdown()
    assert done.code == 0
    assert "NOWHERE is not set" in done.err
    assert len(bodies) == 1
    assert b"every task of the job has succeeded" in bodies[0]


def test_a_report_of_few_clips_is_written_however_long_their_records_are(
    pipeline: Command, job: Path
) -> None:
    assert pipeline("run", job, "--no-report").code == 0
    folder = job.parent / "outputs" / "job"
    with (folder / "manifest.jsonl").open("r+", encoding="utf-8") as file:
        first = json.loads(file.readline())
        # An earlier record of the task, with a picture of 12 MB in its parameters.
        first["params"]["start_frame"] = "A" * 12_000_000
        file.seek(0)
        lines = file.read()
        file.seek(0)
        file.write(json.dumps(first) + "\n" + lines)
    done = pipeline("run", job)
    assert done.code == 0
    assert "more than" not in done.err
    assert (folder / "report.html").is_file()


def test_a_report_of_very_many_clips_is_left_to_a_command(
    job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = job.parent / "my clips"
    counts = Counts(total=20_001, succeeded=19_999, failed=1, in_doubt=1)
    write_report_at_end(load(job), job, output, counts)
    shown = capsys.readouterr().err
    assert "more than 20,000 clips" in shown
    assert f"report {job} --output '{output}'" in shown
    assert not output.exists()
