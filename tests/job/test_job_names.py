"""Output names: readable, safe everywhere, never two alike."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slugify import slugify
from support.job_workspace import JobWorkspace

from pipeline.common import output_names as places
from pipeline.job.expand.names import LONGEST_BYTES, safe_name, safe_part
from pipeline.job.problems import InvalidError
from pipeline.job.template.slugs import cut, slug


def test_default_names_are_a_slug_the_matrix_the_take_and_a_hash(workspace: JobWorkspace) -> None:
    tasks = workspace.brief(
        """\
        matrix: {aspect_ratio: [16:9], loop: [yes, no]}
        takes: 2
        prompts:
          - A lighthouse at dusk, its beam sweeping over a remarkably calm sea
          - {id: Hero Shot, prompt: p}
        """
    )
    assert [re.sub(r"-[0-9a-f]{12}$", "-HASH", task.output) for task in tasks] == [
        "a-lighthouse-at-dusk-its-beam-sweeping-over-a-16-9-loop-HASH",
        "a-lighthouse-at-dusk-its-beam-sweeping-over-a-16-9-loop-take2-HASH",
        "a-lighthouse-at-dusk-its-beam-sweeping-over-a-16-9-no-loop-HASH",
        "a-lighthouse-at-dusk-its-beam-sweeping-over-a-16-9-no-loop-take2-HASH",
        "hero-shot-16-9-loop-HASH",
        "hero-shot-16-9-loop-take2-HASH",
        "hero-shot-16-9-no-loop-HASH",
        "hero-shot-16-9-no-loop-take2-HASH",
    ]


def test_a_prompt_without_letters_is_a_clip(workspace: JobWorkspace) -> None:
    assert re.fullmatch("clip-[0-9a-f]{12}", workspace.brief("prompts: ['?!']")[0].output)


def test_other_numbers_of_the_matrix_are_named_with_their_axis(workspace: JobWorkspace) -> None:
    axes = ", ".join(f"axis{i}: [some-rather-long-value-{i}]" for i in range(9))
    tasks = workspace.tasks(
        f"model: m\nmatrix: {{seed: [7], {axes}}}\nprompts: [{{id: x, prompt: p}}]\n"
    )
    assert tasks[0].output.startswith("x-seed-7-some-rather-long-")
    assert len(tasks[0].output) < LONGEST_BYTES


@pytest.mark.parametrize(
    ("rendered", "safe"),
    [
        ("plain name", "plain name"),
        ("x", "x"),
        ("16:9 — what?", "16-9 — what-"),
        ("a<b>|c*", "a-b--c-"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("com1", "_com1"),
        ("COM\u00b9", "_COM\u00b9"),
        ("lpt5 .x", "_lpt5 .x"),
        ("aux/x", "_aux/x"),
        ("console", "console"),
        ("trailing. . ", "trailing"),
        ("dir./x", "dir/x"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\u202eb\u200bc", "abc"),
        ("tab\there", "tabhere"),
        ("back\\slash", "back-slash"),
        ("2026/12/clip", "2026/12/clip"),
        ("9:16", "9-16"),
        ("émile", "émile"),
        ("x/manifest", "x/manifest"),
    ],
)
def test_names_are_made_safe_on_every_file_system(rendered: str, safe: str) -> None:
    assert safe_name(rendered) == safe


@pytest.mark.parametrize(
    ("rendered", "part"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("/etc/passwd", "absolute"),
        ("\\\\server\\x", "absolute"),
        ("C:\\x", "absolute"),
        ("c:x", "absolute"),
        ("../x", "leaves"),
        ("a/../../x", "leaves"),
        ("a\\..\\x", "leaves"),
        ("a//b", "empty part"),
        ("a/", "empty part"),
        ("a/ /b", "empty part"),
        (".hidden", "begins with a dot"),
        ("a/.inflight", "begins with a dot"),
        ("manifest.jsonl", "itself uses"),
        ("Report", "itself uses"),
        ("superseded/x", "itself uses"),
        ("Report.html/x", "itself uses"),
        ("errors", "itself uses"),
        ("Errors/x", "itself uses"),
        ("a.MP4/b", "like a file"),
        ("\u200b", "nothing is left"),
        ("/".join(["x" * 100] * 5), "longer than 400"),
    ],
)
def test_names_that_would_harm_are_errors(rendered: str, part: str) -> None:
    with pytest.raises(InvalidError, match=re.escape(part)):
        safe_name(rendered)


@given(st.text(max_size=300))
def test_whatever_is_rendered_the_name_is_safe_or_an_error(text: str) -> None:
    try:
        name = safe_name(text)
    except InvalidError:
        return
    for part in name.split("/"):
        assert part not in {"", ".", ".."}
        assert len(part.encode()) <= LONGEST_BYTES + 1
        assert not set(part) & set('<>:"|?*\\\0')
        assert part[-1] not in " ."
        assert part.isprintable()
    assert safe_name(name) == name


def test_long_components_are_cut_between_characters() -> None:
    assert safe_part("é" * 200) == "é" * (LONGEST_BYTES // 2)
    assert len(safe_part("x" * 200)) == LONGEST_BYTES


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=60))
def test_the_short_way_to_a_slug_is_slugifys(text: str) -> None:
    assert slug(text) == slugify(text)


def test_slugs_are_cut_at_a_word() -> None:
    assert slug("one two three", 7) == "one-two"
    assert slug("one two three", 9) == "one-two"
    assert cut("abcdefgh", 3) == "abc"
    assert slug("Ünïcödé & more") == "unicode-more"


def test_a_name_template_makes_folders_and_knows_the_matrix(workspace: JobWorkspace) -> None:
    tasks = workspace.brief(
        """\
        name: spring
        matrix: {aspect_ratio: [16:9, 9:16]}
        takes: 2
        output: {name: "{{ name }}/{{ aspect_ratio }}/{{ index }}-{{ id }}-{{ take }}"}
        prompts: [{id: a, prompt: p}, {id: b, prompt: q}]
        """
    )
    assert tasks[0].output == "spring/16-9/1-a-1"
    assert tasks[-1].output == "spring/9-16/2-b-2"
    assert len({task.output for task in tasks}) == 8


def test_a_name_without_template_marks_is_a_name(workspace: JobWorkspace) -> None:
    assert workspace.brief("output: {name: clip}\nprompts: [p]")[0].output == "clip"


def test_the_name_says_what_is_sent_where_a_prompt_overrides_the_matrix(
    workspace: JobWorkspace,
) -> None:
    tasks = workspace.brief(
        """\
        matrix: {aspect_ratio: [16:9]}
        output: {name: "{{ prompt | slug(5) }}-{{ aspect_ratio }}"}
        prompts: [one, {prompt: two, params: {aspect_ratio: 1:1}}]
        """
    )
    assert [task.output for task in tasks] == ["one-16-9", "two-1-1"]


def test_a_name_that_does_not_tell_takes_or_matrix_apart_names_both_tasks(
    workspace: JobWorkspace,
) -> None:
    message = workspace.wrong(
        """\
        matrix: {aspect_ratio: [16:9, 9:16]}
        output: {name: "{{ id }}"}
        prompts: [{id: hero, prompt: p}]
        """
    )
    assert message.startswith("job.yaml:4: prompts[0]: tasks ")
    assert '"hero[aspect_ratio=16:9]"' in message
    assert '"hero[aspect_ratio=9:16]"' in message
    assert "{{ take }}" in message


def test_names_that_differ_in_case_alone_are_one_name(workspace: JobWorkspace) -> None:
    message = workspace.wrong(
        """\
        output: {name: "{{ id }}"}
        prompts:
          - {id: Hero, prompt: p}
          - {id: hero, prompt: q}
        """
    )
    assert message.startswith("job.yaml:5: prompts[1]: tasks ")
    assert "job.yaml:4" in message


def test_a_name_outside_the_output_directory_is_named_with_its_prompt(
    workspace: JobWorkspace,
) -> None:
    message = workspace.wrong('output: {name: "../{{ id }}"}\nprompts: [{id: x, prompt: p}]')
    assert message.startswith("job.yaml:3: prompts[0]: ")
    assert "leaves the output directory" in message


@given(st.one_of(st.text(max_size=40), st.sampled_from(["errors", "Posters/x", "control.sock"])))
def test_what_a_job_may_call_an_output_is_believed_of_a_record_and_a_claim(rendered: str) -> None:
    try:
        name = safe_name(rendered)
    except InvalidError:
        return
    assert places.fault(f"{name}.mp4") is None
