"""`prompts_from: {job: …}`: the clips of another job as rows, in a folder as runs leave it."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.pictures import png
from support.rendered import render

import pipeline
from pipeline.cli.edge import run_command
from pipeline.errors import JobFileError
from pipeline.job import load as look
from pipeline.models import Job, Task
from pipeline.store import clips_of

STILLS = """
model: luma-txt-2-video
vars: {brand: Nordlicht}
prompts:
  - {id: fox, prompt: "A fox, {{ mood }}", vars: {mood: calm}, meta: {channel: web, Approved: yes}}
  - {id: kite, prompt: "A kite", takes: 2}
  - {id: sign, prompt: "Sign: {{ '{{ OPEN }}' }}", vars: {mood: loud}, meta: {publish: 2026-12-01}}
credits: {cost: 0.1}
"""
FILMS = """
model: ray-flash-2-720p
prompts_from: {job: stills.yaml, which: all}
inputs: {start_image_url: "{{ output }}"}
credits: {cost: 0.95}
"""


def picture(task: str) -> bytes:
    return png(sum(task.encode()))


class Studio:
    """A folder with two jobs; the stills are rendered where a test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stills, self.films = folder / "stills.yaml", folder / "films.yaml"
        self.out = folder / "outputs" / "stills"
        self.stills.write_text(STILLS)
        self.films.write_text(FILMS)

    def rendered(self, *left: str) -> "Studio":
        render(self.stills, leave=left, body=picture)
        return self

    def pick(self, *words: str) -> None:
        assert run_command(["pick", str(self.stills), *words]) == 0

    def write(self, source: str = "{job: stills.yaml, which: all}", more: str = "") -> Path:
        text = FILMS.replace("{job: stills.yaml, which: all}", source)
        self.films.write_text(text + more)
        return self.films

    def job(self, source: str = "{job: stills.yaml, which: all}", more: str = "") -> Job:
        return pipeline.load(self.write(source, more))

    def tasks(self, *texts: str) -> dict[str, Task]:
        return {task.id: task for task in self.job(*texts).tasks()}

    def sheet(self) -> dict[str, Any]:
        """What was found out about the stills, of the films as they are written."""
        job = pipeline.load(self.films)
        list(job.tasks())
        return job.sheets()[0]

    def wrong(self, *texts: str) -> list[str]:
        with pytest.raises(JobFileError) as caught:
            list(self.job(*texts).tasks())
        return [str(one).replace(f"{self.folder}/", "") for one in caught.value.problems]

    def clip(self, task: str) -> Path:
        records = map(json.loads, (self.out / "manifest.jsonl").read_text().splitlines())
        return self.out / next(str(r["output"]) for r in records if r["task"] == task)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def test_each_clip_is_a_row_with_what_belongs_to_it(studio: Studio) -> None:
    studio.rendered().pick("fox", "--keep")
    more = (
        'prompt: "{{ prompt }}|{{ id }}|{{ mood | default(0) }}|{{ seed }}|{{ verdict or 0 }}'
        '|{{ meta.channel | default(0) }}|{{ vars.mood | default(0) }}"\n'
    )
    tasks = studio.tasks("{job: stills.yaml, which: all}", more)
    assert list(tasks) == ["fox", "kite", "kite#2", "sign"]
    fox = tasks["fox"]
    assert fox.prompt == "A fox, calm|fox|calm|7|kept|web|calm"
    assert fox.meta == {"channel": "web", "Approved": "yes"}
    assert fox.line == "stills.yaml:5"
    start = fox.inputs["start_image_url"]
    assert not isinstance(start, list)
    assert start.path == studio.clip("fox").relative_to(studio.folder).as_posix()
    assert tasks["kite#2"].inputs["start_image_url"] != tasks["kite"].inputs["start_image_url"]


def test_a_prompt_is_sent_as_it_was_braces_and_all(studio: Studio) -> None:
    studio.rendered()
    assert studio.tasks()["sign"].prompt == "Sign: {{ OPEN }}"


