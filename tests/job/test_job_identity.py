"""Identity: what stays the same task when a job file is edited, and what does not."""

import json
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.job_workspace import JobWorkspace

from pipeline.job.identity import matrix_suffix
from pipeline.models import Task, fingerprint

BEFORE = """\
name: spring
matrix: {aspect_ratio: [16:9, 9:16]}
prompts:
  - A lighthouse at dusk
  - {id: hero, prompt: An old wizard, meta: {publish: 2026-12-01}}
  - id: fox
    prompt: A paper fox
"""
EDITED = """\
name: summer
concurrency: 9
output: {name: "{{ index }}-{{ aspect_ratio }}-{{ take }}"}
matrix: {aspect_ratio: [9:16, 16:9, 1:1]}
takes: 3
prompts:
  - Something new
  - {id: fox, prompt: A paper fox, priority: 3}
  - {meta: {publish: 2027-01-01}, prompt: An old wizard, id: hero}
  - {prompt: A lighthouse at dusk, meta: {new: true}}
"""


def prints(tasks: Iterable[Task]) -> dict[str, str]:
    return {task.id: task.fingerprint for task in tasks}


def test_reordering_adding_renaming_and_editing_meta_keep_every_identity(
    workspace: JobWorkspace,
) -> None:
    before, after = prints(workspace.brief(BEFORE)), prints(workspace.brief(EDITED))
    assert len(before) == 6
    assert len(after) == 4 * 3 * 3
    assert before.items() <= after.items()


def test_with_an_id_an_edited_prompt_is_the_same_task_changed(workspace: JobWorkspace) -> None:
    before = prints(workspace.brief(BEFORE))
    after = prints(workspace.brief(BEFORE.replace("An old wizard", "A young wizard")))
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"hero[aspect_ratio=16:9]", "hero[aspect_ratio=9:16]"}


def test_without_an_id_an_edited_prompt_is_another_task(workspace: JobWorkspace) -> None:
    before = prints(workspace.brief(BEFORE))
    after = prints(workspace.brief(BEFORE.replace("dusk", "dawn")))
    assert len(before.keys() - after.keys()) == 2


@pytest.mark.parametrize("provider", ["segmind", "segmind-v2"])  # with the same defaults
def test_another_provider_changes_neither_identity_nor_fingerprint(
    workspace: JobWorkspace, provider: str
) -> None:
    before = workspace.brief(BEFORE)
    after = workspace.brief(f"provider: {provider}\npatience: 5m\npoll: 1s\n{BEFORE}")
    assert prints(after) == prints(before)
    assert [task.params for task in after] == [task.params for task in before]


def test_another_model_changes_the_fingerprint_not_the_identity(workspace: JobWorkspace) -> None:
    first = workspace.tasks("model: a\nprompts: [p]\n")[0]
    second = workspace.tasks("model: b\nprompts: [p]\n")[0]
    assert first.id == second.id
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == fingerprint("a", first.params)


def test_an_identity_without_an_id_is_a_digest_of_the_params_as_sent(
    ids: Callable[[str], list[str]],
) -> None:
    assert ids("prompts: [p]") == ids("params: {loop: no}\nprompts: [p]") == ["~56217cb67cb70e20"]
    assert ids("takes: 2\nprompts: [p]") == ["~56217cb67cb70e20", "~56217cb67cb70e20#2"]


def test_a_single_combination_is_part_of_the_identity_as_well(
    ids: Callable[[str], list[str]],
) -> None:
    assert ids("matrix: {loop: [yes]}\nprompts: [{id: x, prompt: p}]") == ["x[loop=true]"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("16:9", "16:9"),
        (True, "true"),
        ("true", '"true"'),
        (None, "null"),
        (7, "7"),
        ("7", '"7"'),
        ("720p", "720p"),
        (1.5, "1.5"),
        ("soft light", '"soft light"'),
        ("a,b=1", '"a,b=1"'),
        ("", '""'),
        ("https://a.b/c", "https://a.b/c"),
        ("x" * 61, "~"),
    ],
)
def test_matrix_values_are_written_so_that_types_stay_apart(value: object, written: str) -> None:
    made = matrix_suffix({"axis": value})
    assert made.startswith(f"[axis={written}")
    assert len(made) < 80


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.text() | st.integers() | st.booleans())))
def test_no_two_combinations_are_written_alike(combinations: list[dict[str, object]]) -> None:
    by_text = {matrix_suffix(one): json.dumps(one) for one in combinations}
    for one in combinations:
        assert by_text[matrix_suffix(one)] == json.dumps(one)


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("a/b", "no slash"),
        ('"a\\\\b"', "no slash"),
        (".hidden", "dot"),
        ('"a\\nb"', "control characters"),
        ('"a\\u202Eb"', "control characters"),
        ("x#2", "matrix values and takes"),
        ("x[1]", "matrix values and takes"),
        ("~0123456789abcdef", "matrix values and takes"),
        ("'  '", "is empty"),
        ("x" * 101, "101 characters"),
    ],
)
def test_an_id_that_could_mislead_is_refused(
    workspace: JobWorkspace, written: str, part: str
) -> None:
    message = workspace.wrong(f"prompts:\n- fine\n- prompt: p\n  id: {written}\n")
    assert message.startswith("job.yaml:5: prompts[1].id: ")
    assert part in message


def test_a_wrong_id_is_not_reported_to_be_the_same_task_as_well(workspace: JobWorkspace) -> None:
    found = workspace.problems(
        "model: m\nprompts: [{id: a/b, prompt: p}, p, {id: .c, prompt: p}]\n"
    )
    assert [p.key for p in found] == ["prompts[0].id", "prompts[2].id"]


def test_good_ids_are_kept_in_normal_form(ids: Callable[[str], list[str]]) -> None:
    text = r"""prompts:
      - {id: "cafe\u0301 #2b", prompt: a}
      - {id: " b ", prompt: b}
      - {id: "x~", prompt: c}
      """
    assert ids(text) == ["caf\u00e9 #2b", "b", "x~"]


def test_two_prompts_with_one_id_are_both_named_once(workspace: JobWorkspace) -> None:
    message = workspace.wrong(
        """\
        matrix: {loop: [true, false]}
        takes: 2
        prompts:
          - {id: hero, prompt: one}
          - {id: other, prompt: two}
          - {id: hero, prompt: three}
        """
    )
    assert message.startswith('job.yaml:7: prompts[2].id: duplicate id "hero"')
    assert "job.yaml:5" in message


def test_the_same_prompt_twice_needs_takes(workspace: JobWorkspace) -> None:
    message = workspace.wrong("prompts:\n- one\n- two\n- one\n")
    assert message.startswith("job.yaml:5: prompts[2]: this is the same task as job.yaml:3")
    assert "takes" in message


def test_different_ids_may_ask_for_the_same(workspace: JobWorkspace) -> None:
    first, second = workspace.brief("prompts: [{id: a, prompt: p}, {id: b, prompt: p}]")
    assert first.fingerprint == second.fingerprint
    assert first.output != second.output


def test_expanding_twice_gives_the_same_and_priority_reaches_the_task(
    workspace: JobWorkspace,
) -> None:
    job = workspace.job("model: m\nprompts: [a, {prompt: b, priority: -3}]\n")
    assert list(job.tasks()) == list(job.expand())
    assert [task.priority for task in job.tasks()] == [0, -3]
