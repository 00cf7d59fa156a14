"""Prompts from sheets, JSON lines and plain text."""

import json
import re
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace

from pipeline.errors import JobFileError
from pipeline.job import load, loading
from pipeline.job.problems import Report
from pipeline.job.prompts.delimited import sniff
from pipeline.job.prompts.lines import LONGEST_LINE
from pipeline.job.prompts.rows import read_rows
from pipeline.job.prompts.source import Source
from pipeline.models import Task

SHEET = """\
publish,channel,subject
2026-12-01,instagram,"A fox, asleep"
2026-12-02,youtube,A harbour
2026-12-03,tiktok,A kite
"""
JOB = """\
prompts_from: rows.csv
prompt: "{{ subject }} at dusk"
"""


def sheet(workspace: JobWorkspace, content: str | bytes, job: str = JOB) -> list[Task]:
    workspace.put("rows.csv", content)
    return workspace.brief(job)


def wrong_rows(
    workspace: JobWorkspace, content: str | bytes, job: str = JOB, name: str = "rows.csv"
) -> list[str]:
    workspace.put("rows.csv", content)
    found = workspace.problems("model: luma-txt-2-video\n" + job)
    return [str(problem).replace(f"{workspace.folder}/", "") for problem in found]


def test_each_row_is_a_prompt_and_its_columns_are_kept_as_meta(workspace: JobWorkspace) -> None:
    tasks = sheet(workspace, SHEET)
    assert [task.prompt for task in tasks] == [
        "A fox, asleep at dusk",
        "A harbour at dusk",
        "A kite at dusk",
    ]
    assert tasks[0].meta == {
        "publish": "2026-12-01",
        "channel": "instagram",
        "subject": "A fox, asleep",
    }


def test_three_rows_two_ratios_and_a_name_template_give_six_well_named_outputs(
    workspace: JobWorkspace,
) -> None:
    job = """\
        prompts_from: rows.csv
        prompt: "{{ subject }}"
        matrix: {aspect_ratio: [16:9, 9:16]}
        output: {name: "{{ publish | date('%d %b') }}/{{ channel }}-{{ aspect_ratio }}"}
        """
    before = sheet(workspace, SHEET, job)
    assert [task.output for task in before] == [
        f"{day} Dec/{channel}-{ratio}"
        for day, channel in [("01", "instagram"), ("02", "youtube"), ("03", "tiktok")]
        for ratio in ("16-9", "9-16")
    ]
    edited = SHEET.replace("A harbour", "A port") + "2026-12-04,youtube,A bell\n"
    after = {task.id: task.fingerprint for task in sheet(workspace, edited, job)}
    new = after.items() - {task.id: task.fingerprint for task in before}.items()
    assert len(new) == 4


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_any_dialect_that_sheets_write_is_read(
    workspace: JobWorkspace, delimiter: str, mark: str, ending: str
) -> None:
    lines = ["id|prompt|note", '"a"|"one, two; three"|"say ""hi"""', "b|plain|", "|second\u00e9|x"]
    text = mark + ending.join(line.replace("|", delimiter) for line in lines) + ending
    tasks = sheet(workspace, text, "prompts_from: rows.csv")
    assert [task.prompt for task in tasks] == ["one, two; three", "plain", "second\u00e9"]
    assert [task.meta["note"] for task in tasks] == ['say "hi"', "", "x"]
    assert [task.id[:1] for task in tasks] == ["a", "b", "~"]


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["prompt"], ","),
        (["prompt", "one, two", "three, four"], ","),
        (["a;b", "1,5;2", "2,5;3"], ";"),
        (["a,b", "x;y,2", "z,3"], ","),
        (["a\tb", "one, two\t3"], "\t"),
        (["a,b,c", '"x'], ","),
        ([], ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_evenly(lines: list[str], delimiter: str) -> None:
    assert sniff([line + "\n" for line in lines]) == delimiter


def test_quoted_cells_may_span_lines_and_problems_name_the_first_of_them(
    workspace: JobWorkspace,
) -> None:
    content = 'id,prompt\na,"first\nsecond"\nb/c,"x\ny"\nd,fine\n'
    workspace.put("rows.csv", content)
    found = workspace.problems("model: m\nprompts_from: rows.csv\n")
    assert [(p.file.name, p.line, p.key) for p in found] == [("rows.csv", 4, "row 3")]


def test_cells_are_always_text_and_id_prompt_priority_mean_what_they_say(
    workspace: JobWorkspace,
) -> None:
    tasks = sheet(
        workspace, "ID,Prompt,Priority,n\n 007 ,1e3,5,010\n,yes,,\n", "prompts_from: rows.csv"
    )
    first, second = tasks
    assert (first.id, first.prompt, first.priority, first.meta) == ("007", "1e3", 5, {"n": "010"})
    assert (second.id[0], second.prompt, second.priority) == ("~", "yes", 0)


def test_short_rows_are_filled_and_empty_ones_passed_over(workspace: JobWorkspace) -> None:
    content = "subject,mood,\nA fox\n\n,,\nA kite,calm,,,\n"
    tasks = sheet(workspace, content)
    assert [task.meta for task in tasks] == [
        {"subject": "A fox", "mood": ""},
        {"subject": "A kite", "mood": "calm"},
    ]


def test_a_row_without_a_prompt_takes_the_jobs_template(workspace: JobWorkspace) -> None:
    tasks = sheet(workspace, "subject,prompt\nA fox,\nA kite,Its own {{ subject }}\n")
    assert [task.prompt for task in tasks] == ["A fox at dusk", "Its own A kite"]


@pytest.mark.parametrize("blank", ["", "  ", "\t", "\u00a0"])
def test_a_blank_prompt_counts_as_none(workspace: JobWorkspace, blank: str) -> None:
    workspace.put("rows.jsonl", json.dumps({"subject": "A kite", "prompt": blank}))
    job = JOB.replace("rows.csv", "[rows.csv, rows.jsonl]")
    tasks = sheet(workspace, f'subject,prompt\nA fox,"{blank}"\n', job)
    assert [task.prompt for task in tasks] == ["A fox at dusk", "A kite at dusk"]
    found = wrong_rows(workspace, f'subject,prompt\nA fox,"{blank}"\n', "prompts_from: rows.csv\n")
    assert found[0].startswith("rows.csv:2: row 2: there is no prompt")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "prompt,x\nnul\0,1\n"),
        ("rows.csv", "x\nnul\0\n"),
        ("rows.jsonl", '{"prompt": "nul\\u0000"}\n'),
        ("rows.txt", "bell\a\n"),
    ],
)
def test_a_prompt_with_a_control_character_is_refused(
    workspace: JobWorkspace, name: str, content: str
) -> None:
    job = f"prompts_from: {name}\nprompt: '{{{{ x }}}}'\n"
    workspace.put(name, content)
    assert "the prompt contains a control character (U+000" in workspace.wrong(job)
    workspace.put("rows.csv", 'prompt\n"two\nlines,\ta tab"\n')
    assert workspace.brief("prompts_from: rows.csv")[0].prompt == "two\nlines,\ta tab"


