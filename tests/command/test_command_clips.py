"""Jobs whose rows are the clips of another one, through the real command and the sandbox."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.helpers import Workspace, times_sent, until
from support.pictures import png
from support.rendered import render

import pipeline
from pipeline.cli.edge import run_command
from sandbox.testing import Sandbox

STILLS = """
model: seedream-4
account: {key: STILLS_KEY_ELSEWHERE}
credits: {cost: 0.1}
prompts:
"""


class Films(Workspace):
    """A job of films, `job.yaml`, of the stills next to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stills = folder / "stills.yaml"

    def render(self, **numbers: int) -> None:
        """Render stills, each a picture by its number."""
        lines = [f"  - {{id: {name}, prompt: still {name}}}\n" for name in numbers]
        self.stills.write_text(STILLS + "".join(lines))
        render(self.stills, body=lambda task: png(numbers[task]))

    def write_films(self, which: str = "all", **more: Any) -> None:
        self.write(
            model="ray-flash-2-720p",
            prompts_from={"job": "stills.yaml", "which": which},
            inputs={"start_image_url": "{{ output }}"},
            credits={"cost": 0.95},
            **more,
        )

    def plan(self) -> dict[str, Any]:
        """What `check --json` says, without any key."""
        self.env["SEGMIND_API_KEY"] = None
        found = self.finish(self.start("--json", command="check"))
        del self.env["SEGMIND_API_KEY"]
        assert found.code == 0, found.err
        return dict(json.loads(found.out))


@pytest.fixture
def films(tmp_path: Path) -> Films:
    return Films(tmp_path)


def test_a_second_run_sends_nothing_and_a_new_still_has_a_new_film(films: Films) -> None:
    films.render(a=1, b=2, c=3)
    films.write_films()
    plan = films.plan()
    assert plan["sheets"][0]["which"] == "all"
    assert [task["line"] for task in plan["tasks"]] == [f"stills.yaml:{n}" for n in (6, 7, 8)]
    with Sandbox(clips="tiny", credits=100) as api:
        assert films.run(url=api.url).code == 0
        assert films.run(url=api.url).code == 0
        assert len(api.books()["requests"]) == 3

        films.render(a=1, b=9, c=3)
        (task,) = films.plan()["tasks"]
        assert (task["task"], task["reason"]) == ("b", "changed")
        assert films.run(url=api.url).code == 0
        assert times_sent(api.books()) == {"still a": 1, "still b": 2, "still c": 1}
        films.agrees_with(api.books())
        assert len(list((films.output / "superseded").iterdir())) == 1


def test_a_still_that_is_kept_during_the_run_joins_it_by_a_reload(films: Films) -> None:
    films.render(a=1, b=2)
    films.write_films("kept", concurrency=1)
    assert run_command(["pick", str(films.stills), "a", "--keep"]) == 0
    with Sandbox(clips="tiny", credits=100, latency=2.0) as api:
        running = films.start(url=api.url)
        until(lambda: api.books()["requests"])
        assert run_command(["pick", str(films.stills), "b", "--keep"]) == 0
        reload = films.finish(films.start("reload", command="control"))
        assert (reload.code, "1 joined" in reload.out) == (0, True), reload
        assert films.finish(running).code == 0
        assert times_sent(api.books()) == {"still a": 1, "still b": 1}


@pytest.mark.variant
def test_the_clips_of_a_run_that_is_not_over_are_rows_as_they_come(films: Films) -> None:
    prompts = [{"id": name, "prompt": f"clip {name}"} for name in "ab"]
    films.write(prompts=prompts, concurrency=1, credits={"cost": 0.1})
    larger = {"model": "ray-flash-2-720p", "inputs": {"video_url": "{{ output }}"}}
    source = {"job": "job.yaml", "which": "all"}
    (films.folder / "larger.yaml").write_text(json.dumps({**larger, "prompts_from": source}))
    with Sandbox(clips="tiny", credits=100, latency=1.5) as api:
        running = films.start(url=api.url)
        until(films.last)
        rows = list(pipeline.load(films.folder / "larger.yaml").tasks())
        assert [task.id for task in rows] == ["a"]
        assert films.finish(running).code == 0
    assert len(list(pipeline.load(films.folder / "larger.yaml").tasks())) == 2


@pytest.mark.variant
def test_a_still_that_is_rendered_again_during_the_run_is_not_sent_half(films: Films) -> None:
    films.render(a=1, b=2)
    films.write_films(concurrency=1)
    with Sandbox(clips="tiny", credits=100, latency=1.0) as api:
        running = films.start(url=api.url)
        until(lambda: api.books()["requests"])
        films.render(a=1, b=7)
        assert films.finish(running).code == 1
        assert films.last()["b"]["reason"] == "input_changed"
        assert films.run(url=api.url).code == 0
        assert times_sent(api.books()) == {"still a": 1, "still b": 1}


def test_without_a_clip_nothing_is_sent_and_no_directory_is_made(films: Films) -> None:
    films.render(a=1)
    films.write_films("kept")
    run = films.run()
    assert run.code == 2
    assert "job.yaml:1: prompts_from.job: there is nothing to render" in run.err
    assert "not kept: 1 (a)" in run.err
    assert not films.output.exists()
