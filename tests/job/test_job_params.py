"""Parameters: merged in layers, judged where they were written; the matrix and its exclusions."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from support.job_workspace import JobWorkspace

from pipeline.api import providers
from pipeline.api.provider import Model, Parameter, Provider
from pipeline.api.segmind import Segmind
from pipeline.job.keys.params import Target, wrong_params
from pipeline.models import Task


def params(task: Task) -> dict[str, object]:
    return {key: value for key, value in task.params.items() if key != "prompt"}


def test_later_layers_win_job_then_matrix_then_prompt(workspace: JobWorkspace) -> None:
    first, second = workspace.brief(
        """\
        params: {loop: true, aspect_ratio: 4:3}
        matrix: {aspect_ratio: [16:9]}
        prompts:
          - one
          - {prompt: two, params: {aspect_ratio: 9:16, loop: false}}
        """
    )
    assert params(first) == {"loop": True, "aspect_ratio": "16:9"}
    assert params(second) == {"loop": False, "aspect_ratio": "9:16"}


def test_the_body_is_the_params_and_the_prompt_and_loop_is_always_sent(
    workspace: JobWorkspace,
) -> None:
    assert workspace.brief("prompts: [p]")[0].params == {"prompt": "p", "loop": False}
    assert workspace.tasks("model: luma-img-2-video\nprompts: [p]")[0].params == {"prompt": "p"}
    assert workspace.tasks("model: kling-2\nprompts: [p]")[0].params == {"prompt": "p"}


def test_other_models_take_any_json(workspace: JobWorkspace) -> None:
    text = """\
        model: kling-2
        params: {seed: 7, camera: {type: [1, 2.5, null, "no"]}, aspect_ratio: 5:5}
        prompts: [p]
        """
    assert params(workspace.tasks(text)[0]) == {
        "seed": 7,
        "camera": {"type": [1, 2.5, None, "no"]},
        "aspect_ratio": "5:5",
    }


def test_parameters_are_judged_by_what_the_provider_says_of_its_model(tmp_path: Path) -> None:
    class Other(Segmind):
        """Has one model, which takes a size and nothing else."""

        size = Parameter("a size", "such as 5", lambda value: value == 5, "", 5, {})
        models: ClassVar[Mapping[str, Model]] = {"m": Model(parameters={"size": size})}

        def model(self, name: str) -> Model:
            return self.models.get(name, Model())

    def wrong(provider: Provider, **params: object) -> list[str]:
        return [one.key for one in wrong_params(Target(provider, "m"), params, tmp_path)]

    assert wrong(Segmind(), size=4, loop=1) == []  # a model of which nothing is known
    assert wrong(Other(), size=5) == []
    assert wrong(Other(), size=4, loop=1) == ["size", "loop"]
    assert Target(Segmind(), "luma-txt-2-video").defaults == {"loop": False}
    assert Target(Other(), "luma-txt-2-video").defaults == {}


@pytest.mark.parametrize("provider", sorted({*providers.names()} - {*providers.SHIPPED}))
def test_every_provider_judges_the_parameters_of_its_models(
    workspace: JobWorkspace, provider: str
) -> None:
    model = next(iter(providers.get(provider).models))
    text = f"model: {model}\nprovider: {provider}\nprompts: [p]\nparams: {{lop: 1}}\n"
    (found,) = workspace.problems(text)
    assert (found.line, found.key) == (4, "params.lop")


@pytest.mark.parametrize(
    ("model", "written", "message", "hint"),
    [
        ("luma-txt-2-video", "aspect_ratio: 16:10", "is not an aspect ratio", "21:9"),
        ("luma-txt-2-video", "aspect_ratio: [1]", "is not an aspect ratio", "21:9"),
        ("luma-txt-2-video", "aspect_ration: 1:1", "no such parameter", "mean aspect_ratio?"),
        ("luma-txt-2-video", "aspect_ratio: ", "this is empty", "take the key out"),
        ("luma-txt-2-video", "loop: maybe", "is not a boolean", "true or false"),
        ("luma-txt-2-video", "loop: 1", "is not a boolean", "true or false"),
        ("luma-txt-2-video", "seed: 3", "no such parameter", "known: aspect_ratio, loop"),
        ("luma-txt-2-video", "prompt: x", "not a parameter", "under prompts"),
        ("kling-2", "prompt: x", "not a parameter", "under prompts"),
        ("luma-img-2-video", "start_frame: ftp://x/y", "not an http(s) address", "https://"),
        ("luma-img-2-video", "end_fram: https://x/y", "no such parameter", "mean end_frame?"),
        ("luma-ray-txt-2-video", "resolution: ' '", "is not a text", "720p"),
        ("luma-ray-txt-2-video", "start_frame: https://x/y", "no such parameter", None),
    ],
)
def test_what_a_known_model_does_not_take_is_an_error(
    workspace: JobWorkspace, model: str, written: str, message: str, hint: str | None
) -> None:
    (found,) = workspace.problems(f"model: {model}\nprompts: [p]\nparams:\n  {written}\n")
    assert (found.line, found.key) == (4, f"params.{written.partition(':')[0]}")
    assert message in found.message
    assert hint is None or hint in found.hint


def test_a_template_that_nothing_fills_is_judged_as_the_text_that_would_be_sent(
    workspace: JobWorkspace,
) -> None:
    found = workspace.problems(
        """\
        model: luma-txt-2-video
        params: {aspect_ratio: "{{ ratio }}", loop: "{{ again }}"}
        prompts:
          - {prompt: filled, vars: {ratio: 1:1, again: yes}}
          - {prompt: braces, params: {loop: true}}
          - {prompt: more braces, params: {aspect_ratio: "{{ ratio }}", loop: no}}
        """
    )
    assert [(p.line, p.key) for p in found] == [
        (2, "params.aspect_ratio"),
        (6, "prompts[2].params.aspect_ratio"),
    ]
    assert found[0].message == '"{{ ratio }}" is not an aspect ratio of this model'


@pytest.mark.parametrize(
    ("model", "written"),
    [
        ("luma-img-2-video", "{start_frame: https://a.b/c.png, end_frame: HTTP://a.b/d, loop: y}"),
        ("luma-ray-txt-2-video", "{resolution: 720p, aspect_ratio: 9:21}"),
        *[("luma-txt-2-video", f"{{aspect_ratio: {r}}}") for r in ("1:1", "4:3", "3:4", "21:9")],
    ],
)
def test_what_a_known_model_takes_passes(workspace: JobWorkspace, model: str, written: str) -> None:
    assert workspace.tasks(f"model: {model}\nprompts: [p]\nparams: {written}\n")


def test_the_published_price_is_exact() -> None:
    assert str(providers.get().model("luma-txt-2-video").price) == "0.95"


def test_every_prompt_meets_every_combination_in_the_order_of_the_file(
    workspace: JobWorkspace,
) -> None:
    tasks = workspace.brief(
        """\
        matrix:
          loop: [yes, no]
          aspect_ratio: [16:9, 9:16]
        takes: 2
        prompts: [{id: a, prompt: one}, {id: b, prompt: two}]
        """
    )
    combos = [
        "[loop=true,aspect_ratio=16:9]",
        "[loop=true,aspect_ratio=9:16]",
        "[loop=false,aspect_ratio=16:9]",
        "[loop=false,aspect_ratio=9:16]",
    ]
    assert [task.id for task in tasks] == [
        f"{name}{combo}{take}" for name in "ab" for combo in combos for take in ("", "#2")
    ]


def test_exclude_leaves_out_whole_and_partial_combinations(workspace: JobWorkspace) -> None:
    tasks = workspace.brief(
        """\
        matrix:
          aspect_ratio: [16:9, 9:16, 1:1]
          loop: [true, false]
          exclude:
            - {aspect_ratio: 1:1}
            - {aspect_ratio: 9:16, loop: yes}
        prompts: [p]
        """
    )
    assert [tuple(params(task).values()) for task in tasks] == [
        (True, "16:9"),
        (False, "16:9"),
        (False, "9:16"),
    ]


def test_values_are_reported_apart_as_json(workspace: JobWorkspace) -> None:
    tasks = workspace.tasks(
        "model: m\nmatrix: {x: [1, 1.0, true, '1', ~], exclude: [{x: true}]}\nprompts: [p]\n"
    )
    assert [params(task)["x"] for task in tasks] == [1, 1.0, "1", None]


@pytest.mark.parametrize(
    ("matrix", "key", "part"),
    [
        ("{aspect_ratio: 16:9}", "matrix.aspect_ratio", "a list of values"),
        ("{aspect_ratio: []}", "matrix.aspect_ratio", "a list of values"),
        ("{aspect_ratio: [16:9, 16:9]}", "matrix.aspect_ratio[1]", "listed twice"),
        ("{loop: [yes, true]}", "matrix.loop[1]", "listed twice"),
        ("{aspect_ratio: [[16:9]]}", "matrix.aspect_ratio[0]", "single text or number"),
        ("{aspect_ratio: [16:9, 16:10]}", "matrix.aspect_ratio[1]", "not an aspect ratio"),
        ("{ratio: [16:9]}", "matrix.ratio[0]", "aspect_ratio"),
        ("{prompt: [a, b]}", "matrix.prompt[0]", "under prompts"),
        ("{loop: [true], exclude: {loop: true}}", "matrix.exclude", "a list of combinations"),
        ("{loop: [true], exclude: [loop]}", "matrix.exclude[0]", "a mapping of axes"),
        ("{loop: [true], exclude: [{}]}", "matrix.exclude[0]", "a mapping of axes"),
        ("{loop: [true], exclude: [{lop: true}]}", "matrix.exclude[0].lop", "did you mean loop?"),
        ("{loop: [true], exclude: [{loop: no}]}", "matrix.exclude[0].loop", "matches nothing"),
        (
            "{aspect_ratio: [16:9, 1:1], exclude: [{aspect_ratio: 19:9}]}",
            "matrix.exclude[0].aspect_ratio",
            "did you mean 16:9?",
        ),
        ("{loop: [true], exclude: [{loop: true}]}", "matrix.exclude", "every combination"),
    ],
)
def test_a_matrix_that_cannot_be_meant_is_an_error(
    workspace: JobWorkspace, matrix: str, key: str, part: str
) -> None:
    found = workspace.problems(f"model: luma-txt-2-video\nmatrix: {matrix}\nprompts: [p]\n")
    assert found[0].key == key
    assert found[0].line == 2
    assert part in str(found[0])


def test_too_many_combinations_are_refused_before_they_are_made(workspace: JobWorkspace) -> None:
    axes = ", ".join(f"a{i}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]" for i in range(9))
    (found,) = workspace.problems(f"model: m\nmatrix: {{{axes}}}\nprompts: [p]\n")
    assert "1000000000 combinations" in found.message


def test_a_prompt_that_overrides_an_axis_makes_identical_tasks(workspace: JobWorkspace) -> None:
    text = """\
        matrix: {{aspect_ratio: [16:9, 9:16]}}
        prompts:
          - fine
          - {{{head}prompt: wide, params: {{aspect_ratio: 16:9}}}}
        """
    for head in ("", "id: x, "):
        message = workspace.wrong(text.format(head=head))
        assert message.startswith("job.yaml:5: prompts[1]: two identical tasks")
        assert "own aspect_ratio overrides the matrix" in message
        assert "takes" in message


def test_a_prompt_may_override_one_axis_where_that_leaves_different_tasks(
    workspace: JobWorkspace,
) -> None:
    tasks = workspace.brief(
        """\
        matrix: {aspect_ratio: [16:9], loop: [true, false]}
        takes: 2
        prompts: [{id: x, prompt: wide, params: {aspect_ratio: 9:16}}]
        """
    )
    assert [task.id for task in tasks] == [
        "x[aspect_ratio=16:9,loop=true]",
        "x[aspect_ratio=16:9,loop=true]#2",
        "x[aspect_ratio=16:9,loop=false]",
        "x[aspect_ratio=16:9,loop=false]#2",
    ]
    assert {task.params["aspect_ratio"] for task in tasks} == {"9:16"}
