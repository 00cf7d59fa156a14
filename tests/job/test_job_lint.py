"""What a job says and no request would is reported before anything is paid for."""

import json
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace, run_alone

from sandbox.testing import Sandbox

SUBJECTS = "prompts_from: rows.csv\nprompt: '{{ subject }}'\n"


def warnings(workspace: JobWorkspace, job: str, rows: str | None = None) -> tuple[str, ...]:
    """Warnings of a good job, once its rows have been read."""
    if rows is not None:
        workspace.put("rows.csv", rows)
    loaded = workspace.job("model: luma-txt-2-video\n" + job if "model:" not in job else job)
    assert list(loaded.tasks())
    return tuple(text.replace(f"{workspace.folder}/", "") for text in loaded.warnings)


@pytest.mark.parametrize(
    ("column", "line"),
    [
        ("aspect_ratio", 'params: {aspect_ratio: "{{ aspect_ratio }}"}'),
        ("Aspect Ratio", 'params: {aspect_ratio: "{{ Aspect_Ratio }}"}'),
        ("ASPECT-RATIO", 'params: {aspect_ratio: "{{ ASPECT_RATIO }}"}'),
        ("aspectRatio", 'params: {aspect_ratio: "{{ aspectRatio }}"}'),
    ],
)
def test_a_column_called_like_a_parameter_that_nothing_sends_is_refused_with_the_line_to_write(
    workspace: JobWorkspace, column: str, line: str
) -> None:
    workspace.put("rows.csv", f"subject,{column}\nA fox,\nA kite,9:16\nA boat,16:9\n")
    (found,) = workspace.problems("model: luma-txt-2-video\n" + SUBJECTS)
    assert (found.file.name, found.line, found.key) == ("rows.csv", 3, "row 3")
    assert found.message == f'"{column}" is not used anywhere: "9:16" would not be sent'
    assert found.hint == f"{line}; for a note, use another name"
    workspace.put("rows.csv", f"subject,note: {column}\nA kite,9:16\n")
    assert len(workspace.brief(SUBJECTS)) == 1
    workspace.put("rows.csv", f"subject,{column}\nA kite,9:16\n")
    assert workspace.brief(SUBJECTS + line)[0].params["aspect_ratio"] == "9:16"


@pytest.mark.parametrize(
    ("model", "column", "value"),
    [
        ("luma-txt-2-video", "loop", "yes"),
        ("luma-img-2-video", "Start Frame", "https://example.com/a.png"),
        ("kling-2", "aspect_ratio", "9:16"),
        ("kling-2", "Negative Prompt", "blur"),
        ("kling-2", "seed", "7"),
        ("kling-2", "duration", "10"),
    ],
)
def test_columns_like_parameters_are_refused_for_every_model_that_may_take_them(
    workspace: JobWorkspace, model: str, column: str, value: str
) -> None:
    workspace.put("rows.csv", f"subject,{column}\nA fox,{value}\n")
    (found,) = workspace.problems(f"model: {model}\n{SUBJECTS}")
    assert "would not be sent" in found.message


@pytest.mark.variant
@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("seed", "7", "luma-txt-2-video has no such parameter"),
        ("negative_prompt", "blur", "luma-txt-2-video has no such parameter"),
        ("model", "kling-2", "model is the job's"),
        ("takes", "3", "takes is the job's"),
    ],
)
def test_columns_that_may_be_notes_are_warned_of_in_check_and_at_the_start(
    workspace: JobWorkspace, column: str, value: str, why: str
) -> None:
    rows = f"subject,{column}\nA fox,\nA kite,{value}\nA boat,{value}\n"
    (warning,) = warnings(workspace, SUBJECTS, rows)
    assert warning.startswith(
        f'rows.csv:3 (row 3): "{column}" is not used anywhere: "{value}" would'
    )
    assert why in warning
    assert why in run_alone("check", workspace.path).stdout


def test_a_column_that_a_template_uses_or_whose_value_is_sent_anyway_is_fine(
    workspace: JobWorkspace,
) -> None:
    rows = "subject,aspect_ratio,loop,model,takes,seed\nA fox,9:16,no,luma-txt-2-video,1,\n"
    assert warnings(workspace, SUBJECTS + "params: {aspect_ratio: 9:16}\n", rows) == ()
    used = ["prompt: '{{ subject }} {{ aspect_ratio }}'", "output: {name: '{{ aspect_ratio }}'}"]
    for line in used:
        job = SUBJECTS.replace("prompt: '{{ subject }}'", line) if "prompt:" in line else SUBJECTS
        job += "" if "prompt:" in line else line + "\n"
        assert warnings(workspace, job, "subject,aspect_ratio\nA fox,9:16\n") == ()
    assert (
        warnings(workspace, SUBJECTS, "prompt,aspect_ratio\nA fox {{ aspect_ratio }},9:16\n") == ()
    )
    # The matrix is a decision: every prompt in every ratio.
    job = SUBJECTS + "matrix: {aspect_ratio: [16:9, 9:16]}\n"
    (warning,) = warnings(workspace, job, "subject,aspect_ratio\nA fox,9:16\n")
    assert "the matrix says what is" in warning


