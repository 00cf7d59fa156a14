"""Where the media of the sandbox are, over real sockets."""

from collections import Counter
from pathlib import Path

import httpx
import pytest
from support.simulated import HISTORY, KEY, Client

from sandbox.media_faults import MediaFault, MediaRule, read_media_rule
from sandbox.testing import Sandbox


def url_of(api: Client, prompt: str) -> str:
    """Ask the history where the clip of a prompt is now."""
    row = api.row_of(prompt)
    assert row is not None
    return str(row["generation_url"])


def test_an_address_lies_at_the_host_that_was_asked(api: Client) -> None:
    api.v1("here")
    name = api.box.url.replace("127.0.0.1", "localhost")
    rows = api.get(f"{name}{HISTORY}").json()["data"]
    assert rows[0]["generation_url"].startswith(f"{name}/media/")


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "headers", [KEY, {"Authorization": "Bearer k"}, {"x-other": "the-key"}, {"cookie": "k=the-key"}]
)
def test_a_key_that_comes_to_media_is_refused_and_noted(
    session: httpx.Client, tmp_path: Path, headers: dict[str, str]
) -> None:
    with Sandbox(latency=0, clips="tiny", key="the-key", books=tmp_path / "books") as box:
        answer = session.post(
            f"{box.url}/v1/wan-1", json={"prompt": "x"}, headers={"x-api-key": "the-key"}
        )
        row = session.get(box.url + HISTORY, headers={"x-api-key": "the-key"}).json()["data"][0]
        assert session.get(row["generation_url"], headers=headers).status_code == 403
        assert session.get(row["generation_url"]).content == answer.content
        box.restart()
        (seen,) = box.books()["keys_at_media"]
        assert row["generation_url"].endswith(seen["path"])
        assert seen["header"].lower() == next(iter(headers)).lower()
        assert box.requests()[0]["fetches"] == 1


def test_without_a_key_nothing_is_noted_and_the_answer_says_nothing_of_money(api: Client) -> None:
    api.v1("free of keys")
    answer = api.fetch(url_of(api, "free of keys"))
    assert answer.status_code == 200
    assert answer.headers["x-sandbox"] == "1"
    assert not {"x-remaining-credits", "x-request-id", "x-cost"} & set(answer.headers)
    assert api.box.books()["keys_at_media"] == []


@pytest.mark.parametrize("wire", ["v1", "v2"])
def test_of_dead_addresses_who_asks_again_gets_another(api: Client, wire: str) -> None:
    prompt = f"dead twice in {wire} [[media dead x2]]"
    answer = getattr(api, wire)(prompt)
    if wire == "v2":
        api.finished(answer.json())
    urls = []
    for expected in (404, 404, 200):
        urls.append(url_of(api, prompt))
        assert api.fetch(urls[-1]).status_code == expected
        assert api.fetch(urls[-1]).status_code == expected
    assert len(set(urls)) == 3
    assert url_of(api, prompt) == urls[-1]


def test_dead_addresses_are_remembered_after_a_kill(session: httpx.Client, tmp_path: Path) -> None:
    options = {"books": tmp_path / "books", "media": "once-dead"}
    with Sandbox(latency=0, clips="tiny", **options) as box:
        api = Client(box, session)
        result = api.finished(api.v2("x").json())
        assert api.fetch(result["output"]).status_code == 404
        box.kill()
        box.restart()
        assert api.fetch(result["output"]).status_code == 404
        assert api.fetch(url_of(api, "x")).status_code == 200


def test_one_that_is_dead_for_good_is_dead_at_each_address(api: Client) -> None:
    api.v1("lost [[media dead]]")
    for _ in range(4):
        assert api.fetch(url_of(api, "lost")).status_code == 404


def test_a_redirect_leads_to_the_clip(api: Client) -> None:
    clip = api.v1("moved [[media redirect]]").content
    answer = api.fetch(url_of(api, "moved"))
    assert answer.status_code == 302
    there = httpx.URL(url_of(api, "moved")).join(answer.headers["location"])
    assert api.fetch(str(there)).content == clip
    assert api.get(str(there)).status_code == 403


def test_a_page_instead_of_a_clip(api: Client) -> None:
    api.v1("page [[media html x1]]")
    page = api.fetch(url_of(api, "page"))
    assert (page.status_code, page.text[:9]) == (200, "<!DOCTYPE")
    assert b"ftyp" in api.fetch(url_of(api, "page")).content[:16]


def test_a_clip_that_breaks_off(api: Client) -> None:
    api.v1("broken [[media cut]]")
    with pytest.raises(httpx.RemoteProtocolError):
        api.fetch(url_of(api, "broken"))


def test_nothing_is_there_before_the_end_or_after_a_failure(session: httpx.Client) -> None:
    with Sandbox(latency=60, clips="tiny") as box:
        api = Client(box, session)
        pending = api.v2("x").json()["request_id"]
        api.v1("[[latency 0]] [[fail 500]]")
        failed = api.rows(status="FAILED")[0]["request_id"]
        for listed in (pending, failed, "unknown"):
            assert api.fetch(f"{box.url}/media/{listed}/1-1.mp4").status_code == 404
        assert session.post(f"{box.url}/media/{pending}/1-1.mp4").status_code == 405


def test_a_rule_is_for_a_part_of_the_requests_always_the_same(session: httpx.Client) -> None:
    with Sandbox(latency=0, clips="tiny", media="dead=0.5") as box:
        api = Client(box, session)
        for number in range(24):
            api.v1(f"number {number}")
        rows = api.rows(per_page=100)
        first, second = ([api.fetch(row["generation_url"]) for row in rows] for _ in range(2))
        seen = [answer.status_code for answer in first]
        assert seen == [answer.status_code for answer in second]
        assert set(Counter(seen)) == {200, 404}


def test_words_of_rules() -> None:
    assert read_media_rule("once-dead") == MediaRule(MediaFault.DEAD, 1)
    assert read_media_rule(" dead x3=0.25") == MediaRule(MediaFault.DEAD, 3, 0.25)
    assert read_media_rule("html=1") == MediaRule(MediaFault.HTML, None, 1.0)
    for wrong in ("", "gone", "dead x", "dead=2", "dead=", "ok=x", "dead x2 x3"):
        with pytest.raises(ValueError, match="is not a fault of media"):
            read_media_rule(wrong)
