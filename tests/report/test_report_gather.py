"""What the page gathers from the files of a job."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.job.loading import load
from pipeline.ledger.manifest import encode
from pipeline.ledger.verdicts import Verdict, append
from pipeline.models import Job, Record, Status, Task
from pipeline.report import build
from pipeline.report.build import gather
from pipeline.report.entries import Entry, entries
from pipeline.report.render import facts, render
from pipeline.store.layout import Layout
from tests.report.conftest import commands_of

MakeRecord = Callable[..., Record]
SHA, OLDER = "a" * 64, "b" * 64
JOB = """\
name: spring
model: luma-txt-2-video
matrix: {aspect_ratio: [16:9, 9:16]}
prompts:
  - id: hero
    prompt: A lighthouse at dusk
    takes: 2
    meta: {publish: 2026-12-01, channel: instagram, caption: " Hi ", campaign: xmas}
  - A harbour in rain
output: {dir: out}
"""
HERO, TALL = "hero[aspect_ratio=16:9]", "hero[aspect_ratio=9:16]"


def loaded(folder: Path, text: str = JOB) -> Job:
    path = folder / "spring.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return loaded(tmp_path)


@pytest.fixture
def recorded(job: Job, a_record: MakeRecord) -> Callable[..., Record]:
    """Record how a task of the job has ended, with its file where it has one."""
    layout = Layout(job.output_dir)
    layout.root.mkdir()
    tasks = {task.id: task for task in job.tasks()}

    def add(name: str, **fields: Any) -> Record:
        task: Task | None = tasks.get(name)
        if task is not None:
            fields = {"params": task.params, "fingerprint": task.fingerprint, **fields}
        record = a_record(name, **{"output": "a.mp4", "sha256": SHA, "bytes": 0, **fields})
        with layout.manifest.open("ab") as manifest:
            manifest.write(encode(record))
        if record.status is Status.SUCCEEDED:
            (layout.root / str(record.output)).write_bytes(b"")
        return record

    return add


def shown(job: Job) -> dict[str, Entry]:
    return {one.task: one for one in entries(gather(job, commands_of("spring.yaml")))}


def say(job: Job, task: str, word: str | None, at: int = 0, **fields: Any) -> None:
    fields = {"sha256": SHA, "by": "Ada", **fields}
    word_at = f"2026-11-22T07:00:0{at}Z"
    append(
        Layout(job.output_dir).verdicts, [Verdict(task=task, verdict=word, at=word_at, **fields)]
    )


def test_tasks_without_a_record_are_shown_as_they_are_planned_in_the_order_of_the_job(
    job: Job, recorded: Callable[..., Record]
) -> None:
    recorded(TALL)
    recorded("left")
    found = shown(job)
    names = [task.id for task in job.tasks()]
    assert list(found) == [*names, "left"]
    planned = found[HERO]
    assert (planned.status, planned.standing, planned.attempts) == ("pending", "", 1)
    assert planned.prompt == "A lighthouse at dusk"
    assert planned.params == {"aspect_ratio": "16:9", "loop": False}
    assert (planned.file, planned.src, planned.cost) == (None, None, None)
    assert planned.name
    assert planned.publish == "2026-12-01"
    assert planned.words is not None
    assert planned.words.command == "pipeline run spring.yaml"
    assert found["left"].standing == "former"
    totals = gather(job, commands_of("spring.yaml")).totals
    assert (totals.total, totals.succeeded, totals.pending) == (6, 1, 5)


def test_a_job_that_has_never_run_shows_what_is_planned(job: Job) -> None:
    assert {one.status for one in shown(job).values()} == {"pending"}
    assert len(shown(job)) == 6


def test_the_tasks_of_one_prompt_are_one_post_and_say_how_they_differ(
    job: Job, recorded: Callable[..., Record]
) -> None:
    recorded(f"{TALL}#2")
    recorded("left")
    found = shown(job)
    tall = found[f"{TALL}#2"]
    assert (tall.post, tall.own_id, tall.take) == ("hero", "hero", 2)
    assert tall.values == {"aspect_ratio": "9:16"}
    assert [one.take for one in found.values() if one.post == "hero"] == [1, 2, 1, 2]
    rain = [one for one in found.values() if one.prompt == "A harbour in rain"]
    assert len({one.post for one in rain}) == 1
    assert {(one.own_id, one.take) for one in rain} == {("", None)}
    assert found["left"].post == "left"


def test_the_texts_of_a_post_are_those_of_an_export(
    job: Job, recorded: Callable[..., Record]
) -> None:
    recorded(HERO, meta={"publish": "2026-01-01", "caption": "an old one"})
    hero = shown(job)[HERO]
    assert (hero.publish, hero.channel, hero.caption, hero.campaign) == (
        "2026-12-01", "instagram", "Hi", "xmas",
    )  # fmt: skip
    assert hero.meta["caption"] == " Hi "


def test_a_verdict_is_that_on_the_present_clip(job: Job, recorded: Callable[..., Record]) -> None:
    recorded(HERO)
    say(job, HERO, "kept", 1, note="warm light")
    say(job, HERO, "rejected", 2, sha256=OLDER)
    say(job, HERO, "rejected", 0)
    hero = shown(job)[HERO]
    assert (hero.verdict, hero.note, hero.by, hero.at, hero.sha256, hero.said_by_row) == (
        "kept", "warm light", "Ada", "2026-11-22T07:00:01Z", SHA, False,
    )  # fmt: skip
    say(job, HERO, None, 3)
    hero = shown(job)[HERO]
    assert (hero.verdict, hero.note, hero.by) == (None, None, "Ada")


def test_what_only_a_sheet_says_counts_until_somebody_says_another_word(
    tmp_path: Path, recorded: Callable[..., Record]
) -> None:
    rows = "id,prompt,verdict\nhero,A lighthouse,kept\npier,A pier,rejected\n"
    (tmp_path / "plan.csv").write_text(rows)
    job = loaded(tmp_path, "model: luma-txt-2-video\nprompts_from: plan.csv\noutput: {dir: out}\n")
    recorded("hero")
    hero, pier = shown(job).values()
    assert (hero.verdict, hero.said_by_row, hero.at) == ("kept", True, None)
    assert (pier.status, pier.verdict, pier.said_by_row) == ("pending", None, False)
    say(job, "hero", None)
    assert (shown(job)["hero"].verdict, shown(job)["hero"].said_by_row) == (None, False)
    recorded("pier", sha256=OLDER)
    recorded("pier", status=Status.FAILED, output=None)
    assert (shown(job)["pier"].verdict, shown(job)["pier"].status) == (None, "failed")


def test_versions_carry_their_own_verdict_and_parameters(
    job: Job, recorded: Callable[..., Record]
) -> None:
    old = recorded(HERO, params={"prompt": "Older words"})
    recorded(HERO, sha256=OLDER)
    layout = Layout(job.output_dir)
    layout.superseded.mkdir()
    (layout.superseded / "a.1.mp4").write_bytes(b"")
    say(job, HERO, "rejected", note="too dark")
    hero = shown(job)[HERO]
    (version,) = hero.versions
    assert (hero.sha256, hero.verdict) == (OLDER, None)
    assert (version.src, version.file) == ("./superseded/a.1.mp4", "superseded/a.1.mp4")
    assert (version.verdict, version.note, version.sha256) == ("rejected", "too dark", SHA)
    assert (version.kind, version.cost) == ("video", old.cost)
    assert version.params["prompt"] == "Older words"


def test_of_too_many_tasks_only_those_with_a_record_are_shown(
    job: Job, recorded: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(HERO)
    monkeypatch.setattr(build, "MOST", 5)
    assert list(shown(job)) == [HERO]
    assert gather(job, commands_of("spring.yaml")).totals.pending == 5


def test_the_script_is_told_the_commands_and_totals_of_the_job(
    job: Job, recorded: Callable[..., Record]
) -> None:
    recorded(HERO)
    data = gather(
        job,
        commands_of(
            "spring.yaml",
            settle="pipeline settle spring.yaml",
            picks="pipeline pick spring.yaml --import FILE",
        ),
    )
    text = "".join(render(replace(data, name="</script>"), {"base": "./"}))
    told = json.loads(text.partition('id="job">')[2].partition("</script>")[0])
    assert told.pop("totals")["total"] == 6
    assert told.pop("generated_at") == data.generated_at
    assert told == {
        "name": "</script>",
        "command": "pipeline run spring.yaml",
        "again": "pipeline run spring.yaml --again rejected",
        "settle": "pipeline settle spring.yaml",
        "import": "pipeline pick spring.yaml --import FILE",
        "simulated": False,
        "format": 4,
        "live": {"base": "./"},
    }
    assert facts(data)["live"] is None
