"""One job file, unchanged but for `provider` and `model`, on the wires of the sandbox."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.edge import run_command
from sandbox.testing import Sandbox

KEY = "wk-0123456789abcdef0123"
JOB = """\
provider: {provider}
model: {model}
params: {{aspect_ratio: "9:16", loop: false}}
prompts: [{{id: one, prompt: a lighthouse}}, {{id: two, prompt: a quiet lake}}]
concurrency: 2
poll: 0.1
credits: {{cost: 0.07, budget: 5}}
"""
MODELS = {
    "segmind": ("luma-txt-2-video", "SEGMIND_API_KEY"),
    "fal": ("acme/film/fast", "FAL_KEY"),
    "replicate": ("acme/film", "REPLICATE_API_TOKEN"),
    "openai-images": ("gpt-image-1", "OPENAI_API_KEY"),
    "elevenlabs": ("text-to-speech/rachel", "ELEVENLABS_API_KEY"),
}
# When, and where, under which name; each output has a mark of its own. The first line, whichever
# task it is of, names the format.
ALWAYS = {"started_at", "finished_at", "duration_s", "sha256", "format"}
ALWAYS |= {"provider", "account", "model", "fingerprint", "request_id"}
# What else a manifest says differently from Segmind's, and why.
DIFFERS = {
    "fal": {"remaining_credits"},  # of another account
    "replicate": {"remaining_credits"},  # never told
    # Another kind of output, too.
    "openai-images": {"remaining_credits", "output", "bytes", "content_type", "media"},
    "elevenlabs": {"remaining_credits", "output", "bytes", "content_type", "media"},
}


@dataclass(frozen=True)
class Rendered:
    """What a run has left, here and at the vendor."""

    records: dict[str, dict[str, Any]]
    books: dict[str, Any]


def render(provider: str, folder: Path, patch: pytest.MonkeyPatch) -> Rendered:
    model, variable = MODELS[provider]
    job = folder / provider / "job.yaml"
    job.parent.mkdir()
    job.write_text(JOB.format(provider=provider, model=model), encoding="utf-8")
    with Sandbox(wire=provider, latency=0.05, clips="tiny", key=KEY, price="0.07") as box:
        patch.setenv(variable, KEY)
        patch.setenv(f"{provider.upper().replace('-', '_')}_BASE_URL", box.url)
        assert run_command(["run", str(job)]) == 0
        lines = (job.parent / "outputs/job/manifest.jsonl").read_text("utf-8").splitlines()
        found = [record for line in lines if "task" in (record := json.loads(line))]
        assert all(
            (job.parent / "outputs/job" / record["output"]).stat().st_size for record in found
        )
        return Rendered({record["task"]: record for record in found}, box.books())


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rendered]]:
    folder = tmp_path_factory.mktemp("wires")
    with pytest.MonkeyPatch.context() as patch:
        yield {provider: render(provider, folder, patch) for provider in MODELS}


@pytest.mark.together
def test_manifests_differ_only_where_they_must(rendered: dict[str, Rendered]) -> None:
    usual = rendered["segmind"].records
    assert set(usual) == {"one", "two"}
    for provider, allowed in DIFFERS.items():
        for task, record in rendered[provider].records.items():
            names = (record.keys() | usual[task].keys()) - ALWAYS
            differing = {name for name in names if record.get(name) != usual[task].get(name)}
            assert differing == allowed, (provider, task)


@pytest.mark.together
@pytest.mark.parametrize("provider", list(MODELS))
def test_each_task_is_sent_once_and_with_all_its_parameters(
    provider: str, rendered: dict[str, Rendered]
) -> None:
    books = rendered[provider].books
    assert sorted(charge["params"]["prompt"] for charge in books["charges"]) == [
        "a lighthouse",
        "a quiet lake",
    ]
    assert {charge["params"]["aspect_ratio"] for charge in books["charges"]} == {"9:16"}
    assert books["charged"] == "0.14"
    assert books["peak_in_flight"] <= 2


@pytest.mark.together
@pytest.mark.parametrize("provider", list(MODELS))
def test_the_key_is_seen_at_the_api_alone(provider: str, rendered: dict[str, Rendered]) -> None:
    books = rendered[provider].books
    assert not books["keys_at_media"]
    assert {host for host, seen in books["hosts"].items() if seen["with_key"]} == {"127.0.0.1"}
    media = books["hosts"].get("localhost")
    if provider in {"fal", "replicate"}:  # whose outputs are elsewhere
        assert media == {"requests": 2, "with_key": 0}


GRAPH = """\
provider: comfyui
model: local
params:
  workflow:
    "6": {class_type: T, inputs: {text: ""}}
    "9": {class_type: S, inputs: {images: ["6", 0]}}
prompts: [a lighthouse]
poll: 0.1
credits: {cost: 0.07, budget: 5}
"""


def test_a_price_that_is_written_for_a_server_of_ones_own_is_not_contradicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(GRAPH, encoding="utf-8")
    with Sandbox(wire="comfyui", latency=0.05, clips="tiny") as box:
        monkeypatch.setenv("COMFYUI_BASE_URL", box.url)
        assert run_command(["run", str(job)]) == 0
    said = capsys.readouterr().err
    assert "believed" not in said
    assert "spent $0.07" in said
