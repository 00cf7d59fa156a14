"""Reading YAML: what is written is what is meant, and what is wrong has a line."""

import os
from pathlib import Path
from typing import Never

import pytest
import yaml
from support.job_workspace import JobWorkspace

from pipeline.errors import JobFileError
from pipeline.job import load
from pipeline.job.problems import Report, StoppedError
from pipeline.job.yaml import reader


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("9:16", "9:16"),
        ("12:30:45", "12:30:45"),
        ("no", "no"),
        ("Off", "Off"),
        ("007", "007"),
        ("0xFF", "0xFF"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z"),
        ("=", "="),
        ('"5"', "5"),
        ("'true'", "true"),
        ("'null'", "null"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ('!!int "5"', 5),
        ("!!float 5", 5),
        ("!!bool true", True),
        ("!!null x", None),
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("1e3", 1000.0),
        ("1.50", 1.5),
        (".5", 0.5),
        ("007.5", "007.5"),
        ("18446744073709551615", 2**64 - 1),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("[1, no, ~]", [1, "no", None]),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("{a: {b: 9:16}}", {"a": {"b": "9:16"}}),
    ],
)
def test_a_free_value_means_what_it_looks_like(
    workspace: JobWorkspace, written: str, meant: object
) -> None:
    tasks = workspace.tasks(f"model: m\nprompts:\n  - prompt: p\n    meta:\n      key: {written}\n")
    value = tasks[0].meta["key"]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize("text", ["007", "1e3", "yes", "12:30", "2026-12-01", "true", "3.10", "0"])
def test_ids_prompts_and_names_keep_their_exact_text(workspace: JobWorkspace, text: str) -> None:
    job = workspace.job(
        f"name: {text}\nmodel: m\nprompts:\n- {text}\n- {{id: {text}, prompt: {text}}}\n"
    )
    bare, whole = job.tasks()
    assert (job.name, bare.prompt, whole.prompt, whole.id) == (text, text, text, text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *[(word, True) for word in ("yes", "Yes", "on", "y", "true", "TRUE")],
        *[(word, False) for word in ("no", "NO", "off", "n", "false")],
    ],
)
@pytest.mark.parametrize("model", ["luma-txt-2-video", "kling-2"])
def test_loop_understands_yes_and_no_on_every_model(
    workspace: JobWorkspace, model: str, written: str, meant: object
) -> None:
    text = f"model: {model}\nparams: {{loop: {written}}}\nprompts: [p]\n"
    job = workspace.job(text)
    assert next(job.tasks()).params["loop"] is meant
    assert job.warnings == ()


def test_another_models_yes_stays_text_with_a_warning(workspace: JobWorkspace) -> None:
    job = workspace.job(
        """\
        model: kling-2
        params:
          camera_fixed: no
          camera: {loop: no}
          quoted: "no"
          mode: 'on'
        prompts:
          - {prompt: p, params: {sound: Off}, meta: {fine: no}}
        """
    )
    params = next(job.tasks()).params
    assert params["camera_fixed"] == "no"
    assert params["sound"] == "Off"
    assert params["camera"] == {"loop": "no"}
    assert job.warnings == (
        'job.yaml:3: params.camera_fixed: sent as the text "no"; write false, or quote it',
        'job.yaml:4: params.camera.loop: sent as the text "no"; write false, or quote it',
        'job.yaml:8: prompts[0].params.sound: sent as the text "Off"; write false, or quote it',
    )


@pytest.mark.parametrize(
    "number", ["1e999", ".inf", "-.INF", ".nan", "9" * 30, "-9223372036854775809"]
)
def test_numbers_that_json_cannot_hold_are_errors(workspace: JobWorkspace, number: str) -> None:
    found = workspace.problems(f"model: m\nprompts: [p]\nparams:\n  n: {number}\n")
    assert [(p.line, p.key) for p in found] == [(4, "params.n")]
    assert "quote it" in found[0].hint


def test_null_anywhere_counts_as_absent(workspace: JobWorkspace) -> None:
    job = workspace.job(
        """\
        model: m
        name:
        rate: ~
        retry: null
        credits: {budget: , cost: ~}
        prompts:
          - {id: , prompt: p, meta: ~}
        """
    )
    assert (job.name, job.rate, job.credits.budget) == ("job", None, None)
    assert next(job.tasks()).meta == {}


