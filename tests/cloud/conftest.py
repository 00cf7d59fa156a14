"""A bucket for each test, of one server for all; and the command at work with it."""

import hashlib
import importlib.util
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.helpers import Run, Workspace, times_sent
from support.moto_server import ACCESS, SECRET, TOKEN, FaultyBucket, MotoServer

from pipeline.common import bucket_address
from pipeline.store.bucket import Bucket

PREFIX = "night"
ADDRESS = "s3://clips-of-tests/night"


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    if any(importlib.util.find_spec(name) is None for name in ("moto", "obstore")):
        pytest.skip("moto or obstore is not installed: pip install -r requirements/dev.txt")
    server = MotoServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def bucket(moto: MotoServer) -> Iterator[FaultyBucket]:
    if moto.process is None:
        moto.start()
    with FaultyBucket(moto) as faulty:
        faulty.clear()
        yield faulty


class CloudWorkspace(Workspace):
    """A job whose clips go to a bucket."""

    def __init__(self, folder: Path, bucket: FaultyBucket) -> None:
        super().__init__(folder)
        self.bucket = bucket
        self.env.update(bucket.environment)

    def render(self, prompts: int = 6, address: str = ADDRESS, **keys: Any) -> Path:
        output = {"dir": address, **keys.pop("output", {})}
        named = [{"id": f"t{n:03}", "prompt": f"clip {n}"} for n in range(prompts)]
        defaults: dict[str, Any] = {"concurrency": 3, "credits": {"cost": 0.95}}
        return self.write(output=output, prompts=named, **{**defaults, **keys})

    def run(self, *arguments: object, url: str | None = None, within: float = 120.0) -> Run:
        return super().run(*arguments, url=url, within=within)

    def finish(self, process: Any, within: float = 120.0) -> Run:
        run = super().finish(process, within)
        for secret in (SECRET, TOKEN, ACCESS):
            assert secret not in run.out + run.err
        return run

    def finish_signed(self, process: Any) -> str:
        """Wait for a command whose output names an access key, as a signed link does."""
        run = Workspace.finish(self, process)
        assert run.code == 0, run.err
        assert SECRET not in run.out + run.err
        return run.out

    def sound(self) -> int:
        """Check that each success has its object, whole and described; return how many."""
        done = [r for r in self.last().values() if r["status"] == "succeeded"]
        for record in done:
            key = f"{PREFIX}/{record['output']}"
            data, head = self.bucket.read(key), self.bucket.head(key)
            assert hashlib.sha256(data).hexdigest() == record["sha256"], key
            assert head["Metadata"]["sha256"] == record["sha256"]
            assert head["ContentType"] == record["content_type"]
        assert len({record["output"] for record in done}) == len(done)
        return len(done)

    def visible(self) -> list[str]:
        """List the clips that anybody sees below the prefix."""
        return [k for k in self.bucket.keys(f"{PREFIX}/") if k.endswith(".mp4") and "/." not in k]

    def secrets_stay_out(self) -> None:
        for path in self.folder.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                for secret in (SECRET, TOKEN, ACCESS):
                    assert secret.encode() not in data, path


def nothing_sent_twice(books: dict[str, Any]) -> None:
    twice = {prompt: n for prompt, n in times_sent(books).items() if n > 1}
    assert not twice


def paid(books: dict[str, Any]) -> Counter[str]:
    return Counter(entry["params"]["prompt"] for entry in books["charges"])


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest) -> None:
    """Give each test the time that a loaded machine may take."""
    request.node.add_marker(pytest.mark.timeout(300))


@pytest.fixture
def workspace(tmp_path: Path, bucket: FaultyBucket) -> CloudWorkspace:
    return CloudWorkspace(tmp_path, bucket)


@pytest.fixture
def direct(bucket: FaultyBucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return Bucket(bucket_address.parse(ADDRESS))