def test_a_clip_without_an_id_is_called_by_its_prompt(studio: Studio) -> None:
    studio.stills.write_text("model: luma-txt-2-video\nprompts: [A fox asleep]\n")
    (task,) = studio.rendered().tasks().values()
    assert task.id.startswith("~")
    assert task.output.startswith("a-fox-asleep-")


def test_values_of_the_matrix_are_words_and_make_rows_of_their_own(studio: Studio) -> None:
    matrix = "matrix: {aspect_ratio: [16:9, 9:16], vars: {sky: [red, grey]}}\n"
    studio.stills.write_text(STILLS.replace("A kite", "{{ sky }}").replace("Sign", "{{ sky }}"))
    text = studio.stills.read_text().replace("{{ mood }}", "{{ mood }} {{ sky }}")
    studio.stills.write_text(text + matrix)
    studio.rendered()
    where = "{job: stills.yaml, which: all, where: \"sky == 'red' and aspect_ratio == '9:16'\"}"
    tasks = studio.tasks(where)
    assert list(tasks)[:2] == ["fox[aspect_ratio=9:16,sky=red]", "kite[aspect_ratio=9:16,sky=red]"]
    assert len(tasks) == 4
    sheet = studio.sheet()
    assert (sheet["tasks"], sheet["rows"], sheet["passed"]) == (16, 16, 4)


def test_a_clip_keeps_its_number_whichever_others_are_kept(studio: Studio) -> None:
    studio.rendered().pick("kite#2", "sign", "--keep")
    numbered = 'prompt: "{{ index }} {{ prompt }}"\n'
    before = studio.tasks("{job: stills.yaml}", numbered)
    studio.pick("kite", "--keep")
    after = studio.tasks("{job: stills.yaml}", numbered)
    assert [task.prompt for task in before.values()] == ["3 A kite", "4 Sign: {{ OPEN }}"]
    assert {name: after[name].prompt for name in before} == {
        name: task.prompt for name, task in before.items()
    }


def test_only_kept_clips_are_rows_unless_all_are_asked_for(studio: Studio) -> None:
    studio.rendered("sign").pick("kite", "--keep")
    studio.pick("kite#2", "--reject")
    assert list(studio.tasks("{job: stills.yaml}")) == ["kite"]
    assert studio.sheet()["left_out"] == {"not_kept": 2, "not_rendered": 1}
    said = (
        "stills.yaml: 1 of 4 tasks is a row (which: kept); not kept: 2 (fox, kite#2); not rendered"
    )
    assert studio.sheet()["said"][0].startswith(said)
    assert list(studio.tasks()) == ["fox", "kite", "kite#2"]
    kept = "{job: stills.yaml, which: kept}"
    assert list(studio.tasks(kept)) == ["kite"]


def test_what_a_clip_contains_counts_and_not_where_it_lies(studio: Studio) -> None:
    studio.rendered()
    before = {name: task.fingerprint for name, task in studio.tasks().items()}
    shutil.move(studio.folder / "outputs", studio.folder / "elsewhere")
    moved = studio.tasks("{job: stills.yaml, which: all, output: elsewhere/stills}")
    assert {name: task.fingerprint for name, task in moved.items()} == before

    shutil.move(studio.folder / "elsewhere", studio.folder / "outputs")
    render(studio.stills, body=lambda task: png(9) if task == "kite" else picture(task))
    after = studio.tasks()
    assert [name for name in before if after[name].fingerprint != before[name]] == ["kite"]


def test_clips_outside_the_folder_are_named_by_their_absolute_path(studio: Studio) -> None:
    studio.rendered()
    away = studio.folder.parent / f"{studio.folder.name}-away"
    shutil.move(studio.folder / "outputs", away)
    (studio.folder / "outputs").symlink_to(away)
    start = studio.tasks()["fox"].inputs["start_image_url"]
    assert not isinstance(start, list)
    assert (start.path or "").startswith(f"{away}/stills/")