def test_columns_with_spaces_have_names_for_templates(workspace: JobWorkspace) -> None:
    job = 'prompts_from: rows.csv\nprompt: "{{ Main_subject }}"\n'
    tasks = sheet(workspace, "Main subject,Main_subject2\nA fox,x\n", job)
    assert tasks[0].prompt == "A fox"
    assert tasks[0].meta == {"Main subject": "A fox", "Main_subject2": "x"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "rows.csv:1: the file is empty"),
        ("\n", "rows.csv:1: row 1: the header is empty"),
        ("a,a\n1,2\n", 'rows.csv:1: row 1: two columns are called "a"'),
        ("id,ID,subject\n", 'rows.csv:1: row 1: two columns are called "ID"'),
        ("subject,,b\n1,2,3\n", "rows.csv:1: row 1: column 2 has no name"),
        ("subject,params\nx,y\n", "rows.csv:1: row 1: a sheet cannot have a params column"),
        ("subject\nx,y\n", "rows.csv:2: row 2: the row has 2 cells, the header 1"),
        ("subject,id\nx,a/b\n", "rows.csv:2: row 2: the id must have no slash"),
        (
            "subject,priority\nx,high\n",
            'rows.csv:2: row 2: the priority "high" is not a whole number',
        ),
        ('subject,b\n"x,y\n', "rows.csv:2: the row cannot be read"),
        ('subject,b\n"x"y,1\n', "rows.csv:2: the row cannot be read"),
        (b"subject\n\x81\n", "rows.csv:2: the line is not UTF-8"),
        ("subject\n", "job.yaml:1: there is nothing to render"),
        ("mood\nx\n", "rows.csv:2: row 2: prompt: the template's subject is not defined"),
        ("subject,publish\n,x\n", None),
    ],
)
def test_a_wrong_sheet_names_file_and_row(
    workspace: JobWorkspace, content: str | bytes, expected: str | None
) -> None:
    if expected is None:
        assert sheet(workspace, content)[0].prompt == " at dusk"
    else:
        (found,) = wrong_rows(workspace, content)
        assert found.startswith(expected)


