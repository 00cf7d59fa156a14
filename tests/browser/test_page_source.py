"""The page's script: checked by TypeScript and Biome, and built from what is in the repository."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = Path("pipeline/report/page")
ROOT = HERE.parent.parent
HOW = "run tests/browser/setup"


def tool(name: str) -> Path:
    path = HERE / "node_modules" / ".bin" / name
    if shutil.which("node") is None or not path.exists():
        pytest.skip(f"{name} is not installed: {HOW}")
    return path


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_of_the_script_agree() -> None:
    ran(tool("tsc"), "-p", ".", cwd=ROOT / PAGE)


def test_the_linter_has_no_complaint() -> None:
    ran(tool("biome"), "check", "--error-on-warnings", ".", cwd=ROOT / PAGE)


def test_the_page_is_what_its_source_builds(tmp_path: Path) -> None:
    tool("esbuild")
    copied = tmp_path / PAGE
    shutil.copytree(ROOT / PAGE, copied)
    browser = tmp_path / "tests" / "browser"
    browser.mkdir(parents=True)
    shutil.copy(HERE / "package.json", browser)
    (browser / "node_modules").symlink_to(HERE / "node_modules")
    ran("npm", "run", "--silent", "build", cwd=browser)
    for name in ("page.js", "page.css", "front.js"):
        built = (copied / name).read_bytes()
        assert built == (ROOT / PAGE / name).read_bytes(), (
            f"{name} is older than its source: run `npm run build` in tests/browser"
        )
