"""The SDKs of other vendors, from their packages and unchanged, work against the sandbox.

They are not part of the development environment, being large: `make test-sdks` installs them.
"""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import httpx
import pytest

from sandbox.testing import Sandbox

# What they warn of is theirs.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.together]

KEY = "simulated"


def installed(name: str) -> ModuleType:
    return pytest.importorskip(name, reason=f"{name} is not installed: make test-sdks")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the environment names, the SDKs shall reach loopback without it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@contextmanager
def served(wire: str, **options: Any) -> Iterator[Sandbox]:
    usual: dict[str, Any] = {"latency": 0, "clips": "tiny", "credits": 1000, "key": KEY}
    with Sandbox(wire=wire, **usual | options) as box:
        yield box


def fetch(url: str) -> bytes:
    with httpx.Client(trust_env=False) as plain:
        return plain.get(url).raise_for_status().content


# -- fal ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fal_box() -> Iterator[Sandbox]:
    installed("fal_client")
    with served("fal") as box:
        yield box


@pytest.fixture
def fal(fal_box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    module = installed("fal_client.client")
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{fal_box.url}/")
    made = module.SyncClient(key=KEY)
    yield made
    made._client.close()


def test_fal_submits_polls_and_reads_a_result(fal: Any, fal_box: Sandbox) -> None:
    module = installed("fal_client.client")
    handle = fal.submit("acme/film/fast", {"prompt": "a lake [[latency 0.6]]"})
    seen = [type(event) for event in handle.iter_events(with_logs=True, interval=0.02)]
    assert set(seen) == {module.Queued, module.InProgress, module.Completed}
    result = handle.get()
    assert b"ftyp" in fetch(result["video"]["url"])[:16]
    entry = fal_box.requests()[-1]
    assert (entry["listed_id"], entry["model"]) == (handle.request_id, "acme/film/fast")


def test_fal_finds_a_request_by_its_id(fal: Any) -> None:
    handle = fal.submit("acme/flux/fast", {"prompt": "a lake"})
    assert fal.get_handle("acme/flux/fast", handle.request_id).get() == handle.get()
    spaced = fal.submit("workflows/acme/film/fast", {"prompt": "a lake"})
    assert fal.get_handle("workflows/acme/film/fast", spaced.request_id).get() == spaced.get()
    assert fetch(handle.get()["images"][0]["url"]).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("406", 403, "Exhausted balance"),
        ("moderation", 422, "content_policy_violation"),
        ("500", 500, ""),
    ],
)
def test_fal_reads_a_refused_submit(fal: Any, word: str, status: int, said: str) -> None:
    error = installed("fal_client.client").FalClientHTTPError
    with pytest.raises(error) as caught:
        fal.submit("acme/film", {"prompt": f"x [[fail {word}]]"})
    assert caught.value.status_code == status
    assert said in str(caught.value.message)


def test_fal_reads_a_failure_as_completed_and_then_as_an_error(fal: Any) -> None:
    error = installed("fal_client.client").FalClientHTTPError
    handle = fal.submit("acme/film", {"prompt": "x [[fail failed-moderation]]"})
    with pytest.raises(error) as caught:
        handle.get(interval=0.02)
    assert caught.value.status_code == 422
    assert handle.status().error


def test_fal_cancels_what_has_not_ended(fal: Any, fal_box: Sandbox) -> None:
    error = installed("fal_client.client").FalClientHTTPError
    handle = fal.submit("acme/film", {"prompt": "[[latency 600]]"})
    handle.cancel()
    assert fal_box.requests()[-1]["state"] == "CANCELLED"
    assert fal_box.books()["in_flight"] == 0
    with pytest.raises(error, match="ALREADY_COMPLETED"):
        handle.cancel()


def test_fal_sends_again_what_was_paid_for_when_an_answer_is_lost(
    fal: Any, fal_box: Sandbox
) -> None:
    """What the command does not do, and why it has a transport of its own."""
    before = len(fal_box.books()["charges"])
    fal.submit("acme/film", {"prompt": "twice [[fail drop x1]]"}).get(interval=0.02)
    assert len(fal_box.books()["charges"]) == before + 2


def test_fal_uploads_a_file(fal: Any, fal_box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed("fal_client.client"), "REST_URL", fal_box.url)
    assert fetch(fal.upload(b"bytes", "image/png", "a.png", repository="fal")) == b"bytes"


# -- Replicate ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replicate_box() -> Iterator[Sandbox]:
    installed("replicate")
    with served("replicate") as box:
        yield box


@pytest.fixture
def replicate(replicate_box: Sandbox) -> Iterator[Any]:
    made = installed("replicate").Client(api_token=KEY, base_url=replicate_box.url)
    yield made
    made._client.close()


def test_replicate_creates_reloads_and_lists(replicate: Any) -> None:
    made = replicate.models.predictions.create("acme/film", input={"prompt": "a lake", "n": 3})
    assert made.status in {"starting", "processing", "succeeded"}
    made.wait()
    assert made.status == "succeeded"
    assert b"ftyp" in fetch(made.output)[:16]
    assert made.metrics["predict_time"] >= 0
    found = replicate.predictions.get(made.id)
    assert (found.input, found.model) == ({"prompt": "a lake", "n": 3}, "acme/film")
    assert next(iter(replicate.predictions.list())).id == made.id


