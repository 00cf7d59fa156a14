"""Who is let in, and who is not: tried over a real socket, as a browser or an attacker would."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from support.viewed import Viewed, viewed

from pipeline.viewing.guard import LONGEST_BODY


@pytest.fixture
async def served(write: Any) -> AsyncIterator[Viewed]:
    async with viewed(write("one")) as found:
        yield found


def stranger(served: Viewed) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=served.url, trust_env=False)


async def test_the_token_becomes_a_cookie_and_leaves_the_address(served: Viewed) -> None:
    async with stranger(served) as browser:
        first = await browser.get(f"/job/?a=1&token={served.token}")
        assert (first.status_code, first.headers["location"]) == (303, "/job/?a=1")
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await browser.get("/job/")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/job/", "/job/data", "/job/events", "/job/one.mp4", "/nix"])
async def test_nothing_is_shown_without_the_token(served: Viewed, path: str) -> None:
    async with stranger(served) as browser:
        refused = await browser.get(path)
        assert refused.status_code == 401
        assert "first line" in refused.text
        assert (await browser.get(f"{path}?token={served.token[:-1]}")).status_code == 401
        assert (await browser.get(path, headers={"cookie": "x=1"})).status_code == 401
        assert (await browser.get(f"{path}?token=%ff")).status_code == 401


@pytest.mark.parametrize(
    "other", ['a={"b": 1}', "path=/", 'a="b', "a b=c", "=", "\u00e9", "pipeline-view-{}=other"]
)
async def test_cookies_of_others_on_this_machine_lock_nobody_out(
    served: Viewed, other: str
) -> None:
    ours = f"pipeline-view-{served.port}={served.token}"
    told = other.replace("{}", str(served.port))
    async with stranger(served) as browser:
        for both in (f"{told}; {ours}", f"{ours}; {told}"):
            cookie = {"cookie": both.encode("latin-1")}
            assert (await browser.get("/job/data", headers=cookie)).status_code == 200
        alone = {"cookie": told.encode("latin-1")}
        assert (await browser.get("/job/data", headers=alone)).status_code == 401


async def test_a_token_leads_to_no_other_host(served: Viewed) -> None:
    async with stranger(served) as browser:
        for path in ("//evil.example/", "/%5c%5cevil.example/", "///evil.example"):
            found = await browser.get(httpx.URL(f"{served.url}{path}?token={served.token}"))
            assert found.headers["location"].startswith("/")
            assert not found.headers["location"].startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "host", ["evil.example:{}", "evil.example", "127.0.0.1", "127.0.0.1:1", ""]
)
async def test_another_name_for_loopback_is_refused(served: Viewed, host: str) -> None:
    found = await served.get("/job/data", host=host.format(served.port))
    assert found.status_code == 421
    assert "one" not in found.text
    posted = await served.post("/job/verdicts", {}, host=host.format(served.port))
    assert posted.status_code == 421


@pytest.mark.parametrize("host", ["localhost:{}", "[::1]:{}", "LOCALHOST:{}"])
async def test_every_name_of_our_own_is_served(served: Viewed, host: str) -> None:
    assert (await served.get("/job/data", host=host.format(served.port))).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},  # another port of this machine
        {"origin": "https://127.0.0.1:{}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # likewise
        {
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        },
    ],
)
async def test_a_page_of_another_origin_changes_nothing(
    served: Viewed, headers: dict[str, str]
) -> None:
    told = {name: value.format(served.port) for name, value in headers.items()}
    found = await served.post("/job/verdicts", {"tasks": ["one"], "verdict": "kept"}, **told)
    assert found.status_code == 403
    assert (await served.get("/job/data")).json()["entries"][0].get("verdict") is None


async def test_our_own_page_is_served_and_a_link_may_lead_to_it(served: Viewed) -> None:
    words = {"tasks": ["one"], "verdict": "kept"}
    ours = {"origin": f"http://localhost:{served.port}", "sec-fetch-site": "same-origin"}
    assert (await served.post("/job/verdicts", words, **ours)).status_code == 200
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert (await served.get("/job/", **link, **{"sec-fetch-dest": "document"})).status_code == 200


@pytest.mark.parametrize("dest", ["image", "script", "iframe", "video", "empty"])
async def test_another_page_embeds_nothing_of_ours(served: Viewed, dest: str) -> None:
    told = {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": dest}
    for path in ("/job/data", "/job/one.mp4", "/job/events"):
        assert (await served.get(path, **told)).status_code == 403


async def test_a_form_of_another_site_is_refused(served: Viewed) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""):
        body = json.dumps({"tasks": ["one"], "verdict": "kept"})
        found = await served.client.post(
            "/job/verdicts", content=body, headers={"content-type": kind}
        )
        assert found.status_code == 415
    assert (await served.get("/job/data")).json()["entries"][0].get("verdict") is None


async def test_a_body_is_bounded_whatever_it_says_of_its_length(served: Viewed) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LONGEST_BODY // 65536 + 2):
            yield b" " * 65536

    json_type = {"content-type": "application/json"}
    whole = b" " * (LONGEST_BODY + 1)
    for content in (whole, pieces()):
        found = await served.client.post("/job/verdicts", content=content, headers=json_type)
        assert found.status_code == 413


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": "\\ud800"}'])
async def test_a_body_that_is_no_object_is_refused_in_words(served: Viewed, body: bytes) -> None:
    told = {"content-type": "application/json"}
    for path in ("verdicts", "control", "settle", "run"):
        found = await served.client.post(f"/job/{path}", content=body, headers=told)
        assert found.status_code == 400, (path, found.text)
        assert found.json()["error"]


async def test_a_page_can_be_framed_by_nobody_and_speaks_to_its_own_server_alone(
    served: Viewed,
) -> None:
    page = await served.get("/job/")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert "connect-src 'self'" in page.text
    assert "access-control-allow-origin" not in page.headers


async def test_other_methods_are_refused(served: Viewed) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        found = await served.client.request(method, "/job/data", json={})
        assert found.status_code == 405
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    found = await served.client.options("/job/verdicts", headers=asked)
    assert found.status_code == 403


async def test_the_token_is_never_said_again(served: Viewed) -> None:
    found = [await served.get(path) for path in ("/job/", "/job/data", "/nix")]
    assert served.token not in "".join(map(str, served.said))
    assert all(served.token not in one.text for one in found)
