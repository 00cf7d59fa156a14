"""A prompt may have its own number of takes."""

from pathlib import Path

from support.job_workspace import JobWorkspace


def test_a_prompt_s_own_takes_win_over_the_job_s(tmp_path: Path) -> None:
    tasks = JobWorkspace(tmp_path).brief("""\
        takes: 2
        prompts:
          - {id: hero, prompt: a lighthouse, takes: 3}
          - {id: pier, prompt: a pier, takes: 1}
          - {id: gull, prompt: a gull}
        """)
    assert [task.id for task in tasks] == ["hero", "hero#2", "hero#3", "pier", "gull", "gull#2"]


def test_takes_of_a_prompt_are_bounded(tmp_path: Path) -> None:
    wrong = JobWorkspace(tmp_path).wrong("prompts: [{id: hero, prompt: a pier, takes: 0}]\n")
    assert "takes" in wrong


def test_the_tasks_of_a_prompt_share_a_post_and_say_in_what_they_differ(tmp_path: Path) -> None:
    tasks = JobWorkspace(tmp_path).brief("""\
        matrix: {aspect_ratio: [16:9, 9:16], vars: {animal: [cat, dog]}}
        vars: {place: pier}
        prompts:
          - {id: hero, prompt: "A {{ animal }} at the {{ place }}", takes: 2}
          - {prompt: "A tall {{ animal }}"}
        """)
    hero, tall = tasks[:8], tasks[8:]
    assert {task.post for task in hero} == {"hero"}
    assert [task.take for task in hero] == [1, 2] * 4
    assert hero[6].values == {"aspect_ratio": "9:16", "animal": "dog"}
    assert {task.post for task in tall} == {tall[0].id}
    assert {task.take for task in tall} == {0}


def test_a_value_of_the_matrix_that_a_prompt_overrides_is_the_one_that_is_sent(
    tmp_path: Path,
) -> None:
    (task,) = JobWorkspace(tmp_path).brief("""\
        matrix: {aspect_ratio: [16:9]}
        prompts: [{prompt: A pier, params: {aspect_ratio: "1:1"}}]
        """)
    assert task.values == {"aspect_ratio": "1:1"}
