"""kill -9 at points of a run with `--again`, to the end of its command, and the same command."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.helpers import Workspace
from support.kill_points import OF_AGAIN, Point
from support.kills import KILLED, Driver

from sandbox.testing import Sandbox

# Processes die here, and no power is lost: what is synced to a disk only costs time.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
IDS = ("hero", "pier", "gull")


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with Driver() as running:
        yield running


class Shop:
    """A job whose clips are there, and the books of who was asked for them."""

    def __init__(self, folder: Path, box: Sandbox, driver: Driver) -> None:
        self.folder, self.box, self._driver = folder, box, driver
        self.workspace = Workspace(folder)
        self.workspace.write(
            concurrency=2,
            timeout=5,
            credits={"cost": 0.95},
            prompts=[{"id": name, "prompt": f"a {name}"} for name in IDS],
        )
        assert self.run() == 0, self.said

    def run(self, *flags: str, trap: dict[str, Any] | None = None) -> int:
        return self._driver.order(
            folder=str(self.folder),
            url=self.box.url,
            arguments=("run", "job.yaml", "--no-wait", *flags),
            wire="segmind",
            trap=trap,
        )

    def again(self, point: Point | None = None) -> int:
        half = {"task": "pier", "nth": 1, "half": 1}
        return self.run("--again", "*", trap=point and {"point": point, **half})

    @property
    def sent(self) -> Counter[str]:
        return Counter(one["prompt"] for one in self.box.books()["requests"])

    @property
    def said(self) -> str:
        return (self.folder / "err").read_text("utf-8")


@pytest.fixture
def shop(driver: Driver) -> Iterator[Shop]:
    with (
        tempfile.TemporaryDirectory(dir=MEMORY) as name,
        Sandbox(latency=0.2, clips="tiny", credits=1000) as box,
    ):
        yield Shop(Path(name), box, driver)


@pytest.mark.few(2)
@pytest.mark.parametrize("point", OF_AGAIN[::-1])
def test_an_again_that_is_killed_and_repeated_renders_each_clip_once_more(
    shop: Shop, point: Point
) -> None:
    assert shop.again(point) == KILLED, shop.said
    assert shop.again() == 0, shop.said
    each = Counter({f"a {name}": 2 for name in IDS})
    assert shop.sent == each, shop.said
    assert shop.workspace.counts() == {"succeeded": len(IDS)}
    assert not (shop.workspace.output / ".again.json").exists()
    if point is Point.FORGETTING:  # it has ended, and another one is another one
        assert shop.again() == 0
        assert shop.sent == each + Counter({f"a {name}": 1 for name in IDS})
