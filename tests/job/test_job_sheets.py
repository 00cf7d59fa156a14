"""A person's spreadsheet, whatever program wrote it, and what 0.1 made of it."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace, run_alone

from pipeline.errors import JobFileError
from pipeline.job import load
from pipeline.job.prompts.lines import lines
from pipeline.ledger import manifest
from pipeline.models import Task
from sandbox.testing import Sandbox

FROM_0_1 = Path(__file__).parent / "from_0_1"
SUBJECTS = "prompts_from: {}\nprompt: '{{{{ subject }}}}'\n"


def prompts(workspace: JobWorkspace, name: str, content: str | bytes) -> list[str]:
    (workspace.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return [task.prompt for task in workspace.brief(SUBJECTS.format(name))]


def problems(workspace: JobWorkspace, name: str, content: str | bytes) -> list[str]:
    (workspace.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    found = workspace.problems("model: luma-txt-2-video\n" + SUBJECTS.format(name))
    return [str(problem).replace(f"{workspace.folder}/", "") for problem in found]


def fingerprints(workspace: JobWorkspace, name: str, content: str) -> list[str]:
    (workspace.folder / name).write_bytes(content.encode())
    return [task.fingerprint for task in workspace.brief(SUBJECTS.format(name))]


@pytest.mark.parametrize(
    "content",
    [
        'subject,x\r\n"A fox\r\nasleep",1\r\n',
        'subject,x\n"A fox\nasleep",1\n',
        'subject,x\r"A fox\rasleep",1\r',
        'subject,x\n"A fox\rasleep ",1\n',
        'subject,x\n  "A fox\r\nasleep\t",1',
    ],
)
def test_a_cell_is_the_same_prompt_whatever_its_line_ends_and_blanks(
    workspace: JobWorkspace, content: str
) -> None:
    assert prompts(workspace, "rows.csv", content) == ["A fox\nasleep"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.txt"])
def test_cr_ends_a_line_as_lf_and_crlf_do(workspace: JobWorkspace, name: str, end: str) -> None:
    lines = ["A fox", "A kite", "A boat"]
    header = [] if name.endswith("txt") else ["subject"]
    assert prompts(workspace, name, end.join([*header, *lines])) == lines
    assert prompts(workspace, name, end.join([*header, *lines, ""])) == lines


def test_a_wrong_row_of_a_file_of_cr_lines_is_named_by_its_line(workspace: JobWorkspace) -> None:
    (found,) = problems(workspace, "rows.csv", 'id,subject\ra,"x\ry"\rb/c,z\r')
    assert found.startswith("rows.csv:4: row 3: the id must have no slash")


def test_line_ends_are_found_across_blocks_of_the_file() -> None:
    wanted = ["A fox", "A kite", "B", "Ä boat"]
    for end in ("\n", "\r\n", "\r"):
        for block in range(1, 12):
            file = io.BytesIO(end.join(wanted).encode())
            assert [line.rstrip("\r\n") for line in lines(file, block)] == wanted


@pytest.mark.parametrize(
    ("row", "subject"),
    [
        ('1, "A fox, asleep"', "A fox, asleep"),
        ('1,   "say ""hi"""', 'say "hi"'),
        ("1, A fox  ", "A fox"),
        ('1," A fox "', "A fox"),
    ],
)
def test_blanks_around_a_cell_and_before_its_quote_mean_nothing(
    workspace: JobWorkspace, row: str, subject: str
) -> None:
    assert prompts(workspace, "rows.csv", f"n, subject\n{row}\n") == [subject]


@pytest.mark.parametrize(
    ("cell", "subject"),
    [
        ('"Hello" painted on a wall', '"Hello" painted on a wall'),
        ('"Stay', '"Stay'),
        ('A 12" record', 'A 12" record'),
        ('the "red" one', 'the "red" one'),
        ('"A ""red"" bus"', 'A "red" bus'),
        ('"one, two"', "one, two"),
    ],
)
def test_a_quote_in_a_tsv_is_a_letter(workspace: JobWorkspace, cell: str, subject: str) -> None:
    content = f"subject\tmood\n{cell}\tcalm\nx\t{cell}\nlast\tone\n"
    assert prompts(workspace, "rows.tsv", content) == [subject, "x", "last"]
    assert prompts(workspace, "rows.tsv", f"subject\n{cell}\n") == [subject]


