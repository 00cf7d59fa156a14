"""The descriptions that come with the program: what they send, and how they read answers."""

import json
import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.invented_api import OWN_IDS, TICKETS
from support.raw import make_task

from pipeline.api import providers, values
from pipeline.api.described.provider import Described
from pipeline.api.described.wire import DescribedWire
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Asked, Decision, Fault, Outcome, Page, Progress, Query
from pipeline.api.wire import Conversation, Part, Reply, Request, T, Uploading
from pipeline.cli.environment import find_access
from pipeline.models import Handle, Task, once_of

KEY = "sk-shipped-0123456789"
NOW = 1_790_000_000.0


def wire(name: str, base_url: str | None = None) -> DescribedWire:
    told = providers.description(name)
    return DescribedWire(told, Endpoint(base_url or told.base_url, KEY))


def task(model: str, **params: Any) -> Task:
    return msgspec.structs.replace(make_task(**params), model=model, once=once_of("one", "now"))


def told(talk: Conversation[T], *answers: Any) -> tuple[T, list[str]]:
    """Let a conversation have its answers; what it made of them, and what it asked."""
    asked = list[str]()
    left = [a if isinstance(a, Reply) else reply(a) for a in answers]
    try:
        request = next(talk)
        while True:
            asked.append(request.url)
            request = talk.send(left.pop(0))
    except StopIteration as end:
        return end.value, asked


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        text=json.dumps(body).encode(),
    )


def sent(request: Request) -> Any:
    return json.loads(request.content)


@pytest.mark.parametrize("name", providers.SHIPPED)
def test_each_is_valid_says_its_sources_and_crosses_to_a_worker(name: str) -> None:
    one = providers.get(name)
    described = providers.description(name)
    assert one.name == name
    assert described.docs
    assert described.checked
    assert one.hosts[0] in one.base_url
    assert isinstance(one, Described)
    assert pickle.loads(pickle.dumps(one)).judge(make_task(), Outcome(took=0)).charged
    page = "\n".join(providers.page(name))
    assert all(host in page for host in one.hosts) or not one.traits.needs_key


@pytest.mark.parametrize("name", providers.SHIPPED)
@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(took=1, fault=Fault.NO_ANSWER),
        Outcome(took=1, fault=Fault.TIMEOUT),
        Outcome(took=1, fault=Fault.CUT, status=200),
        Outcome(took=1, fault=Fault.NO_ID, status=200, text="{}"),
        Outcome(took=1, fault=Fault.NOT_MEDIA, status=200, text="<html>"),
        Outcome(took=1, status=500),
        Outcome(took=1, status=520),
        Outcome(took=1, status=799),
    ],
)
def test_what_nothing_explains_is_in_doubt(name: str, outcome: Outcome) -> None:
    meaning = providers.get(name).judge(make_task(), outcome)
    assert (meaning.decision, meaning.charged) == (Decision.IN_DOUBT, True)


def test_fal_is_asked_at_the_addresses_it_tells() -> None:
    fal = wire("fal")
    request = fal.submit(task("fal-ai/kling-video/v2", prompt="a pier", duration=5))
    assert request.url == "https://queue.fal.run/fal-ai/kling-video/v2"
    assert request.headers["authorization"] == f"Key {KEY}"
    assert sent(request) == {"prompt": "a pier", "duration": 5}
    base = "https://queue.fal.run/fal-ai/kling-video/requests/r1"
    answer = {"request_id": "r1", "status_url": f"{base}/status", "response_url": base}
    handle = fal.read_id(json.dumps(answer).encode(), task("fal-ai/kling-video/v2"))
    assert handle == Handle(id="r1", status=f"{base}/status", result=base)
    done = {"video": {"url": "https://v3.fal.media/a.mp4"}, "seed": 7}
    progress, asked = told(fal.ask(handle), {"status": "COMPLETED"}, done)
    assert asked == [f"{base}/status", base]
    assert (progress.media, progress.seed) == ("https://v3.fal.media/a.mp4", 7)
    failed, _ = told(fal.ask(handle), {"status": "COMPLETED"}, reply({"detail": "no"}, 422))
    assert failed.failure is not None
    assert failed.failure.charged
    again, _ = told(fal.ask(handle), {"status": "COMPLETED"}, reply({}, 502))
    assert not again.final


