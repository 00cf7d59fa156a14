"""What is fetched for requests: on the disk while it is needed, and never left there."""

# ruff: noqa: ASYNC240 - a look at a file in a test may block

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from pipeline.api.content import FileToSend, InputFailedError
from pipeline.api.outcome import Body, Fault, Outcome
from pipeline.api.preparing import Preparing
from pipeline.api.spool import Spool
from pipeline.models import Form, Input, Task

SIZE = 1_000


class World:
    """Fetches and uploads, and counts both; `at` is the time of its clock."""

    def __init__(self, root: Path, lives: float | None = None, kept: int = 5 * SIZE) -> None:
        self.root = root
        self.fetched: list[str] = []
        self.uploaded: list[str] = []
        self.peak, self.at = 0, 0.0
        self.fault: Fault | None = None
        spool = Spool(root, kept)
        self.preparing = Preparing(
            self.fetch, self.upload, lives, spool=spool, clock=lambda: self.at
        )

    async def fetch(self, url: str, path: Path) -> Outcome:
        self.fetched.append(url)
        await anyio.lowlevel.checkpoint()
        path.write_bytes(b"x" * SIZE)
        self.peak = max(self.peak, len(self.files))
        body = None if self.fault else Body(SIZE, url[-8:], ".png", "image/png")
        return Outcome(took=0, status=200, body=body, fault=self.fault)

    async def upload(self, file: FileToSend, _: str) -> str:
        self.uploaded.append(file.sha256)
        return f"https://x.test/{len(self.uploaded)}"

    @property
    def files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file() and path.name != "lock"]

    async def render(self, number: int, form: Form = Form.BASE64) -> str:
        url = f"https://x.test/{number:08}"
        one = Input(sha256="0", form=form, url=url)
        task = Task(id="a", model="m", params={}, fingerprint="0", output="a", inputs={"i": one})
        async with self.preparing.prepare(task) as prepared:
            await anyio.lowlevel.checkpoint()
            assert form is Form.UPLOAD or self.files
            return str(prepared.values["i"])


async def test_a_thousand_addresses_need_the_disk_of_a_few(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(1_000):
        await world.render(number)
    assert len(world.fetched) == 1_000
    assert world.peak <= 7
    await world.render(999)
    assert len(world.fetched) == 1_000
    await world.render(0)
    assert len(world.fetched) == 1_001
    assert not world.preparing._turns
    world.preparing.close()
    assert list(tmp_path.iterdir()) == []


async def test_the_same_address_is_fetched_once_for_all_that_need_it_at_a_time(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, kept=0)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(world.render, 1)
    assert len(world.fetched) == 1
    assert world.files == []


async def test_a_file_stays_while_a_task_needs_it(tmp_path: Path) -> None:
    world = World(tmp_path, kept=0)
    url = Input(sha256="0", form=Form.BASE64, url="https://x.test/00000001")
    task = Task(id="a", model="m", params={}, fingerprint="0", output="a", inputs={"i": [url, url]})
    async with world.preparing.prepare(task):
        await world.render(1)
        assert len(world.files) == 1
    assert world.files == []
    assert len(world.fetched) == 1


async def test_what_cannot_be_fetched_leaves_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fault = Fault.NOT_MEDIA
    with pytest.raises(InputFailedError):
        await world.render(1)
    assert world.files == []


async def test_an_upload_is_made_again_before_it_expires(tmp_path: Path) -> None:
    world = World(tmp_path, lives=100)
    assert await world.render(1, Form.UPLOAD) == await world.render(1, Form.UPLOAD)
    assert (len(world.fetched), len(world.uploaded)) == (1, 1)
    world.at = 49.0
    await world.render(1, Form.UPLOAD)
    assert len(world.uploaded) == 1
    world.at = 51.0
    await world.render(1, Form.UPLOAD)
    assert len(world.uploaded) == 2


def test_what_a_killed_run_has_left_is_deleted_and_nothing_of_a_living_one(
    tmp_path: Path,
) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipeline.api.spool import Spool;"
        "Spool(Path(sys.argv[1])).new_file().write_bytes(b'x'); print('there', flush=True);"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        living = Spool(tmp_path)
        living.new_file().write_bytes(b"x")
        living.sweep()
        assert len(list(tmp_path.iterdir())) == 2
        process.kill()
    Spool(tmp_path).sweep()
    assert len(list(tmp_path.iterdir())) == 1
    living.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_what_is_not_a_run_s_is_left_alone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    strange, link = tmp_path / "pipeline-inputs-strange", tmp_path / "pipeline-inputs-link"
    make(strange)
    other = tmp_path / "other"
    other.mkdir()
    (other / "lock").touch()
    link.symlink_to(other)
    Spool(tmp_path).sweep()
    assert strange.exists()
    assert (other / "lock").exists()


def test_an_old_folder_without_a_lock_is_deleted(tmp_path: Path) -> None:
    old = tmp_path / "pipeline-inputs-old"
    old.mkdir()
    os.utime(old, (time.time() - 7200,) * 2)
    Spool(tmp_path).sweep()
    assert not old.exists()