@pytest.mark.parametrize(
    ("content", "subjects"),
    [
        ('x\tsubject\n1\t"first\nsecond"\n2\tb\n', ["first\nsecond", "b"]),
        ('subject\tx\r\n"one\r\n\r\ntwo"\t1\r\nb\t2\r\n', ["one\n\ntwo", "b"]),
        ('subject\tx\ty\n"a\nb"\t"c\nd"\t"e\n"\nf\t2\t3\n', ["a\nb", "f"]),
        ('subject\t"publish\ndate"\n"a ""b""\n"\t1\n', ['a "b"']),
        ('x\tsubject\n1\t"a\tb"\n"\t2"\t"c ""d\t"""\n', ["a\tb", 'c "d\t"']),
        ('subject\tx\ty\n"a\nb"\t1\nc\t2\t3\n', ["a\nb", "c"]),
        ('x\tsubject\n1\t"Stay\n2\tb\n3\tc 12"\n', ['"Stay', "b", 'c 12"']),
        ('x\tsubject\n1\t"Stay', ['"Stay']),
        ('subject\tx\na\t"b\nc\nd\n', ["a", "c", "d"]),
    ],
)
def test_a_cell_of_a_tsv_that_is_quoted_as_a_whole_may_span_lines_and_hold_tabs(
    workspace: JobWorkspace, content: str, subjects: list[str]
) -> None:
    assert prompts(workspace, "rows.tsv", content) == subjects


@pytest.mark.parametrize(
    "content",
    [
        'x\tsubject\n1\t"first\nsecond"\t3\n',
        'subject\n"first\nsecond"\n',
        'subject\tx\n"a" "b\nc"\t1\n',
    ],
)
def test_a_quote_of_a_tsv_that_may_be_a_letter_or_open_a_cell_is_reported(
    workspace: JobWorkspace, content: str
) -> None:
    (found,) = problems(workspace, "rows.tsv", content)
    assert "a cell in quotes continues to line" in found
    assert "save the sheet as CSV" in found


@pytest.mark.parametrize(
    ("row", "subject"),
    [
        ('1, "text" ,x', "text"),
        ('1 , "one, two" , "three" ', "one, two"),
        ('1, "one\ntwo" , x', "one\ntwo"),
        ('1, "So-called" friends,x', '"So-called" friends'),
        ('1, "one" or "two" ,x', '"one" or "two"'),
    ],
)
def test_quotes_after_a_blank_enclose_a_cell_or_are_letters(
    workspace: JobWorkspace, row: str, subject: str
) -> None:
    content = f"n,subject,z\n{row}\n2,last,\n"
    assert prompts(workspace, "rows.csv", content) == [subject, "last"]
    assert problems(workspace, "rows.csv", f'{content}a/b,c,"d" e\n')[0].startswith(
        f"rows.csv:{4 + row.count(chr(10))}: the row cannot be read"
    )


def test_excels_line_that_names_the_delimiter_is_no_row(workspace: JobWorkspace) -> None:
    assert prompts(workspace, "rows.csv", "\ufeffsep=;\r\nsubject;x\r\nA fox, asleep;1\r\n") == [
        "A fox, asleep"
    ]
    (found,) = problems(workspace, "rows.csv", "sep=;\nid;subject\na/b;1\n")
    assert found.startswith("rows.csv:3: row 2: the id")


@pytest.mark.parametrize(
    "error",
    [
        *("#NAME?", "#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"),
        *("#GETTING_DATA", "#BEZUG!", "#NV", "#WERT!", "#NOM?", "#¡VALOR!", "#ERROR!", "Err:502"),
        "########",
    ],
)
@pytest.mark.parametrize("column", ["subject", "id", "prompt", "mood"])
def test_a_spreadsheets_error_is_an_error_with_its_line(
    workspace: JobWorkspace, error: str, column: str
) -> None:
    cells = {"subject": "A fox", "id": "a", "prompt": "", "mood": "calm"}
    rows = [cells, {**cells, "id": "b", column: f" {error}"}]
    content = "\n".join([",".join(cells), *(",".join(row.values()) for row in rows), ""])
    (found,) = problems(workspace, "rows.csv", content)
    assert found.startswith(
        f'rows.csv:3: row 3: "{column}" contains a spreadsheet error, "{error}"'
    )


