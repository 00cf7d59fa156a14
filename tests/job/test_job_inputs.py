"""Inputs of a job: which files a task has, what is wrong with them, what they count for."""

import os
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace
from support.pictures import png

from pipeline.errors import JobFileError
from pipeline.job import load
from pipeline.models import Form, Input, Task

HEAD = "model: ray-flash-2-720p\n"


@pytest.fixture
def frames(workspace: JobWorkspace) -> Path:
    folder = workspace.folder / "frames"
    folder.mkdir()
    for number, name in enumerate("abc"):
        (folder / f"{name}.png").write_bytes(png(number))
    return folder


def only(task: Task, name: str) -> Input:
    value = task.inputs[name]
    assert isinstance(value, Input)
    return value


def test_a_template_names_the_file_of_each_prompt(workspace: JobWorkspace, frames: Path) -> None:
    first, second = workspace.tasks(
        HEAD + "inputs: {start_image_url: 'frames/{{ id }}.png'}\n"
        "prompts: [{id: a, prompt: x}, {id: b, prompt: x, inputs: {image: frames/c.png}}]\n"
    )
    one = only(first, "start_image_url")
    assert (one.path, one.type, one.bytes) == ("frames/a.png", "image/png", len(png(0)))
    assert one.file == str((frames / "a.png").resolve())
    assert one.form is Form.DATA_URI
    assert only(second, "image").form is Form.BASE64
    assert first.params == {"prompt": "x"}
    assert first.fingerprint != second.fingerprint


def test_a_column_names_the_file_of_each_row(workspace: JobWorkspace, frames: Path) -> None:
    rows = "a,x,frames/a.png,\nb,y,frames/b.png,frames/c.png\n"
    workspace.put("rows.csv", "id,prompt,start_image_url,end\n" + rows)
    first, second = workspace.tasks(
        HEAD + "prompts_from: rows.csv\n"
        "inputs: {start_image_url: '{{ start_image_url }}', end_image_url: '{{ end or none }}'}\n"
    )
    assert set(first.inputs) == {"start_image_url"}
    assert set(second.inputs) == {"start_image_url", "end_image_url"}


def test_a_row_of_json_has_inputs_of_its_own_and_lists(
    workspace: JobWorkspace, frames: Path
) -> None:
    workspace.put(
        "rows.jsonl",
        '{"id": "a", "prompt": "x", "inputs": {"refs": ["frames/a.png", "https://x.test/b.png"]}}\n'
        '{"id": "b", "prompt": "{{ inputs }}", "inputs": "a word"}\n',
    )
    first, second = workspace.tasks(HEAD + "prompts_from: rows.jsonl\n")
    refs = first.inputs["refs"]
    assert isinstance(refs, list)
    assert [one.path or one.url for one in refs] == ["frames/a.png", "https://x.test/b.png"]
    assert second.params["prompt"] == "a word"
    assert not second.inputs
    assert "inputs" not in first.meta


@pytest.mark.parametrize("with_id", [True, False])
def test_contents_count_and_names_and_forms_do_not(
    workspace: JobWorkspace, frames: Path, *, with_id: bool
) -> None:
    def task(path: str, form: str = "data_uri") -> Task:
        named = "id: a, " if with_id else ""
        text = f"prompts: [{{{named}prompt: x, inputs: {{i: {{file: {path}, form: {form}}}}}}}]\n"
        return workspace.tasks(HEAD + text)[0]

    before = task("frames/a.png")
    (frames / "a.png").rename(frames / "renamed.png")
    renamed = task("frames/renamed.png", "base64")
    assert (renamed.id, renamed.fingerprint) == (before.id, before.fingerprint)
    (frames / "renamed.png").write_bytes(png(7))
    edited = task("frames/renamed.png")
    assert edited.fingerprint != before.fingerprint
    assert (edited.id == before.id) is with_id


def test_tasks_without_inputs_have_the_fingerprints_and_ids_that_they_had(
    workspace: JobWorkspace,
) -> None:
    named, bare = workspace.tasks(
        HEAD + "prompts: [{id: a, prompt: x, params: {n: 1}}, {prompt: y}]"
    )
    # As version 0.1 has recorded them.
    assert named.fingerprint == ("4b54b005e045ea7cb075cd635f0b1a90e93121b0fbf854305b44735771692364")
    assert bare.id == "~69331ee3871551b6"


def test_two_prompts_that_differ_by_their_pictures_are_two_tasks(
    workspace: JobWorkspace, frames: Path
) -> None:
    both = "prompts: [{prompt: x, inputs: {i: frames/a.png}}, {prompt: x, inputs: {i: frames/%s}}]"
    assert len(workspace.tasks(HEAD + both % "b.png")) == 2
    (frames / "same.png").write_bytes(png(0))
    (problem,) = workspace.problems(HEAD + both % "same.png")
    assert "this is the same task" in problem.message


