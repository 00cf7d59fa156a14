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