def test_a_spreadsheets_error_in_json_or_in_a_header_is_an_error_too(
    workspace: JobWorkspace,
) -> None:
    (found,) = problems(workspace, "rows.jsonl", '{"subject": "#REF!"}\n')
    assert found.startswith('rows.jsonl:1: row 1: "subject" contains a spreadsheet error')
    (found,) = problems(workspace, "rows.csv", "subject,#REF!\na,b\n")
    assert "a spreadsheet error" in found
    assert prompts(workspace, "rows.csv", "subject\n#1 in the charts\n#winter\n") == [
        "#1 in the charts",
        "#winter",
    ]


def test_headings_of_a_text_file_are_reported_before_they_are_rendered(
    workspace: JobWorkspace,
) -> None:
    found = problems(workspace, "rows.txt", "# Monday\nA fox\n\n  ## Tuesday\nA kite # 2\n#3\n")
    assert [text.split(" (")[0] for text in found] == [
        'rows.txt:1: row 1: is "# Monday" a heading, or a comment? Each line is a prompt',
        'rows.txt:4: row 4: is "## Tuesday" a heading, or a comment? Each line is a prompt',
        'rows.txt:6: row 6: is "#3" a heading, or a comment? Each line is a prompt',
    ]


def test_a_line_of_a_job_without_variables_is_sent_as_it_stands(workspace: JobWorkspace) -> None:
    workspace.put("rows.txt", "A sign: {{ OPEN }}\n{% if %} and {{\nNumber {{ index }}\n")
    assert [task.prompt for task in workspace.brief("prompts_from: rows.txt\n")] == [
        "A sign: {{ OPEN }}",
        "{% if %} and {{",
        "Number {{ index }}",
    ]
    workspace.put("rows.txt", "A {{ look }} sign\n")
    assert workspace.brief("prompts_from: rows.txt\nvars: {look: red}\n")[0].prompt == "A red sign"
    assert "not defined" in workspace.wrong("prompts_from: rows.txt\nmatrix: {loop: [yes, no]}\n")


ARRAY = """
[
  {"id": "a", "prompt": "A fox", "params": {"loop": "yes"}, "n": 1},
  {"subject": "A kite"}, "A {{ bare }} text",

  {"subject": "A boat"}]
"""


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_json_array_is_read_as_rows(workspace: JobWorkspace, name: str, end: str) -> None:
    (workspace.folder / name).write_bytes(("\ufeff" + ARRAY).replace("\n", end).encode())
    tasks = workspace.brief(SUBJECTS.format(name))
    assert [task.prompt for task in tasks] == ["A fox", "A kite", "A {{ bare }} text", "A boat"]
    assert (tasks[0].id, tasks[0].params["loop"], tasks[0].meta) == ("a", True, {"n": 1})


@pytest.mark.parametrize(
    ("content", "place", "part"),
    [
        ('[{"subject": "a"},\n\n {"id": "a/b"}]', "rows.json:3: row 2: ", "no slash"),
        ('[{"subject": "a"},\n 5]', "rows.json:2: row 2: ", "not a JSON object"),
        ('[{"subject": "a"},\n {"subject":}]', "rows.json:2: ", "not valid JSON"),
        ('[{"subject": "a"}\n {"subject": "b"}]', "rows.json:2: ", "a comma, or one ]"),
        ('[{"subject": "a"}\n', "rows.json:2: ", "a comma, or one ]"),
        ('[{"subject": "a"}]\n]', "rows.json:1: ", "a comma, or one ]"),
        ('[{"subject": "a"},\n]', "rows.json:2: ", "not valid JSON"),
        ('[{"x": NaN}]', "rows.json:1: ", "not a finite number"),
        ('[{"x": ' + "[" * 60 + "]" * 60 + "}]", "rows.json:1: ", "nests too deeply"),
        ("[" * 100_000, "rows.json:1: ", "nests too deeply"),
        ('{"prompts": []}', "rows.json:1: ", "the file is not a JSON array"),
        ("[]", "job.yaml:1: ", "there is nothing to render"),
        ("", "job.yaml:1: ", "there is nothing to render"),
    ],
)
def test_a_wrong_json_array_names_file_and_line(
    workspace: JobWorkspace, content: str, place: str, part: str
) -> None:
    (found,) = problems(workspace, "rows.json", content)
    assert found.startswith(place)
    assert part in found