def test_merge_keys_and_aliases_work_as_people_know_them(workspace: JobWorkspace) -> None:
    tasks = workspace.tasks(
        """\
        model: kling-2
        prompts:
          - prompt: one
            params: &wide {aspect_ratio: 16:9, seed: 1}
          - {prompt: two, params: *wide}
          - prompt: three
            params:
              <<: *wide
              seed: 2
          - prompt: four
            params:
              <<: [{seed: 4}, *wide]
              "<<": text
        """
    )
    assert [task.params.get("seed") for task in tasks] == [1, 1, 2, 4]
    assert [task.params["aspect_ratio"] for task in tasks] == ["16:9"] * 4
    assert tasks[3].params["<<"] == "text"


def test_keys_are_texts_whatever_they_look_like(workspace: JobWorkspace) -> None:
    meta = workspace.tasks(
        "model: m\nprompts: [{prompt: p, meta: {1: a, yes: b, ~: c, &k x: y, z: *k}}]\n"
    )
    assert meta[0].meta == {"1": "a", "yes": "b", "~": "c", "x": "y", "z": "x"}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_mark_and_windows_line_ends_are_fine(
    workspace: JobWorkspace, ending: str, mark: str
) -> None:
    text = f"{mark}model: m\nprompts:\n  - one\n  - |\n    two\n    lines\n"
    tasks = workspace.tasks(text.replace("\n", ending).encode())
    assert [task.prompt for task in tasks] == ["one", "two\nlines\n"]


def test_emoji_and_other_scripts_arrive_whole(workspace: JobWorkspace) -> None:
    assert workspace.tasks("model: m\nprompts: [🦊 狐狸 ñandú]\n")[0].prompt == "🦊 狐狸 ñandú"


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "is empty"),
        ("# only a comment\n", 1, "is empty"),
        ("- a\n- b\n", 1, "not a mapping"),
        ("just text", 1, "not a mapping"),
        ("model: m\nprompts: [p\n", 3, "not valid YAML"),
        ("model: m\nprompts:\n\t- p\n", 3, "spaces, not tabs"),
        ("model: m\nprompt: a: b\n", 2, 'contains ": "'),
        ("model: m\nprompts: [p]\n---\nmodel: n\n", 3, "second document"),
        ("model: m\nprompts: [*nobody]\n", 2, "unknown anchor"),
        ("a: &some 1\nb: *sum\n", 2, "unknown anchor"),
        ("model: m\nprompts: &a [*a]\n", 2, "contains itself"),
        ("model: m\nprompt: {{ subject }}\n", 2, "quote a {{ template }}"),
        ("a: &m {x: 1}\n*m : 2\n", 2, "a key must be a text"),
        ("model: m\nx: " + "[" * 60, 2, "deeper than 50"),
        ("model: m\nx:\n" + "".join(" " * i + "a:\n" for i in range(1, 60)), 52, "deeper than 50"),
        ("model: m\nprompts: [a\x00b]\n", 2, "control character (U+0000)"),
        ("model: m\n\nx: 'unfinished\n", 4, "not valid YAML"),
        ("%YAML 9.9\n---\na: b\n", 1, "not valid YAML"),
    ],
)
def test_what_cannot_be_read_names_its_line(
    workspace: JobWorkspace, text: str, line: int, part: str
) -> None:
    (found,) = workspace.problems(text)
    assert found.line == line
    assert part in str(found)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_are_counted_as_editors_count_them(
    workspace: JobWorkspace, mark: str, ending: str
) -> None:
    lines = ["model: m", f"# a{mark}# b", f'prompts: ["one {mark}{mark} line"]', "takes: 0"]
    (found,) = workspace.problems(ending.join(lines).encode())
    assert (found.line, found.key) == (4, "takes")
    (found,) = workspace.problems(ending.join([*lines, "\t- x"]).encode())
    assert found.line == 5
    assert "not tabs" in found.hint


def test_both_parsers_give_the_same_nodes_and_lines(tmp_path: Path) -> None:
    good, wrong = b"model: m\nprompts: [9:16, &a x]\n", b"model: m\nprompts: [p\n"
    for events in (reader.EVENTS, yaml.SafeLoader):
        report = Report(tmp_path / "job.yaml")
        assert reader.parse(good, report, events) == {"model": "m", "prompts": ["9:16", "x"]}
        with pytest.raises(StoppedError) as caught:
            reader.parse(wrong, report, events)
        assert caught.value.line == 3


def test_what_only_one_parser_refuses_is_a_problem_too(tmp_path: Path) -> None:
    class Failing(yaml.SafeLoader):
        def get_event(self) -> Never:
            raise yaml.YAMLError("no luck")

    with pytest.raises(StoppedError, match="no luck"):
        reader.parse(b"model: m\n", Report(tmp_path / "job.yaml"), Failing)