def test_a_row_that_leaves_the_prompt_empty_is_an_error(workspace: JobWorkspace) -> None:
    job = 'prompts_from: rows.csv\nprompt: "{{ subject }}"\n'
    (found,) = wrong_rows(workspace, "subject,x\n,1\n", job)
    assert found.startswith("rows.csv:2: row 2: the template leaves the prompt empty")
    (found,) = wrong_rows(workspace, "subject,x\n,1\n", "prompts_from: rows.csv\n")
    assert found.startswith("rows.csv:2: row 2: there is no prompt")


def test_every_wrong_row_is_named_at_once_by_expanding(workspace: JobWorkspace) -> None:
    content = "id,prompt\na,p\nb,q,r\na,s\n" + "c,t\n" + "d/e,u\n" + "c,v\n"
    workspace.put("rows.csv", content)
    job = workspace.job("model: m\nprompts_from: rows.csv\n")
    with pytest.raises(JobFileError) as caught:
        list(job.tasks())
    assert [(p.line, p.key) for p in caught.value.problems] == [
        (3, "row 3"),
        (4, "row 4.id"),
        (6, "row 6"),
        (7, "row 7.id"),
    ]
    assert "rows.csv:2 (row 2)" in caught.value.problems[1].hint


def test_every_wrong_row_is_named_at_once_by_loading(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "id,prompt,priority\nx,a/b,1\na/b,ok,1\nz,ok,high\nx,ok,1\n")
    workspace.put("job.yaml", "model: m\nconcurrency: 0\nprompts_from: rows.csv\n")
    with pytest.raises(JobFileError) as caught:
        load(workspace.path)
    assert [(p.file.name, p.line) for p in caught.value.problems] == [
        ("job.yaml", 2),
        ("rows.csv", 3),
        ("rows.csv", 4),
        ("rows.csv", 5),
    ]
    workspace.put("rows.csv", "id,prompt\na/b,p\nok,p\n.c,p\n")
    workspace.put("job.yaml", "model: m\nprompts_from: rows.csv\n")
    with pytest.raises(JobFileError) as caught:
        load(workspace.path)
    assert [p.line for p in caught.value.problems] == [2, 4]


def test_a_good_job_is_loaded_without_reading_all_its_rows(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "id,prompt\n" + "same,p\n" * 1000)
    job = workspace.job("model: m\nprompts_from: rows.csv\n")
    with pytest.raises(JobFileError, match="same"):
        list(job.tasks())


def test_a_lacking_column_is_said_once_not_for_each_row(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "subjekt\n" + "x\n" * 200)
    found = workspace.problems("model: m\nprompts_from: rows.csv\nprompt: '{{ subject }}'\n")
    assert len(found) == 1
    assert found[0].hint == "did you mean subjekt?"


def test_a_wrong_name_is_reported_with_its_template_for_each_template(
    workspace: JobWorkspace,
) -> None:
    job = """\
prompts_from: rows.csv
params: {aspect_ratio: "{{ ratioo }}", loop: "{{ looop }}"}
output: {name: "{{ idd }}-{{ prompt[0] }}"}
"""
    found = wrong_rows(workspace, "id,prompt,ratio,loop\na,p,1:1,yes\nb,{{ x }},1:1,maybe\n", job)
    assert "known: prompt" not in found[-1]
    assert [text.partition(" (")[0] for text in found] == [
        "rows.csv:2: row 2: params.loop: the template's looop is not defined",
        "rows.csv:2: row 2: params.aspect_ratio: the template's ratioo is not defined",
        "rows.csv:2: row 2: output.name: the template's idd is not defined",
        "rows.csv:3: row 3: prompt: the template's x is not defined",
    ]


def test_too_many_wrong_rows_end_early(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "id,prompt\na,fine\n" + "a/b,x\n" * 5000)
    job = workspace.job("model: m\nprompts_from: rows.csv\n")
    with pytest.raises(JobFileError) as caught:
        list(job.tasks())
    assert len(caught.value.problems) == 101