@pytest.mark.variant
def test_an_array_without_end_is_refused(workspace: JobWorkspace) -> None:
    blanks = (" " * 2**20 + "\n") * 64
    (found,) = problems(workspace, "rows.json", f'[\n{{"subject": "a"}}{blanks}]')
    assert "longer than 64 MB" in found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.txt", "A fox\nA kite\n A fox\n"),
        ("rows.csv", "subject\nA fox\nA kite\nA fox \n"),
        ("rows.json", '[{"subject": "A fox"}, {"subject": "A kite"}, {"subject": "A fox"}]'),
    ],
)
def test_twins_are_an_error_or_rendered_once_as_the_job_says(
    workspace: JobWorkspace, name: str, content: str
) -> None:
    (found,) = problems(workspace, name, content)
    assert "this is the same task as" in found
    assert "duplicates: once renders it once" in found
    tasks = workspace.brief(SUBJECTS.format(name) + "duplicates: once\ntakes: 2\n")
    assert [task.prompt for task in tasks] == ["A fox", "A fox", "A kite", "A kite"]
    named = SUBJECTS.format(name) + "duplicates: once\noutput: {name: '{{ index }}'}\n"
    assert [task.output for task in workspace.brief(named)] == ["1", "2"]
    assert ("give each an id" in found) is (name != "rows.txt")


def test_a_word_for_duplicates_that_is_none_is_reported(workspace: JobWorkspace) -> None:
    assert "did you mean once?" in workspace.wrong("duplicates: one\nprompts: [p]\n")


def test_an_id_that_is_there_twice_is_an_error_all_the_same(workspace: JobWorkspace) -> None:
    (workspace.folder / "rows.csv").write_text("id,subject\na,A fox\na,A fox\n")
    found = workspace.wrong(SUBJECTS.format("rows.csv") + "duplicates: once\n")
    assert 'duplicate id "a"' in found


def test_once_also_counts_what_a_prompt_makes_of_the_matrix(workspace: JobWorkspace) -> None:
    job = """
        duplicates: once
        matrix: {aspect_ratio: [16:9, 9:16]}
        prompts:
        - A fox
        - {prompt: A kite, params: {aspect_ratio: 1:1}}
        - A fox
    """
    assert len(workspace.brief(job)) == 3


@pytest.fixture
def upgraded(tmp_path: Path) -> Path:
    """A job of version 0.1 whose 24 tasks that version has rendered."""
    for path in FROM_0_1.iterdir():
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "outputs" / "old").mkdir(parents=True)
    (tmp_path / "manifest.jsonl").rename(tmp_path / "outputs" / "old" / "manifest.jsonl")
    return tmp_path / "old.yaml"


def known(path: Path) -> list[Task]:
    history = manifest.replay(path.parent / "outputs" / "old" / "manifest.jsonl")
    return list(map(history.recognising(), load(path).tasks()))


@pytest.mark.variant
def test_nothing_that_0_1_has_rendered_is_rendered_again_because_it_is_read_otherwise(
    upgraded: Path,
) -> None:
    done = run_alone("check", upgraded, "--json")
    plan = json.loads(done.stdout)
    assert (plan["total"], plan["done"], plan["removed"]) == (24, 24, 0)
    records = upgraded.parent / "outputs" / "old" / "manifest.jsonl"
    before = records.read_bytes()
    with Sandbox(latency=0, clips="tiny", credits=100) as served:
        done = run_alone("run", upgraded, SEGMIND_BASE_URL=served.url, SEGMIND_API_KEY="k" * 20)
    assert done.returncode == 0, done.stderr
    assert records.read_bytes() == before
    assert json.loads(run_alone("status", upgraded, "--json").stdout)["succeeded"] == 24


