"""File systems that are not like a disk of one's own, and names that they cannot hold."""

import asyncio
import errno
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from support.command import Clips, CommandWorkspace, eventually, raw_server
from support.raw import CLIP, Line, answer

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(0)


@pytest.fixture(scope="session")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What puts a strange file system under a command."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a share is made of a few lines of C, and there is no compiler")
    made = tmp_path_factory.mktemp("share") / "share.so"
    source = Path(__file__).parents[1] / "support" / "shares.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_share_that_cannot_make_names_durable_is_told_once_and_used(
    workspace: CommandWorkspace, share: Path, number: int
) -> None:
    workspace.write(["good"] * 3, output={"dir": "out", "name": "day/{{ id }}"})
    run = workspace.run(env={"LD_PRELOAD": str(share), "ON_DIRECTORY": str(number)})
    assert run.code == 0, run.err
    assert run.err.count("cannot make names durable") == 1
    assert workspace.counts() == {"succeeded": 3}


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_at_it_is_an_error_before_anything_is_sent(
    workspace: CommandWorkspace, sandbox: Sandbox, share: Path, number: int
) -> None:
    workspace.write(["good"])
    run = workspace.run(env={"LD_PRELOAD": str(share), "ON_DIRECTORY": str(number)})
    assert run.code == 2, run.err
    assert not workspace.requests(sandbox.books())


def test_a_share_that_does_not_tell_its_size_is_not_full(
    workspace: CommandWorkspace, share: Path
) -> None:
    workspace.write(["good"] * 2)
    run = workspace.run(env={"LD_PRELOAD": str(share), "NO_TOTAL": "1"})
    assert run.code == 0, run.err


def test_a_clip_deep_in_folders_of_long_names_makes_way_for_a_newer_one(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    name = "/".join(["рассвет над заливом и маяк" * 2] * 3) + "/{{ id }}"
    assert len(name.replace("/", "-").encode()) > 255
    for prompt in ("good", "better", "best"):
        workspace.write([{"id": "a", "prompt": prompt}], output={"dir": "out", "name": name})
        run = workspace.call()
        assert run.code == 0, run.err
    assert workspace.counts() == {"succeeded": 1}
    assert len(list((workspace.out / "superseded").iterdir())) == 2
    assert len(list(workspace.out.rglob("*.mp4"))) == 3


def test_an_older_clip_that_cannot_be_moved_never_costs_the_newer_one(
    workspace: CommandWorkspace,
) -> None:
    workspace.write([{"id": "a", "prompt": "one"}])
    clips = Clips(1000)
    with raw_server(clips.act) as server:
        assert workspace.run(url=server.url).code == 0
        (old,) = workspace.out.glob("*.mp4")
        clips.go.clear()
        clips.waiting.clear()
        workspace.write([{"id": "a", "prompt": "two"}])
        process = workspace.start(url=server.url)
        assert clips.waiting.wait(30)
        (workspace.out / "superseded").write_text("in the way")
        clips.go.set()
        run = process.end()
        assert run.code == 0, run.err
        assert "stays in place" in run.err
        (workspace.out / "superseded").unlink()
        assert workspace.run(url=server.url).code == 0
    assert clips.posts == 2
    assert old.exists()
    new = workspace.out / workspace.records["a"]["output"]
    assert new.exists()
    assert new != old


def test_what_came_and_can_neither_be_placed_nor_claimed_is_recorded_in_doubt(
    workspace: CommandWorkspace,
) -> None:
    workspace.write(["good"] * 2, concurrency=1)
    go, posts, whole = threading.Event(), [0], answer(CLIP)

    async def act(line: Line) -> None:
        if (await line.read_request()).startswith(b"GET"):
            await line.say(answer(b'{"credits": 500}', content_type="application/json"))
            return
        posts[0] += 1
        await line.say(whole[:-50])
        await asyncio.to_thread(go.wait, 30)
        await line.say(whole[-50:])

    with raw_server(act) as server:
        process = workspace.start(url=server.url)
        inflight = workspace.out / ".inflight"
        eventually(lambda: [part for part in inflight.glob("*.part") if part.stat().st_size])
        shutil.rmtree(inflight)
        go.set()
        run = process.end()
        assert run.code == 7, run.err
        assert "came and could not be saved" in run.err, run.err
        assert workspace.statuses() == {"t000": "in_doubt"}
        assert workspace.records["t000"]["reason"] == "unsaved"
        assert workspace.run(url=server.url).code == 1
    assert posts == [2]  # one each
    assert workspace.statuses() == {"t000": "in_doubt", "t001": "succeeded"}


def test_a_picture_in_a_parameter_is_recorded_by_its_hash_and_its_size(
    workspace: CommandWorkspace,
) -> None:
    picture, clips = "iVBORw0KGgo" + "A" * 300_000, Clips(1000)
    with raw_server(clips.act) as server:
        for image, posts in ((picture, 1), (picture, 1), (picture + "B", 2)):
            task = {"id": "a", "prompt": "good", "params": {"image": image}}
            workspace.write([task], model="other")
            run = workspace.run(url=server.url)
            assert run.code == 0, run.err
            assert clips.posts == posts  # by what is sent it is told whether it is the same
    assert (workspace.out / "manifest.jsonl").stat().st_size < 10_000
    assert workspace.records["a"]["params"]["image"]["bytes"] == len(picture) + 1


def test_a_page_of_somebody_else_is_not_replaced(workspace: CommandWorkspace) -> None:
    workspace.write(["good"])
    workspace.out.mkdir()
    page = workspace.out / "report.html"
    page.write_text("<!doctype html><title>my holidays</title>")
    run = workspace.start(report=True).end()
    assert run.code == 0, run.err
    assert "not written by pipeline" in run.err
    assert page.read_text() == "<!doctype html><title>my holidays</title>"
    page.unlink()
    for _ in range(2):  # and ours is
        assert "report:" in workspace.start(report=True).end().err
    assert page.stat().st_size > 10_000


def test_a_directory_of_others_that_was_nobody_s_is_told_before_money_is_spent(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["good"])
    workspace.out.mkdir()
    for name in ("passwd", "hosts", "my clip.mp4"):
        (workspace.out / name).write_text("mine")
    run = workspace.call()
    assert run.code == 0
    assert "3 files of others" in run.err
    assert run.err.index("of others") < run.err.index("exit 0")
    assert "of others" not in workspace.call().err  # it is this job's now
    assert (workspace.out / "my clip.mp4").read_text() == "mine"


def test_clips_that_were_copied_without_our_dotted_files_are_not_those_of_others(
    workspace: CommandWorkspace,
) -> None:
    workspace.write(["good"])
    assert workspace.call().code == 0
    for name in (".job.json", ".lock"):
        (workspace.out / name).unlink()
    run = workspace.call()
    assert (run.code, "of others" in run.err) == (0, False), run.err
