"""Files that are sent with a job, through the real command and the sandbox."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support.helpers import Workspace, until
from support.pictures import png

from sandbox.testing import Sandbox

MODEL = "ray-flash-2-720p"
UPLOADED = {"end_image_url": {"file": "frames/a.png", "form": "upload"}}
INPUTS = {"start_image_url": "frames/{{ id }}.png", "image": "frames/{{ id }}.png"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def frames(workspace: Workspace) -> Path:
    folder = workspace.folder / "frames"
    folder.mkdir()
    for number, name in enumerate("ab"):
        (folder / f"{name}.png").write_bytes(png(number, 120_000 * number))
    return folder


def write(workspace: Workspace, **more: Any) -> None:
    prompts = [
        {"id": "a", "prompt": "inputs a"},
        {"id": "b", "prompt": "inputs b", "inputs": UPLOADED},
    ]
    workspace.write(model=MODEL, inputs=INPUTS, prompts=prompts, credits={"cost": 0.95}, **more)


@pytest.mark.few(1)
@pytest.mark.parametrize("provider", ["segmind", "segmind-v2"])
def test_pictures_are_sent_once_and_again_when_they_were_edited(
    workspace: Workspace, frames: Path, provider: str
) -> None:
    with Sandbox(clips="tiny", credits=100) as api:
        write(workspace, provider=provider, poll="0.1s")
        assert workspace.run(url=api.url).code == 0
        first = next(r for r in api.books()["requests"] if r["prompt"] == "inputs a")
        picture = base64.b64encode(png(0)).decode()
        assert first["params"]["start_image_url"] == f"data:image/png;base64,{picture}"
        assert first["params"]["image"] == picture
        second = next(r for r in api.books()["requests"] if r["prompt"] == "inputs b")
        assert second["params"]["end_image_url"].startswith(f"{api.url}/assets/")
        record = workspace.last()["a"]
        assert record["params"] == {"prompt": "inputs a"}
        assert record["inputs"]["image"]["path"] == "frames/a.png"
        assert record["inputs"]["image"]["bytes"] == len(png(0))
        assert "base64" not in (workspace.output / "manifest.jsonl").read_text()
        assert not workspace.claims()

        # Renamed, and sent otherwise: nothing new.
        (frames / "a.png").rename(frames / "a.jpg.png")
        (frames / "a.png").symlink_to("a.jpg.png")
        assert workspace.run(url=api.url).code == 0
        assert len(api.books()["requests"]) == 2

        (frames / "b.png").write_bytes(png(9))
        plan = workspace.finish(workspace.start("--json", command="check"))
        (task,) = json.loads(plan.out)["tasks"]
        assert (task["task"], task["reason"]) == ("b", "changed")
        assert set(task["changed"]) == {"inputs.start_image_url", "inputs.image"}
        assert workspace.run(url=api.url).code == 0
        assert [r["prompt"] for r in api.books()["requests"][2:]] == ["inputs b"]


def test_what_was_edited_during_the_run_fails_unsent_and_the_others_go_on(
    workspace: Workspace, frames: Path
) -> None:
    (frames / "c.png").write_bytes(png(3))
    prompts = [{"id": name, "prompt": f"edited {name}"} for name in "abc"]
    workspace.write(
        model=MODEL, inputs=INPUTS, prompts=prompts, concurrency=1, credits={"cost": 0.95}
    )
    with Sandbox(clips="tiny", credits=100, latency=1.0) as api:
        running = workspace.start(url=api.url)
        until(lambda: api.books()["requests"])
        (frames / "b.png").write_bytes(png(8))
        assert workspace.finish(running).code == 1
        assert [r["prompt"] for r in api.books()["requests"]] == ["edited a", "edited c"]
        failed = workspace.last()["b"]
        assert (failed["status"], failed["reason"]) == ("failed", "input_changed")
        assert (failed["cost"], failed["at_risk"], failed["attempts"]) == (0, 0, 0)
        assert "frames/b.png was changed since the run was planned" in failed["error"]
        # It is another request now, and a plain run makes it.
        assert workspace.run(url=api.url).code == 0
        assert [r["prompt"] for r in api.books()["requests"][2:]] == ["edited b"]


@pytest.mark.variant
def test_a_killed_runs_pictures_are_known_by_its_claim(workspace: Workspace, frames: Path) -> None:
    write(workspace)
    with Sandbox(clips="tiny", credits=100, latency=1.5) as api:
        running = workspace.start(url=api.url)
        until(lambda: len(api.books()["requests"]) == 2)
        running.kill()
        running.communicate()
        until(lambda: all(r["state"] == "COMPLETED" for r in api.books()["requests"]))
        assert workspace.run("--no-wait", url=api.url).code == 0
        assert len(api.books()["requests"]) == 2
        record = workspace.last()["b"]
        assert record["status"] == "succeeded"
        assert record["inputs"]["image"]["path"] == "frames/b.png"


def test_a_job_without_its_pictures_sends_nothing(workspace: Workspace, frames: Path) -> None:
    (frames / "b.png").unlink()
    write(workspace)
    run = workspace.run()
    assert run.code == 2
    assert 'there is no file "frames/b.png"' in run.err
    assert not workspace.output.exists()
