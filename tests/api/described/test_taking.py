"""What a description's body leaves out of a task is refused before anything is sent, and said."""

from pathlib import Path

import pytest
from support.invented_api import AT_ONCE
from support.pictures import png

from pipeline.api import providers
from pipeline.api.described.taking import Taking
from pipeline.cli.edge import run_command
from pipeline.errors import JobFileError
from pipeline.job import load

HEAD = "provider: ./zap.yaml\nmodel: brush\ncredits: {cost: 0.07}\n"
BODY = "{what: $params.prompt, length: $params.seconds, picture: $inputs.frame}"


def problems(folder: Path, job: str, body: str = BODY) -> list[tuple[str, int, str, str]]:
    """Read a job by a description with a body; what is wrong: file, line, key and hint."""
    text = AT_ONCE.replace("body: $params", f"body: {body}")
    (folder / "zap.yaml").write_text(text, encoding="utf-8")
    (folder / "job.yaml").write_text(HEAD + job, encoding="utf-8")
    try:
        list(load(folder / "job.yaml").tasks())
    except JobFileError as error:
        found = error.problems
        return [(one.file.name, one.line, one.key, one.hint or "") for one in found]
    return []


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("params: {second: 9}\nprompts: [a]\n", ("job.yaml", 4, "params.second", "seconds?")),
        (
            "prompts:\n  - a\n  - {prompt: b, params: {fps: 9}}\n",
            ("job.yaml", 6, "prompts[1].params.fps", "known: prompt, seconds"),
        ),
        ("matrix: {fps: [1, 2]}\nprompts: [a]\n", ("job.yaml", 4, "matrix.fps", "known: prompt")),
        ("inputs: {fram: a.png}\nprompts: [a]\n", ("job.yaml", 4, "inputs.fram", "frame?")),
        (
            "inputs: {frame: a.png, last: a.png}\nprompts: [a]\n",
            ("job.yaml", 4, "inputs.last", "known: frame"),
        ),
    ],
)
def test_what_a_body_does_not_take_is_named_with_what_it_takes(
    tmp_path: Path, job: str, expected: tuple[str, int, str, str]
) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    (found,) = problems(tmp_path, job)
    assert found[:3] == expected[:3]
    assert expected[3] in found[3]


def test_a_column_of_many_rows_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt\na\nb\nc\n", encoding="utf-8")
    job = "prompts_from: rows.csv\nparams: {fps: 9}\n"
    assert [one[2] for one in problems(tmp_path, job)] == ["params.fps"]


def test_of_a_list_of_inputs_a_body_takes_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    body, job = '"$merge(params, {one: inputs.frames[0]})"', "inputs: {frames: %s}\nprompts: [a]\n"
    assert not problems(tmp_path, job % "[a.png]", body)
    assert [one[2] for one in problems(tmp_path, job % "[a.png, a.png]", body)] == ["inputs.frames"]


@pytest.mark.parametrize(
    "body",
    [
        "$params",
        '"$merge(params, inputs)"',
        '{p: $params.prompt, n: "$params.seconds || `4`", on: "$params.loop && \'yes\'"}',
        '{p: $params.prompt, n: "$to_string(params.seconds)", on: "$params.loop == `true`"}',
        "{p: $params.prompt, n: \"$params.seconds > `3` && 'long' || 'short'\", on: $params.loop}",
    ],
)
def test_a_body_that_depends_on_a_parameter_in_any_way_takes_it(tmp_path: Path, body: str) -> None:
    assert not problems(tmp_path, "params: {seconds: 4, loop: false}\nprompts: [a]\n", body)


def test_a_parameter_that_is_listed_as_ignored_is_no_problem(tmp_path: Path) -> None:
    job = "params: {fps: 9}\nprompts: [a]\n"
    assert not problems(tmp_path, job, f"{BODY}, ignores: [fps]")


def test_a_body_is_filled_once_for_a_set_of_names() -> None:
    described = providers.get("replicate")
    untaken = described.traits.untaken
    assert isinstance(untaken, Taking)
    assert untaken("m/n", {"prompt": "a", "x": 1}, {}) is untaken(
        "m/n", {"prompt": "b", "x": 2}, {}
    )


def test_a_run_sends_nothing_of_what_its_body_would_leave_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problems(tmp_path, "params: {fps: 9}\nprompts: [a]\n")
    assert run_command(["run", str(tmp_path / "job.yaml")]) == 2
    assert "job.yaml:4: params.fps" in capsys.readouterr().err
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("name", "model", "params", "inputs"),
    [
        ("fal", "fal-ai/x/y", {"seed": 0, "loop": False}, {"image_url": ""}),
        ("replicate", "a/b", {"num_outputs": 4}, {"image": ""}),
        ("elevenlabs", "sound-generation", {"duration_seconds": 5}, {}),
        ("elevenlabs", "music", {"music_length_ms": 5000}, {}),
        ("elevenlabs", "audio-isolation", {}, {"audio": ""}),
        ("openai-images", "gpt-image-1", {"size": "auto"}, {}),
        ("openai-images", "gpt-image-1", {"size": "auto"}, {"image": [""], "mask": ""}),
        ("runware", "m:1@1", {"duration": 5}, {"frameImages": [""]}),
        ("runware", "m:1@1", {"duration": 5}, {"frameImages": ""}),
        ("comfyui", "w", {"workflow": {"6": {"inputs": {}}}, "node": "6.inputs.text"}, {}),
        ("comfyui", "w", {"workflow": {"10": {"inputs": {}}}}, {"10.inputs.image": ""}),
        ("dashscope", "wan", {"size": "1*1"}, {"img_url": ""}),
        ("kling", "k", {"duration": "5"}, {"image": ""}),
        ("runway", "g", {"ratio": "1:1"}, {"promptImage": ""}),
        ("bfl", "flux", {"width": 8}, {"input_image": ""}),
        ("luma", "ray", {"loop": True}, {"x": ""}),
        ("minimax", "h", {"duration": 6}, {"x": ""}),
    ],
)
def test_the_bodies_of_what_is_shipped_take_what_is_usual(
    name: str, model: str, params: dict[str, object], inputs: dict[str, object]
) -> None:
    untaken = providers.get(name).traits.untaken
    assert untaken is not None
    assert not untaken(model, {"prompt": "a", **params}, inputs)