def test_duplicate_keys_unsafe_tags_and_bad_merges_come_with_the_other_problems(
    workspace: JobWorkspace,
) -> None:
    found = workspace.problems(
        """\
        model: m
        takes: 1
        takes: 2
        prompts: [p]
        params:
          <<: text
          evil: !!python/object/apply:os.system ["echo"]
          when: !!timestamp 2026-12-01
        takes: 3
        colour: red
        """
    )
    assert [(p.line, p.message.split()[0]) for p in found] == [
        (3, "duplicate"),
        (6, "<<"),
        (7, "the"),
        (8, "the"),
        (9, "duplicate"),
        (10, "unknown"),
    ]
    assert "!!timestamp" in found[3].message


def test_an_alias_bomb_is_refused(workspace: JobWorkspace) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    (found,) = workspace.problems("\n".join(lines))
    assert "expand to too much" in found.message
    assert found.line is not None


def test_aliases_may_not_nest_what_could_not_be_written(workspace: JobWorkspace) -> None:
    lines = ["a0: &a0 x"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 60)]
    (found,) = workspace.problems("\n".join(lines))
    assert "nest deeper than 50" in found.message


@pytest.mark.parametrize(
    ("data", "line", "part"),
    [
        (b"model: m\nprompts: [\xff]\n", 2, "not UTF-8"),
        ("model: m".encode("utf-16"), 1, "UTF-16"),
        ("model: m".encode("utf-32"), 1, "UTF-16 or UTF-32"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), 1, "control character"),
        (b"\x89PNG\r\n\x1a\n", 1, "not UTF-8"),
    ],
)
def test_other_encodings_and_binaries_are_reported(
    workspace: JobWorkspace, data: bytes, line: int, part: str
) -> None:
    (found,) = workspace.problems(data)
    assert found.line == line
    assert part in found.message


def test_a_missing_file_names_its_neighbour(workspace: JobWorkspace) -> None:
    workspace.put("campaign.yaml", "")
    with pytest.raises(JobFileError, match=r"no such file.*did you mean .*campaign.yaml"):
        load(workspace.folder / "campain.yaml")
    with pytest.raises(JobFileError, match="no such file"):
        load(workspace.folder / "nowhere" / "job.yaml")
    with pytest.raises(JobFileError, match="no such file"):
        load(workspace.folder / "something else")


def test_a_directory_a_pipe_and_a_strange_path_are_reported(workspace: JobWorkspace) -> None:
    with pytest.raises(JobFileError, match=r"directory \(name the job file in it: .*/job.yaml\)"):
        load(workspace.folder)
    os.mkfifo(workspace.folder / "pipe")
    with pytest.raises(JobFileError, match=r": this is not a regular file$"):
        load(workspace.folder / "pipe")
    with pytest.raises(JobFileError, match=r"nul\\x00byte:1: .*control character \(U\+0000\)"):
        load(Path("nul\0byte"))
    with pytest.raises(JobFileError, match="cannot be read: Not a directory"):
        load(workspace.put("file", "") / "job.yaml")


def test_a_path_that_is_not_utf_8_is_refused(workspace: JobWorkspace) -> None:
    with pytest.raises(JobFileError, match="the name of the file is not UTF-8"):
        load(workspace.folder / "j\udcff.yaml")


def test_a_file_that_is_too_large_points_to_prompts_from(workspace: JobWorkspace) -> None:
    (found,) = workspace.problems(b"#" * (reader.MOST_BYTES + 1))
    assert "prompts_from" in str(found.hint)


def test_paths_are_absolute_and_relative_to_the_job_file(
    workspace: JobWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.put("job.yaml", "model: m\nprompts: [p]\noutput: {dir: ../renders}\n")
    monkeypatch.chdir(workspace.folder)
    job = load(Path("job.yaml"))
    assert job.path == workspace.folder / "job.yaml"
    assert job.output_dir == workspace.folder.parent / "renders"
    assert (
        workspace.job("model: m\nname: a b\nprompts: [p]\n").output_dir
        == workspace.folder / "outputs/a b"
    )
    home = workspace.job("model: m\nprompts: [p]\noutput: {dir: ~/renders}\n").output_dir
    assert home == Path.home() / "renders"


def test_too_many_problems_end_in_a_line_that_says_so(workspace: JobWorkspace) -> None:
    found = workspace.problems("model: m\nprompts:\n" + "- {x: 1}\n" * 500)
    assert len(found) == 101
    assert "not listed" in found[-1].message
