"""The house: pure rooms below, edges above, imports point down only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pipeline"

# From the ground up. A room may import from those below it, and from its own floor if it must.
FLOORS = [
    {"errors", "printable", "endings", "depth"},
    {
        "amounts",
        "models",
        "media",
        "extent",
        "redaction",
        "deadlines",
        "pool",
        "wording",
        "files",
        "places",
    },
    {"outcomes", "retry", "events", "schedule", "streak", "leftover"},
    {"jobfile", "prices", "figures"},
    {
        "credits",
        "circuit",
        "topup",
        "holds",
        "manifest",
        "writing",
        "records",
        "claims",
        "environment",
        "client",
    },
    {"directory", "disk", "outputs", "queue", "store", "recovery", "plan"},
    {"desk", "standing"},
    {"corrections"},
    {"dispatch", "settle"},
    {"coordinator"},
    {"runner", "library", "report", "signals"},
    {"display", "reporting", "notify", "sandbox"},
    {"cli", "__main__", "__init__"},
]
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}

# The package's own name is imported for its version and by its lazy names.
PURE = {
    "amounts", "depth", "endings", "errors", "models", "outcomes", "retry", "prices", "figures",
    "credits", "circuit", "topup", "deadlines", "schedule", "streak", "leftover", "wording",
}  # fmt: skip
IO_MODULES = {"httpx", "socket", "subprocess", "asyncio", "anyio", "os", "shutil", "tempfile"}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "pipeline":
                found |= {f"pipeline.{alias.name}" for alias in node.names}
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_room_stands_on_a_floor() -> None:
    assert {room_of(file) for file in FILES} == set(FLOOR_OF)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    here = room_of(file)
    if here == "__init__":
        return
    for name in imports(file):
        parts = name.split(".")
        if parts[0] != "pipeline" or len(parts) == 1 or parts[1] == "__version__":
            continue
        assert FLOOR_OF[parts[1]] <= FLOOR_OF[here], f"{here} reaches up to {parts[1]}"


def test_httpx_is_imported_in_one_room() -> None:
    users = {room_of(file) for file in FILES if "httpx" in {n.split(".")[0] for n in imports(file)}}
    assert users == {"client"}


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_do_no_io(room: str) -> None:
    tops = {name.split(".")[0] for name in imports(PACKAGE / f"{room}.py")}
    assert not tops & IO_MODULES


def test_no_room_is_too_large() -> None:
    # A file holds one concept; what grows past this is two.
    large = {
        str(f.relative_to(PACKAGE)): f.stat().st_size for f in FILES if f.stat().st_size > 24_000
    }
    assert not large
