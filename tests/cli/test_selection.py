"""`--only`, `--again`, `--include-kept`: what is taken up, locked and paid for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, Run

JOB = """\
model: luma-txt-2-video
prompts:
  - {id: hero, prompt: "a lighthouse of ACME"}
  - {id: pier, prompt: "a pier of ACME"}
  - {id: gull, prompt: "a gull"}
concurrency: 3
retry: {wait: 0.05}
credits: {cost: 0.95}
"""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(latency=0.01, clips="tiny", credits=1000) as served:
        yield served


class Job:
    """A job whose three clips are there, and the books of who was asked for them."""

    def __init__(self, path: Path, box: Sandbox, command: Command) -> None:
        self.path, self.box, self._command = path, box, command
        self.write(JOB)
        self.out = path.parent / "outputs" / "job"
        assert self("run", "--no-report").code == 0

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    def __call__(self, name: str, *arguments: object) -> Run:
        env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": self.box.url}
        return self._command(name, self.path, *arguments, env=env)

    def run(self, *arguments: object, code: int = 0) -> list[str]:
        """Run it again; return the tasks that were rendered."""
        before = len(self.manifest)
        ended = self("run", "--no-report", *arguments)
        assert ended.code == code, ended.err
        return sorted(line["task"] for line in self.manifest[before:])

    def check(self, *arguments: object) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self("check", "--json", *arguments).out)
        return facts

    @property
    def manifest(self) -> list[dict[str, Any]]:
        lines = (self.out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    @property
    def superseded(self) -> list[str]:
        return sorted(path.name for path in (self.out / "superseded").glob("*"))


@pytest.fixture
def rendered(job: Path, box: Sandbox, pipeline: Command) -> Job:
    return Job(job, box, pipeline)


# -- kept and rejected ------------------------------------------------------------------------


def test_what_changed_and_was_kept_stays_and_the_plan_says_so(rendered: Job) -> None:
    rendered("pick", "hero", "--keep")
    rendered.write(JOB.replace("ACME", "Apex"))
    plan = rendered.check()
    assert (plan["changed"], plan["kept"], plan["done"], plan["to_do"]) == (1, 1, 1, 1)
    assert [one["task"] for one in plan["tasks"]] == ["pier"]
    assert "kept, and changed since: left as they are" in rendered("check").out
    assert rendered.run() == ["pier"]
    state = json.loads(rendered("status", "--json").out)
    assert (state["succeeded"], state["pending"], state["kept"]) == (3, 0, 1)
    assert rendered.run() == []  # and it ends with 0
    assert [one["reason"] for one in rendered.check("--include-kept")["tasks"]] == ["changed"]
    assert rendered.run("--include-kept") == ["hero"]
    assert rendered.check()["kept_clips"] == 0  # the new clip has no verdict yet


def test_what_was_rejected_is_rendered_anew_once_and_the_old_clip_stays_in_reach(
    rendered: Job,
) -> None:
    rendered("pick", "pier", "--reject")
    (old,) = (one for one in rendered.manifest if one["task"] == "pier")
    before = (rendered.out / old["output"]).read_bytes()
    plan = rendered.check("--again", "rejected")
    assert [(one["task"], one["reason"]) for one in plan["tasks"]] == [("pier", "again")]
    assert rendered.run("--again", "rejected") == ["pier"]
    (moved,) = rendered.superseded
    assert (rendered.out / "superseded" / moved).read_bytes() == before
    assert rendered.run("--again", "rejected") == []  # the new one has no verdict


def test_a_kept_clip_is_not_rendered_anew_without_a_word_of_its_own(rendered: Job) -> None:
    rendered("pick", "hero", "--keep")
    ended = rendered("run", "--no-report", "--again", "hero", "--again", "kept")
    assert ended.code == 0
    assert "1 kept clip is locked" in ended.err
    assert len(rendered.manifest) == 3
    assert rendered.run("--again", "hero", "--include-kept") == ["hero"]


def test_a_kept_clip_that_is_gone_is_rendered_where_that_was_asked_for(rendered: Job) -> None:
    rendered("pick", "hero", "--keep")
    for one in rendered.manifest:
        (rendered.out / one["output"]).unlink()
    assert rendered.run("--retry", "missing", "--only", "hero") == ["hero"]


def test_a_kept_clip_whose_render_has_failed_since_is_not_replaced_by_a_retry(
    rendered: Job,
) -> None:
    rendered("pick", "hero", "--keep")
    rendered.write(JOB.replace("of ACME", "of ACME [[fail 422 x1]]"))
    assert rendered.run("--again", "hero", "--include-kept", "--only", "hero", code=1) == ["hero"]
    ended = rendered("run", "--no-report", "--retry", "failed", "--only", "hero")
    assert ended.code == 1
    assert "locked" not in ended.err
    assert "1 task that failed or ended in doubt has an older clip that was kept" in ended.err
    assert rendered.run("--retry", "failed", "--only", "hero", "--include-kept") == ["hero"]


# -- only -------------------------------------------------------------------------------------


def test_only_leaves_the_others_and_the_exit_code_judges_what_it_names(rendered: Job) -> None:
    rendered.write(JOB.replace("ACME", "Apex").replace("a gull", "a gull [[fail 422 x9]]"))
    assert rendered.run("--only", "hero") == ["hero"]
    assert rendered.run("--only", "gull", code=1) == ["gull"]
    assert rendered.run("--only", "gull", code=1) == []  # it has failed, and is not done
    assert rendered.run("--only", "hero") == []
    assert rendered.check("--only", "p*")["to_do"] == 1
    assert rendered.run("--only", "kept") == []
    assert rendered.run(code=1) == ["pier"]


def test_a_pattern_that_means_no_task_is_refused_with_the_nearest(rendered: Job) -> None:
    for command in ("run", "check"):
        for flag in ("--only", "--again"):
            ended = rendered(command, flag, "pire", flag, "hero")
            assert ended.code == 2
            assert "no task of this job is called 'pire'" in ended.err
            assert "did you mean pier?" in ended.err
    assert len(rendered.manifest) == 3


# -- a repeat ---------------------------------------------------------------------------------


def test_the_same_again_goes_on_where_it_was_stopped_and_pays_for_nothing_twice(
    rendered: Job,
) -> None:
    first = rendered.run("--again", "*", "--limit", "1")
    assert rendered.check("--again", "*")["to_do"] == 2
    second = rendered.run("--again", "*", "--limit", "1")
    third = rendered.run("--again", "*", "--limit", "1")
    assert sorted([*first, *second, *third]) == ["gull", "hero", "pier"]
    assert not (rendered.out / ".again.json").exists()  # it has ended
    assert rendered.run("--again", "*") == ["gull", "hero", "pier"]  # another one is another one
    assert rendered.run() == []


def test_what_was_new_to_an_again_that_was_stopped_is_not_rendered_twice(rendered: Job) -> None:
    more = "".join(f'  - {{id: new-{i}, prompt: "no. {i}"}}\n' for i in range(3))
    rendered.write(JOB.replace("concurrency", f"{more}concurrency"))
    first = rendered.run("--again", "new-*", "--limit", "1")
    rest = rendered.run("--again", "new-*")
    assert sorted([*first, *rest]) == ["new-0", "new-1", "new-2"]


def test_what_an_again_brought_and_was_rejected_is_rendered_once_more(rendered: Job) -> None:
    rendered("pick", "*", "--reject")
    (first,) = rendered.run("--again", "rejected", "--limit", "1")
    rendered("pick", first, "--reject")
    assert rendered.run("--again", "rejected") == ["gull", "hero", "pier"]


def test_an_again_that_finds_nothing_leaves_the_note_of_another(rendered: Job) -> None:
    (first,) = rendered.run("--again", "*", "--limit", "1")
    assert rendered.run("--again", "rejected") == []
    assert sorted([first, *rendered.run("--again", "*")]) == ["gull", "hero", "pier"]


def test_another_again_is_no_repeat(rendered: Job) -> None:
    rendered.run("--again", "*", "--limit", "1")
    assert rendered.run("--again", "hero") == ["hero"]
    assert rendered.run("--again", "hero") == ["hero"]


def test_a_failed_task_is_taken_up_by_its_name(rendered: Job) -> None:
    rendered.write(JOB.replace("a gull", "a gull [[fail 422 x1]]"))
    assert rendered.run(code=1) == ["gull"]
    assert rendered.run("--again", "gull") == ["gull"]


@pytest.mark.parametrize("hostile", ["garbage", "link", "newer"])
def test_a_note_that_was_not_written_by_this_program_changes_nothing(
    rendered: Job, hostile: str
) -> None:
    note = rendered.out / ".again.json"
    if hostile == "link":
        note.symlink_to("/etc/hostname")
    else:
        note.write_text("garbage" if hostile == "garbage" else '{"format": 99}')
    if hostile == "newer":
        assert rendered("run", "--again", "hero").code == 2
    else:
        assert rendered.run("--again", "hero") == ["hero"]


def test_the_report_of_a_run_repeats_no_wish_that_has_been_fulfilled(rendered: Job) -> None:
    assert rendered("run", "--again", "hero").code == 0
    page = (rendered.out / "report.html").read_text(encoding="utf-8")
    told = json.loads(page.partition('id="job">')[2].partition("</script>")[0])
    assert "--again" not in told["command"]
    assert told["again"].endswith("--again rejected")
    assert "pick" in told["import"]
    assert "--to ics" in told["export_ics"]


def test_the_report_counts_a_kept_clip_though_its_task_has_changed(rendered: Job) -> None:
    rendered("pick", "hero", "--keep")
    rendered.write(JOB.replace("ACME", "Apex"))
    assert rendered("report").code == 0
    page = (rendered.out / "report.html").read_text(encoding="utf-8")
    told = json.loads(page.partition('id="entries">')[2].partition("</script>")[0])
    assert [entry["task"] for entry in told if entry.get("standing") == "changed"] == ["pier"]