@pytest.mark.parametrize(
    "url", ["https://evil.example/s", "http://queue.fal.run/s", "https://queue.fal.run@evil/s", 7]
)
def test_an_address_elsewhere_gets_no_key(url: Any) -> None:
    fal = wire("fal")
    answer = {"request_id": "r1", "status_url": url, "response_url": url}
    handle = fal.read_id(json.dumps(answer).encode(), task("fal-ai/flux/dev"))
    assert handle is not None
    assert handle.status == "https://queue.fal.run/fal-ai/flux/requests/r1/status"
    _, asked = told(fal.ask(Handle(id="r1", status=str(url))), {"status": "IN_QUEUE"}, {}, {})
    assert asked == []


def test_one_variable_points_all_of_it_elsewhere() -> None:
    fal = wire("fal", "http://127.0.0.1:9/x")
    query = Query(model="fal-ai/flux/dev", since=NOW, until=NOW + 9)
    row = {"request_id": "r2", "json_input": {"prompt": "p"}, "sent_at": values.instant(NOW)}
    page, asked = told(fal.list_requests(query, 1), {"items": [row]})
    assert asked[0].startswith("http://127.0.0.1:9/x/v1/models/requests/by-endpoint?endpoint_id=")
    assert page.rows[0].sent == {"prompt": "p"}
    assert page.rows[0].status == "http://127.0.0.1:9/x/fal-ai/flux/requests/r2/status"
    assert len(fal.origins) == 1


def test_replicate_lists_page_after_page_until_it_is_too_old() -> None:
    replicate = wire("replicate")
    request = replicate.submit(task("acme/film", prompt="a pier"))
    assert request.url == "https://api.replicate.com/v1/models/acme/film/predictions"
    assert sent(request) == {"input": {"prompt": "a pier"}}

    def row(id_: str, created: str) -> dict[str, Any]:
        get = f"https://api.replicate.com/v1/predictions/{id_}"
        return {"id": id_, "input": {"prompt": "p"}, "created_at": created, "urls": {"get": get}}

    query = Query(model="acme/film", since=NOW, until=NOW + 9)
    pages = [
        {"results": [row("a", values.instant(NOW + 1))], "next": "https://api.replicate.com/n?c=1"},
        {"results": [row("b", values.instant(NOW - 9))], "next": "https://api.replicate.com/n?c=2"},
    ]
    page, asked = told(replicate.list_requests(query, 1), *pages)
    assert [one.id for one in page.rows] == ["a", "b"]
    assert asked[1:] == ["https://api.replicate.com/n?c=1"]


def test_elevenlabs_speaks_and_makes_sounds() -> None:
    eleven = wire("elevenlabs")
    speech = eleven.submit(task("text-to-speech/voice1", prompt="Hello", model_id="m"))
    assert speech.url == "https://api.elevenlabs.io/v1/text-to-speech/voice1"
    assert sent(speech) == {"text": "Hello", "model_id": "m"}
    assert sent(eleven.submit(task("music", prompt="a waltz"))) == {"prompt": "a waltz"}
    busy = Outcome(took=1, status=429, text='{"detail": {"status": "system_busy"}}')
    assert providers.get("elevenlabs").judge(make_task(), busy).decision is Decision.THROTTLE


def test_openai_images_name_their_model_and_their_money() -> None:
    request = wire("openai-images").submit(task("gpt-image-1", prompt="a pier"))
    assert sent(request) == {"prompt": "a pier", "model": "gpt-image-1"}
    poor = Outcome(took=1, status=429, text='{"error": {"code": "insufficient_quota"}}')
    judge = providers.get("openai-images").judge
    assert judge(make_task(), poor).decision is Decision.CREDITS
    refused = Outcome(took=1, status=400, text='{"error": {"code": "moderation_blocked"}}')
    assert (judge(make_task(), refused).reason, judge(make_task(), refused).charged) == (
        "moderation",
        False,
    )


