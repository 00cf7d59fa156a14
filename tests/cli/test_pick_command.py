"""`pick`: verdicts on clips, by names and patterns, and what a page has saved."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Run

JOB = """\
model: luma-txt-2-video
prompts:
  - {id: hero, prompt: a lighthouse, takes: 2}
  - {id: pier, prompt: a pier}
matrix: {aspect_ratio: [16:9, 9:16]}
concurrency: 8
credits: {cost: 0.95}
"""
HERO = ["hero[aspect_ratio=16:9]", "hero[aspect_ratio=16:9]#2"]
HERO += ["hero[aspect_ratio=9:16]", "hero[aspect_ratio=9:16]#2"]
PIER = ["pier[aspect_ratio=16:9]", "pier[aspect_ratio=9:16]"]


class Job:
    """A job whose six clips are there."""

    def __init__(self, path: Path, command: Command) -> None:
        self.path, self._command = path, command
        path.write_text(JOB, encoding="utf-8")
        self.out = path.parent / "outputs" / "job"
        assert self("run", "--no-report").code == 0

    def __call__(self, name: str, *arguments: object) -> Run:
        return self._command(name, self.path, *arguments)

    def pick(self, *arguments: object) -> Run:
        return self("pick", *arguments)

    def verdicts(self, *tasks: str) -> dict[str, str | None]:
        listed = json.loads(self.pick(*tasks, "--json").out)
        return {one["task"]: one["verdict"] for one in listed if one["applies"]}

    def shas(self) -> dict[str, str]:
        lines = (self.out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        return {line["task"]: line["sha256"] for line in map(json.loads, lines)}

    def saved(self, name: str, *said: dict[str, Any]) -> Path:
        path = self.path.with_name(name)
        path.write_text("".join(json.dumps(one) + "\n" for one in said), encoding="utf-8")
        return path


@pytest.fixture
def rendered(job: Path, pipeline: Command) -> Job:
    return Job(job, pipeline)


def test_clips_are_named_by_full_name_id_pattern_file_and_verdict(rendered: Job) -> None:
    pick, verdicts = rendered.pick, rendered.verdicts
    assert pick().out == "no clip has a verdict yet\n"
    assert pick(HERO[1], "--keep", "--by", "Ada").code == 0
    assert verdicts() == {HERO[1]: "kept"}
    pick("pier", "--reject", "--note", "too dark")
    assert verdicts() == {HERO[1]: "kept", **dict.fromkeys(PIER, "rejected")}
    pick("hero*9:16*", "--keep")
    assert verdicts("hero") == dict.fromkeys(HERO[1:], "kept")
    rendered.path.with_name("some.txt").write_text(f"# these\n\n{HERO[0]}\n{HERO[1]}\n")
    pick("@some.txt", "--reject")
    assert verdicts() == {
        **dict.fromkeys([*HERO[:2], *PIER], "rejected"), **dict.fromkeys(HERO[2:], "kept")
    }  # fmt: skip
    pick("rejected", "--clear")
    assert verdicts() == {**dict.fromkeys([*HERO[:2], *PIER]), **dict.fromkeys(HERO[2:], "kept")}
    shown = pick().out
    assert "too dark" not in shown  # it was of the word that was taken back
    assert "kept" in shown
    assert "cleared" in shown


def test_a_note_alone_leaves_the_verdict_and_the_same_word_is_not_written_twice(
    rendered: Job,
) -> None:
    rendered.pick(PIER[0], "--keep", "--by", "Ada")
    rendered.pick(PIER[0], "--note", "for the title page", "--by", "Bo")
    (one,) = json.loads(rendered.pick("--json").out)
    assert (one["verdict"], one["note"], one["by"]) == ("kept", "for the title page", "Bo")
    assert one["sha256"] == rendered.shas()[PIER[0]]
    before = (rendered.out / "verdicts.jsonl").read_bytes()
    again = rendered.pick(PIER[0], "--keep")
    assert (again.code, (rendered.out / "verdicts.jsonl").read_bytes()) == (0, before)
    assert "said before" in again.err


def test_a_pattern_that_means_no_clip_is_refused_with_the_nearest_and_writes_nothing(
    rendered: Job,
) -> None:
    ended = rendered.pick("pier", "heroo", "--keep")
    assert ended.code == 2
    assert "'heroo'" in ended.err
    assert "did you mean hero?" in ended.err
    assert not rendered.verdicts()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--keep"], "no task is named"),
        (["hero", "--by", "Ada"], "--by says whose"),
        (["hero", "--import", "x"], "--import goes alone"),
        (["hero", "--keep", "--note", "x" * 4001], "4,001 characters"),
        (["@missing.txt", "--keep"], "missing.txt cannot be read"),
        (["--import", "missing.jsonl"], "missing.jsonl cannot be read"),
    ],
)
def test_bad_usage_is_refused(job: Path, pipeline: Command, arguments: list[str], why: str) -> None:
    job.parent.joinpath("outputs", "job").mkdir(parents=True)
    ended = pipeline("pick", job, *arguments)
    assert ended.code == 2
    assert why in ended.err


def test_a_job_that_has_never_run_has_no_clips_to_pick(job: Path, pipeline: Command) -> None:
    assert pipeline("pick", job).code == 0
    assert "no clip of this job is called" in pipeline("pick", job, "one", "--keep").err
    assert not (job.parent / "outputs").exists()


# -- what somebody else said ------------------------------------------------------------------


def test_two_people_s_picks_of_a_night_are_merged_and_the_later_word_counts(rendered: Job) -> None:
    shas = rendered.shas()

    def said(task: str, word: str | None, at: str, by: str) -> dict[str, Any]:
        return {"task": task, "verdict": word, "sha256": shas[task], "by": by, "at": at}

    early, late = "2026-11-02T21:00:00.000Z", "2026-11-02T22:00:00.000Z"
    ada = rendered.saved(
        "ada.jsonl", said(HERO[0], "kept", late, "Ada"), said(PIER[0], "kept", early, "Ada")
    )
    bo = rendered.saved(
        "bo.jsonl", said(HERO[0], "rejected", early, "Bo"), said(PIER[0], "rejected", late, "Bo")
    )
    assert "2 taken in" in rendered.pick("--import", ada).err
    assert "2 taken in" in rendered.pick("--import", bo).err
    assert rendered.verdicts() == {HERO[0]: "kept", PIER[0]: "rejected"}
    both = (rendered.out / "verdicts.jsonl").read_bytes()
    assert both.count(b"\n") == 4
    for older in (bo, ada):  # what is known already changes nothing
        assert "0 taken in, 2 known before" in rendered.pick("--import", older).err
    assert (rendered.out / "verdicts.jsonl").read_bytes() == both


def test_a_word_on_a_clip_that_is_not_the_task_s_is_kept_and_does_not_apply(rendered: Job) -> None:
    gone = {"verdict": "kept", "at": "2026-11-02T21:00:00.000Z", "sha256": "1" * 64}
    saved = rendered.saved("page.jsonl", {"task": HERO[0], **gone}, {"task": "left", **gone})
    ended = rendered.pick("--import", saved)
    assert (ended.code, "2 on clips that are not there any more" in ended.err) == (0, True)
    assert rendered.verdicts() == {}
    assert "(of an older clip)" in rendered.pick().out
    assert len(json.loads(rendered.pick("--json").out)) == 2
    assert "warning" not in ended.err
    other = rendered.saved("other.jsonl", {"task": "of another job", **gone})
    assert "names no clip of this job" in rendered.pick("--import", other).err


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_bytes(b'{"task":"a"}\n'), "page.jsonl:1:"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "page.jsonl:1:"),
        (lambda path: path.write_bytes(b""), "no verdicts"),
        (lambda path: path.write_text(path.read_text().replace("2026", "2999")), "still to come"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "regular file"),
    ],
)
def test_a_hostile_file_is_refused_and_nothing_is_taken_in(
    rendered: Job, spoil: Any, why: str
) -> None:
    said = {"verdict": "kept", "at": "2026-11-02T21:00:00.000Z", "sha256": "1" * 64}
    path = rendered.saved("page.jsonl", {"task": HERO[0], **said})
    spoil(path)
    ended = rendered.pick("--import", path)
    assert (ended.code, why in ended.err) == (2, True), ended.err
    assert not (rendered.out / "verdicts.jsonl").exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda p: p.symlink_to("/etc/passwd")])
def test_verdicts_that_are_no_file_are_refused_by_every_command_and_nothing_is_sent(
    rendered: Job, make: Any
) -> None:
    make(rendered.out / "verdicts.jsonl")
    for command in (["pick"], ["pick", "hero", "--keep"], ["run"], ["check"], ["status"]):
        ended = rendered(*command)
        assert (ended.code, "regular file" in ended.err) == (2, True), command


def test_costs_and_status_count_what_was_kept(rendered: Job) -> None:
    rendered.pick("hero", "--keep")
    rendered.pick(PIER[0], "--reject")
    total = json.loads(rendered("costs", "--json").out)["total"]
    assert (total["clips"], total["kept"], total["cost_per_kept_clip"]) == (6, 4, 1.425)
    state = json.loads(rendered("status", "--json").out)
    assert (state["kept"], state["rejected"], state["succeeded"]) == (4, 1, 6)
    assert "kept" in rendered("status").out


def test_a_note_alone_leaves_the_word_of_a_sheet(job: Path, pipeline: Command) -> None:
    sheet = job.with_name("plan.csv")
    sheet.write_text("id,prompt,Approved\nhero,a lighthouse,yes\npier,a pier,\n", encoding="utf-8")
    job.write_text("model: luma-txt-2-video\nprompts_from: plan.csv\ncredits: {cost: 0.95}\n")
    assert pipeline("run", job, "--no-report").code == 0
    assert pipeline("pick", job, "hero", "--note", "for the website too").code == 0
    assert json.loads(pipeline("status", job, "--json").out)["kept"] == 1
    pipeline("pick", job, "hero", "--clear")
    pipeline("pick", job, "hero", "--note", "still open")
    assert json.loads(pipeline("status", job, "--json").out)["kept"] == 0


def test_what_only_a_sheet_says_is_listed_named_and_counted(job: Path, pipeline: Command) -> None:
    sheet = job.with_name("plan.csv")
    sheet.write_text("id,prompt,Approved\na,a fox,yes\nb,a gull,no\nc,a pier,\n", encoding="utf-8")
    job.write_text(
        "model: luma-txt-2-video\nprompts_from: {file: plan.csv}\nprompt: '{{ prompt }}'\n"
        "credits: {cost: 0.95}\n",
        encoding="utf-8",
    )
    assert pipeline("pick", job, "--json").out == "[]\n"  # there is no clip yet
    assert pipeline("run", job, "--no-report").code == 0
    listed = json.loads(pipeline("pick", job, "--json").out)
    said = [
        (one["task"], one["verdict"], one["source"], one["at"], one["applies"]) for one in listed
    ]
    assert said == [("a", "kept", "sheet", None, True), ("b", "rejected", "sheet", None, True)]
    assert [line.split()[:3] for line in pipeline("pick", job, "kept").out.splitlines()[1:]] == [
        ["a", "kept", "sheet"]
    ]
    costs = json.loads(pipeline("costs", job, "--json").out)["total"]
    assert (costs["clips"], costs["kept"]) == (3, 1)
    assert pipeline("pick", job, "kept", "--clear").code == 0
    listed = json.loads(pipeline("pick", job, "--json").out)
    assert [(one["task"], one["verdict"], one["source"]) for one in listed] == [
        ("a", None, "pick"), ("b", "rejected", "sheet"),
    ]  # fmt: skip
    assert json.loads(pipeline("costs", job, "--json").out)["total"]["kept"] == 0
    sheet.write_text(sheet.read_text() + "c,a twin of c,yes\n")
    done = pipeline("costs", job, "--json")  # what was spent is known all the same
    assert (done.code, json.loads(done.out)["total"]["clips"]) == (0, 3)
    assert "plan.csv:5" in done.err


def test_a_task_that_is_called_like_a_verdict_is_told_apart(job: Path, pipeline: Command) -> None:
    job.write_text(JOB.replace("pier", "kept"), encoding="utf-8")
    assert pipeline("run", job, "--no-report").code == 0
    pipeline("pick", job, "hero", "--keep")
    plan = pipeline("check", job, "--again", "kept", "--include-kept")
    assert "a task of this job is called kept" in plan.out + plan.err
    assert "'[k]ept*'" in plan.out + plan.err
    assert pipeline("pick", job, "kept", "--reject").out == ""
    listed = json.loads(pipeline("pick", job, "--json").out)
    assert sorted(one["task"] for one in listed) == HERO  # and not the task of that name
    facts = json.loads(pipeline("check", job, "--again", "[k]ept*", "--json").out)
    assert {one["task"].partition("[")[0] for one in facts["tasks"]} == {"kept"}
