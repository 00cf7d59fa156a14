"""The documentation is true: its examples run, and what is printed from the code is current."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

import pipeline
from pipeline.cli.group import cli
from pipeline.cli.posters import NO_POSTERS
from pipeline.job.keys import account
from pipeline.models import Cause
from pipeline.runtime.lifecycle import Stage, transitions
from sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
_MAPPINGS = ("Output", "Retry", "Credits", "Expect", "Schedule", "Notify")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page; those within a list are indented."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


def shell_lines() -> Iterator[tuple[str, str]]:
    """Each command line in the documentation, with the name of its page."""
    for page in PAGES:
        for block in blocks(page, "(?:sh|crontab|make)"):
            for line in block.replace("\\\n", " ").splitlines():
                yield page.name, line


def test_the_generated_parts_of_the_documentation_are_current() -> None:
    """After a change of help texts, exit codes, outcomes or the schema, run the script."""
    command = [sys.executable, ROOT / "scripts" / "reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_key_of_the_schema_is_in_the_settings() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([\w.\[\]]+)` \|", page, re.MULTILINE))
    schema = json.loads((ROOT / "pipeline/data/job.schema.json").read_text(encoding="utf-8"))
    parts = {"": schema, "prompts[].": schema["$defs"]["Prompt"]}
    parts |= {f"{name.lower()}.": schema["$defs"][name] for name in _MAPPINGS}
    keys = {prefix + key for prefix, part in parts.items() for key in part["properties"]}
    assert listed >= keys - {name.lower() for name in _MAPPINGS}


def test_every_stage_and_every_transition_is_explained() -> None:
    page = (DOCS / "explanation" / "lifecycle.md").read_text(encoding="utf-8")
    pairs = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page, re.MULTILINE)
    assert pairs == [(str(before), str(after)) for before, after in transitions()]
    stages = re.findall(r"^\| `(\w+)` \| [^`]", page, re.MULTILINE)
    assert stages == [str(stage) for stage in Stage]


def test_every_environment_variable_that_is_read_is_documented() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`((?!AWS_)[A-Z]+_[A-Z_]+)`", page))  # those are a library's
    files = [*ROOT.glob("pipeline/**/*.py")]
    texts = "".join(file.read_text(encoding="utf-8") for file in files)
    read = set(re.findall(r"\b(?!DEFAULT)[A-Z]+_(?:API_KEY|BASE_URL|PROXY)\b", texts))
    assert listed == read | {account.SWITCH, *account.VARIABLES, NO_POSTERS}


def test_every_reason_is_explained() -> None:
    page = (DOCS / "reference" / "outcomes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [str(word) for word in Cause]


def test_the_shown_examples_are_the_files_that_are_tested() -> None:
    readme = ROOT / "README.md"
    assert (EXAMPLES / "job.yaml").read_text(encoding="utf-8") in blocks(readme, "yaml")
    guide, sheet = DOCS / "how-to" / "library.md", DOCS / "how-to" / "calendar.md"
    assert (EXAMPLES / "library.py").read_text(encoding="utf-8") in blocks(guide, "python")
    assert (EXAMPLES / "calendar.csv").read_text(encoding="utf-8") in blocks(sheet, "csv")


def test_every_yaml_example_of_the_documentation_is_a_tested_file() -> None:
    files = {path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.yaml")}
    for page in PAGES:
        for block in blocks(page, "yaml"):
            assert block in files, (
                f"{page.name}: this example is not a file in docs/examples:\n{block}"
            )


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_job_is_valid(path: Path) -> None:
    assert list(pipeline.load(path).tasks())


def test_every_other_block_of_data_can_be_read() -> None:
    for page in PAGES:
        for block in blocks(page, "yml"):
            assert isinstance(yaml.safe_load(block), dict)
        for block in blocks(page, "json"):
            json.loads(block)
        for block in blocks(page, "python"):
            compile(block, str(page), "exec")


def test_every_code_block_names_its_language() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        opened = re.findall(r"^ *```(\w*)$", text, re.MULTILINE)[::2]
        assert all(opened), f"{page.name}: a code block without a language"


def test_the_library_example_runs(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "library.py", tmp_path)
    shutil.copy(EXAMPLES / "job.yaml", tmp_path / "job.yaml")
    with Sandbox(latency=0, clips="tiny", credits=200) as sandbox:
        env = {**os.environ, "SEGMIND_API_KEY": "k" * 16, "SEGMIND_BASE_URL": sandbox.url}
        done = subprocess.run(
            [sys.executable, "library.py"],
            cwd=tmp_path, env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("every task of the job has succeeded")


def calls(line: str) -> Iterator[list[str]]:
    """The arguments of each call of `pipeline` in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] | None = None
    for token in [*lexer, ";"]:
        if token.lstrip("@") == "pipeline":
            call = []
        elif call is not None and set(token) <= set("();<>|&"):
            yield call[:-1] if ">" in token and call[-1] == "2" else call
            call = None
        elif call is not None:
            call.append(token)


def test_every_shell_example_is_valid_shell() -> None:
    for page in PAGES:
        for block in blocks(page, "sh"):
            command = ["bash", "-n"]
            done = subprocess.run(command, input=block, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{page.name}: {done.stderr}"


def test_every_command_in_the_documentation_is_one_that_the_program_takes() -> None:
    root = click.Context(cli, info_name="pipeline")
    seen = 0
    for page, line in shell_lines():
        for name, *arguments in calls(line):
            command = cli.get_command(root, name)
            assert command is not None, f"{page}: {line}"
            command.make_context(name, arguments, parent=root)
            seen += 1
    assert seen > 20


def test_every_target_and_script_in_the_documentation_exists() -> None:
    target_line = re.compile(r"^([a-z-]+):", re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = {page.name: "".join(blocks(page, "make")) for page in PAGES}
    for page, line in shell_lines():
        targets = set(target_line.findall(makefile + shown[page]))
        assert "bin/pipeline" not in line, f"{page}: a path instead of `pipeline`"
        assert "-m pipeline" not in line, page
        for target in re.findall(r"(?:^|-- )make ([a-z-]+)", line):
            assert target in targets, f"{page}: {line}"
        for script in re.findall(r"(?:bash |python |cp )((?:scripts|\.ci|bench)/\S+)", line):
            assert (ROOT / script).exists(), f"{page}: {line}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if ":" in link:
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {link}"
        assert file.is_relative_to(ROOT), f"{page.name} links out of the repository: {link}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name} links to {link}: no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^):#]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in links]
    assert set(PAGES) <= seen, set(PAGES) - seen


def test_documents_that_code_names_exist() -> None:
    for file in sorted(ROOT.glob("pipeline/**/*.py")):
        for name in re.findall(r"docs/[\w/.-]+\.md", file.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{file.name} names {name}"


def test_the_library_has_the_names_it_promises() -> None:
    assert all(hasattr(pipeline, name) for name in pipeline.__all__)
    assert set(pipeline.__all__) <= set(dir(pipeline))
    with pytest.raises(AttributeError):
        _ = pipeline.nothing  # type: ignore[attr-defined]


def test_nothing_committed_names_this_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    here = str(ROOT)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".mp4"}:
            assert f"{here}/" not in path.read_text(encoding="utf-8", errors="replace"), name
