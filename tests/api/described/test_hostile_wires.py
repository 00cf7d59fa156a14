"""Described providers whose wires do what vendors do on bad days: one trouble, two tasks."""

import json
from pathlib import Path

import pytest

from pipeline.cli.edge import run_command
from pipeline.errors import ExitCode
from sandbox.testing import Sandbox

KEY = "wk-0123456789abcdef0123"
JOB = """\
provider: {provider}
model: {model}
prompts: [{{id: one, prompt: a lighthouse}}, {{id: two, prompt: "a lake {trouble}"}}]
concurrency: 2
poll: 0.1
retry: {{wait: 0.05}}
credits: {{cost: 0.07, budget: 5}}
"""
VARIABLES = {"replicate": "REPLICATE_API_TOKEN", "luma": "LUMAAI_API_KEY"}
FINE = (ExitCode.OK, "succeeded", 2)  # both are rendered, and each is paid for once
BROKE = (ExitCode.CREDITS, None, 1)  # the run stops, and sends the other one later


@pytest.mark.few(6)
@pytest.mark.parametrize(
    ("provider", "trouble", "expected"),
    [
        ("fal", "[[fail drop]]", FINE),  # lost, listed, and found
        ("kling", "[[fail arrears]]", BROKE),  # a 429 that is not about pace
        ("minimax", "[[fail error200]]", BROKE),  # under 200
        ("replicate", "[[fail 429 x2]]", FINE),
        ("fal", "[[media once-dead]]", FINE),
        ("fal", "[[fail failed-moderation]]", (ExitCode.SOME_FAILED, "failed", 1)),
        ("kling", "[[fail drop]]", FINE),  # asked for by our id
        ("kling", "[[fail 429 x2]]", FINE),
        ("luma", "[[fail cut]]", FINE),
        ("replicate", "[[fail reset]]", FINE),
        ("fal", "[[fail arrears]]", BROKE),
        ("replicate", "[[fail arrears]]", BROKE),
        ("luma", "[[fail failed]]", (ExitCode.SOME_FAILED, "failed", 1)),
        ("bfl", "[[fail drop]]", (ExitCode.SOME_FAILED, "in_doubt", 2)),  # nothing finds it
    ],
)
def test_nothing_is_paid_twice_and_everything_is_told(
    provider: str,
    trouble: str,
    expected: tuple[ExitCode, str | None, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, status, charges = expected
    job = tmp_path / "job.yaml"
    model = "acme/film" if provider in {"fal", "replicate"} else "film-1"
    text = JOB.format(provider=provider, model=model, trouble=trouble)
    job.write_text(text, encoding="utf-8")
    options = {"wire": provider, "latency": 0.05, "clips": "tiny", "key": KEY, "states": "strange"}
    with Sandbox(**options) as box:
        monkeypatch.setenv(VARIABLES.get(provider, f"{provider.upper()}_API_KEY"), KEY)
        monkeypatch.setenv("FAL_KEY", KEY)
        monkeypatch.setenv(f"{provider.upper()}_BASE_URL", box.url)
        assert run_command(["run", str(job)]) == code
        books = box.books()
    prompts = [charge["params"]["prompt"] for charge in books["charges"]]
    assert len(prompts) == len(set(prompts)) == charges
    assert not books["keys_at_media"]
    lines = (tmp_path / "outputs/job/manifest.jsonl").read_text("utf-8").splitlines()
    records = [record for line in lines if "task" in (record := json.loads(line))]
    assert {record["task"]: record["status"] for record in records}.get("two") == status