def test_inline_prompts_come_first_then_the_files_in_their_order(workspace: JobWorkspace) -> None:
    workspace.put("a.csv", "prompt,where\nfrom a,{{ not a template }}\n")
    workspace.put("b.txt", "from b\n\n  also from b  \n")
    workspace.put("c.jsonl", '{"prompt": "from c"}\n')
    tasks = workspace.brief("prompts_from: [c.jsonl, a.csv, b.txt]\nprompts: [inline]\n")
    assert [task.prompt for task in tasks] == [
        "inline",
        "from c",
        "from a",
        "from b",
        "also from b",
    ]


def test_json_lines_may_carry_params_vars_meta_and_types(workspace: JobWorkspace) -> None:
    workspace.put(
        "rows.jsonl",
        "\ufeff"
        + json.dumps({"id": 7, "prompt": "p {{ mood }}", "mood": "calm", "params": {"loop": "no"}})
        + "\r\n\n"
        + json.dumps(
            {"vars": {"subject": "fox"}, "meta": {"n": 1.5}, "deep": [1], "priority": -2, "id": "x"}
        ),
    )
    first, second = workspace.brief("prompts_from: rows.jsonl\nprompt: '{{ subject }}'\n")
    assert (first.id, first.prompt, first.params["loop"]) == ("7", "p calm", False)
    assert first.meta == {"mood": "calm"}
    assert (second.prompt, second.priority) == ("fox", -2)
    assert second.meta == {"deep": [1], "n": 1.5}


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("5", "not a JSON object"),
        ('{"prompt": "p", "prompt": "q"}', "duplicate key"),
        ('{"prompt": 5}', 'the prompt "5" is not text'),
        ('{"prompt": "p", "id": true}', "is not text"),
        ('{"prompt": "p", "id": 1.5}', "is not text"),
        ('{"prompt": "p", "id": "a/b"}', "no slash"),
        ('{"prompt": "p", "params": []}', "params is not an object"),
        ('{"prompt": "p", "params": {"lop": 1}}', "did you mean loop?"),
        ('{"prompt": "p", "params": {"prompt": "q"}}', "under prompts"),
        ('{"prompt": "p", "meta": "x"}', "meta is not an object"),
        ('{"prompt": "p", "priority": true}', "not a whole number"),
        ('{"prompt": "p", "priority": -9007199254740993}', "is out of bounds"),
        ('{"prompt": "p", "n": NaN}', "not a finite number"),
        ('{"prompt": "p", "n": 1e999}', "not a finite number"),
        ('{"prompt": "p", "n": 99999999999999999999}', "64 bits"),
        ('{"prompt": "\\ud800"}', "half a character"),
        ('{"x": ' + "[" * 5000 + "]" * 5000 + "}", "nests too deeply"),
        ("{}", "there is no prompt"),
        ('{"prompt": "   "}', "there is no prompt"),
    ],
)
def test_a_wrong_line_of_json_names_file_and_row(
    workspace: JobWorkspace, line: str, part: str
) -> None:
    workspace.put("rows.jsonl", '{"prompt": "fine"}\n' + line + "\n")
    job = workspace.job("model: luma-txt-2-video\nprompts_from: rows.jsonl\n")
    with pytest.raises(JobFileError) as caught:
        list(job.tasks())
    (found,) = caught.value.problems
    assert (found.file.name, found.line) == ("rows.jsonl", 2)
    assert found.key.startswith("row 2")
    assert part in str(found)


@pytest.mark.parametrize(
    ("written", "key", "part"),
    [
        ("calender.csv", "prompts_from", "did you mean calendar.csv?"),
        ("[calendar.csv, nope.txt]", "prompts_from[1]", "there is no file"),
        ("[calendar.csv, ./calendar.csv]", "prompts_from[1]", "listed twice"),
        ("nowhere/x.csv", "prompts_from", "relative to the job file"),
        ("sheet.xls", "prompts_from", "save a sheet as .xlsx"),
        ("folder.csv", "prompts_from", "not a regular file"),
        (f"{'x' * 300}.csv", "prompts_from", "cannot be read: File name too long"),
        ('"nul\\0/x.csv"', "prompts_from", "control character (U+0000)"),
        ("[]", "prompts_from", "the list is empty"),
        ("[[a]]", "prompts_from[0]", "a text is expected"),
    ],
)
def test_a_file_of_prompts_that_cannot_be_used_is_named_by_its_key(
    workspace: JobWorkspace, written: str, key: str, part: str
) -> None:
    workspace.put("calendar.csv", "prompt\nx\n")
    (workspace.folder / "folder.csv").mkdir()
    found = workspace.problems(f"model: m\nprompts_from: {written}\n")
    assert found[-1].key == key or found[0].key == key
    assert part in str(found)