@pytest.mark.parametrize(
    ("row", "before"),
    [
        ('A 5" box, a 6" lid', ' a 6" lid'),
        ('"one, ""two""", three', " three"),
        ('x, "So-called" friends', ' "So-called" friends'),
        ('x, "text" ', ' "text" '),
        ('"a, b",c', None),
    ],
)
def test_what_0_1_made_of_a_cell_with_quotes_and_blanks_is_known(
    workspace: JobWorkspace, row: str, before: str | None
) -> None:
    workspace.put("rows.csv", f"n,subject\n{row}\n")
    (task,) = workspace.tasks("model: luma-txt-2-video\n" + SUBJECTS.format("rows.csv"))
    assert (task.former and task.former.params["prompt"]) == before


def test_what_0_1_has_not_rendered_is_read_as_now(upgraded: Path) -> None:
    with (upgraded.parent / "plan.csv").open("ab") as sheet:
        sheet.write(b', "A new one, with a comma" ,calm,\r\n'.replace(b'" ', b'"'))
    new = [task for task in known(upgraded) if "new one" in task.prompt]
    assert [task.prompt for task in new] == ["A new one, with a comma, calm"] * 2
    records = upgraded.parent / "outputs" / "old" / "manifest.jsonl"
    records.write_bytes(b"")
    assert "A fox, calm" in [task.prompt for task in known(upgraded)]
    assert all(task.former is None for task in known(upgraded))


def test_a_row_of_0_1_that_was_edited_since_is_rendered_as_it_reads_now(upgraded: Path) -> None:
    sheet = upgraded.parent / "plan.csv"
    sheet.write_bytes(sheet.read_bytes().replace(b"A harbour ", b"A port "))
    (first, _) = [task for task in known(upgraded) if task.id.startswith("hero")]
    assert first.prompt == "A port, calm"


def test_a_sheet_that_is_no_file_with_an_end_is_refused_at_once(workspace: JobWorkspace) -> None:
    os.mkfifo(workspace.folder / "rows.csv")
    with pytest.raises(JobFileError, match="not a regular file"):
        workspace.brief("prompts_from: rows.csv")
    (workspace.folder / "zero.csv").symlink_to("/dev/zero")
    with pytest.raises(JobFileError, match="not a regular file"):
        workspace.brief("prompts_from: zero.csv")


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_of_posts_that_recur_one_has_the_clip_of_a_row_without_an_id(
    tmp_path: Path, order: list[int]
) -> None:
    path, rows = tmp_path / "old.yaml", ["2026-12-01,A fox", "2026-12-08,A fox", "2026-12-15,A fox"]
    path.write_text("model: luma-txt-2-video\n" + SUBJECTS.format("{file: plan.csv}"))
    sheet, output = tmp_path / "plan.csv", tmp_path / "outputs" / "old"
    output.mkdir(parents=True)

    def tasks(heading: str, *numbers: int) -> list[Task]:
        sheet.write_text("\n".join([f"{heading},subject", *(rows[n] for n in numbers)]))
        return known(path)

    def record(task: Task) -> None:
        fields = {"task": task.id, "fingerprint": task.fingerprint, "status": "succeeded"}
        with (output / "manifest.jsonl").open("a") as file:
            file.write(json.dumps({"model": task.model, "params": task.params, **fields}) + "\n")

    (old,) = tasks("when", 0)  # a word that says nothing: the row is known by its prompt
    record(old)
    now = tasks("publish", *order)
    assert [task.id for task in now].count(old.id) == 1
    assert len({task.id for task in now}) == 3
    record(other := next(task for task in now if task.id != old.id))
    sorted_otherwise = {task.id for task in tasks("publish", *order[::-1])}
    assert len(sorted_otherwise) == 3
    assert len(sorted_otherwise - {old.id, other.id}) == 1  # is left to render