def test_everything_wrong_is_said_at_once_with_its_line(
    workspace: JobWorkspace, frames: Path
) -> None:
    (frames / "text.png").write_text("hello")
    (frames / "empty.png").touch()
    (frames / "huge.png").touch()
    os.truncate(frames / "huge.png", 2 * 1024**3)
    os.mkfifo(frames / "pipe.png")
    (frames / "out.png").symlink_to(__file__)
    (frames / "in.png").symlink_to("a.png")
    (frames / "shut.png").write_bytes(png(0))
    workspace.put("rows.csv", "id,prompt,file\nr,x,frames/no.png\ns,x,frames/no.png\nt,x,\n")
    found = workspace.problems(
        HEAD
        + """\
inputs: {job: frames/aa.png}
prompts:
- {id: a, prompt: x, inputs: {b: frames/text.png, c: frames/empty.png, d: frames/huge.png}}
- {id: b, prompt: x, inputs: {e: frames/pipe.png, f: frames, g: frames/out.png, h: ../h.png}}
- {id: c, prompt: x, inputs: {i: "ftp://x.test/a.png", j: "https://u:p@x.test/", k: frames/in.png}}
- {id: d, prompt: x, inputs: {video: frames/a.png, l: "{{ no }}", m: {file: x.png, form: url}}}
- {id: e, prompt: x, params: {n: 1}, inputs: {n: frames/a.png, prompt: frames/b.png}}
- {id: f, prompt: x, inputs: {o: {file: frames/a.png, form: multipart}}}
- {id: g, prompt: x, inputs: {p: {fil: x}, q: [], r: {file: x, form: base46}}}
prompts_from: rows.csv
"""
    )
    words = "\n".join(f"{p.line} {p.key}: {p.message} ({p.hint})" for p in found)
    for line, part in [
        (2, 'inputs.job: there is no file "frames/aa.png" (did you mean'),
        (4, 'inputs.b: "frames/text.png" is neither image, video nor audio by its bytes'),
        (4, 'inputs.c: "frames/empty.png" is empty'),
        (4, 'inputs.d: "frames/huge.png" has 2147.5 MB'),
        (5, 'inputs.e: "frames/pipe.png" is not a regular file'),
        (5, 'inputs.f: "frames" is not a regular file'),
        (5, 'inputs.g: "frames/out.png" leads out of the job'),
        (5, 'inputs.h: "../h.png" leads out of the job'),
        (6, 'inputs.i: "ftp://x.test/a.png" is not a plain http(s) address'),
        (6, 'inputs.j: "https://u:p@x.test/" is not a plain http(s) address'),
        (7, 'inputs.video: "frames/a.png" is image/png by its bytes, which video does not take'),
        (7, "prompts[3]: inputs.l: the template's no is not defined"),
        (7, 'inputs.m: "x.png" is a file, and has no address'),
        (8, "inputs.n: n is a parameter of this task too"),
        (8, "inputs.prompt: the prompt is not an input"),
        (9, "inputs.o: segmind takes no input as multipart"),
        (10, 'inputs.p: unknown key "fil" (did you mean file?)'),
        (10, "inputs.q: the list has 0 files"),
        (10, 'inputs.r: "base46" is not a form of an input (did you mean base64?)'),
    ]:
        rows = [row for row in words.splitlines() if row.startswith(f"{line} ")]
        assert any(part in row for row in rows), (part, words)
    assert " inputs.k" not in words


def test_a_file_that_many_rows_name_is_reported_once(workspace: JobWorkspace, frames: Path) -> None:
    workspace.put("rows.csv", "id,prompt,file\nr,x,frames/no.png\ns,x,frames/no.png\nt,x,\n")
    found = workspace.problems(HEAD + "prompts_from: rows.csv\ninputs: {i: '{{ file }}'}\n")
    assert [(p.line, p.message.split(",")[0]) for p in found] == [
        (2, 'inputs.i: there is no file "frames/no.png"'),
        (4, "inputs.i: the template leaves the path empty"),
    ]


def test_an_absolute_path_may_lie_anywhere(
    workspace: JobWorkspace, frames: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.png"
    elsewhere.write_bytes(png(9))
    (task,) = workspace.tasks(HEAD + f"prompts: [{{id: a, prompt: x, inputs: {{i: {elsewhere}}}}}]")
    assert only(task, "i").path == str(elsewhere)


def test_a_model_whose_parameters_are_known_takes_no_other_input(workspace: JobWorkspace) -> None:
    workspace.put("a.png", png(0))
    said = workspace.wrong("prompts: [x]\ninputs: {start_frame: a.png}\n")
    assert "inputs.start_frame: luma-txt-2-video has no such parameter" in said


def test_a_job_whose_pictures_have_gone_can_still_be_looked_at(
    workspace: JobWorkspace, frames: Path
) -> None:
    path = workspace.put(
        "job.yaml", HEAD + "prompts: [{id: a, prompt: x, inputs: {i: frames/a.png}}]"
    )
    (frames / "a.png").unlink()
    (task,) = load(path, to_send=False).tasks()
    assert task.id == "a"


def test_a_name_that_looks_the_same_is_said_to_be_written_otherwise(
    workspace: JobWorkspace, frames: Path
) -> None:
    (frames / "u\u0308.png").write_bytes(png(1))
    text = HEAD + 'prompts: [{prompt: x, inputs: {image: "frames/\u00fc.png"}}]\n'
    with pytest.raises(JobFileError, match="in other Unicode characters"):
        workspace.tasks(text)
