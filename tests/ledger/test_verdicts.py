"""The verdicts on disk: which of them counts, torn ends, hostile files, two who write at once."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.helpers import environment

from pipeline.errors import DirectoryError
from pipeline.ledger import verdicts
from pipeline.ledger.formats import FORMAT
from pipeline.ledger.verdicts import (
    Verdict,
    append,
    applies,
    encode,
    lines,
    read,
    update,
    whole,
)
from pipeline.models import Record, Status, fingerprint

ONE, TWO = "1" * 64, "2" * 64


def said(task: str, verdict: Any = "kept", minute: int = 0, **more: Any) -> Verdict:
    at = f"2026-12-01T09:{minute:02}:00.000Z"
    return Verdict(**{"task": task, "verdict": verdict, "sha256": ONE, "at": at, **more})


def clip(task: str = "a", sha256: str | None = ONE, status: Status = Status.SUCCEEDED) -> Record:
    return Record(
        task=task, status=status, model="m", params={}, fingerprint=fingerprint("m", {}),
        sha256=sha256,
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.jsonl"


A, B = said("a"), said("b", "rejected", note="too dark ü", by="Ada")


# -- which one counts -------------------------------------------------------------------------


def test_what_is_appended_is_what_is_read(path: Path) -> None:
    append(path, [A])
    append(path, [B])
    assert list(lines(path)) == [A, B]
    assert dict(read(path)) == {"a": A, "b": B}


def test_no_file_has_no_verdicts_and_reading_makes_none(path: Path) -> None:
    assert not read(path)
    assert not path.exists()


def test_the_latest_of_a_task_counts_wherever_it_stands_in_the_file(path: Path) -> None:
    late, early = said("a", "rejected", 5), said("a", "kept", 4)
    append(path, [late, early])
    assert read(path)["a"] == late
    append(path, [said("a", None, 6)])
    assert read(path)["a"].verdict is None


def test_of_two_at_the_same_moment_the_last_line_counts(path: Path) -> None:
    append(path, [said("a", "kept"), said("a", "rejected")])
    assert read(path)["a"].verdict == "rejected"


def test_times_are_compared_as_times_and_not_as_texts(path: Path) -> None:
    early = said("a", "kept", at="2026-12-01T11:00:00+02:00")
    late = said("a", "rejected", at="2026-12-01T10:00:00Z")
    append(path, [late, early])
    assert read(path)["a"] == late


def test_a_verdict_is_for_the_clip_it_names(path: Path) -> None:
    assert applies(A, clip())
    assert not applies(A, clip(sha256=TWO))
    assert not applies(A, clip("b"))
    assert not applies(A, clip(status=Status.FAILED))
    assert not applies(A, clip(sha256=None))


def test_a_later_word_on_an_older_clip_does_not_hide_the_one_that_applies(path: Path) -> None:
    append(path, [said("a", "kept", 1, sha256=TWO), said("a", "rejected", 9, sha256=ONE)])
    found = read(path)
    assert found["a"].verdict == "rejected"
    kept = found.of(clip(sha256=TWO))
    assert kept is not None
    assert kept.verdict == "kept"
    assert found.of(clip(sha256="3" * 64)) is None
    assert found.on("a", None) is None


# -- the file ---------------------------------------------------------------------------------


def test_the_first_line_of_an_append_says_the_format(path: Path) -> None:
    append(path, [A, B])
    append(path, [A])
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line.get("format") for line in told] == [FORMAT, None, FORMAT]
    assert set(told[1]) == {"task", "verdict", "note", "sha256", "by", "at"}


@pytest.mark.parametrize(
    "torn", [b'{"task":', encode([B])[:50], b"\0" * 100, encode([B])[:30] + b"\0" * 99, b"\0\n"]
)
def test_a_torn_end_is_left_out_and_costs_no_other_verdict(path: Path, torn: bytes) -> None:
    append(path, [A])
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert list(lines(path)) == [A]
    append(path, [B])
    assert path.read_bytes() == whole + encode([B])


def test_a_first_line_that_was_torn_is_cut_off(path: Path) -> None:
    path.write_bytes(encode([A])[:40])
    append(path, [B])
    assert list(lines(path)) == [B]


def test_a_whole_last_line_without_its_end_is_kept(path: Path) -> None:
    path.write_bytes(encode([A])[:-1])
    append(path, [B])
    assert list(lines(path)) == [A, B]


def wrong_lines() -> list[Any]:
    good = {"task": "a", "verdict": "kept", "sha256": ONE, "at": "2026-12-01T09:00:00Z"}

    def but(**more: Any) -> bytes:
        return json.dumps({**good, **more}).encode()

    return [
        pytest.param(b"garbage", "malformed", id="garbage"),
        pytest.param(b"{}", "task", id="an empty object"),
        pytest.param(b"\xff", "", id="no UTF-8"),
        pytest.param(b"[" * 50_000, "", id="deeply nested"),
        pytest.param(but(verdict="maybe"), "verdict", id="another word"),
        pytest.param(but(sha256="ABC"), "sha256", id="no hash"),
        pytest.param(but(at="yesterday"), "yesterday", id="no time"),
        pytest.param(but(at="2026-12-01T09:00:00"), "time zone", id="a time without zone"),
        pytest.param(but(task=""), "task", id="no task"),
        pytest.param(but(note="x" * 4001), "note", id="a long note"),
        pytest.param(but(more="x" * 70_000), "65,536 bytes", id="a long line"),
    ]


@pytest.mark.parametrize(("line", "why"), wrong_lines())
def test_a_line_that_is_no_verdict_is_an_error_that_names_it_and_changes_nothing(
    path: Path, line: bytes, why: str
) -> None:
    path.write_bytes(encode([A]) + line + b"\n" + encode([B]))
    before = path.read_bytes()
    for action in (lambda: read(path), lambda: append(path, [B])):
        with pytest.raises(DirectoryError, match=rf"verdicts\.jsonl:2: .*{why}"):
            action()
    assert path.read_bytes() == before


def test_of_a_file_from_elsewhere_every_line_that_is_wrong_is_named_at_once(path: Path) -> None:
    bad = said("a", "maybe")
    path.write_bytes(encode([A, bad, B, bad]) + b'{"task":')
    with pytest.raises(DirectoryError) as caught:
        whole(path)
    found = re.findall(r"verdicts\.jsonl:(\d): this line is not a verdict", caught.value.message)
    assert found == ["2", "4", "5"]
    path.write_bytes(encode([bad] * 1000))
    with pytest.raises(DirectoryError) as caught:
        whole(path)
    assert len(caught.value.message.splitlines()) == 20


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b',"format":%d' % FORMAT, b""),
        lambda text: b"\n" + text + b"\n\n",
    ],
)
def test_a_file_that_an_editor_or_a_page_has_saved_its_own_way_is_read(
    path: Path, spelled: Any
) -> None:
    path.write_bytes(spelled(encode([A, B])))
    assert whole(path) == [A, B]


@pytest.mark.parametrize(
    "made",
    [
        lambda text: b"[" + b",".join(text.splitlines()) + b"]\n",
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.replace(b"dark", b"\\ud800"),
        lambda text: b"\0" * len(text),
        lambda text: b"",
    ],
)
def test_a_file_of_another_form_is_refused_with_the_right_one(path: Path, made: Any) -> None:
    path.write_bytes(made(encode([A, B])))
    with pytest.raises(DirectoryError) as caught:
        whole(path)
    assert "one JSON object a line" in str(caught.value.hint)


def test_a_file_of_somebody_else_is_left_alone(path: Path) -> None:
    path.write_bytes(b"my notes")
    with pytest.raises(DirectoryError, match="did not write"):
        append(path, [A])
    assert path.read_bytes() == b"my notes"


def test_a_newer_format_is_refused(path: Path) -> None:
    path.write_bytes(encode([A]).replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1)))
    for action in (lambda: read(path), lambda: append(path, [B])):
        with pytest.raises(DirectoryError, match="newer version"):
            action()


def test_keys_of_a_later_version_do_no_harm(path: Path) -> None:
    path.write_bytes(encode([A])[:-2] + b',"stars":5}\n')
    assert list(lines(path)) == [A]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda p: p.symlink_to("/etc/hostname")])
def test_what_is_no_file_is_said_plainly(path: Path, make: Any) -> None:
    make(path)
    for action in (lambda: read(path), lambda: append(path, [A])):
        with pytest.raises(DirectoryError, match="must be a regular file"):
            action()


def test_a_file_of_any_size_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(path, [A, B, A])
    monkeypatch.setattr(verdicts, "_LARGEST", 200)
    for action in (lambda: read(path), lambda: append(path, [A])):
        with pytest.raises(DirectoryError, match=r"larger than|would be"):
            action()


def test_a_backup_that_is_a_hard_link_is_not_changed(path: Path, tmp_path: Path) -> None:
    append(path, [A])
    backup = tmp_path / "backup"
    os.link(path, backup)
    append(path, [B])
    assert list(lines(backup)) == [A]
    assert list(lines(path)) == [A, B]


# -- appends that fail, and two at once -------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_an_append_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    append(path, [A])
    before, write = path.read_bytes(), os.write
    left = [20]

    def fail(file: int, data: bytes = b"") -> int:
        if call == "fsync" or not left:
            raise OSError(28, "No space left on device")
        return write(file, data[: left.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space"):
            append(path, [B])
    assert path.read_bytes() == before


def test_an_update_sees_what_is_there_and_may_add_nothing(path: Path) -> None:
    append(path, [A])
    assert update(path, lambda there: [] if there["a"] == A else [B]) == []
    assert list(lines(path)) == [A]


def test_a_file_that_is_replaced_while_somebody_waits_is_opened_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, [A])

    def replace_it(file: int, *, patience: float) -> bool:
        monkeypatch.undo()
        draft = path.with_name("draft")
        draft.write_bytes(encode([A, A]))
        draft.replace(path)
        return True

    monkeypatch.setattr(verdicts, "lock", replace_it)
    append(path, [B])
    assert list(lines(path)) == [A, A, B]


def test_two_who_write_at_once_lose_nothing(path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from pipeline.ledger.verdicts import Verdict, append
for n in range(100):
    append(Path({str(path)!r}), [Verdict(task=sys.argv[1] + str(n), verdict="kept",
        sha256="1" * 64, at="2026-12-01T09:00:00Z", note="x" * 900)])
"""
    both = [
        subprocess.Popen([sys.executable, "-c", code, name], env=environment()) for name in "ab"
    ]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    assert len(read(path)) == 200
    assert path.read_bytes().count(b"\n") == 200
