"""A word on the command line: the full name of a task, an id, or a pattern."""

import pytest

from pipeline.job.selecting import selected

TASKS = [
    "hero[aspect_ratio=16:9]",
    "hero[aspect_ratio=16:9]#2",
    "hero[aspect_ratio=9:16]",
    "hero-2",
    "fox",
    "fox#2",
    "a[b",
    "a[b[loop=true]",
    "~0123456789abcdef",
    "caf\u00e9",
]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("fox#2", ["fox#2"]),
        ("fox", ["fox"]),  # a full name comes before an id
        ("hero", TASKS[:3]),
        ("hero[aspect_ratio=16:9]", TASKS[:1]),
        ("hero*", TASKS[:4]),
        ("hero[aspect_ratio=*]", [TASKS[0], TASKS[2]]),
        ("hero[aspect_ratio=*]#2", [TASKS[1]]),
        ("[fh]o*", ["fox", "fox#2"]),
        ("fo?", ["fox"]),
        ("*#2", ["hero[aspect_ratio=16:9]#2", "fox#2"]),
        ("a", []),
        ("a[b", ["a[b"]),
        ("~0123456789abcdef", ["~0123456789abcdef"]),
        ("~0123*", ["~0123456789abcdef"]),
        (" fox ", ["fox"]),
        ("cafe\u0301", ["caf\u00e9"]),
        ("FOX", []),
        ("", []),
        ("[", []),
        ("(", []),
        ("*", TASKS),
    ],
)
def test_a_pattern_means_a_full_name_else_an_id_else_a_glob(pattern: str, meant: list[str]) -> None:
    assert selected(pattern, TASKS) == meant


def test_a_hostile_pattern_takes_no_time() -> None:
    assert selected("*a" * 60 + "b", ["a" * 3000]) == []
