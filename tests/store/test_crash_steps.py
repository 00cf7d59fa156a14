"""A run that dies at each step of a task's way, an edited job, and the same command again."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.folder_bucket import FolderBucket
from support.helpers import environment

from pipeline.job import load
from pipeline.ledger.manifest import read
from pipeline.models import CORRECTION, Claim, Record, Status
from pipeline.store.claim_lines import NAME, leftovers
from pipeline.store.layout import Layout

pytestmark = pytest.mark.few(1)

DRIVER = Path(__file__).parents[1] / "support" / "crash_driver.py"
# Processes die here, and no power is lost: what is synced to a disk only costs time.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
PRICE = Decimal("0.95")
Attempt = tuple[str, str]  # task, fingerprint


class Driver:
    """The process that forks the runs."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def order(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


class Shop:
    """A job, its directory, and what the API has been asked for."""

    def __init__(
        self,
        driver: Driver,
        folder: Path,
        concurrency: int = 1,
        api: str = "bare",
        *,
        far: bool = False,
    ) -> None:
        self._driver, self._api, self.slow = driver, api, False
        self.bucket = folder / "bucket" if far else None
        if self.bucket is not None:
            self.bucket.mkdir()
        self.job, self.journal = folder / "job.yaml", folder / "journal"
        self.layout = Layout(folder / "outputs" / "job")
        self._concurrency = concurrency
        self.write([])

    def write(self, prompts: list[dict[str, Any]]) -> None:
        job = {
            "model": "luma-txt-2-video",
            "concurrency": self._concurrency,
            "poll": 0.1,
            "credits": {"cost": 0.95},
            "prompts": prompts,
        }
        self.job.write_text(json.dumps(job), encoding="utf-8")

    def run(self, die_at: int | None = None, *retry: str) -> dict[str, Any]:
        """Run the job, to its end or to its death at a step; hold it against every promise."""
        sent, barred, waited = self.sent(), self.barred(retry), self.waited()
        told = self._driver.order(
            job=str(self.job), journal=str(self.journal), die_at=die_at, retry=retry, api=self._api,
            bucket=self.bucket and str(self.bucket), slow=self.slow,
        )  # fmt: skip
        again = self.sent() - sent
        assert not barred & set(again), "sent again unasked"
        assert all(count == 1 for count in again.values())
        self.check_files()
        if told["code"] is not None:
            self.check_end(told["code"], waited)
        return told

    def sent(self) -> Counter[Attempt]:
        """Count what the API was asked for."""
        if not self.journal.exists():
            return Counter()
        lines = map(json.loads, self.journal.read_text(encoding="utf-8").splitlines())
        return Counter((line["task"], line["fingerprint"]) for line in lines)

    def records(self) -> list[Record]:
        return list(read(self.layout.manifest))

    def last(self) -> dict[str, Record]:
        stand = (r for r in self.records() if not (r.settled and r.reason == CORRECTION))
        return {record.task: record for record in stand}

    def waited(self) -> set[str]:
        """What the API may know, and a run waits for, whatever the job says now."""
        if self._api == "bare":
            return set()
        doubts = {t for t, record in self.last().items() if record.status is Status.IN_DOUBT}
        return doubts | {claim.task for claim in self.claims()}

    def claims(self) -> list[Claim]:
        found = leftovers(self.layout.inflight)
        return [left.claim for left in found if left.claim is not None and not left.never_sent]

    def barred(self, retry: tuple[str, ...]) -> set[Attempt]:
        """What may not be sent: what is done, and unasked what may have been paid for."""
        last = {task: (r.status, r.fingerprint) for task, r in self.last().items()}
        last |= {claim.task: (Status.IN_DOUBT, claim.fingerprint) for claim in self.claims()}
        doubt = set() if "in-doubt" in retry else {Status.IN_DOUBT}
        # Two that are sent at once have one time.
        done = {(r.task, r.started_at) for r in self.last().values() if r.output}
        whole = {(c.task, c.fingerprint) for c in self.claims() if c.completion}
        recorded = {
            (c.task, c.fingerprint) for c in self.claims() if (c.task, c.started_at) in done
        }
        return {
            (task, print_)
            for task, (status, print_) in last.items()
            if status in {Status.SUCCEEDED, *doubt}
        } | whole | recorded  # fmt: skip

    def check_files(self) -> None:
        """Each success that was ever recorded still has its clip, in place or superseded."""
        hashes = {hashlib.sha256(clip).hexdigest() for clip in self.clips().values()}
        assert all(r.sha256 in hashes for r in self.records() if r.status is Status.SUCCEEDED)

    def clips(self) -> dict[str, bytes]:
        """Read the clips that anybody sees, by their names."""
        if self.bucket is None:
            root = self.layout.root
            return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.mp4")}
        return {key: text for key, text in self.objects().items() if key.endswith(".mp4")}

    def objects(self) -> dict[str, bytes]:
        assert self.bucket is not None
        objects = FolderBucket(self.bucket, lambda: None, lambda *_: None).load()
        return {key: text.encode() for key, (text, _) in objects.items()}

    def check_end(self, code: int, waited: set[str]) -> None:
        """After a run that went through: each task stands, each request has its record."""
        last = self.last()
        tasks = list(load(self.job).tasks())
        outdated = {task.id for task in tasks if last[task.id].fingerprint != task.fingerprint}
        assert outdated <= waited  # the next run renders them
        for task in tasks:
            record = last[task.id]
            assert record.status in {Status.SUCCEEDED, Status.IN_DOUBT}
            if record.status is Status.SUCCEEDED:
                assert record.output is not None
                clip = self.clips()[record.output]
                assert hashlib.sha256(clip).hexdigest() == record.sha256
        doubtful = any(last[task.id].status is Status.IN_DOUBT for task in tasks)
        assert code == (1 if doubtful or outdated else 0)
        assert not list(self.layout.inflight.iterdir())
        if self.bucket is not None:
            assert not [key for key in self.objects() if key.startswith(".inflight/")]
        recorded = Counter((r.task, r.fingerprint) for r in self.records())
        assert self.sent() <= recorded
        assert all(r.cost or r.at_risk for r in self.records())
        if self._api != "bare":
            self.check_books()

    def check_books(self) -> None:
        """Hold the manifest against the books of the API, which lists whatever has arrived."""
        assert sum(record.cost or 0 for record in self.records()) == PRICE * self.sent().total()
        assert sum(record.at_risk or 0 for record in self.records()) == 0


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with Driver() as running:
        yield running


