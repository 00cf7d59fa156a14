"""Names and paths out of a job, a sheet or a folder of somebody else's."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace, run_alone

from pipeline.common.extensions import with_ending
from pipeline.errors import JobFileError
from pipeline.job import load
from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(3)

ROWS = "prompts_from: rows.csv\nprompt: '{{ subject }}'\n"


def names(workspace: JobWorkspace, template: str, **row: str) -> list[str]:
    line = ",".join(json.dumps(value) for value in ("A fox", *row.values()))
    workspace.put("rows.csv", ",".join(["subject", *row]) + "\n" + line + "\n")
    return [
        task.output for task in workspace.brief(ROWS + f"output: {{name: {json.dumps(template)}}}")
    ]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ publish }}-{{ index }}", "12-25-2026-1"),
        ("{{ channel }}/{{ publish }}", "a-b/12-25-2026"),
        ("{{ publish | replace('/', '_') }}", "12_25_2026"),
        ("{{ iso | date('%Y/%m') }}/{{ index }}", "2026/12/1"),
        ("{{ publish ~ '/' ~ index }}", "12-25-2026/1"),
        ("{{ publish + '/' + 'x' }}", "12-25-2026/x"),
        ("{{ '%s/%s' % (publish, index) }}", "12-25-2026/1"),
        ("{{ [channel, publish] | join('/') }}", "a-b/12-25-2026"),
        ("{{ publish if channel else 'x/y' }}", "12-25-2026"),
        ("{{ '' or channel }}", "a-b"),
        ("{{ 'x/y' if channel else publish }}", "x/y"),
        ("{% for part in [publish] %}{{ part }}/{{ loop.index }}{% endfor %}", "12-25-2026/1"),
        ("{{ publish.split('/')[2] }}/{{ publish.split('/')[0] }}", "2026/12"),
        ("{{ gone | default('x/y') }}", "x/y"),
        ("{{ up }}{{ index }}", "-etc-passwd1"),
    ],
)
def test_only_a_slash_of_the_template_makes_a_folder(
    workspace: JobWorkspace, template: str, name: str
) -> None:
    row = {"publish": "12/25/2026", "channel": "a/b", "iso": "2026-12-25", "up": "/etc/passwd"}
    assert names(workspace, template, **row) == [name]


def test_a_slash_in_a_prompt_or_a_parameter_stays(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "subject\n1/2 fox\n")
    job = ROWS + "output: {name: '{{ prompt }}'}"
    (task,) = workspace.brief(job)
    assert (task.prompt, task.output) == ("1/2 fox", "1-2 fox")


@pytest.mark.parametrize(
    ("name", "extension", "called"),
    [
        ("clip", ".mp4", "clip.mp4"),
        ("clip.mp4", ".mp4", "clip.mp4"),
        ("clip.MP4", ".mp4", "clip.mp4"),
        ("a/clip.jpeg", ".jpg", "a/clip.jpg"),
        ("clip.jpg", ".mp4", "clip.jpg.mp4"),
        ("v1.2", ".mp4", "v1.2.mp4"),
        ("clip.bin", ".bin", "clip.bin.bin"),
    ],
)
def test_a_file_has_its_extension_once(name: str, extension: str, called: str) -> None:
    assert with_ending(name, extension) == called


@pytest.mark.variant
def test_a_task_called_like_a_clip_makes_one_extension_and_stays_done(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        "model: luma-txt-2-video\nprompts: [{id: hero.mp4, prompt: p}, {id: b, prompt: q}]\n"
        "output: {name: '{{ id }}'}\ncredits: {cost: 0.95}\n"
    )
    with Sandbox(latency=0, clips="tiny", credits=100) as served:
        access = {"SEGMIND_BASE_URL": served.url, "SEGMIND_API_KEY": "k" * 20}
        assert run_alone("run", job, **access).returncode == 0
        clips = {path.name for path in (tmp_path / "outputs/job").glob("*.mp4")}
        assert clips == {"hero.mp4", "b.mp4"}
        assert json.loads(run_alone("check", job, "--json").stdout)["done"] == 2


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("clip", "clip.mp4", True),
        ("clip.mp4", "clip", True),
        ("clip.jpg", "Clip.jpeg", True),
        ("clip.jpg", "clip.mp4", False),
        ("v1.2", "v1.3", False),
        ("v1", "v1.2", False),
    ],
)
def test_two_names_that_would_become_one_file_are_reported(
    workspace: JobWorkspace, one: str, other: str, clash: bool
) -> None:
    job = f"prompts: [{{id: {one}, prompt: a}}, {{id: {other}, prompt: b}}]\n"
    job += "output: {name: '{{ id }}'}\n"
    if clash:
        assert "have the same output name" in workspace.wrong(job)
    else:
        assert len(workspace.brief(job)) == 2


@pytest.mark.parametrize("name", ["report.html/x", "manifest.jsonl", "superseded/a", "Errors/a"])
def test_no_clip_lies_where_files_of_ours_do(workspace: JobWorkspace, name: str) -> None:
    assert "pipeline itself uses" in workspace.wrong(f"prompts: [p]\noutput: {{name: {name}}}\n")


STEERING = ["\\e[2J", "\\a", "\\n", "\\r", "\\u202e", "\\u2066", "\\u2028", "\\x7f", "\\u200f"]


@pytest.mark.parametrize("mark", STEERING)
@pytest.mark.parametrize("key", ["name", "output.dir", "output.name", "prompts_from"])
def test_what_steers_a_terminal_is_a_problem_of_the_jobs_names(
    workspace: JobWorkspace, mark: str, key: str
) -> None:
    text = f'"a{mark}b.csv"'
    head, _, below = key.partition(".")
    job = f"{head}: {{{below}: {text}}}\n" if below else f"{head}: {text}\n"
    found = workspace.problems("model: m\nprompts: [p]\n" + job)
    assert [(p.line, p.key) for p in found] == [(3, key)]
    assert "control character" in found[0].message
    assert str(found[0]).isprintable()


def test_a_name_over_several_lines_and_a_cell_of_several_are_fine(workspace: JobWorkspace) -> None:
    job = "prompts: [p]\noutput:\n  name: |\n    {% if index\n    %}clip{% endif %}-{{ index }}\n"
    assert workspace.brief(job)[0].output == "clip-1"
    assert len(names(workspace, "{{ note }}-{{ index }}", note="two\nlines")) == 1


@pytest.mark.parametrize("name", ["a\x1b[31mb.yaml", "a\nb.yaml", "a\u202eb.yaml", "a\x07.yaml"])
def test_a_job_whose_path_steers_a_terminal_is_refused_in_printable_words(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text("model: m\nprompts: [p]\n")
    done = run_alone("check", path)
    assert done.returncode == 2
    assert "the path of the file contains a control character" in done.stderr
    assert all(line.isprintable() for line in done.stderr.splitlines())


def test_a_job_in_a_folder_of_any_script_is_fine(tmp_path: Path) -> None:
    folder = tmp_path / "映画\u3000👩\u200d🚀 Früh"
    folder.mkdir()
    (folder / "job.yaml").write_text("model: m\nprompts: [p]\n")
    assert len(list(load(folder / "job.yaml").tasks())) == 1


@pytest.mark.variant
def test_a_sheet_from_outside_the_jobs_folder_is_reported_in_check_and_at_the_start(
    tmp_path: Path,
) -> None:
    (tmp_path / "outside.csv").write_text("prompt\nA fox\n")
    folder = tmp_path / "jobs"
    (folder / "sub").mkdir(parents=True)
    (folder / "link.csv").symlink_to("../outside.csv")
    (folder / "sub" / "own.csv").write_text("prompt\nA kite\n")
    (folder / "inner.csv").symlink_to("sub/own.csv")
    job = folder / "job.yaml"
    for source in ("../outside.csv", "link.csv", str(tmp_path / "outside.csv")):
        job.write_text(f"model: luma-txt-2-video\nprompts_from: {source}\ncredits: {{cost: 1}}\n")
        done = run_alone("check", job)
        assert done.returncode == 0
        assert f"is outside the job's folder: {tmp_path}/outside.csv" in done.stdout
    with Sandbox(latency=0, clips="tiny", credits=100) as served:
        access = {"SEGMIND_BASE_URL": served.url, "SEGMIND_API_KEY": "k" * 20}
        assert "is outside the job's folder" in run_alone("run", job, **access).stderr
    for source in ("sub/own.csv", "inner.csv", "sub/../sub/own.csv"):
        job.write_text(f"model: m\nprompts_from: {source}\n")
        assert load(job).warnings == ()


def test_what_becomes_a_pipe_while_it_is_read_is_reported_and_waits_for_nobody(
    workspace: JobWorkspace,
) -> None:
    path = workspace.put("rows.csv", "prompt\nx\n")
    job = workspace.job("model: m\nprompts_from: rows.csv\n")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(JobFileError, match="not a regular file"):
        list(job.tasks())
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(JobFileError, match="not a regular file"):
        list(job.tasks())


@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt", "jsonl", "json"])
def test_a_file_of_ten_gigabytes_is_refused_at_once(workspace: JobWorkspace, suffix: str) -> None:
    path = workspace.put(f"rows.{suffix}", "prompt\n")
    os.truncate(path, 10 * 1000**3)
    began = time.process_time()
    with pytest.raises(JobFileError, match="larger than 4 GB"):
        workspace.brief(f"prompts_from: rows.{suffix}")
    os.truncate(path, 3 * 1000**3)
    with pytest.raises(JobFileError, match=r"longer than 4 MB|control character|not a JSON array"):
        workspace.brief(f"prompts_from: rows.{suffix}\n")
    assert time.process_time() - began < 5


def test_one_endless_cell_is_refused_at_once(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", 'prompt\n"' + "a line of a cell\n" * 200_000 + '"\n')
    with pytest.raises(JobFileError, match=r"rows\.csv:2: the row cannot be read"):
        workspace.brief("prompts_from: rows.csv")


@pytest.mark.few(0)
def test_a_job_of_more_values_than_a_person_writes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"model: m\nprompts:\n" + b"- x\n" * 1_100_000)
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30));"
    script += "from pipeline.cli.edge import run_command; sys.exit(run_command(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, "check", str(path)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr[-300:]
    assert "more than 1,000,000 values: move the prompts to a sheet" in done.stderr