def test_what_did_not_succeed_or_has_changed_since_is_left_out_and_said(studio: Studio) -> None:
    studio.rendered()
    manifest = studio.out / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line, status in zip(lines, ("failed", "in_doubt", "succeeded", "succeeded"), strict=True):
        line["status"] = status
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    studio.stills.write_text(STILLS.replace("Sign", "A board").replace("takes: 2", "takes: 1"))
    studio.write()
    (problem,) = studio.wrong()
    assert problem == (
        "films.yaml:3: prompts_from.job: there is nothing to render; stills.yaml: 0 of 3 tasks are"
        " rows (which: all); failed: 1 (fox); in doubt: 1 (kite); changed since they were rendered,"
        " so run it first: 1 (sign); clips of tasks that are no longer in it: 1, left out"
        " (run stills.yaml first)"
    )
    studio.pick("sign", "--keep")  # locked, whatever the job says now
    assert list(studio.tasks()) == ["sign"]


def test_before_the_first_run_nothing_is_to_render_and_the_job_can_be_looked_at(
    studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    (problem,) = studio.wrong()
    assert "0 of 4 tasks are rows (which: all); not rendered yet: 4 (fox, kite, kite#2, sign)" in (
        problem
    )
    assert problem.endswith("(run stills.yaml first)")
    assert list(look(studio.films, to_send=False, clips=clips_of).tasks()) == []
    assert run_command(["status", str(studio.films), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 0
    assert not studio.out.exists()

    studio.rendered()
    (problem,) = studio.wrong("{job: stills.yaml}")
    assert problem.endswith("(say which clips are good with `pipeline pick`, or take all with"
                            " which: all)")  # fmt: skip


def test_a_file_that_is_not_the_clip_is_left_out_and_said(studio: Studio) -> None:
    studio.rendered()
    studio.clip("fox").unlink()
    studio.clip("kite").write_bytes(png(99))
    secret = studio.folder / "secret.png"
    shutil.copy(studio.clip("sign"), secret)
    studio.clip("sign").unlink()
    studio.clip("sign").symlink_to(secret)
    assert list(studio.tasks()) == ["kite#2"]
    assert studio.sheet()["left_out"] == {"missing": 1, "altered": 1, "outside": 1}
    (said,) = studio.sheet()["said"]
    assert "files are missing: 1 (fox)" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output": "../../secret.png"}, "leads out of the directory"),
        ({"output": "/etc/passwd"}, "is an absolute path"),
        ({"format": 99}, "in format 99"),
        ({"task": 7}, "this line is no record"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    studio: Studio, change: dict[str, Any], said: str
) -> None:
    studio.rendered()
    manifest = studio.out / "manifest.jsonl"
    first, *rest = manifest.read_text().splitlines()
    manifest.write_text("\n".join([json.dumps(json.loads(first) | change), *rest]) + "\n")
    (problem,) = studio.wrong()
    assert problem.startswith("films.yaml:3: prompts_from.job: outputs/stills/manifest.jsonl")
    assert said in problem


def test_another_jobs_directory_is_refused(studio: Studio) -> None:
    studio.rendered()
    other = studio.folder / "other.yaml"
    other.write_text(STILLS)
    owner = {"name": "other", "file": "../../other.yaml"}
    (studio.out / ".job.json").write_text(json.dumps(owner))
    (problem,) = studio.wrong()
    assert "belongs to the job 'other'" in problem
    (studio.out / ".job.json").write_text(json.dumps(owner | {"format": 99}))
    (problem,) = studio.wrong()
    assert "in format 99" in problem


def test_jobs_in_a_circle_are_refused_where_it_is_written(studio: Studio) -> None:
    (problem,) = studio.wrong("{job: films.yaml}")
    assert problem.startswith(
        "films.yaml:3: prompts_from.job: films.yaml has its own clips as rows"
    )
    studio.stills.write_text("model: luma-txt-2-video\nprompts_from: {job: link.yaml}\n")
    (studio.folder / "link.yaml").symlink_to("films.yaml")
    found = studio.wrong()
    assert found[0] == "films.yaml:3: prompts_from.job: stills.yaml is not a valid job"
    assert found[1].startswith(
        "stills.yaml:2: prompts_from.job: these jobs have each other's clips as rows:"
        " films.yaml → stills.yaml → films.yaml"
    )


def test_a_chain_without_end_is_refused(studio: Studio) -> None:
    for number in range(12):
        path = studio.folder / f"job{number}.yaml"
        path.write_text(FILMS.replace("stills.yaml", f"job{number + 1}.yaml"))
    assert "more than 8 jobs" in studio.wrong("{job: job0.yaml}")[-1]


def test_jobs_that_multiply_are_refused(studio: Studio) -> None:
    for level in range(7):
        for number in range(4):
            names = [f"{{job: job{level + 1}-{n}.yaml}}" for n in range(4)]
            text = FILMS.replace("{job: stills.yaml, which: all}", f"[{', '.join(names)}]")
            (studio.folder / f"job{level}-{number}.yaml").write_text(text)
    for number in range(4):
        (studio.folder / f"job7-{number}.yaml").write_text(STILLS)
    assert any("more than 100 other jobs" in one for one in studio.wrong("{job: job1-0.yaml}"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{job: still.yaml}", "there is no file still.yaml (did you mean stills.yaml?)"),
        ("{job: outputs}", "outputs is not a regular file"),
        ("{job: stills.yaml, file: a.csv}", "rows come from a file or from a job"),
        ("{job: stills.yaml, sheet: A}", "prompts_from.sheet: unknown key"),
        ("{job: stills.yaml, wich: all}", "did you mean which?"),
        ("{job: stills.yaml, which: best}", '"best" is not a valid value (known: kept, all)'),
        ("{job: stills.yaml, id: film}", '"film" would be the id of every row'),
        ("{job: stills.yaml, where: 'a ='}", "prompts_from.where"),
        ("{job: stills.yaml, which: all, columns: {publish: Day}}", 'there is no column "Day"'),
        ("[{job: stills.yaml}, {job: ./stills.yaml, which: all}]", "stills.yaml is listed twice"),
        ("stills.yaml", "for its clips write prompts_from: {job: stills.yaml}"),
        ("{job: stills.yaml, output: 's3://a/b'}", 'prompts_from.output: "s3://a/b" is a bucket'),
        ("{job: stills.yaml, output: films.yaml}", "films.yaml is not a folder"),
        ("{job: stills.yaml, output: later}", "(run stills.yaml first, into later)"),
        ("{jobs: stills.yaml}", "unknown key (did you mean job?)"),
        ("{which: all}", "name the file, plan.xlsx, or a job: {job: stills.yaml}"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_with_what_would_be_right(
    studio: Studio, source: str, said: str
) -> None:
    studio.rendered()
    found = studio.wrong(source)
    assert any(one.startswith("films.yaml:3: prompts_from") and said in one for one in found), found


def test_what_is_wrong_with_the_other_job_is_said_with_its_own_lines(studio: Studio) -> None:
    studio.rendered()
    studio.stills.write_text("model: luma-txt-2-video\nprompt: a\ncost: 1\nprompts: 3\n")
    found = studio.wrong()
    assert found[0] == "films.yaml:3: prompts_from.job: stills.yaml is not a valid job"
    assert [one.partition(": ")[0] for one in found[1:]] == ["stills.yaml:3", "stills.yaml:4"]
    (studio.folder / "rows.csv").write_text("id,prompt\na,{{ nothing }}\n")
    studio.stills.write_text("model: luma-txt-2-video\nprompts_from: rows.csv\n")
    found = studio.wrong()
    assert len(found) == 1
    assert found[0].startswith("rows.csv:2: row 2: prompt: the template's nothing")


def test_clips_in_a_bucket_are_refused_and_a_copy_of_them_is_taken(studio: Studio) -> None:
    studio.rendered()
    copy = studio.folder / "copy"
    shutil.copytree(studio.out, copy)
    studio.stills.write_text(STILLS + "output: {dir: 's3://clips/stills'}\n")
    (problem,) = studio.wrong()
    assert "the clips of stills.yaml are in s3://clips/stills" in problem
    assert "name the folder here: output: …" in problem
    assert len(studio.tasks("{job: stills.yaml, which: all, output: copy}")) == 4


def test_where_columns_and_ids_work_as_on_a_sheet(studio: Studio) -> None:
    studio.rendered()
    source = (
        "{job: stills.yaml, which: all, where: 'channel or publish', "
        "columns: {channel: mood, verdict: Approved}, id: '{{ id }}-film'}"
    )
    source = source.replace("channel or publish", "mood | default(false)")
    tasks = studio.tasks(source)
    assert list(tasks) == ["fox-film", "sign-film"]
    assert [task.meta["channel"] for task in tasks.values()] == ["calm", "loud"]
    assert tasks["fox-film"].verdict == "kept"
    assert tasks["fox-film"].former is not None
    assert tasks["fox-film"].former.id == "fox"


def test_the_verdict_on_a_still_says_nothing_of_its_film(studio: Studio) -> None:
    studio.rendered().pick("fox", "--keep")
    assert studio.tasks("{job: stills.yaml}")["fox"].verdict is None  # nor does `Approved: yes`


def test_two_jobs_with_the_same_ids_need_others(studio: Studio) -> None:
    studio.rendered()
    (studio.folder / "more.yaml").write_text(STILLS)
    render(studio.folder / "more.yaml", body=picture)
    both = "[{job: stills.yaml, which: all}, {job: more.yaml, which: all%s}]"
    assert 'below prompts_from, id: "{{ id }}-2"' in studio.wrong(both % "")[0]
    assert len(studio.tasks(both % ", id: '{{ id }}-2'")) == 8


def test_takes_of_films_that_would_be_called_like_takes_of_stills_are_refused(
    studio: Studio,
) -> None:
    studio.rendered()
    all_clips = "{job: stills.yaml, which: all%s}"
    assert 'duplicate id "kite#2"' in studio.wrong(all_clips % "", "takes: 2\n")[0]
    other = ", id: \"{{ id | replace('#', '-') }}\""
    assert "kite-2#2" in studio.tasks(all_clips % other, "takes: 2\n")


def test_films_of_stills_of_the_sandbox_are_warned(studio: Studio) -> None:
    studio.rendered()
    assert studio.job().warnings == ()
    manifest = studio.out / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"simulated":null', '"simulated":true'))
    (warning,) = studio.job().warnings
    assert "the sandbox rendered stills.yaml" in warning


def test_a_job_that_does_not_send_the_clips_is_warned(studio: Studio) -> None:
    studio.rendered()
    studio.films.write_text(FILMS.replace("inputs", "# inputs"))
    (warning,) = [w for w in pipeline.load(studio.films).warnings if "prompts_from" in w]
    assert "nothing is sent of the clips of stills.yaml" in warning


def test_films_stay_what_they_are_when_their_stills_were_deleted(studio: Studio) -> None:
    """A third job finds them, and `status` counts them; nothing can be rendered of them."""
    studio.rendered()
    render(studio.films, body=lambda task: picture(f"film {task}"))
    text = FILMS.replace("stills.yaml", "films.yaml")
    large = studio.folder / "large.yaml"
    large.write_text(text)
    before = {task.id: task.fingerprint for task in pipeline.load(large).tasks()}
    assert len(before) == 4
    for clip in studio.out.glob("*.mp4"):
        os.unlink(clip)  # noqa: PTH108
    assert {task.id: task.fingerprint for task in pipeline.load(large).tasks()} == before
    status = pipeline.status(look(studio.films, to_send=False, clips=clips_of))
    assert status.counts.succeeded == 4
    assert "files are missing: 4" in studio.wrong()[0]