def test_variables_called_like_a_parameter_that_nothing_uses_are_reported(
    workspace: JobWorkspace,
) -> None:
    (warning,) = warnings(workspace, "vars: {aspect_ratio: 9:16, mood: calm}\nprompts: [p]\n")
    assert warning == (
        'vars.aspect_ratio is not used anywhere: "9:16" would not be sent; '
        'write params: {aspect_ratio: "{{ aspect_ratio }}"}'
    )
    assert (
        warnings(workspace, "vars: {aspect_ratio: 9:16}\nprompts: ['a {{ aspect_ratio }} clip']\n")
        == ()
    )
    found = workspace.problems(
        "model: luma-txt-2-video\nprompts: [{prompt: p, vars: {aspect_ratio: 9:16}}]\n"
    )
    assert 'params: {aspect_ratio: "{{ aspect_ratio }}"}; ' in str(found[0].hint)


def test_a_template_that_is_wrong_is_reported_as_such(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "subject,aspect_ratio\nA fox,\n")
    job = "prompts_from: rows.csv\nprompt: '{{ subject | dfault(1) }}'\n"
    assert "No filter named 'dfault'" in workspace.wrong(job)
    assert "the template is not valid" in workspace.wrong(job.replace("| dfault(1) }}", "{{"))


def test_keys_of_json_lines_are_checked_as_columns_are(workspace: JobWorkspace) -> None:
    workspace.put(
        "rows.jsonl",
        '{"prompt": "a"}\n{"prompt": "b", "aspect_ratio": "9:16"}\n'
        '{"prompt": "c", "params": {"aspect_ratio": "9:16"}, "meta": {"aspect_ratio": "x"}}\n'
        '{"prompt": "d", "aspect ratio": "9:16"}\n',
    )
    found = workspace.problems("model: luma-txt-2-video\nprompts_from: rows.jsonl\n")
    assert [(p.line, p.hint) for p in found] == [
        (2, 'params: {aspect_ratio: "{{ aspect_ratio }}"}; for a note, use another name'),
        (4, "call it aspect_ratio; for a note, use another name"),
    ]


def test_twins_that_differ_in_a_column_say_so_and_how_to_send_it(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "subject,aspect_ratio,n\nA fox,16:9,1\nA fox,9:16,2\n")
    found = workspace.problems("model: luma-txt-2-video\n" + SUBJECTS)
    twin = next(p for p in found if "same task" in p.message)
    assert 'though they differ in "aspect_ratio" and "n"' in twin.message
    assert twin.hint == 'send it: params: {aspect_ratio: "{{ aspect_ratio }}"}'


@pytest.mark.parametrize(
    "value",
    [
        *("./a.png", "../a.png", "~/x.png", "C:\\clips\\a.png", "c:/a.png", "/home/me/a.PNG"),
        *("file:///tmp/a.png", "\\\\server\\share\\a.png", "frames/a.jpg", "beside.mp4"),
    ],
)
@pytest.mark.parametrize("where", ["job", "matrix", "prompt", "row", "template", "list"])
def test_a_file_of_this_machine_is_no_parameter(
    workspace: JobWorkspace, value: str, where: str
) -> None:
    (workspace.folder / "frames").mkdir()
    workspace.put("frames/a.jpg", "")
    workspace.put("beside.mp4", "")
    text = json.dumps(value)
    (workspace.folder / "rows.csv").write_text(f"subject,file\nA fox,{value}\n")
    row = json.dumps({"prompt": "p", "params": {"image": value}})
    (workspace.folder / "rows.jsonl").write_text(row)
    job = {
        "job": f"params: {{image: {text}}}\nprompts: [p]\n",
        "matrix": f"matrix: {{image: [{text}]}}\nprompts: [p]\n",
        "prompt": f"prompts: [{{prompt: p, params: {{image: {text}}}}}]\n",
        "row": "prompts_from: rows.jsonl\n",
        "template": SUBJECTS + "params: {image: '{{ file }}'}\n",
        "list": f"params: {{images: [{text}]}}\nprompts: [p]\n",
    }[where]
    (found,) = workspace.problems("model: kling-2\n" + job)
    assert "is a file on this machine: only its name would be sent" in found.message
    assert "https://" in str(found.hint)


