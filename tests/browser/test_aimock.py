"""The command against aimock, a simulation by other people, which they hold to the real APIs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from sandbox import stills

pytestmark = pytest.mark.browser  # for its Node.js

HERE = Path(__file__).parent
KEY = "wk-0123456789abcdef0123"
JOB = """\
provider: {provider}
model: {model}
prompts: [{{id: one, prompt: a lighthouse}}, {{id: two, prompt: a quiet lake}}]
concurrency: 2
poll: 0.1
credits: {{cost: 0.07, budget: 5}}
"""
WIRES = {
    "fal": ("acme/film/fast", "FAL_KEY", ".mp4"),
    "openai-images": ("gpt-image-1", "OPENAI_API_KEY", ".png"),
    "elevenlabs": ("text-to-speech/rachel", "ELEVENLABS_API_KEY", ".mp3"),
}


@pytest.fixture(scope="module")
def aimock(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if not (HERE / "node_modules/@copilotkit/aimock").is_dir():
        pytest.skip("aimock is not installed: run tests/browser/setup")
    sound = tmp_path_factory.mktemp("aimock") / "sound.mp3"
    sound.write_bytes(stills.sound(bytes(32)))
    film = HERE.parents[1] / "sandbox" / "tiny.mp4"
    command = [node, str(HERE / "aimock.mjs"), str(film), str(sound)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told: dict[str, str] = json.loads(process.stdout.readline())
        yield told
        process.stdin.close()


def asked(url: str) -> list[dict[str, Any]]:
    with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
        told: list[dict[str, Any]] = json.load(answer)
        return told


@pytest.mark.parametrize("provider", list(WIRES))
def test_a_job_is_rendered_and_sent_once(
    provider: str, aimock: dict[str, str], tmp_path: Path
) -> None:
    model, variable, suffix = WIRES[provider]
    job = tmp_path / "job.yaml"
    job.write_text(JOB.format(provider=provider, model=model), encoding="utf-8")
    base = aimock["fal" if provider == "fal" else "others"]
    known = {variable: KEY, f"{provider.upper().replace('-', '_')}_BASE_URL": base}
    before = len(asked(f"{aimock['others']}/__aimock/journal?method=POST"))
    command = [sys.executable, "-m", "pipeline", "run", str(job)]
    for _ in range(2):  # the second run sends nothing
        done = subprocess.run(
            command,
            env={**os.environ, **known},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    posts = asked(f"{aimock['others']}/__aimock/journal?method=POST")[before:]
    assert [post["response"]["status"] for post in posts] == [200, 200]
    lines = (tmp_path / "outputs/job/manifest.jsonl").read_text("utf-8").splitlines()
    records = [record for line in lines if "task" in (record := json.loads(line))]
    assert {record["task"] for record in records} == {"one", "two"}
    for record in records:
        output = tmp_path / "outputs/job" / record["output"]
        assert output.suffix == suffix
        assert output.stat().st_size == record["bytes"] > 0
    assert not [headers for headers in asked(f"{aimock['files']}/seen") if KEY in str(headers)]