def test_comfyui_puts_the_prompt_into_its_graph_under_an_id_of_ours() -> None:
    comfy = wire("comfyui")
    graph = {"6": {"inputs": {"text": "", "clip": ["4", 1]}}, "9": {"class_type": "SaveImage"}}
    one = task("any", prompt="a pier", workflow=graph)
    body = sent(comfy.submit(one))
    assert body["prompt"]["6"]["inputs"] == {"text": "a pier", "clip": ["4", 1]}
    assert body["prompt_id"] == one.once
    assert KEY not in str(comfy.submit(one).headers)
    picture = {"filename": "a b.png", "subfolder": "", "type": "output"}
    history = {
        "p1": {
            "prompt": [1, "p1", {}],
            "outputs": {"9": {"images": [picture]}},
            "status": {"status_str": "success"},
        }
    }
    progress, asked = told(comfy.ask(Handle(id="p1")), history)
    assert asked == ["http://127.0.0.1:8188/history/p1"]
    assert progress.media == (
        "http://127.0.0.1:8188/view?filename=a%20b.png&subfolder=&type=output"
    )
    assert progress.cost == Decimal(0)
    waiting, _ = told(comfy.ask(Handle(id="p1")), {})
    assert not waiting.final
    query = Query(
        model="any", since=NOW, until=NOW, asked=(Asked(once="p1", params={"a": 1}, began=NOW),)
    )
    page, asked = told(comfy.list_requests(query, 1), history)
    assert (page.rows[0].id, page.rows[0].sent) == ("p1", {"a": 1})
    absent, _ = told(comfy.list_requests(query, 1), {})
    assert absent == Page()


@pytest.mark.parametrize("name", ["fal", "replicate", "comfyui"])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b'{"status": {"a": []}}', b"\xff", b"[" * 50_000]
)
def test_no_answer_is_too_strange_to_be_read(name: str, body: bytes) -> None:
    one = wire(name)
    assert one.read_id(body, task("a/b")) is None
    assert one.read_balance(body) is None
    handle = Handle(id="r1")
    progress, _ = told(one.ask(handle), Reply(status=200, text=body), Reply(status=200, text=body))
    assert isinstance(progress, Progress)
    assert not progress.final


