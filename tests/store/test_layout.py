"""One run at a time in an output directory, and one job."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.helpers import Workspace, environment, refused

from pipeline.errors import DirectoryError
from pipeline.models import Job
from pipeline.store.layout import Layout, lock_output
from sandbox.testing import Sandbox

HOLDER = """
import sys
from pathlib import Path
from pipeline.store.layout import lock_output
from pipeline.models import Job

path, output = map(Path, sys.argv[1:])
job = Job(path=path, name="job", model="m", output_dir=output, expand=lambda: iter(()))
held = lock_output(job)
print("held", flush=True)
sys.stdin.read()
held.close()
"""


def make_job(file: Path, output: Path, name: str = "job") -> Job:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return Job(path=file, name=name, model="m", output_dir=output, expand=lambda: iter(()))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path / "job.yaml", tmp_path / "out")


@contextmanager
def held_elsewhere(job: Job) -> Iterator["subprocess.Popen[str]"]:
    """Hold the directory in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, job.path, job.output_dir],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_directory_that_another_process_holds_is_refused_until_that_one_is_done(
    job: Job,
) -> None:
    layout = Layout(job.output_dir)
    with held_elsewhere(job) as process:
        assert layout.is_running()
        with pytest.raises(DirectoryError, match="in use"):
            lock_output(job)
        process.communicate("")
    assert not layout.is_running()
    lock_output(job).close()


def test_the_lock_dies_with_its_process(job: Job) -> None:
    with held_elsewhere(job) as process:
        process.kill()
        process.wait()
        assert not Layout(job.output_dir).is_running()
        lock_output(job).close()


def test_looking_whether_a_run_is_on_does_not_keep_one_from_starting(job: Job) -> None:
    layout = Layout(job.output_dir)
    lock_output(job).close()
    for _ in range(5):
        assert not layout.is_running()
        held = lock_output(job)
        assert layout.is_running()
        held.close()


def test_looking_at_a_directory_that_is_not_there_makes_none(tmp_path: Path) -> None:
    assert not Layout(tmp_path / "out").is_running()
    assert not (tmp_path / "out").exists()


def test_a_directory_of_another_job_is_refused_and_let_go(job: Job, tmp_path: Path) -> None:
    lock_output(job).close()
    with pytest.raises(DirectoryError, match=r"belongs to the job 'job'"):
        lock_output(make_job(tmp_path / "other.yaml", job.output_dir, "other"))
    lock_output(job).close()


def test_a_copy_of_a_job_is_another_job(job: Job, tmp_path: Path) -> None:
    lock_output(job).close()
    with pytest.raises(DirectoryError, match="belongs"):
        lock_output(make_job(tmp_path / "copy.yaml", job.output_dir))


def test_a_job_that_was_renamed_inside_keeps_its_directory(job: Job) -> None:
    lock_output(job).close()
    lock_output(make_job(job.path, job.output_dir, "renamed")).close()
    lock_output(make_job(job.path, job.output_dir)).close()


def test_a_job_file_that_was_moved_keeps_its_directory(job: Job, tmp_path: Path) -> None:
    lock_output(job).close()
    job.path.unlink()
    moved = make_job(tmp_path / "jobs" / "job.yaml", job.output_dir)
    lock_output(moved).close()
    # And is now the one that the directory belongs to.
    with pytest.raises(DirectoryError, match="belongs"):
        lock_output(make_job(job.path, job.output_dir))


def test_a_tree_that_was_moved_as_a_whole_goes_on(job: Job, tmp_path: Path) -> None:
    before = make_job(tmp_path / "a" / "job.yaml", tmp_path / "a" / "out")
    lock_output(before).close()
    (tmp_path / "a").rename(tmp_path / "b")
    lock_output(make_job(tmp_path / "b" / "job.yaml", tmp_path / "b" / "out")).close()


def spoil_owner(job: Job) -> None:
    lock_output(job).close()
    Layout(job.output_dir).owner.write_bytes(b"\0\0")


def put_file(job: Job) -> None:
    job.output_dir.write_bytes(b"")


@pytest.mark.parametrize("spoil", [spoil_owner, put_file])
def test_a_directory_that_cannot_be_used_is_refused(job: Job, spoil: Callable[[Job], None]) -> None:
    spoil(job)
    with pytest.raises(DirectoryError):
        lock_output(job)


def test_a_directory_under_a_file_is_refused(job: Job, tmp_path: Path) -> None:
    with pytest.raises(DirectoryError):
        lock_output(make_job(tmp_path / "j.yaml", job.path / "out"))


# -- with the real command --------------------------------------------------------------------

PROMPTS = [{"id": "a", "prompt": "a lighthouse"}, {"id": "b", "prompt": "a harbour"}]


@pytest.mark.slow
def test_simulated_and_real_clips_are_never_mixed(workspace: Workspace) -> None:
    workspace.write(prompts=PROMPTS[:1], credits={"cost": 0.95})
    with Sandbox(clips="tiny", latency=0) as simulated:
        assert workspace.run(url=simulated.url).code == 0
    workspace.write(prompts=PROMPTS, credits={"cost": 0.95})
    with Sandbox(clips="tiny", latency=0, unmarked=True) as real:
        run = workspace.run(url=real.url)
        assert run.code == 2
        assert "sandbox" in run.err
        assert real.books()["posts"] == 0
        assert workspace.run("--output", workspace.folder / "real", url=real.url).code == 0


@pytest.mark.slow
def test_a_clip_that_was_moved_away_stays_done_until_it_is_asked_for(workspace: Workspace) -> None:
    workspace.write(prompts=PROMPTS, credits={"cost": 0.95})
    with Sandbox(clips="tiny", latency=0) as sandbox:
        assert workspace.run(url=sandbox.url).code == 0
        output = workspace.last()["a"]["output"]
        (workspace.output / output).rename(workspace.folder / "elsewhere.mp4")
        run = workspace.run(url=sandbox.url)
        assert run.code == 0
        assert "warning" in run.err
        assert sandbox.books()["posts"] == 2
        assert workspace.run("--retry", "missing", url=sandbox.url).code == 0
        books = sandbox.books()
    assert books["posts"] == 3
    assert workspace.last()["a"]["output"] == output
    assert workspace.sound() == 2
    assert refused(books) == 0


@pytest.mark.slow
def test_a_changed_prompt_is_rendered_again_and_its_older_clip_moves_aside(
    workspace: Workspace,
) -> None:
    workspace.write(prompts=PROMPTS, credits={"cost": 0.95})
    with Sandbox(clips="tiny", latency=0) as sandbox:
        assert workspace.run(url=sandbox.url).code == 0
        workspace.write(
            prompts=[{"id": "c", "prompt": "a pier"}, PROMPTS[1],
                     {"id": "a", "prompt": "a lighthouse at dusk"}],
            credits={"cost": 0.95},
        )  # fmt: skip
        assert workspace.run(url=sandbox.url).code == 0
        books = sandbox.books()
    assert books["posts"] == 4
    assert workspace.sound() == 3
    assert len(list((workspace.output / "superseded").iterdir())) == 1
    workspace.agrees_with(books)