def test_files_are_found_beside_the_job_file_not_the_working_directory(
    workspace: JobWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.folder / "sub").mkdir()
    workspace.put("sub/rows.csv", "prompt\nx\n")
    monkeypatch.chdir("/")
    assert workspace.brief("prompts_from: sub/rows.csv")[0].prompt == "x"


def test_a_file_that_goes_away_is_a_problem_not_a_crash(workspace: JobWorkspace) -> None:
    path = workspace.put("rows.csv", "prompt\nx\n")
    job = workspace.job("model: m\nprompts_from: rows.csv\n")
    path.unlink()
    with pytest.raises(JobFileError, match="cannot be read: No such file"):
        list(job.tasks())


def test_a_line_without_end_is_refused(workspace: JobWorkspace) -> None:
    content = "prompt\n" + "x" * (LONGEST_LINE + 1)
    (found,) = wrong_rows(workspace, content, "prompts_from: rows.csv\n")
    assert found.startswith("rows.csv:2: the line is longer than 4 MB")


def test_rows_are_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt\n" + "x\n" * 100_000)
    report = Report(path)
    first = next(iter(read_rows(Source(path), report)))
    assert (first.prompt, first.line, first.number) == ("x", 2, 2)


def test_a_sheet_of_ids_alone_needs_a_template_and_keeps_no_meta(workspace: JobWorkspace) -> None:
    tasks = sheet(workspace, "id\na\nb\n", 'prompts_from: rows.csv\nprompt: "clip {{ id }}"\n')
    assert [(task.prompt, task.meta) for task in tasks] == [("clip a", {}), ("clip b", {})]


def test_all_dialects_keep_the_same_fingerprints(workspace: JobWorkspace) -> None:
    seen = set()
    for delimiter in ",;\t|":
        workspace.put("rows.csv", re.sub(",", delimiter, "id,prompt\na,one\nb,two\n"))
        workspace.put("job.yaml", "model: m\nprompts_from: rows.csv\n")
        seen.add(tuple(task.fingerprint for task in load(workspace.path).tasks()))
    assert len(seen) == 1


def test_a_wrong_first_row_is_reported_however_many_good_rows_stand_before_it(
    workspace: JobWorkspace,
) -> None:
    workspace.put("a.txt", "".join(f"scene {n}\n" for n in range(50)))
    workspace.put("b.jsonl", '{"prompt": "x", "params": {"aspect_ratio": "7:7"}}\n')
    job = "model: luma-txt-2-video\nprompts_from: [a.txt, b.jsonl]\n"
    path = workspace.put("job.yaml", job)
    with pytest.raises(JobFileError, match="7:7"):
        loading.load(path, most_searched=10)


def test_each_task_says_in_which_line_of_which_file_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "plan.csv").write_text('prompt\n"two\nlines"\na pier\n', "utf-8")
    job = tmp_path / "job.yaml"
    job.write_text(
        "model: m\nmatrix: {x: [1, 2]}\nprompts:\n  - a cat\n  - id: dog\n    prompt: a dog\n"
        "prompts_from: sheets/plan.csv\n",
        encoding="utf-8",
    )
    lines = [task.line for task in load(job).tasks()]
    assert lines == [
        *["job.yaml:4"] * 2, *["job.yaml:5"] * 2,
        *["sheets/plan.csv:2"] * 2, *["sheets/plan.csv:4"] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["prompt: '{{ index }} {{ subject }}'", "id: 'clip {{ index }}'"])
def test_a_row_that_where_leaves_out_keeps_its_number(workspace: JobWorkspace, key: str) -> None:
    def numbered(*states: str) -> list[str]:
        rows = [f"{state},{chr(ord('a') + n)}" for n, state in enumerate(states)]
        workspace.put("a.csv", "\n".join(["state,subject", *rows, ""]))
        workspace.put("b.csv", "state,subject\ngo,z\n")
        made, prompt = (f", {key}", "'{{ subject }}'") if key.startswith("id") else ("", key[8:])
        files = (f"{{file: {name}, where: state == 'go'{made}}}" for name in ("a.csv", "b.csv"))
        text = f"prompts_from: [{', '.join(list(files)[: 1 if made else 2])}]\nprompt: {prompt}\n"
        return [f"{task.id} {task.prompt}" for task in workspace.brief(text)]

    every = numbered("go", "go", "go", "go")
    assert numbered("go", "done", "go", "done") == [every[0], every[2], *every[4:]]
