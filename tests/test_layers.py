"""What import-linter cannot say: which modules do no I/O, and how large one may be."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("sandbox/**/*.py")])

PURE = [
    "amounts", "backoff", "errors", "models", "common/depth", "common/extensions",
    "api/deadlines", "api/outcome", "api/wire", "api/segmind/answer", "api/segmind/judging",
    "api/described/asking",
    "api/described/description", "api/described/expressions", "api/described/judging",
    "api/described/rows", "api/described/rules", "api/described/telling", "api/described/wire",
    "api/segmind/models", "api/segmind/table", "api/segmind/wording", "money", "runtime/circuit",
    "runtime/leftover", "runtime/limit", "runtime/schedule", "runtime/streak", "settling/assigning",
    "settling/attempts", "settling/audit", "settling/bodies", "settling/matching",
]  # fmt: skip
IO_MODULES = {"httpx", "socket", "subprocess", "asyncio", "anyio", "os", "shutil", "tempfile"}


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_imports_point_down() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_httpx_is_imported_in_one_package() -> None:
    users = {str(file.parent.relative_to(ROOT)) for file in FILES if "httpx" in imports(file)}
    assert {re.sub("/(segmind|described)$", "", user) for user in users} <= {
        "pipeline/api",
        "sandbox",
    }


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_do_no_io(module: str) -> None:
    here = ROOT / "pipeline" / module
    files = [*here.glob("*.py")] if here.is_dir() else [here.with_suffix(".py")]
    assert files
    for file in files:
        assert not imports(file) & IO_MODULES, file


def test_no_module_is_too_large() -> None:
    # A file holds one concept; what grows past this is two.
    large = {str(f.relative_to(ROOT)): f.stat().st_size for f in FILES if f.stat().st_size > 24_000}
    assert not large
