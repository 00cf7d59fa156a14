"""What the documentation says is so: its examples run, and what is printed from code is current."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.models import Cause
from sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
_MAPPINGS = ("Output", "Retry", "Credits", "Schedule", "Notify")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


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


def test_every_environment_variable_that_is_read_is_documented() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", page))
    files = [*ROOT.glob("pipeline/**/*.py")]
    texts = "".join(file.read_text(encoding="utf-8") for file in files)
    read = set(re.findall(r"\b(?!DEFAULT)[A-Z]+_(?:API_KEY|BASE_URL|PROXY)\b", texts))
    assert listed == read


def test_every_reason_is_explained() -> None:
    page = (DOCS / "reference" / "outcomes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [str(word) for word in Cause]


def test_the_readme_s_examples_are_the_files_that_are_tested() -> None:
    readme = ROOT / "README.md"
    assert (EXAMPLES / "job.yaml").read_text(encoding="utf-8") in blocks(readme, "yaml")
    assert (EXAMPLES / "library.py").read_text(encoding="utf-8") in blocks(readme, "python")


def test_every_yaml_example_of_the_documentation_is_a_tested_file() -> None:
    files = {path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.yaml")}
    for page in PAGES:
        for block in blocks(page, "yaml"):
            assert block in files, f"{page.name}: this example is no file:\n{block}"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_job_is_valid(path: Path) -> None:
    assert list(pipeline.load(path).tasks())


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


def test_every_example_calls_the_same_command() -> None:
    for page in PAGES:
        for block in blocks(page, "(?:sh|crontab|make)"):
            assert "bin/pipeline" not in block, f"{page.name}: a path instead of `pipeline`"
            assert "-m pipeline" not in block, page.name


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
