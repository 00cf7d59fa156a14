"""The vendor's own SDK, from its package and unchanged, works against the sandbox."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from segmind import SegmindClient
from segmind.exceptions import SegmindError
from segmind.v2 import InferenceFailed, InferenceTimeout
from support.simulated import LUMA

from sandbox.testing import Sandbox

PRODUCTION = "https://api.spotprod.segmind.com"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the environment names, the SDK shall reach loopback without it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def client(box: Sandbox) -> Iterator[SegmindClient]:
    made = SegmindClient(api_key="simulated", base_url=f"{box.url}/v1")
    yield made
    made._client.close()


class Elsewhere(SegmindClient):
    """The SDK names the host of the history in a constant: each request for it goes to `here`."""

    here: str

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        assert path.startswith(PRODUCTION)
        return super()._request(method, path.replace(PRODUCTION, self.here), **kwargs)


@pytest.fixture
def elsewhere(box: Sandbox) -> Iterator[SegmindClient]:
    made = Elsewhere(api_key="simulated", base_url=f"{box.url}/v1")
    made.here = box.url
    yield made
    made._client.close()


def fetch(url: str) -> bytes:
    with httpx.Client(trust_env=False) as plain:
        return plain.get(url).raise_for_status().content


def test_run_sync_brings_the_clip_itself(client: SegmindClient) -> None:
    answer = client.run_sync(LUMA, prompt="a lake", aspect_ratio="16:9")
    assert answer.headers["content-type"] == "video/mp4"
    assert b"ftyp" in answer.content[:16]


def test_run_waits_for_a_result_with_an_address(client: SegmindClient) -> None:
    result = client.run(LUMA, prompt="a lake")
    assert result["status"] == "COMPLETED"
    assert result["metrics"]["cost"] == 0.95
    assert b"ftyp" in fetch(result["output"])[:16]


def test_submit_async_gives_a_job_that_waits(client: SegmindClient, box: Sandbox) -> None:
    assert client.submit_async(LUMA, prompt="[[latency 600]]").status()["status"] == "QUEUED"
    job = client.submit_async(LUMA, prompt="a lake [[latency 0.2]]")
    assert job.wait(timeout=30, interval=0.05)["output"] == job.result()["video"]["url"]
    assert box.requests()[-1]["listed_id"] == job.request_id


def test_a_job_that_fails_raises_with_the_text_of_the_api(client: SegmindClient) -> None:
    job = client.submit_async(LUMA, prompt="no luck [[fail failed]]")
    with pytest.raises(InferenceFailed, match="model returned an error") as caught:
        job.wait(timeout=30, interval=0.05)
    assert caught.value.status_body["status"] == "FAILED"


def test_a_job_that_takes_too_long_raises(client: SegmindClient) -> None:
    job = client.submit_async(LUMA, prompt="[[latency 600]]")
    with pytest.raises(InferenceTimeout):
        job.wait(timeout=0, interval=0.05)


@pytest.mark.parametrize(("word", "status"), [("406", 406), ("moderation", 400), ("500", 500)])
def test_a_refusal_raises_with_its_status(client: SegmindClient, word: str, status: int) -> None:
    for ask in (client.run, client.run_sync, client.submit_async):
        with pytest.raises(SegmindError) as caught:
            ask(LUMA, prompt=f"x [[fail {word}]]")
        assert caught.value.status == status
        assert caught.value.detail


def test_history_and_get_find_what_was_asked_for(
    client: SegmindClient, elsewhere: SegmindClient
) -> None:
    result = client.run(LUMA, prompt="to find")
    rows = elsewhere.generations.history(
        per_page=100, model_name=LUMA, status="COMPLETED", sort_by="model_created"
    )["data"]
    row = next(row for row in rows if row["request_id"] == result["request_id"])
    assert row["credits_deduction"] == 0.95
    assert elsewhere.generations.get(result["request_id"]) == row
    assert fetch(row["generation_url"]) == fetch(result["output"])
    with pytest.raises(SegmindError) as caught:
        elsewhere.generations.get("../team-usage-summary")
    assert caught.value.status == 404


def test_what_is_under_way_is_pending_in_its_history(
    client: SegmindClient, elsewhere: SegmindClient
) -> None:
    job = client.submit_async(LUMA, prompt="[[latency 600]]")
    assert elsewhere.generations.get(job.request_id)["model_status"] == "PENDING"
