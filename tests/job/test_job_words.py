"""Words in the matrix, seeds made of a task's identity, and twins that are rendered once."""

import pytest
from support.job_workspace import JobWorkspace

from pipeline.api.provider import Model, Parameter
from pipeline.job.keys.params import Target, auto_seed

OTHER = "model: some-model\n"
WORDS = """\
matrix:
  aspect_ratio: [16:9, 9:16]
  vars: {animal: [cat, no]}
prompts:
  - {id: hero, prompt: "A {{ animal }} at sea"}
"""


def test_words_of_the_matrix_are_for_templates_and_never_sent(workspace: JobWorkspace) -> None:
    tasks = workspace.brief(WORDS)
    assert [task.id for task in tasks] == [
        "hero[aspect_ratio=16:9,animal=cat]", "hero[aspect_ratio=16:9,animal=no]",
        "hero[aspect_ratio=9:16,animal=cat]", "hero[aspect_ratio=9:16,animal=no]",
    ]  # fmt: skip
    assert tasks[1].params == {"prompt": "A no at sea", "aspect_ratio": "16:9", "loop": False}
    assert tasks[0].output.startswith("hero-16-9-cat-")
    assert not workspace.job("model: luma-txt-2-video\n" + WORDS).warnings


def test_a_word_reaches_names_and_parameters_and_can_be_excluded(workspace: JobWorkspace) -> None:
    tasks = workspace.tasks(
        OTHER + "params: {style: '{{ animal }}'}\noutput: {name: '{{ animal }}-{{ ratio }}'}\n"
        "matrix: {ratio: [a, b], vars: {animal: [cat, no]}, exclude: [{animal: no, ratio: b}]}\n"
        "prompts: ['A {{ animal }}']\n"
    )
    assert [(task.output, task.params["style"]) for task in tasks] == [
        ("cat-a", "cat"), ("no-a", "no"), ("cat-b", "cat"),
    ]  # fmt: skip


def test_a_parameter_that_is_called_vars_stays_one(workspace: JobWorkspace) -> None:
    (task,) = workspace.tasks(OTHER + "matrix: {vars: [a]}\nprompts: [{id: x, prompt: A fox}]\n")
    assert (task.id, task.params["vars"]) == ("x[vars=a]", "a")


def test_a_prompt_of_its_own_wins_over_an_axis_and_not_over_a_word(
    workspace: JobWorkspace,
) -> None:
    (task,) = workspace.tasks(
        OTHER + "matrix: {vars: {style: [oil]}}\n"
        "prompts: [{id: x, prompt: 'In {{ style }}', params: {style: flat}}]\n"
    )
    assert (task.prompt, task.params["style"]) == ("In oil", "flat")


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        ("{vars: {animal: cat}}", "an axis is a list of values"),
        ("{vars: {animal: []}}", "an axis is a list of values"),
        ("{vars: {an animal: [cat]}}", "fits no template"),
        ("{vars: {id: [cat]}}", "means something else in templates"),
        ("{loop: [yes], vars: {loop: [a]}}", "is an axis of the matrix already"),
        ("{vars: {animal: [cat, cat]}}", "is listed twice"),
        ("{vars: {animal: [{a: b}]}}", "must be a single text or number"),
        ("{vars: {animal: [cat, dog]}}", "nothing that is sent depends on animal"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_where_they_are_written(
    workspace: JobWorkspace, matrix: str, told: str
) -> None:
    for prompt in ("A fox", "{id: fox, prompt: A fox}"):
        wrong = workspace.wrong(f"matrix: {matrix}\nprompts:\n  - {prompt}\n")
        assert told in wrong
        assert wrong.startswith("job.yaml:")


def test_a_seed_is_made_of_the_identity_and_stays(workspace: JobWorkspace) -> None:
    job = OTHER + "params: {seed: auto}\ntakes: 2\nprompts: [A fox, {id: hero, prompt: A cat}]\n"
    first = {task.id: task for task in workspace.tasks(job)}
    seeds = {name: task.params["seed"] for name, task in first.items()}
    assert len(set(seeds.values())) == 4
    assert all(1 <= seed < 2**31 for seed in seeds.values())
    assert not workspace.job(job).warnings
    edited = job.replace("A cat", "A dog").replace("takes: 2", "takes: 3")
    again = {task.id: task.params["seed"] for task in workspace.tasks(edited)}
    assert seeds.items() <= again.items()
    assert again["hero"] == 1203059961  # what was rendered with it is not rendered again


def test_a_sheet_may_ask_for_a_seed_and_a_prompt_write_its_own(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "id,prompt,seed\na,A fox,auto\nb,A kite,7\n")
    made, written = workspace.tasks(
        OTHER + "prompts_from: rows.csv\nparams: {seed: '{{ seed }}'}\n"
    )
    assert isinstance(made.params["seed"], int)
    assert str(written.params["seed"]) == "7"


def test_a_seed_is_in_the_range_of_the_models_schema(workspace: JobWorkspace) -> None:
    class Narrow:
        def model(self, name: str) -> Model:
            schema = {"type": "integer", "minimum": -1, "maximum": 3}
            rule = Parameter("a seed", "", lambda _: False, "", 1, schema)
            return Model(parameters={"seed": rule})

    seeds = {auto_seed(Target(Narrow(), "m"), f"t{n}") for n in range(100)}  # type: ignore[arg-type]
    assert seeds == {1, 2, 3}


def test_takes_of_one_seed_are_warned_of_with_the_word_that_makes_several(
    workspace: JobWorkspace,
) -> None:
    job = workspace.job(OTHER + "params: {seed: 7}\ntakes: 2\nprompts: [A fox]\n")
    assert len(list(job.tasks())) == 2
    (warning,) = job.warnings
    assert "seed: auto" in warning


def test_twins_are_one_task_and_each_row_of_theirs_is_there(workspace: JobWorkspace) -> None:
    workspace.put(
        "rows.csv", "prompt,publish\nA fox,2026-12-01\nA kite,2026-12-02\nA fox,2026-12-03\n"
    )
    job = workspace.job(OTHER + "prompts_from: rows.csv\nduplicates: once\n")
    tasks, rows = list(job.tasks()), list(job.rows())
    assert [task.prompt for task in tasks] == ["A fox", "A kite"]
    assert job.twins == 1
    assert [row.id for row in rows] == [tasks[0].id, tasks[1].id, tasks[0].id]
    assert [row.meta["publish"][-1] for row in rows] == ["1", "2", "3"]
    assert list(workspace.brief("prompts: [A fox]\n")) == list(
        workspace.job("model: luma-txt-2-video\nprompts: [A fox]\n").rows()
    )
