"""Posters that a run leaves, and the page as one file: with the real command."""

import os
import signal
import sys
from pathlib import Path

import pytest
from PIL import Image

from pipeline.cli.posters import NO_POSTERS
from sandbox.testing import Sandbox
from tests.cli.conftest import Command
from tests.support.helpers import Workspace, until


def posters(folder: Path) -> list[str]:
    """List what is in `posters/`, each a whole WebP."""
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    for name in names:
        with Image.open(folder / name) as image:
            image.load()
            assert image.format == "WEBP"
    return names


def test_a_run_leaves_posters_and_nothing_complains_of_them(
    pipeline: Command, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NO_POSTERS)
    done = pipeline("run", job)
    assert (done.code, "warning" in done.err) == (0, False)
    folder = job.parent / "outputs" / "job"
    made = posters(folder / "posters")
    assert [name.startswith(("one", "two")) for name in made] == [True, True]
    assert (folder / "report.html").read_text("utf-8").count('"poster":"./posters/') == 2
    assert "warning" not in pipeline("run", job).err
    assert pipeline("status", job).code == 0


def test_report_makes_what_a_run_has_left(pipeline: Command, job: Path) -> None:
    assert pipeline("run", job, "--no-posters").code == 0
    folder = job.parent / "outputs" / "job" / "posters"
    assert not folder.exists()
    assert pipeline("report", job).code == 0
    assert len(posters(folder)) == 2


def test_a_bundle_says_what_is_in_it_and_takes_no_name_of_others(
    pipeline: Command, job: Path
) -> None:
    assert pipeline("run", job).code == 0
    folder = job.parent / "outputs" / "job"
    done = pipeline("report", job, "--bundle")
    assert (done.code, done.out.strip()) == (0, str(folder / "report-bundle.html"))
    assert "2 films, 0 strips, 0 stills, " in done.err
    shared = pipeline("report", job, "--bundle", "--out", "for-client.html", "--budget", "1.5 MB")
    assert (shared.code, (job.parent / "for-client.html").exists()) == (0, True)
    for out in ("job.yaml", "outputs/job/verdicts.jsonl", "outputs/job/report.html", "outputs"):
        refused = pipeline("report", job, "--bundle", "--out", out)
        assert (refused.code, "--out" in refused.err) == (2, True)
    for flags in (
        ("--out", "a.html"),
        ("--budget", "1MB"),
        ("--bundle", "--budget", "much"),
        ("--bundle", "--budget", "9kB"),
        ("--bundle", "--sign", "1h"),
    ):
        assert pipeline("report", job, *flags).code == 2


def test_a_bundle_without_the_extra_says_what_installs_it(
    pipeline: Command, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pipeline("run", job).code == 0
    monkeypatch.setitem(sys.modules, "imagehash", None)
    done = pipeline("report", job, "--bundle")
    assert (done.code, "pip install 'overnight-pipeline[media]'" in done.err) == (2, True)
    done = pipeline("report", job)
    assert (done.code, "overnight-pipeline[media]" in done.err) == (0, True)
    assert not (job.parent / "outputs" / "job" / "posters").exists()


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc tells the children")
def test_a_run_that_is_killed_leaves_whole_posters_and_no_process(workspace: Workspace) -> None:
    workspace.env[NO_POSTERS] = None
    workspace.write(prompts=[f"p{n}" for n in range(6)], credits={"cost": 0.95}, concurrency=2)
    folder = workspace.output / "posters"
    with Sandbox(latency=0.05, clips="real") as api:
        run = workspace.start(url=api.url)
        until(lambda: folder.exists() and any(folder.iterdir()))
        decoding = children(run.pid)
        assert decoding
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in decoding))
        before = sorted(path.name for path in folder.glob("*.webp"))
        assert workspace.finish(workspace.start(url=api.url)).code == 0
    assert workspace.finish(workspace.start(command="report")).code == 0
    after = posters(folder)
    assert len(after) == 12
    assert set(before) <= set(after)


def test_a_folder_that_is_not_ours_costs_a_run_nothing_but_posters(
    pipeline: Command, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NO_POSTERS)
    folder = job.parent / "outputs" / "job"
    folder.mkdir(parents=True)
    (job.parent / "elsewhere").mkdir()
    (folder / "posters").symlink_to(job.parent / "elsewhere")
    done = pipeline("run", job)
    assert (done.code, done.err.count("warning: ")) == (0, 1)
    assert "2 clips have no poster: " in done.err
    assert not list((job.parent / "elsewhere").iterdir())
    assert "2 clips have no poster" in pipeline("report", job).err
