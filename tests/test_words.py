"""The words of docs/style.md: what is written for people uses none of those that it replaces."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Of "Words to replace", those that a search can tell from an innocent use.
REPLACED = re.compile(
    r"""\b(
        mend(s|ed|ing)? | heed(s|ed)? | anew | whereupon | Desk | desk(?=\.|s?\ *=)
      | told | tells | [Nn]obody\ (knows|knew|tells|says) | of\ ours | goes\ on | go\ on
      | (?<![Tt]here\ )(is|are)\ no\ (?!longer\b|more\b)[a-z]+
    )\b""",
    re.VERBOSE,
)
# The drawing of the former layout, the page that lists the words, and names in stable formats.
EXEMPT = {"docs/style.md", "docs/design/009-layout.md"}
STABLE = re.compile(r"told_at|`told`")

PLACES = [
    "*.md",
    "docs/**/*.md",
    "jobs/*.yaml",
    "systemd/*",
    "bench/**/*.py",
    "pipeline/*.py",
    "pipeline/common/*.py",
    "pipeline/cli/*.py",
    "pipeline/display/*.py",
    "pipeline/engines/**/*.py",
    "pipeline/export/*.py",
    "pipeline/job/**/*.py",
    "pipeline/report/*.py",
    "pipeline/settling/*.py",
    "pipeline/store/*.py",
    "sandbox/*.py",
    "tests/common/*.py",
    "tests/test_*.py",
]


def files() -> list[Path]:
    found = {path for place in PLACES for path in ROOT.glob(place)}
    exempt = {Path(__file__), *(ROOT / name for name in EXEMPT)}
    return sorted(found - exempt)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_that_the_style_page_replaces_is_used(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [
        f"{number}: {match[0]}"
        for number, line in enumerate(lines, 1)
        for match in REPLACED.finditer(STABLE.sub("", line))
    ]
    assert not found
