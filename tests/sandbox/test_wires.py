"""The wires of other vendors, over real sockets. Their own SDKs are in test_vendor_sdks."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from support.simulated import until

from sandbox.errors import SandboxError
from sandbox.kinds import Kind
from sandbox.placing import keys_for, path_of, place
from sandbox.testing import Sandbox
from sandbox.vendors import VENDORS, vendor_of
from sandbox.vendors.described import SHIPPED

GRAPH = {
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a quiet lake"}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}},
}


class Session:
    """A client of one wire, with its key in its form."""

    def __init__(self, box: Sandbox, session: httpx.Client, headers: dict[str, str]) -> None:
        self.box, self._session, self.headers = box, session, headers

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        url = path if path.startswith("http") else self.box.url + path
        said = {} if body is None else {"json": body}
        return self._session.request(
            method, url, headers=self.headers, params=query or None, **said
        )


@contextmanager
def served(
    wire: str, session: httpx.Client, head: str | None = "Bearer k", **options: Any
) -> Iterator[Session]:
    usual: dict[str, Any] = {"latency": 0, "clips": "tiny", "credits": 1000}
    with Sandbox(wire=wire, **usual | options) as box:
        yield Session(box, session, {} if head is None else {"authorization": head})


def ended(ask: Session) -> None:
    until(lambda: not ask.box.books()["at_work"])


# -- fal ------------------------------------------------------------------------------------------


def test_fal_lists_what_has_ended_by_its_end(session: httpx.Client) -> None:
    with served("fal", session, "Key k") as ask:
        for prompt in ("slow [[latency 0.4]]", "quick", "bad [[fail failed]]", "[[latency 600]]"):
            assert ask("POST", "/acme/film/fast", {"prompt": prompt}).status_code == 200
        until(lambda: ask.box.books()["at_work"] == 1)
        query = {"endpoint_id": "acme/film/fast", "expand": "payloads", "limit": 2}
        first = ask("GET", "/v1/models/requests/by-endpoint", **query).json()
        second = ask(
            "GET", "/v1/models/requests/by-endpoint", **query, cursor=first["next_cursor"]
        ).json()
        rows = first["items"] + second["items"]
        assert rows[0]["json_input"]["prompt"] == "slow [[latency 0.4]]"
        assert sorted(row["status_code"] for row in rows) == [200, 200, 422]
        assert (first["has_more"], second["has_more"]) == (True, False)
        late = ask("GET", "/v1/models/requests/by-endpoint", **query, start="2999-01-01T00:00:00Z")
        assert late.json()["items"] == []
        assert ask("GET", "/v1/models/requests/by-endpoint", limit="x").status_code == 422
        ask.box.change(history_lag=600)
        assert ask("GET", "/v1/models/requests/by-endpoint", **query).json()["items"] == []
        ask.box.change(history="error")
        assert ask("GET", "/v1/models/requests/by-endpoint", **query).status_code == 500


def test_fal_answers_202_until_a_request_has_ended(session: httpx.Client) -> None:
    with served("fal", session, "Key k", states="strange") as ask:
        told = ask("POST", "/acme/film/fast", {"prompt": "[[latency 0.8]]"}).json()
        assert told["status_url"].endswith(f"/acme/film/requests/{told['request_id']}/status")
        assert ask("GET", told["response_url"]).status_code == 400
        seen = list[tuple[int, str]]()

        def look() -> bool:
            answer = ask("GET", told["status_url"])
            seen.append((answer.status_code, answer.json()["status"]))
            return seen[-1][0] == 200

        until(look)
        assert set(seen[:-1]) <= {(202, "IN_QUEUE"), (202, "IN_LIMBO"), (202, "IN_PROGRESS")}
        assert (202, "IN_LIMBO") in seen
        assert seen[-1] == (200, "COMPLETED")
        assert ask("PUT", told["cancel_url"]).json() == {"status": "ALREADY_COMPLETED"}
        assert ask("PUT", "/acme/film/requests/other/cancel").json() == {"status": "NOT_FOUND"}
        assert ask("GET", "/acme/film/requests/other/status").status_code == 404
        assert ask("GET", f"/acme/other/requests/{told['request_id']}").status_code == 404


def test_a_key_in_another_form_is_no_key(session: httpx.Client) -> None:
    with served("fal", session, "Bearer k") as ask:
        assert ask("POST", "/acme/film", {"prompt": "x"}).status_code == 401
        assert ask("GET", "/v1/account/billing").status_code == 401
        assert ask.box.books()["charges"] == []
        hosts = ask.box.books()["hosts"]
        assert hosts == {"127.0.0.1": {"requests": 2, "with_key": 2}}


def test_media_are_at_another_host_which_refuses_a_key(session: httpx.Client) -> None:
    with served("fal", session, "Key k") as ask:
        told = ask("POST", "/acme/flux", {"prompt": "x"}).json()
        ended(ask)
        url = ask("GET", told["response_url"]).json()["images"][0]["url"]
        assert url.startswith("http://localhost:")
        assert ask("GET", url).status_code == 403
        assert session.get(url).content.startswith(b"\x89PNG")
        books = ask.box.books()
        assert books["hosts"]["localhost"] == {"requests": 2, "with_key": 1}
        assert [seen["header"] for seen in books["keys_at_media"]] == ["authorization"]


def test_pictures_show_their_prompt_and_sound_is_an_mp3(session: httpx.Client) -> None:
    for wire, head, path, body in (
        ("openai-images", "Bearer k", "/v1/images/generations", {"model": "m", "prompt": "a lake"}),
        ("elevenlabs", None, "/v1/music", {"prompt": "a lake"}),
    ):
        with served(wire, session, head, clips="real") as ask:
            ask.headers["xi-api-key"] = "k"
            answer = ask("POST", path, body)
            assert answer.status_code == 200, answer.text
            if wire == "elevenlabs":
                assert answer.headers["content-type"] == "audio/mpeg"
                assert answer.content.startswith(b"ID3")
            else:
                picture = base64.b64decode(answer.json()["data"][0]["b64_json"])
                with Image.open(io.BytesIO(picture)) as image:
                    assert image.size == (360, 360)


# -- Replicate ------------------------------------------------------------------------------------


def test_replicate_removes_what_was_put_in_and_out(session: httpx.Client) -> None:
    with served("replicate", session) as ask:
        made = ask("POST", "/v1/models/acme/film/predictions", {"input": {"prompt": "x"}})
        assert made.status_code == 201
        ended(ask)
        ask.box.change(record_life=0)
        gone = ask("GET", made.json()["urls"]["get"]).json()
        assert (gone["status"], gone["output"], gone["input"]) == ("succeeded", None, {})
        assert gone["data_removed"]
        assert ask("GET", "/v1/predictions", cursor="x").status_code == 400
        assert ask("GET", "/v1/account").json()["type"] == "user"


# -- ComfyUI --------------------------------------------------------------------------------------


def test_comfyui_takes_an_id_and_takes_it_twice(session: httpx.Client) -> None:
    with served("comfyui", session, None) as ask:
        for _ in range(2):
            told = ask("POST", "/prompt", {"prompt": GRAPH, "prompt_id": "mine"}).json()
            assert told["prompt_id"] == "mine"
        ended(ask)
        assert [entry["listed_id"] for entry in ask.box.requests()] == ["mine", "mine"]
        file = ask("GET", "/history/mine").json()["mine"]["outputs"]["9"]["images"][0]
        assert ask("GET", "/view", **file).content.startswith(b"\x89PNG")
        assert ask("GET", "/view", filename="other_").status_code == 404
        assert ask.box.books()["charged"] == "0"


def test_comfyui_shows_what_waits_in_its_queue_and_forgets_all(
    session: httpx.Client, tmp_path: Path
) -> None:
    with served("comfyui", session, None, latency=600, books=tmp_path / "books") as ask:
        ask("POST", "/prompt", {"prompt": GRAPH, "prompt_id": "one"})
        ask("POST", "/prompt", {"prompt": GRAPH, "prompt_id": "two"})
        assert ask("GET", "/history/one").json() == {}
        queue = ask("GET", "/queue").json()
        assert queue["queue_running"][0][1:3] == ["one", GRAPH]
        assert [item[1] for item in queue["queue_pending"]] == ["two"]
        ask("POST", "/queue", {"delete": ["two"]})
        assert ask("GET", "/prompt").json() == {"exec_info": {"queue_remaining": 1}}
        assert ask("GET", "/history/two").json()["two"]["status"]["status_str"] == "error"
        ask.box.kill()
        ask.box.restart()
        assert ask("GET", "/history").json() == {}
        assert ask("GET", "/queue").json() == {"queue_running": [], "queue_pending": []}
        assert ask.box.books()["at_work"] == 0


def test_uploads_take_forms_and_are_kept(session: httpx.Client) -> None:
    file = ("a.png", b"bytes\r\n\x00", "image/png")
    with served("comfyui", session, None) as ask:
        url = f"{ask.box.url}/upload/image"
        told = session.post(url, files={"image": file}, data={"overwrite": "true"}).json()
        assert told == {"name": "a.png", "subfolder": "", "type": "input"}
        assert session.post(url, files={"other": file}).status_code == 400
        assert ask.box.books()["questions"]["uploads"] == 1
    with served("replicate", session) as ask:
        url = f"{ask.box.url}/v1/files"
        made = session.post(url, files={"content": file}, headers=ask.headers)
        assert made.status_code == 201
        assert session.get(made.json()["urls"]["get"]).content == file[1]
        assert session.post(url, files={"other": file}, headers=ask.headers).status_code == 400
        assert session.post(url, files={"content": file}).status_code == 401
    with served("fal", session, "Key k") as ask:
        told = ask("POST", "/storage/upload/initiate", {"content_type": "image/png"}).json()
        assert session.get(told["file_url"]).status_code == 404
        assert session.put(told["upload_url"], content=b"bytes").status_code == 200
        assert session.get(told["file_url"]).content == b"bytes"


def test_comfyui_refuses_what_is_no_graph(session: httpx.Client) -> None:
    with served("comfyui", session, None) as ask:
        for body in ({}, {"prompt": {}}, {"prompt": {"6": {"inputs": {"text": "x"}}}}):
            answer = ask("POST", "/prompt", body)
            assert (answer.status_code, answer.json()["node_errors"]) == (400, {})


# -- generated from a description -----------------------------------------------------------------


def test_a_generated_wire_is_asked_by_an_id_of_its_client(session: httpx.Client) -> None:
    with served("kling", session) as ask:
        body = {"model_name": "kling-v2", "external_task_id": "mine", "prompt": "x"}
        told = ask("POST", "/v1/videos/text2video", body).json()["data"]
        ended(ask)
        by_ours = ask("GET", "/v1/videos/text2video/mine").json()["data"]
        assert by_ours["task_id"] == told["task_id"] != "mine"
        assert by_ours["task_status"] == "succeed"
        url = by_ours["task_result"]["videos"][0]["url"]
        assert b"ftyp" in session.get(url).content[:16]
        assert ask("GET", "/v1/videos/text2video/other").status_code == 404
        assert ask.box.requests()[-1]["model"] == "kling-v2"


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [("arrears", 429, 1101), ("error200", 200, 1101), ("429", 429, 1302)],
)
def test_a_generated_wire_refuses_with_the_codes_of_its_rules(
    session: httpx.Client, word: str, status: int, code: int
) -> None:
    with served("kling", session) as ask:
        answer = ask("POST", "/v1/videos/text2video", {"prompt": f"x [[fail {word}]]"})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert ask.box.books()["charges"] == []


def test_a_file_with_a_description_is_a_wire_with_its_list(session: httpx.Client) -> None:
    file = Path(__file__).parents[2] / "docs/examples/my-api.yml"
    with served(str(file), session) as ask:
        job = ask("POST", "/v1/fast-1/jobs", {"input": {"prompt": "x", "n": 3}}).json()["job"]
        ended(ask)
        done = ask("GET", job["status_url"]).json()
        assert (done["status"], done["usage"]["cents"]) == ("done", 95.0)
        assert b"ftyp" in session.get(done["output"]["video"]["url"]).content[:16]
        row = ask("GET", "/v1/jobs", model="fast-1").json()["jobs"][0]
        assert (row["id"], row["input"]) == (job["id"], {"prompt": "x", "n": 3})


def test_each_shipped_description_is_a_wire() -> None:
    names = {path.stem for path in SHIPPED.glob("*.yaml")}
    assert {"fal", "kling", "luma"} <= names
    assert VENDORS.keys() - {"segmind"} <= names
    for name in names - {"runware"}:
        assert vendor_of(name).models == ("*",)
    with pytest.raises(SandboxError, match="no wire can be generated"):  # all at one address
        vendor_of("runware")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "no wire can be generated"),
        ("{submit: {path: /x, handle: {id: 'a[?b]'}}}", "more than a path"),
        ("{submit: {path: /x}, answer: {media: url}}", "has an address"),
        ("{submit: {path: /x}, poll: {url: /x, method: POST}}", "by POST"),
        ("{", "cannot read"),
    ],
)
def test_a_description_that_does_not_do_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SandboxError, match=said):
        vendor_of(str(file))


def test_an_unknown_wire_is_refused_with_those_there_are() -> None:
    with pytest.raises(SandboxError, match="'fall' is not a valid wire") as caught:
        vendor_of("fall")
    assert "fal, kling" in str(caught.value.hint)


# -- parts ----------------------------------------------------------------------------------------


def test_a_path_is_read_backwards() -> None:
    tree: dict[str, Any] = {}
    for expression, value in {"a.b[1].c || d": 1, "a.b[0]": 2, '"x y".z': 3, "l[*].u": 4}.items():
        place(tree, path_of(expression), value)
    assert tree == {"a": {"b": [2, {"c": 1}]}, "x y": {"z": 3}, "l": [{"u": 4}]}
    with pytest.raises(ValueError, match="more than a path"):
        path_of("sum(a)")


def test_a_body_says_under_which_key_it_has_what() -> None:
    assert keys_for("$merge(params, {model_name: model, own: once})", "once") == "own"
    assert keys_for({"a": {"id": "$once"}, "m": "$model"}, "once") == "id"
    assert keys_for({"a": ["$model"]}, "model") is None


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("fal-ai/flux/dev", Kind.PICTURE),
        ("kling-video/image-to-video", Kind.FILM),
        ("gpt-image-1", Kind.PICTURE),
        ("stable-audio", Kind.SOUND),
        ("ray-2", Kind.FILM),
    ],
)
def test_the_name_of_a_model_says_what_it_makes(model: str, kind: Kind) -> None:
    assert Kind.of(model) is kind
