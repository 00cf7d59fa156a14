"""Whose a prefix is: one directory's, whatever its machine, its clock, or a kill."""

import json
import shutil
from pathlib import Path
from threading import Event

import pytest
from cloud.conftest import PREFIX, CloudWorkspace, nothing_sent_twice
from support.helpers import until
from support.moto_server import FaultyBucket, Seen, error, kill_at

from pipeline.errors import BucketError, DirectoryError
from pipeline.store.bucket import Bucket
from pipeline.store.layout import Layout
from pipeline.store.prefix import OWNER, Prefix
from sandbox.testing import Sandbox

pytestmark = pytest.mark.cloud


@pytest.fixture
def elsewhere(tmp_path: Path, bucket: FaultyBucket) -> CloudWorkspace:
    """Give the same job in another directory, as on another machine."""
    (tmp_path / "elsewhere").mkdir()
    return CloudWorkspace(tmp_path / "elsewhere", bucket)


def test_another_directory_is_refused_during_a_run_after_a_kill_and_after_the_end(
    workspace: CloudWorkspace, elsewhere: CloudWorkspace
) -> None:
    workspace.render(prompts=4)
    elsewhere.render(prompts=4)

    def is_refused() -> None:
        run = elsewhere.run(url=api.url)
        assert run.code == 2, run.err
        assert "belongs to the job" in run.err
        assert OWNER in run.err

    with Sandbox(clips="tiny", latency=0.5) as api:
        process = workspace.start(url=api.url)
        until(lambda: len(workspace.visible()) >= 1, 120)
        is_refused()
        kill_at(process)
        process.communicate()
        is_refused()
        again = workspace.run("--no-wait", url=api.url)
        assert again.code in {0, 1}, again.err
        is_refused()
        nothing_sent_twice(api.books())


def test_a_copy_of_the_directory_is_refused_after_a_kill_and_goes_on_after_an_end(
    workspace: CloudWorkspace, elsewhere: CloudWorkspace
) -> None:
    workspace.render(prompts=2)
    elsewhere.render(prompts=3)
    with Sandbox(clips="tiny") as api:
        assert workspace.run("--limit", "1", url=api.url).code == 0
        released = json.loads(workspace.bucket.read(f"{PREFIX}/{OWNER}"))
        assert released["released"]
        running = json.dumps({**released, "released": False, "renewed_at": "2001-01-01T00:00:00Z"})
        workspace.bucket.put(f"{PREFIX}/{OWNER}", running.encode())
        shutil.copytree(workspace.output, elsewhere.output)
        (elsewhere.output / ".job.json").unlink()
        refused = elsewhere.run(url=api.url)
        assert refused.code == 2, refused.err
        # The same directory has it back at once, whatever a clock says.
        assert workspace.run(url=api.url).code == 0
        shutil.copy(workspace.output / "manifest.jsonl", elsewhere.output / "manifest.jsonl")
        moved = elsewhere.run(url=api.url)
        assert moved.code == 0, moved.err
        nothing_sent_twice(api.books())
    assert elsewhere.sound() == 3


def prefix_of(folder: Path, direct: Bucket) -> Prefix:
    folder.mkdir(exist_ok=True)
    return Prefix(direct, Layout(folder), "job")


def test_a_prefix_that_is_taken_away_ends_its_use(
    tmp_path: Path, bucket: FaultyBucket, direct: Bucket
) -> None:
    first = prefix_of(tmp_path / "a", direct)
    first.take()
    first.renew()
    bucket.client().delete_object(Bucket="clips-of-tests", Key=f"{PREFIX}/{OWNER}")
    with pytest.raises(BucketError, match="was removed"):
        first.renew()
    assert not first.held
    second = prefix_of(tmp_path / "b", direct)
    second.take()
    with pytest.raises(DirectoryError, match="belongs to"):
        prefix_of(tmp_path / "a", direct).take()


def test_a_renewal_whose_answer_was_lost_is_known_for_one_of_ours(
    tmp_path: Path, direct: Bucket
) -> None:
    prefix = prefix_of(tmp_path / "a", direct)
    prefix.take()
    prefix_of(tmp_path / "a", direct).take()  # another tag, of the same directory
    prefix.renew()
    assert prefix.held


@pytest.mark.parametrize(
    "ignored", [("PUT", "if-none-match"), ("POST", "if-none-match"), ("PUT", "if-match")]
)
def test_a_storage_that_ignores_a_condition_is_refused_each_time(
    ignored: tuple[str, str], tmp_path: Path, bucket: FaultyBucket, direct: Bucket
) -> None:
    bucket.ignored = frozenset([ignored])
    for _ in range(2):
        with pytest.raises(BucketError, match="no conditional creation") as refused:
            prefix_of(tmp_path / "a", direct).take()
        assert refused.value.lasts
    bucket.ignored = frozenset()
    prefix_of(tmp_path / "a", direct).take()
    assert bucket.keys() == [f"{PREFIX}/{OWNER}"]


@pytest.mark.parametrize("header", ["if-none-match", "if-match"])
def test_a_storage_that_does_not_know_a_condition_is_refused_before_anything_is_sent(
    header: str, workspace: CloudWorkspace
) -> None:
    workspace.render()
    workspace.bucket.script = lambda seen: (
        error(501, "NotImplemented") if header in seen.conditions else None
    )
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 2, run.err
        assert "knows no such request" in run.err
        assert "If-None-Match" in run.err
        assert api.books()["posts"] == 0


def test_a_local_directory_that_was_deleted_is_another_one_and_its_manifest_brings_it_back(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=2)
    bucket = workspace.bucket
    with Sandbox(clips="tiny") as api:
        assert workspace.run(url=api.url).code == 0
        shutil.rmtree(workspace.output)
        refused = workspace.run(url=api.url)
        assert refused.code == 2, refused.err
        assert "belongs to the job" in refused.err
        # What docs/how-to/buckets.md says.
        (workspace.output / "manifest.jsonl").write_bytes(bucket.read(f"{PREFIX}/manifest.jsonl"))
        for name in (OWNER, "manifest.jsonl", "report.html"):
            bucket.client().delete_object(Bucket="clips-of-tests", Key=f"{PREFIX}/{name}")
        workspace.render(prompts=3)
        again = workspace.run("--retry", "missing", url=api.url)
        assert again.code == 0, again.err
        nothing_sent_twice(api.books())
    assert workspace.sound() == 3


@pytest.mark.parametrize("note", [b"", b"\xff\0", b"[]", b'{"directory": 1}', b"{" * 100_000])
def test_an_owner_that_cannot_be_read_is_refused_and_left_unchanged(
    note: bytes, tmp_path: Path, bucket: FaultyBucket, direct: Bucket
) -> None:
    bucket.put(f"{PREFIX}/{OWNER}", note)
    with pytest.raises(DirectoryError, match="was not written by this version"):
        prefix_of(tmp_path / "a", direct).take()
    assert bucket.read(f"{PREFIX}/{OWNER}") == note


def test_of_two_that_take_a_new_prefix_at_once_one_has_it(
    tmp_path: Path, bucket: FaultyBucket, direct: Bucket
) -> None:
    other, taken = prefix_of(tmp_path / "b", direct), Event()

    def come_between(seen: Seen) -> None:
        if not taken.is_set() and (seen.method, seen.key) == ("PUT", f"{PREFIX}/{OWNER}"):
            taken.set()
            other.take()

    bucket.script = come_between
    with pytest.raises(DirectoryError, match="has just taken"):
        prefix_of(tmp_path / "a", direct).take()
    assert other.held