def test_addresses_words_and_encoded_pictures_are_no_files(workspace: JobWorkspace) -> None:
    (workspace.folder / "anime").write_text("")
    values = ["https://x.com/a.png", "s3://b/a.png", "anime", "16:9", "/9j/4AAQSkZJRg" * 200]
    values += ["nowhere/a.png", "data:image/png;base64,AAAA", "a.b", "1/2"]
    values += ["file: none", "C: major", "~ 3 s"]
    for value in values:
        job = f"model: kling-2\nparams: {{x: {json.dumps(value)}}}\nprompts: [p]\n"
        assert workspace.tasks(job)[0].params["x"] == value


@pytest.mark.variant
@pytest.mark.parametrize(
    "job",
    [
        "params: {seed: 42}\nprompts: [p]\n",
        "prompts: [{prompt: p, params: {seed: 42}}]\n",
        "matrix: {seed: [42]}\nprompts: [p]\n",
    ],
)
def test_takes_of_one_seed_are_reported_with_what_to_write(
    workspace: JobWorkspace, job: str
) -> None:
    (warning,) = warnings(workspace, f"model: kling-2\ntakes: 3\n{job}")
    assert "all 3 takes are the same request, seed 42 and all, and each is paid for" in warning
    assert "matrix: {seed: [42, 43, 44]} in place of takes and seed" in warning
    assert "matrix: {seed: [42, 43, 44]}" in run_alone("check", workspace.path).stdout
    instead = "model: kling-2\nmatrix: {seed: [42, 43, 44]}\nprompts: [p]\n"
    assert len({task.fingerprint for task in workspace.tasks(instead)}) == 3


@pytest.mark.parametrize(
    "job",
    [
        "takes: 1\nparams: {seed: 42}\nprompts: [p]\n",
        "takes: 3\nparams: {seed: -1}\nprompts: [p]\n",
        "takes: 3\nparams: {seed: '{{ 41 + take }}'}\nvars: {a: b}\nprompts: [p]\n",
        "takes: 3\nprompts: [p]\n",
    ],
)
def test_takes_that_differ_are_not_reported(workspace: JobWorkspace, job: str) -> None:
    assert warnings(workspace, "model: kling-2\n" + job) == ()


def test_dates_that_cannot_be_read_are_reported_once_a_file(workspace: JobWorkspace) -> None:
    rows = "subject,publish\nA,2026-12-01\nB,\nC,2026-12-01 10:00\nD,12/25/2026\nE,soon\nF,TBD\n"
    (warning,) = warnings(workspace, SUBJECTS, rows)
    assert warning.startswith('rows.csv:6 (row 6): publish: "soon" is not a date that can be')
    (warning,) = warnings(workspace, SUBJECTS, "subject,publish\nA,2026-02-30\n")
    assert '"2026-02-30" is not a date' in warning
    (warning,) = warnings(workspace, "prompts: [{prompt: p, meta: {publish: tomorrow}}]\n")
    assert "job.yaml:2" in warning


@pytest.mark.variant
def test_a_run_tells_what_its_rows_hold_before_it_sends_anything(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(f"model: luma-txt-2-video\ncredits: {{cost: 0.95}}\n{SUBJECTS}")
    (tmp_path / "rows.csv").write_text("subject,publish\nA fox,\nA kite,in May\n")
    with Sandbox(latency=0, clips="tiny", credits=100) as served:
        access = {"SEGMIND_BASE_URL": served.url, "SEGMIND_API_KEY": "k" * 20}
        done = run_alone("run", job, **access)
        assert done.returncode == 0
        assert 'warning: rows.csv:3 (row 3): publish: "in May" is not a date' in done.stderr
        (tmp_path / "rows.csv").write_text("subject,aspect_ratio\nA fox,\nA boat,9:16\n")
        done = run_alone("run", job, **access)
    assert done.returncode == 2
    assert 'params: {aspect_ratio: "{{ aspect_ratio }}"}' in done.stderr
    assert len((tmp_path / "outputs/job/manifest.jsonl").read_text().splitlines()) == 2
    # What is paid for can be looked at all the same.
    assert json.loads(run_alone("status", job, "--json").stdout)["succeeded"] == 1
    assert "A fox" in run_alone("export", job, "--to", "csv").stdout
    assert run_alone("report", job).returncode == 0