def test_jobs_of_the_default_provider_import_none_of_it() -> None:
    code = (
        "import sys, pipeline.job, pipeline.cli.check; pipeline.job.schema();"
        "sys.exit(any('jmespath' in m or 'described' in m for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "environment", "key"),
    [
        ("fal", {"FAL_KEY": "one", "FAL_API_KEY": "two"}, "one"),
        ("fal", {"FAL_API_KEY": "two"}, "two"),
        ("comfyui", {}, "no-key-is-needed"),
        ("comfyui", {"COMFYUI_API_KEY": "three"}, "three"),
    ],
)
def test_the_key_is_found_by_either_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    environment: dict[str, str],
    key: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("FAL_KEY", "FAL_API_KEY", "COMFYUI_API_KEY", "FAL_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    access = find_access(tmp_path / "job.yaml", provider=providers.get(name))
    assert (access.key, access.base_url) == (key, providers.get(name).base_url)


def test_a_balance_is_read_in_dollars_and_exactly() -> None:
    assert wire("fal").read_balance(b'{"credits": {"current_balance": 1.345}}') == Decimal("1.345")
    assert wire("luma").read_balance(b'{"credit_balance": 1234}') == Decimal("12.34")


def test_a_list_that_repeats_the_body_is_compared_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "zap.yaml"
    file.write_text(TICKETS, encoding="utf-8")
    told_ = providers.description(str(file))
    zap = DescribedWire(told_, Endpoint("http://127.0.0.1:9", KEY))
    params = {"prompt": "p", "width": 3}
    query = Query(
        model="brush",
        since=NOW,
        until=NOW,
        asked=(Asked(once="x", params=params, began=NOW),),
    )

    def row(**ask: Any) -> dict[str, Any]:
        return {"ticket": "t1", "kind": "brush", "when": NOW, "ask": ask}

    same = row(what="p", knobs={"width": 3}, tag="fixed")
    more = row(what="p", knobs={"width": 3, "height": 4}, tag="fixed")
    page, _ = told(zap.list_requests(query, 1), {"book": [same, more]})
    assert [one.sent for one in page.rows] == [params, None]


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/", "http://127.0.0.1:8", None])
def test_only_the_server_that_it_was_sent_to_proves_a_request_absent(
    tmp_path: Path, base: str | None
) -> None:
    file = tmp_path / "zap.yaml"
    file.write_text(OWN_IDS, encoding="utf-8")
    zap = DescribedWire(providers.description(str(file)), Endpoint("http://127.0.0.1:9", KEY))
    asked = Asked(once="x", params={"prompt": "p"}, began=0.0, base_url=base)
    conversation = zap.list_requests(Query(model="brush", since=0, until=NOW, asked=(asked,)), 1)
    next(conversation)
    with pytest.raises(StopIteration) as ended:
        conversation.send(Reply(status=404))
    assert bool(ended.value.value.rows) is (base == "http://127.0.0.1:9/")


def test_runware_is_asked_by_a_list_of_tasks_that_bear_our_id() -> None:
    runware = wire("runware")
    one = task("klingai:5@3", prompt="a pier", duration=5)
    one = msgspec.structs.replace(one, once="5f9b2c57-1d2e-5a77-b9c4-0123456789ab")
    ours = "5f9b2c57-1d2e-4a77-b9c4-0123456789ab"  # of version 4, as the vendor's page asks for
    request = runware.submit(one, {"frameImages": ["data:1"], "inputImage": "data:2"})
    assert (request.method, request.url) == ("POST", "https://api.runware.ai/v1")
    assert sent(request) == [
        {
            "taskType": "videoInference",
            "deliveryMethod": "async",
            "includeCost": True,
            "duration": 5,
            "inputImage": "data:2",
            "frameImages": [{"inputImage": "data:1"}],
            "positivePrompt": "a pier",
            "model": "klingai:5@3",
            "taskUUID": ours,
        }
    ]
    assert "frameImages" not in sent(runware.submit(one))[0]
    accepted = {"data": [{"taskType": "videoInference", "taskUUID": ours}]}
    handle = runware.read_id(json.dumps(accepted).encode(), one)
    assert handle is not None
    asking = runware.ask(handle)
    question = next(asking)
    assert (question.method, question.url) == ("POST", "https://api.runware.ai/v1")
    assert sent(question) == [{"taskType": "getResponse", "taskUUID": ours}]
    row = {"taskUUID": ours, "status": "success", "videoURL": "https://im.test/a.mp4", "cost": 0.4}
    done, _ = told(runware.ask(handle), {"data": [row]})
    assert (done.media, done.cost) == ("https://im.test/a.mp4", Decimal("0.4"))
    waits, _ = told(runware.ask(handle), {"data": [{"taskUUID": ours, "status": "processing"}]})
    assert not waits.final
    said = {"code": "nsfwContentDetected", "message": "no", "taskUUID": ours}
    failed, _ = told(runware.ask(handle), reply({"data": [], "errors": [said]}, 400))
    assert failed.failure is not None
    assert (failed.failure.moderated, failed.error) == (True, "no")
    gone = {"code": "taskNotFound", "taskUUID": ours}
    lost, _ = told(runware.ask(handle), {"data": [], "errors": [gone]})
    assert lost.state == "gone"


@pytest.mark.parametrize(
    ("status", "body", "rows"),
    [
        (200, {"data": [{"taskUUID": "u", "status": "processing"}]}, ["u"]),
        (200, {"data": [], "errors": [{"code": "taskFailed", "taskUUID": "u"}]}, ["u"]),
        (200, {"data": []}, []),
        (200, {"data": [], "errors": [{"code": "taskNotFound", "taskUUID": "u"}]}, []),
        (404, {"errors": [{"code": "taskNotFound", "taskUUID": "u"}]}, []),
    ],
)
def test_runware_finds_what_was_lost_and_proves_nothing_absent(
    status: int, body: Any, rows: list[str]
) -> None:
    runware = wire("runware")
    once = once_of("one", "now")
    asked = Asked(once=once, params={}, began=0.0, base_url="https://api.runware.ai")
    talk = runware.list_requests(Query(model="m", since=0, until=NOW, asked=(asked,)), 1)
    request = next(talk)
    (task_,) = sent(request)
    assert task_["taskUUID"][14] == "4"
    with pytest.raises(StopIteration) as ended:
        talk.send(reply(body, status))
    assert [row.id for row in ended.value.value.rows] == rows


@pytest.mark.parametrize(
    ("status", "code", "decision"),
    [
        (402, "insufficientCredits", Decision.CREDITS),
        (402, "somethingElse", Decision.CREDITS),
        (400, "insufficientCredits", Decision.CREDITS),
        (400, "conflictTaskUUID", Decision.IN_DOUBT),
        (400, "invalidModel", Decision.FAIL),
        (400, "promptBlocked", Decision.FAIL),
        (401, "invalidApiKey", Decision.STOP),
        (429, "rateLimitExceeded", Decision.THROTTLE),
        (503, "serviceUnavailable", Decision.IN_DOUBT),
        (200, "providerError", Decision.IN_DOUBT),
    ],
)
def test_runware_s_codes_are_judged(status: int, code: str, decision: Decision) -> None:
    text = json.dumps({"data": [], "errors": [{"code": code, "message": "m"}]})
    fault = Fault.NO_ID if status == 200 else None
    outcome = Outcome(took=1, status=status, text=text, fault=fault)
    assert providers.get("runware").judge(make_task(), outcome).decision is decision


def test_runware_tells_its_balance_to_a_post() -> None:
    runware = wire("runware")
    (task_,) = sent(runware.balance())
    assert (task_["taskType"], task_["taskUUID"][14]) == ("accountManagement", "4")
    assert runware.read_balance(b'{"data": [{"balance": 7.25}]}') == Decimal("7.25")
    assert runware.read_balance(b'{"data": [{"balance": {"amount": 7}}]}') == Decimal(7)


# -- files ----------------------------------------------------------------------------------------

FILE = Uploading("image/png", "0a.png", 7, "0a", "RAW", "CODED")


def parts(request: Request) -> list[tuple[str, str]]:
    """List the fields of a form, each with what it contains."""
    _, _, boundary = request.headers["content-type"].partition("boundary=")
    found = request.content.decode().split(f"--{boundary}")[1:-1]
    fields = (one.strip("\r\n").partition("\r\n\r\n") for one in found)
    return [(head.split('name="')[1].split('"')[0], value) for head, _, value in fields]


def test_openai_edits_what_it_is_given() -> None:
    picture = Part("MARK", "image/png", "0a.png")
    request = wire("openai-images").submit(
        task("gpt-image-1", prompt="a pier", n=1), {"image": [picture, picture]}
    )
    assert request.url == "https://api.openai.com/v1/images/edits"
    assert parts(request) == [
        ("prompt", "a pier"),
        ("n", "1"),
        ("model", "gpt-image-1"),
        ("image[]", "MARK"),
        ("image[]", "MARK"),
    ]


def test_elevenlabs_changes_a_voice() -> None:
    sound = Part("MARK", "audio/mpeg", "0a.mp3")
    request = wire("elevenlabs").submit(
        task("speech-to-speech/voice1", prompt="-", model_id="m"), {"audio": sound}
    )
    assert request.url == "https://api.elevenlabs.io/v1/speech-to-speech/voice1"
    assert parts(request) == [("model_id", "m"), ("audio", "MARK")]


def test_fal_stores_a_file_at_an_address_that_never_gets_the_key() -> None:
    talk = wire("fal").upload(FILE)
    first = next(talk)
    assert first.url == ("https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3")
    assert first.headers["authorization"] == f"Key {KEY}"
    assert sent(first) == {"content_type": "image/png", "file_name": "0a.png"}
    told_ = {"upload_url": "https://x.test/put?sig=1", "file_url": "https://v3.fal.media/a.png"}
    second = talk.send(json.dumps(told_).encode())
    assert (second.method, second.url) == ("PUT", "https://x.test/put?sig=1")
    assert second.is_abroad
    assert second.content == b"RAW"
    assert KEY not in str(second.headers)
    with pytest.raises(StopIteration) as ended:
        talk.send(b"")
    assert ended.value.value == "https://v3.fal.media/a.png"


@pytest.mark.parametrize(
    ("name", "field", "answer", "found"),
    [
        ("replicate", "content", {"urls": {"get": "https://api.replicate.com/v1/files/f"}},
         "https://api.replicate.com/v1/files/f"),
        ("comfyui", "image", {"name": "0a.png", "subfolder": "", "type": "input"}, "0a.png"),
        ("comfyui", "image", {"name": "0a.png", "subfolder": "in"}, "in/0a.png"),
        ("comfyui", "image", {}, None),
        ("comfyui", "image", {"name": 7}, None),
    ],
)  # fmt: skip
def test_a_file_is_uploaded_as_a_form(name: str, field: str, answer: Any, found: Any) -> None:
    talk = wire(name).upload(FILE)
    assert parts(next(talk))[-1] == (field, "RAW")
    with pytest.raises(StopIteration) as ended:
        talk.send(json.dumps(answer).encode())
    assert ended.value.value == found


def test_comfyui_puts_a_file_into_its_graph() -> None:
    graph = {"6": {"inputs": {"text": ""}}, "10": {"inputs": {"image": "", "upload": "image"}}}
    one = task("any", prompt="a pier", workflow=graph)
    body = sent(wire("comfyui").submit(one, {"10.inputs.image": "0a.png"}))
    assert body["prompt"]["10"]["inputs"] == {"image": "0a.png", "upload": "image"}
    assert body["prompt"]["6"]["inputs"] == {"text": "a pier"}
