"""The copy of the manifest in a bucket, after a kill between the requests that make it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.folder_bucket import FolderBucket

from pipeline.errors import BucketError
from pipeline.store.copies import copy_beside

NAME, STAGED = "manifest.jsonl", ".inflight/manifest.jsonl"


class KilledError(Exception):
    """The run is gone."""


def bucket_in(folder: Path, step: Callable[[], None] = lambda: None) -> FolderBucket:
    return FolderBucket(folder, step, lambda file, text: file.write_text(text) and None)


def killed_after(steps: int) -> Callable[[], None]:
    left = iter(range(steps))

    def step() -> None:
        if next(left, None) is None:
            raise KilledError

    return step


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / NAME
    file.write_text('{"task": "a"}\n')
    return file


def test_a_copy_that_was_killed_at_any_request_is_finished_and_follows_the_manifest(
    tmp_path: Path, manifest: Path
) -> None:
    for steps in range(9):
        folder = tmp_path / str(steps)
        folder.mkdir()
        for more in range(9):  # and once more, while it is finished
            (folder / "objects.json").unlink(missing_ok=True)
            for bucket in (bucket_in(folder, killed_after(n)) for n in (steps, more)):
                try:
                    copy_beside(bucket, manifest, "ours", lines=True)
                except KilledError:
                    manifest.write_text(manifest.read_text() + '{"task": "b"}\n')
            copy_beside(bucket_in(folder), manifest, "ours", lines=True)
            said = bucket_in(folder).load()
            assert set(said) == {NAME}
            assert (said[NAME][0], said[NAME][1]["directory"]) == (manifest.read_text(), "ours")


@pytest.mark.parametrize("draft", [None, "theirs", "ours"])
def test_an_object_of_somebody_else_is_left_alone(
    tmp_path: Path, manifest: Path, draft: str | None
) -> None:
    bucket = bucket_in(tmp_path)
    bucket.upload(b"somebody's", NAME, {})
    if draft is not None:
        content = b"somebody's" if draft == "theirs" else b"a manifest"
        bucket.upload(content, STAGED, {"directory": draft})
    with pytest.raises(BucketError, match="is not this job's"):
        copy_beside(bucket, manifest, "ours", lines=True)
    assert bucket.load()[NAME][0] == "somebody's"
