"""What is shipped: the jobs, the starter, and how much a large job may cost."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pipeline.job import load, schema, starter

ROOT = Path(__file__).parents[2]
JOBS = sorted((ROOT / "jobs").glob("*.yaml"))
HEADER = "# yaml-language-server: $schema="
MOTIONS = (
    "move left, move right, move up, move down, push in, push out, pan left, pan right, "
    "orbit left, orbit right, crane up, crane down"
)


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_shipped_job_loads_without_a_warning_and_points_at_its_schema(path: Path) -> None:
    job = load(path)
    assert job.warnings == ()
    assert list(job.tasks())
    first = path.read_text(encoding="utf-8").splitlines()[0]
    target = path.parent / first.removeprefix(HEADER)
    assert json.loads(target.read_text(encoding="utf-8")) == schema()


def test_the_demo_shows_every_motion_and_every_ratio() -> None:
    job = load(ROOT / "jobs" / "demo.yaml")
    tasks = list(job.tasks())
    assert len(tasks) == 12
    assert job.concurrency == 4
    assert {task.params["aspect_ratio"] for task in tasks} == {
        *("1:1", "16:9", "4:3", "3:4", "9:16", "9:21", "21:9")
    }
    for motion in MOTIONS.split(", "):
        assert sum(f"camera {motion}" in task.prompt for task in tasks) == 1, motion
    marks = [task.prompt.partition("[[")[2] for task in tasks if "[[" in task.prompt]
    assert marks == ["fail 500 x2]]", "fail moderation]]"]


def test_the_night_is_a_few_hundred_tasks_within_its_budget() -> None:
    job = load(ROOT / "jobs" / "overnight.yaml")
    tasks = list(job.tasks())
    assert len(tasks) == 280
    assert len(tasks) * job.credits.cost <= job.credits.budget
    assert job.schedule is not None


def test_the_calendar_is_a_month_for_three_channels() -> None:
    tasks = list(load(ROOT / "jobs" / "calendar.yaml").tasks())
    assert len(tasks) == 31
    assert set(Counter(task.meta["channel"] for task in tasks)) == {
        "instagram",
        "tiktok",
        "youtube",
    }
    assert all(task.output.startswith(task.meta["publish"]) for task in tasks)
    assert {task.params["loop"] for task in tasks} == {True, False}


def test_the_starter_loads_and_explains_every_key(tmp_path: Path) -> None:
    files = starter(tmp_path / "mine.yaml")
    assert set(files) == {"mine.yaml", "job.schema.json"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    job = load(tmp_path / "mine.yaml")
    assert job.warnings == ()
    assert len(list(job.tasks())) == 2
    text = files["mine.yaml"]
    assert text.startswith(HEADER + "job.schema.json\n")
    made = schema()
    sections = [
        made,
        *(
            made["$defs"][n]
            for n in ("Output", "Retry", "Credits", "Schedule", "Notify", "Account", "Expect")
        ),
    ]
    for section in sections:
        for key in section["properties"]:
            assert f"{key}:" in text, key


def test_the_starters_commented_keys_are_right_as_well(tmp_path: Path) -> None:
    text = starter(tmp_path / "mine.yaml")["mine.yaml"]
    everything = re.sub(r"(?m)^( *)# ( *(?:[a-z_]+:(?: |$)|- \{))", r"\1\2", text)
    assert everything.count("#") < text.count("#") - 20
    # The example's name is for a sheet; these prompts have no date, and one overrides the matrix.
    name = "{{ publish | date('%Y-%m-%d') }}-{{ id }}"
    assert name in everything
    everything = everything.replace(name, "{{ index }} {{ aspect_ratio }} {{ loop }}")
    everything = everything.replace("params: {loop: true}", "")
    (tmp_path / "calendar.csv").write_text("id,subject,mood\na,x,calm\n")
    (tmp_path / "mine.yaml").write_text(everything)
    job = load(tmp_path / "mine.yaml")
    assert len(list(job.tasks())) == 3 * 3
    assert job.output_dir == tmp_path / "outputs" / "spring-campaign"


def test_reading_a_job_file_is_not_paid_for_by_importing_the_room() -> None:
    code = "import sys, pipeline.job; print({'yaml', 'pydantic', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# Not ru_maxrss: on Linux a child starts with its parent's.
MEASURE = """
import re, sys
from pathlib import Path
from pipeline.job import load
count = sum(1 for _ in load(Path(sys.argv[1])).tasks())
status = Path("/proc/self/status").read_text()
print(count, int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_many_rows_are_a_stream_in_little_memory(tmp_path: Path) -> None:
    rows = "".join(f"2026-12-{i % 28 + 1:02},fox {i},{'x' * 500}\n" for i in range(20_000))
    (tmp_path / "rows.csv").write_text("publish,subject,notes\n" + rows)
    (tmp_path / "job.yaml").write_text(
        "model: luma-txt-2-video\nprompts_from: rows.csv\nprompt: '{{ subject }}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "job.yaml")],
        capture_output=True,
        text=True,
        check=True,
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == 20_000
    assert megabytes < 120
