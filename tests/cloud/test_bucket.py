"""What a bucket says is believed only where a mistake costs nothing."""

from pathlib import Path

import pytest
from cloud.conftest import PREFIX
from support.moto_server import Answer, FaultyBucket, Seen

from pipeline.errors import BucketError
from pipeline.store.bucket import Bucket
from pipeline.store.cloud import CloudShelf
from pipeline.store.layout import Layout

pytestmark = pytest.mark.cloud


@pytest.fixture
def shelf(tmp_path: Path, direct: Bucket) -> CloudShelf:
    return CloudShelf(direct.address, Layout(tmp_path), job="job", connect=lambda _: direct)


def a_list(*keys: str, more: str = "") -> Answer:
    """Answer with a page of a list; `more` is what says that others follow."""
    head = "<Name>b</Name><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys>"
    found = "".join(
        f"<Contents><Key>{PREFIX}/{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"0"</ETag><Size>1</Size></Contents>'
        for key in keys
    )
    return Answer(200, f"<ListBucketResult>{head}{more}{found}</ListBucketResult>".encode())


def lists(seen: Seen) -> bool:
    return "list-type" in seen.query


def test_names_come_by_pages(bucket: FaultyBucket, direct: Bucket) -> None:
    for number in range(5):
        bucket.put(f"{PREFIX}/{number}.mp4", b"x")
    bucket.page = 2
    assert sorted(direct.names()) == [f"{number}.mp4" for number in range(5)]
    assert len([seen for seen in bucket.seen if lists(seen)]) == 3


TRUNCATED = "<IsTruncated>true</IsTruncated>"


def test_a_list_that_repeats_itself_comes_to_an_end(bucket: FaultyBucket, direct: Bucket) -> None:
    page = a_list("a", "b", more=f"{TRUNCATED}<NextContinuationToken>t</NextContinuationToken>")
    bucket.script = lambda seen: page if lists(seen) else None
    with pytest.raises(BucketError, match="repeats itself") as refused:
        list(direct.names())
    assert refused.value.lasts


@pytest.mark.parametrize("page", [a_list("a.mp4", more=TRUNCATED), a_list("a.mp4"), a_list()])
def test_a_clip_that_a_list_leaves_out_is_not_missing_while_it_is_there(
    page: Answer, bucket: FaultyBucket, shelf: CloudShelf
) -> None:
    for name in ("a.mp4", "b.mp4"):
        bucket.put(f"{PREFIX}/{name}", b"x")
    bucket.script = lambda seen: page if lists(seen) else None
    assert shelf.missing(["a.mp4", "b.mp4", "c.mp4"]) == {"c.mp4"}


@pytest.mark.parametrize("body", [b"", b"<ListBucketResult>", b"no XML", b"\0" * 100])
def test_a_list_that_cannot_be_read_says_nothing_of_any_clip(
    body: bytes, bucket: FaultyBucket, shelf: CloudShelf
) -> None:
    bucket.script = lambda seen: Answer(200, body) if lists(seen) else None
    with pytest.raises(BucketError):
        shelf.missing(["a.mp4"])


def test_an_object_without_a_tag_is_not_replaced(direct: Bucket) -> None:
    with pytest.raises(BucketError, match="ETag"):
        direct.replace("note", b"x", None)
