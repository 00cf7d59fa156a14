"""What YAML would take away, or take apart, of a text is reported before it is paid for."""

import pytest
from support.job_workspace import JobWorkspace

LOST = 'the rest of the line, "#7 on a wet track", is a comment and would be lost'


@pytest.mark.parametrize(
    ("job", "key"),
    [
        ("prompts:\n- A race car #7 on a wet track\n", "prompts[0]"),
        ("prompts:\n- A race car\t#7 on a wet track\n", "prompts[0]"),
        ("prompts:\n- prompt: A race car #7 on a wet track\n", "prompts[0].prompt"),
        ("prompts:\n- {id: a b #7 on a wet track\n  , prompt: p}\n", "prompts[0].id"),
        ("prompts: [A race car #7 on a wet track\n  ]\n", "prompts[0]"),
        ("prompts:\n- A race\n  car #7 on a wet track\n- next\n", "prompts[0]"),
        ("prompts: [p]\nvars:\n  look: car #7 on a wet track\n", "vars.look"),
        ("prompts: [p]\nvars: {deep: {list: [car #7 on a wet track\n  ]}}\n", "vars.deep.list[0]"),
        ("prompts: [p]\nparams:\n  style: car #7 on a wet track\n", "params.style"),
        ("prompts: [p]\nmatrix:\n  style:\n  - car #7 on a wet track\n", "matrix.style[0]"),
        ("prompts: [p]\nprompt: car #7 on a wet track\n", "prompt"),
        ("prompts: [p]\nname: car #7 on a wet track\n", "name"),
        ("prompts: [p]\noutput:\n  name: car-{{ index }} #7 on a wet track\n", "output.name"),
        ("prompts: [p]\noutput:\n  dir: out #7 on a wet track\n", "output.dir"),
        (
            "prompts:\n- prompt: p\n  meta:\n    note: car #7 on a wet track\n",
            "prompts[0].meta.note",
        ),
        ("prompts:\n- prompt: p\n  params:\n    x: car #7 on a wet track\n", "prompts[0].params.x"),
    ],
)
def test_a_text_that_a_comment_cuts_short_is_a_problem(
    workspace: JobWorkspace, job: str, key: str
) -> None:
    found = workspace.problems("model: kling-2\n" + job)
    assert [(p.key, p.message) for p in found] == [(key, LOST)]
    assert found[0].hint == "quote the text; a comment has a blank after its #"


def test_every_text_that_a_comment_cuts_short_is_reported_at_once_with_its_line(
    workspace: JobWorkspace,
) -> None:
    found = workspace.problems("model: m\nname: a #b\nprompts:\n- c #d\n- e\n- f #g\n")
    assert [(p.line, p.key) for p in found] == [(2, "name"), (4, "prompts[0]"), (6, "prompts[2]")]


def test_what_is_clearly_a_comment_and_what_is_clearly_text_stay(workspace: JobWorkspace) -> None:
    job = """\
model: kling-2 #cheap
concurrency: 3 #jobs
timeout: 10m #long
params: {seed: 42 #a number
  , loop: yes #always
  , ratio: 1.5 #and another
  , gone: null #nothing
  }
prompts:
- A fox # 7 is a comment
- A kite #
- A boat ## too
- A car#7
- "A car #7"
- 'A bus #7'
- |
  A van #7
- >-
  A tram
  #7 at dawn
#whole lines too
- last
"""
    tasks = workspace.tasks(job)
    assert [task.prompt for task in tasks] == [
        "A fox",
        "A kite",
        "A boat",
        "A car#7",
        "A car #7",
        "A bus #7",
        "A van #7\n",
        "A tram #7 at dawn",
        "last",
    ]
    assert tasks[0].params["seed"] == 42
    assert tasks[0].params["loop"] is True


@pytest.mark.parametrize(
    "job",
    [
        "prompts: [A race car #7 on a track, a boat]\nconcurrency: 3\n",
        "prompts: [\n  A race car #7 on a track,\n  a boat\n]\n",
        "prompts: [{prompt: A race car #7 on a track}]\n",
        "prompts:\n- A race\n  car #7 on a track\n  at night\n- a boat\n",
        "params: {note: A race car #7 on a track}\nprompts: [p]\n",
    ],
)
def test_a_syntax_error_that_a_comment_makes_names_it(workspace: JobWorkspace, job: str) -> None:
    (found,) = workspace.problems("model: m\n" + job)
    line = next(n for n, text in enumerate(("model: m\n" + job).splitlines(), 1) if "#7" in text)
    assert "not valid YAML" in found.message
    assert f'on line {line}, "#7 on a track' in str(found.hint)
    assert "is a comment: quote a text that contains it" in str(found.hint)


@pytest.mark.parametrize(
    ("written", "quoted"),
    [
        ("- Camera: pan left", '"Camera: pan left"'),
        ("- Camera: 5", '"Camera: 5"'),
        ("- Camera:", '"Camera:"'),
        ("- A fox in the snow: the second one", '"A fox in the snow: the second one"'),
    ],
)
def test_a_prompt_that_a_colon_makes_a_mapping_is_to_be_quoted(
    workspace: JobWorkspace, written: str, quoted: str
) -> None:
    found = workspace.problems(f"model: m\nprompts:\n{written}\n")
    assert (found[0].line, found[0].message) == (3, "unknown key")
    assert found[0].hint == f"quote the text: {quoted}"


def test_a_slip_of_a_key_of_ours_is_still_named(workspace: JobWorkspace) -> None:
    (found,) = workspace.problems("model: m\nprompts:\n- promt: a fox\n")
    assert found.hint == 'quote the text: "promt: a fox", or did you mean prompt?'
    (found,) = workspace.problems("model: m\nprompts:\n- Prompt: a fox\n")
    assert found.hint == "did you mean prompt?"
    found = workspace.problems("model: m\nprompts:\n- prompt: a fox\n  Camera: pan left\n")[0]
    assert "quote" not in str(found.hint)
