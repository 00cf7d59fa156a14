"""`check` on a terminal: a plan that fits, and can be read without the manual."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from pipeline.cli.listing import Listing
from pipeline.cli.options import load_job
from pipeline.cli.plan_words import groups
from pipeline.ledger.selection import Selection
from pipeline.state import read_files
from tests.cli.conftest import Command, Terminal
from tests.cli.test_hostile_text import EVIL, steers

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONG = (
    "An old wizard stands in a tower full of books and candles and looks out of the window at the "
)


def plain(text: str) -> list[str]:
    return [line.rstrip() for line in _SEQUENCE.sub("", text).splitlines()]


def write(job: Path, number: int, *, changed: bool) -> None:
    """Write a job of so many prompts, of which five may be changed: three of them by one word."""
    prompts: list[dict[str, Any]] = []
    for n in range(number):
        weather = "snow" if changed and n < 3 else "rain"
        prompt = f"{LONG}{weather}, take a slow orbit, number {n}"
        if changed and n == 3:
            prompt = prompt.replace("old wizard", "old 魔法使い")
        ratio = "9:16" if changed and n == 4 else "16:9"
        meta = {"channel": ("instagram", "tiktok")[n % 2]}
        params = {"aspect_ratio": ratio}
        prompts.append({"id": f"clip-{n:03}", "prompt": prompt, "params": params, "meta": meta})
    text = json.dumps({"model": "luma-txt-2-video", "concurrency": 50, "prompts": prompts})
    job.write_text(text, encoding="utf-8")


def test_of_300_tasks_with_5_changed_the_plan_fits_a_screen(
    pipeline: Command, on_terminal: Terminal, tmp_path: Path
) -> None:
    job = tmp_path / "spring.yaml"
    write(job, 300, changed=False)
    assert pipeline("run", job, "--no-report").code == 0
    write(job, 300, changed=True)
    lines = plain(on_terminal("check", job, columns=80, rows=40).text)
    assert len(lines) <= 34
    assert max(map(cell_len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for part in (
        "= 295 done",
        "~ 5 changed, will be rendered again (prompt in 4, aspect_ratio in 1)",
        "in 3 alike: prompt [rain → snow]",
        "[wizard → 魔法使い]",
        "aspect_ratio: 16:9 → 9:16",
        "A run renders 5 tasks for about $4.75: instagram 3, tiktok 2.",
        "It takes about",
        "--diff",
    ):
        assert part in text
    assert all(f"clip-00{n}" in text for n in range(5))
    whole = " ".join(plain(on_terminal("check", job, "--diff", columns=80).text))
    assert f"+ {LONG}snow, take a slow orbit, number 0" in " ".join(whole.split())


def test_without_a_terminal_the_old_and_the_new_text_are_whole_on_request(
    pipeline: Command, tmp_path: Path
) -> None:
    job = tmp_path / "job.yaml"
    write(job, 6, changed=False)
    assert pipeline("run", job, "--no-report").code == 0
    write(job, 6, changed=True)
    lines = pipeline("check", job, "--diff").out.splitlines()
    assert f"          - {LONG}rain, take a slow orbit, number 0" in lines
    assert f"          + {LONG}snow, take a slow orbit, number 0" in lines
    plan = json.loads(pipeline("check", job, "--json").out)
    assert (plan["done"], plan["changed"], plan["twins"]) == (1, 5, 0)
    assert plan["channels"] == {"instagram": 3, "tiktok": 2}


def test_texts_that_would_steer_a_terminal_are_inert_in_the_table(
    pipeline: Command, on_terminal: Terminal, tmp_path: Path
) -> None:
    job = tmp_path / "job.yaml"
    prompt = "A [bold]cat[/bold] \u202egpj\u2066 日本語日本語日本語日本語"
    write(job, 2, changed=False)
    text = job.read_text(encoding="utf-8").replace(f"{LONG}rain", json.dumps(prompt)[1:-1])
    job.write_text(text.replace('"tiktok"', json.dumps(EVIL)), encoding="utf-8")
    assert pipeline("run", job, "--no-report").code == 0
    manifest = tmp_path / "outputs" / "job" / "manifest.jsonl"
    # A manifest of somebody else's: what it says of the past may be anything.
    evil = manifest.read_text(encoding="utf-8").replace("[bold]cat", json.dumps(EVIL + "dog")[1:-1])
    manifest.write_text(evil, encoding="utf-8")
    job.write_text(text.replace("[bold]cat", "[bold]bird"), encoding="utf-8")
    for flags in ((), ("--diff",)):
        done = on_terminal("check", job, *flags, columns=60)
        assert not steers(done.text), ascii(done.text)
        assert max(map(cell_len, plain(done.text))) <= 60
        assert "[bold" in done.text
    assert not steers(pipeline("check", job).out)


@pytest.mark.parametrize("columns", [30, 200])
def test_a_plan_fits_narrow_and_wide_terminals(
    on_terminal: Terminal, tmp_path: Path, columns: int
) -> None:
    job = tmp_path / "job.yaml"
    write(job, 3, changed=False)
    lines = plain(on_terminal("check", job, columns=columns).text)
    assert max(map(cell_len, lines)) <= columns
    assert sum("$0.95" in line for line in lines) == 3
    assert ("job.yaml:1" in " ".join(lines[4:])) is (columns == 200)


def test_twins_are_said_counted_once_and_each_exported(pipeline: Command, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "prompt,publish\nA fox,2026-12-01\nA kite,2026-12-02\nA fox,2026-12-03\n", encoding="utf-8"
    )
    job = tmp_path / "job.yaml"
    job.write_text(
        "model: luma-txt-2-video\nprompts_from: rows.csv\nduplicates: once\n", encoding="utf-8"
    )
    told = pipeline("check", job).out
    assert "Twins: 1 prompt is the same as an earlier one" in told
    assert "2 tasks of" in told
    assert pipeline("run", job, "--no-report").code == 0
    rows = json.loads(pipeline("export", job, "--to", "json").out)
    assert [row["meta"]["publish"] for row in rows] == ["2026-12-01", "2026-12-02", "2026-12-03"]
    assert rows[0]["file"] == rows[2]["file"] != rows[1]["file"]


def test_a_price_by_template_is_planned_reserved_and_claimed(
    pipeline: Command, tmp_path: Path
) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        "model: luma-txt-2-video\nmatrix: {loop: [false, true]}\n"
        "prompts: [{id: a, prompt: A fox}]\n"
        'credits: {cost: "{{ 2 if loop else 1 }}", budget: 2.5, gate: off}\n',
        encoding="utf-8",
    )
    plan = json.loads(pipeline("check", job, "--json").out)
    assert [task["price"] for task in plan["tasks"]] == [1, 2]
    assert plan["price"] == 3
    assert "this plan costs about $3.00" in pipeline("check", job).out
    assert pipeline("run", job, "--no-report").code == 3  # the second would go over the budget
    manifest = tmp_path / "outputs" / "job" / "manifest.jsonl"
    (record,) = map(json.loads, manifest.read_text(encoding="utf-8").splitlines())
    assert record["task"] == "a[loop=false]"


def test_a_kind_of_tasks_without_a_sentence_is_shown_by_its_word(
    pipeline: Command, tmp_path: Path
) -> None:
    path = tmp_path / "job.yaml"
    write(path, 2, changed=False)
    job = load_job(path, None)
    with Listing(job, read_files(job), most=5) as listing:
        listing.make((), Selection())
        listing.of("set_aside").total = 7
        shown = {group.kind: group.summary for group in groups(job, {"new": 2}, listing)}
    assert shown["set_aside"].split() == ["·", "7", "set", "aside"]
    assert shown["new"].split() == ["+", "2", "new"]


def test_a_record_of_ten_thousand_parameters_stays_a_few_lines(
    pipeline: Command, tmp_path: Path
) -> None:
    job = tmp_path / "job.yaml"
    write(job, 1, changed=False)
    assert pipeline("run", job, "--no-report").code == 0
    manifest = tmp_path / "outputs" / "job" / "manifest.jsonl"
    record = json.loads(manifest.read_text(encoding="utf-8"))
    record["params"] |= {f"p{n}{EVIL * 20}": n for n in range(10_000)}
    record["fingerprint"] = "0" * 64
    manifest.write_text(json.dumps(record) + "\n", encoding="utf-8")
    told = pipeline("check", job).out
    assert len(told) < 8_000
    assert "… and 9,988 more" in told
    assert not steers(told)