def test_replicate_lists_a_hundred_a_page(replicate: Any) -> None:
    for number in range(101):
        replicate.models.predictions.create("acme/film", input={"prompt": f"number {number}"})
    first = replicate.predictions.list()
    assert (len(first.results), first.results[0].input["prompt"]) == (100, "number 100")
    assert "number 0" in {one.input["prompt"] for one in replicate.predictions.list(first.next)}


def test_replicate_runs_a_model_by_its_name(replicate: Any) -> None:
    output = replicate.run("acme/film", input={"prompt": "a lake"}, use_file_output=False)
    assert b"ftyp" in fetch(output)[:16]


def test_replicate_reads_failures_and_refusals(replicate: Any) -> None:
    error = installed("replicate.exceptions")
    with pytest.raises(error.ModelError, match="returned an error"):
        replicate.run("acme/film", input={"prompt": "x [[fail failed]]"})
    with pytest.raises(error.ReplicateError) as caught:
        replicate.run("acme/film", input={"prompt": "x [[fail 406]]"})
    assert (caught.value.status, caught.value.title) == (402, "Insufficient credit")


def test_replicate_uploads_a_file(replicate: Any) -> None:
    file = replicate.files.create(io.BytesIO(b"bytes\r\n\x00"))
    assert fetch(file.urls["get"]) == b"bytes\r\n\x00"
    assert file.size == 8


def test_replicate_cancels(replicate: Any) -> None:
    made = replicate.models.predictions.create("acme/film", input={"prompt": "[[latency 600]]"})
    made.cancel()
    made.reload()
    assert made.status == "canceled"


# -- OpenAI ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openai_box() -> Iterator[Sandbox]:
    installed("openai")
    with served("openai-images") as box:
        yield box


@pytest.fixture
def openai(openai_box: Sandbox) -> Iterator[Any]:
    url = f"{openai_box.url}/v1"
    with installed("openai").OpenAI(api_key=KEY, base_url=url, max_retries=0) as made:
        yield made


def test_openai_reads_pictures_and_usage(openai: Any, openai_box: Sandbox) -> None:
    told = openai.images.generate(model="gpt-image-1", prompt="a lake", n=2, size="1024x1024")
    assert len(told.data) == 2
    assert base64.b64decode(told.data[0].b64_json).startswith(b"\x89PNG")
    assert (told.size, told.output_format) == ("1024x1024", "png")
    assert told.usage.total_tokens == told.usage.input_tokens + told.usage.output_tokens
    assert openai_box.requests()[-1]["model"] == "gpt-image-1"


@pytest.mark.parametrize(
    ("word", "error", "code"),
    [
        ("406", "RateLimitError", "insufficient_quota"),
        ("arrears", "BadRequestError", "billing_hard_limit_reached"),
        ("429", "RateLimitError", "rate_limit_exceeded"),
        ("moderation", "BadRequestError", "moderation_blocked"),
        ("500", "InternalServerError", None),
    ],
)
def test_openai_reads_errors(openai: Any, word: str, error: str, code: str | None) -> None:
    with pytest.raises(getattr(installed("openai"), error)) as caught:
        openai.images.generate(model="gpt-image-1", prompt=f"x [[fail {word}]]")
    assert caught.value.code == code


def test_openai_is_refused_without_a_valid_key(openai_box: Sandbox) -> None:
    module = installed("openai")
    url = f"{openai_box.url}/v1"
    with (
        module.OpenAI(api_key="other", base_url=url, max_retries=0) as made,
        pytest.raises(module.AuthenticationError),
    ):
        made.images.generate(model="gpt-image-1", prompt="a lake")


# -- ElevenLabs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def eleven_box() -> Iterator[Sandbox]:
    installed("elevenlabs")
    with served("elevenlabs") as box:
        yield box


@pytest.fixture
def eleven(eleven_box: Sandbox) -> Iterator[Any]:
    module = installed("elevenlabs.client")
    with httpx.Client(timeout=60) as session:
        yield module.ElevenLabs(api_key=KEY, base_url=eleven_box.url, httpx_client=session)


def test_elevenlabs_reads_speech_effects_and_music(eleven: Any, eleven_box: Sandbox) -> None:
    speech = b"".join(eleven.text_to_speech.convert("rachel", text="a lake"))
    effect = b"".join(eleven.text_to_sound_effects.convert(text="a lake"))
    music = b"".join(eleven.music.compose(prompt="a lake"))
    assert {sound[:3] for sound in (speech, effect, music)} == {b"ID3"}
    models = [entry["model"] for entry in eleven_box.requests()[-3:]]
    assert models == ["text-to-speech/rachel", "sound-generation", "music"]


def test_elevenlabs_tells_the_cost_in_a_header(eleven: Any) -> None:
    with eleven.text_to_speech.with_raw_response.convert("rachel", text="a lake") as told:
        assert b"".join(told.data).startswith(b"ID3")
        assert told.headers["character-cost"] == str(len("a lake"))
        assert told.headers["history-item-id"]


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [("406", 401, "quota_exceeded"), ("429", 429, "too_many_concurrent_requests")],
)
def test_elevenlabs_reads_errors(eleven: Any, word: str, status: int, said: str) -> None:
    error = installed("elevenlabs.core.api_error").ApiError
    options = {"max_retries": 0}
    with pytest.raises(error) as caught:
        list(
            eleven.text_to_speech.convert(
                "rachel", text=f"x [[fail {word}]]", request_options=options
            )
        )
    assert caught.value.status_code == status
    assert caught.value.body["detail"]["status"] == said