@contextmanager
def shop_of(
    driver: Driver, concurrency: int = 1, api: str = "bare", *, far: bool = False
) -> Iterator[Shop]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Shop(driver, Path(folder), concurrency, api, far=far)


TWO = [{"id": "a", "prompt": "a lighthouse"}, {"id": "b", "prompt": "a harbour"}]
EDITED = [{"id": "c", "prompt": "a pier"}, {"id": "b", "prompt": "a harbour", "meta": {"x": 1}},
          {"id": "a", "prompt": "a lighthouse at dusk"}]  # fmt: skip


def steps_of(driver: Driver, tmp_path: Path, *, changed: bool) -> int:
    shop = Shop(driver, tmp_path)
    shop.write(TWO)
    told = shop.run()
    if changed:
        shop.write(EDITED)
        told = shop.run()
    steps: int = told["steps"]
    return steps


# Each step in the long run, and here so many that no kind of step is left out.
EVERY = [5, pytest.param(1, marks=pytest.mark.slow)]


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("edited", [False, True], ids=["same job", "edited job"])
def test_whatever_step_a_run_dies_at_the_next_one_goes_on(
    driver: Driver, tmp_path: Path, edited: bool, every: int
) -> None:
    for step in range(1 + edited, steps_of(driver, tmp_path, changed=False) + 1, every):
        with shop_of(driver) as shop:
            shop.write(TWO)
            assert shop.run(step)["code"] is None
            if edited:
                shop.write(EDITED)
            if shop.run()["code"]:
                shop.run(None, "in-doubt")
            assert {r.status for r in shop.last().values() if r.task in "bc"} == {Status.SUCCEEDED}


@pytest.mark.variant
@pytest.mark.parametrize("every", EVERY)
def test_whatever_step_a_run_on_a_slow_disk_dies_at_the_next_one_goes_on(
    driver: Driver, tmp_path: Path, every: int
) -> None:
    steps, died = range(1, steps_of(driver, tmp_path, changed=False), every), 0
    for step in steps:
        with shop_of(driver, concurrency=2) as shop:
            shop.write(TWO)
            shop.slow = True
            died += shop.run(step)["code"] is None
            if shop.run()["code"]:
                shop.run(None, "in-doubt")
            assert {r.status for r in shop.last().values()} == {Status.SUCCEEDED}
    # What is done at once has its steps in any order, and of two tasks some are shared.
    assert died > 0.6 * len(steps)


@pytest.mark.variant
@pytest.mark.timeout(600)
@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("edited", [False, True], ids=["same job", "edited job"])
def test_whatever_step_a_run_dies_at_that_places_in_a_bucket_the_next_one_goes_on(
    driver: Driver, tmp_path: Path, edited: bool, every: int
) -> None:
    whole = Shop(driver, tmp_path, far=True)
    whole.write(TWO)
    steps, died = range(1 + edited, whole.run()["steps"], every), 0
    for step in steps:
        with shop_of(driver, far=True) as shop:
            shop.write(TWO)
            died += shop.run(step)["code"] is None
            known = {hashlib.sha256(clip).hexdigest() for clip in shop.clips().values()}
            said = {c.completion.sha256 for c in shop.claims() if c.completion}
            said |= {record.sha256 for record in shop.records() if record.sha256}
            assert known <= said, "something is visible that nothing here knows"
            if edited:
                shop.write(EDITED)
            if shop.run()["code"]:
                shop.run(None, "in-doubt")
            assert {r.status for r in shop.last().values() if r.task in "bc"} == {Status.SUCCEEDED}
            kept = (path.read_bytes() for path in (shop.layout.root / "errors").glob("*"))
            assert not set(kept) & set(shop.clips().values()), "kept as evidence, and no doubt"
    # Uploads are beside the rest: from run to run a commit has more or less in it.
    assert died > 0.8 * len(steps)


@pytest.mark.variant
@pytest.mark.parametrize("every", EVERY)
def test_whatever_step_a_run_dies_at_that_renders_changed_tasks_the_older_clips_stay(
    driver: Driver, tmp_path: Path, every: int
) -> None:
    steps = steps_of(driver, tmp_path, changed=True)
    with shop_of(driver) as rendered:
        rendered.write(TWO)
        rendered.run()
        for step in range(1, steps + 1, every):
            with shop_of(driver) as shop:
                shutil.copytree(rendered.job.parent, shop.job.parent, dirs_exist_ok=True)
                shop.write(EDITED)
                assert shop.run(step)["code"] is None
                if shop.run()["code"]:
                    shop.run(None, "in-doubt")
                assert len(list(shop.layout.root.rglob("*.mp4"))) == 4


def check_each_paid_once(shop: Shop) -> None:
    """Nothing is in doubt, and the API has heard of each task once."""
    assert {record.status for record in shop.last().values()} == {Status.SUCCEEDED}
    assert set(shop.sent().values()) == {1}
    shop.check_books()


@pytest.mark.variant
@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("api", ["listed", "accepting"])
def test_whatever_step_a_run_dies_at_what_the_api_knows_is_taken_in_and_paid_once(
    driver: Driver, tmp_path: Path, api: str, every: int
) -> None:
    whole = Shop(driver, tmp_path, api=api)
    whole.write(TWO)
    steps = whole.run()["steps"]
    for step in range(1, steps + 1, every):
        with shop_of(driver, api=api) as shop:
            shop.write(TWO)
            assert shop.run(step)["code"] is None
            assert shop.run()["code"] == 0
            check_each_paid_once(shop)


@pytest.mark.variant
def test_a_task_that_changed_while_it_was_waited_for_is_rendered_by_the_run_after(
    driver: Driver, tmp_path: Path
) -> None:
    for step in range(20, 90):
        (tmp_path / f"{step}").mkdir()
        shop = Shop(driver, tmp_path / f"{step}", api="accepting")
        shop.write(TWO)
        shop.run(step)
        if any(claim.handle for claim in shop.claims()):
            break
    shop.write(EDITED)
    assert shop.run()["code"] == 1
    assert shop.last()["a"].params["prompt"] == "a lighthouse"
    assert shop.run()["code"] == 0
    assert shop.last()["a"].params["prompt"] == "a lighthouse at dusk"
    assert [count for (task, _), count in shop.sent().items() if task == "a"] == [1, 1]


@pytest.mark.variant
@pytest.mark.parametrize("every", EVERY)
def test_whatever_step_a_settling_dies_at_the_next_one_goes_on(
    driver: Driver, tmp_path: Path, every: int
) -> None:
    """A doubt that has a record is found, claimed, fetched, placed and ended: dead anywhere."""
    lost = Shop(driver, tmp_path)
    lost.write(TWO)
    for died_at in range(20, 60):
        (tmp_path / f"{died_at}").mkdir()
        lost = Shop(driver, tmp_path / f"{died_at}")
        lost.write(TWO)
        lost.run(died_at)
        if [task for task, _ in lost.sent()] == ["a"] and not any(
            claim.completion for claim in lost.claims()
        ):
            break
    assert lost.run()["code"] == 1
    assert lost.last()["a"].status is Status.IN_DOUBT
    for step in range(1, 60, every):
        with shop_of(driver, api="listed") as shop:
            shutil.copytree(lost.job.parent, shop.job.parent, dirs_exist_ok=True)
            shop.run(step)
            shop.run()
            check_each_paid_once(shop)
            assert shop.last()["a"].settled == "found"


@pytest.mark.variant
def test_whatever_step_the_recovery_dies_at_the_next_one_goes_on(
    driver: Driver, tmp_path: Path
) -> None:
    shop = dead_with_a_complete_claim(driver, tmp_path)
    for step in range(1, 24):
        with shop_of(driver) as copy:
            shutil.copytree(shop.job.parent, copy.job.parent, dirs_exist_ok=True)
            copy.run(step)
            copy.run(None, "in-doubt")
            assert {r.status for r in copy.last().values()} == {Status.SUCCEEDED}
            assert [count for (task, _), count in copy.sent().items() if task == "a"] == [1]


def dead_with_a_complete_claim(driver: Driver, folder: Path) -> Shop:
    for died_at in range(50, 90):
        (folder / f"{died_at}").mkdir()
        shop = Shop(driver, folder / f"{died_at}")
        shop.write(TWO)
        shop.run(died_at)
        if any(c.completion and (shop.layout.inflight / c.part).exists() for c in shop.claims()):
            return shop
    raise AssertionError("no step leaves a complete claim whose clip is not yet in place")


def test_each_step_of_a_task_is_durable_before_the_next(driver: Driver, tmp_path: Path) -> None:
    shop = Shop(driver, tmp_path)
    shop.write(TWO[:1])
    root = shop.layout.root
    ops = [op.replace(f"{root}/", "").replace(str(root), ".") for op in shop.run()["ops"]]
    (part,) = {op.split()[-1] for op in ops if op.endswith(".part")}
    log = f".inflight/{NAME}"
    (clip,) = (path.name for path in root.glob("*.mp4"))
    others = ("mkdir", ".job.json", ".state.json")
    assert [op for op in ops if not any(other in op for other in others)][-19:] == [
        f"write {log}.new",
        f"fsync {log}.new",
        f"replace {log}",
        "fsync .inflight",
        f"write {log}",
        f"fdatasync {log}",
        f"write {log}",
        "answer a",
        f"write {part}",
        f"fsync {part}",
        "fsync .inflight",
        f"write {log}",
        f"fdatasync {log}",
        f"replace {clip}",
        "fsync .",
        "write manifest.jsonl",
        "fsync manifest.jsonl",
        f"write {log}",
        f"unlink {log}",
    ]
    # The directory, and the manifest in it, are durable before anything is sent.
    before = ops[: ops.index("answer a")]
    assert "fsync ." in before
    assert f"fsync {root.parent}" in before
    assert f"fsync {root.parent.parent}" in before


APIS = ["bare", "listed", "accepting"]
words = st.sampled_from(["a lighthouse", "a harbour", "a pier", "dusk", "dawn"])


class KillAndResume(RuleBasedStateMachine):
    """Runs, deaths and edits in any order."""

    driver: Driver

    @initialize(concurrency=st.integers(1, 3), api=st.sampled_from(APIS))
    def open(self, concurrency: int, api: str) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.shop = Shop(self.driver, Path(self.folder.name), concurrency, api)
        self.prompts: list[dict[str, Any]] = [{"id": "a", "prompt": "a lighthouse"}]
        self.shop.write(self.prompts)

    @rule(die_at=st.integers(1, 90))
    def die(self, die_at: int) -> None:
        self.shop.run(die_at)

    @rule(die_at=st.integers(1, 90))
    def die_while_retrying(self, die_at: int) -> None:
        self.shop.run(die_at, "in-doubt")

    @rule()
    def go_on(self) -> None:
        self.shop.run()

    @rule()
    def retry(self) -> None:
        if self.shop.run(None, "in-doubt")["code"]:  # a task had changed that was waited for
            assert self.shop.run(None, "in-doubt")["code"] == 0

    @rule(name=st.sampled_from("abcdef"), prompt=words)
    def put(self, name: str, prompt: str) -> None:
        """Add a task, or change one."""
        others = [p for p in self.prompts if p["id"] != name]
        self._write([*others, {"id": name, "prompt": prompt}])

    @rule(name=st.sampled_from("abcdef"))
    def remove(self, name: str) -> None:
        self._write([p for p in self.prompts if p["id"] != name] or self.prompts)

    @rule()
    def reorder(self) -> None:
        self._write(self.prompts[::-1])

    @rule(note=words)
    def annotate(self, note: str) -> None:
        self._write([{**p, "meta": {"note": note}} for p in self.prompts])

    def _write(self, prompts: list[dict[str, Any]]) -> None:
        self.prompts = prompts
        self.shop.write(prompts)

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "shop"):
            self.shop.check_files()

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.run(None, "in-doubt")
            self.folder.cleanup()


@pytest.mark.variant
@pytest.mark.parametrize("examples", [8, pytest.param(300, marks=pytest.mark.slow)])
def test_runs_deaths_and_edits_in_any_order_lose_and_repeat_nothing(
    driver: Driver, examples: int
) -> None:
    KillAndResume.driver = driver
    case = KillAndResume.TestCase()
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case.runTest()
