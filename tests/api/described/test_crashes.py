"""After a kill a described provider is asked where it was sent, and nobody else is."""

import signal
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from support.claims import claim_of, log_of, open_claims
from support.invented_api import OWN_IDS, SAME_ID, TICKETS, InventedApi
from support.invented_bench import JOB, Bench
from support.pictures import png

from pipeline.models import Handle
from pipeline.settling.attempts import Doubt
from pipeline.settling.doubts import same_account
from pipeline.store.claims import Leftover

BOTH = ["a harbour", "a lighthouse"]


@pytest.fixture
def api() -> Iterator[InventedApi]:
    with InventedApi() as served:
        yield served


@pytest.fixture
def bench(tmp_path: Any, api: InventedApi, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("pipeline.runtime.replaying._WAITS", (0.01, 0.05))
    return Bench(tmp_path, api, monkeypatch)


def drop() -> None:
    raise ConnectionResetError


def statuses(bench: Bench) -> set[str]:
    last = {record["task"]: record["status"] for record in bench.records}
    return set(last.values())


def until_done(bench: Bench) -> None:
    """Run until all is done; a request never sent twice is the point."""
    for _ in range(4):
        if bench.run() == 0:
            break
    assert sorted(bench.api.prompts) == BOTH
    assert statuses(bench) == {"succeeded"}
    assert open_claims(bench.out) == {}


# -- sent again under the same id -----------------------------------------------------------------


@pytest.mark.few(2)
@pytest.mark.parametrize("point", ["submit", "accepted", "answered", "poll"])
def test_what_is_sent_again_under_its_id_is_paid_once(bench: Bench, point: str) -> None:
    bench.describe(SAME_ID)
    assert bench.killed(point) == -signal.SIGKILL
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == BOTH
    assert {record["status"] for record in bench.records} == {"succeeded"}
    assert open_claims(bench.out) == {}


@pytest.mark.parametrize("point", ["submit", "accepted"])
def test_a_lost_answer_is_asked_for_again_in_the_run(bench: Bench, point: str) -> None:
    bench.describe(SAME_ID)
    bench.api.at[point] = drop
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == BOTH
    assert {record["status"] for record in bench.records} == {"succeeded"}


def test_an_id_that_may_be_forgotten_is_not_sent_again(bench: Bench) -> None:
    bench.describe(SAME_ID.replace("window: 24h", "window: 0.001"))
    assert bench.killed("accepted") == -signal.SIGKILL
    paid = len(bench.api.orders)
    posted = bench.api.paths.count("/same")
    assert bench.run() == 1
    assert len(bench.api.orders) == 2
    assert bench.api.paths.count("/same") - posted == 2 - paid
    assert "in_doubt" in statuses(bench)


def test_a_doubt_with_a_record_is_sent_again_by_the_next_run_and_not_by_settle(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.describe(SAME_ID)
    bench.api.answer = lambda _: (500, {})
    assert bench.run() == 1
    assert {record["status"] for record in bench.records} == {"in_doubt"}
    bench.api.answer = lambda _: None
    posted = bench.api.paths.count("/same")
    assert bench.pipeline("settle", bench.job) == 1
    assert bench.api.paths.count("/same") == posted
    assert "2 in doubt can be sent again under their ids" in capsys.readouterr().err
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == BOTH
    assert sum(record["at_risk"] for record in bench.records) == 0


def test_a_failure_that_never_costs_and_is_listed_is_rendered_again(bench: Bench) -> None:
    text = TICKETS.replace(
        "charged: never", 'code: sorry, charged: never, retry: ["it did not dry"]'
    )
    bench.describe(text)

    def tear() -> None:
        bench.api.moods = ["torn"]
        bench.api.at["poll"] = dry

    def dry() -> None:
        bench.api.moods = ["hung"]

    bench.api.at["poll"] = tear
    assert bench.run() == 0
    assert len(bench.api.orders) == 3
    assert [record["cost"] for record in bench.records] == [0.07, 0.07]


def test_what_is_proven_absent_later_is_rendered_by_a_plain_run(bench: Bench) -> None:
    bench.describe(OWN_IDS.replace("settle: 0", "settle: 3600"))
    bench.api.at["submit"] = drop
    assert bench.run() == 1
    doubt = next(record for record in bench.records if record["status"] == "in_doubt")
    assert doubt["base_url"] == bench.api.url
    bench.describe(OWN_IDS)  # an hour later
    assert bench.run() == 0
    assert sorted(bench.api.prompts) == BOTH
    assert "not_billed" in {record["settled"] for record in bench.records}
    assert sum(record["at_risk"] for record in bench.records) == 0


# -- another provider, another address ------------------------------------------------------------


@pytest.mark.few(3)
@pytest.mark.parametrize("point", ["accepted", "poll"])
@pytest.mark.parametrize("text", [TICKETS, OWN_IDS, SAME_ID])
def test_another_address_is_not_asked_about_what_was_sent_to_the_first(
    bench: Bench, text: str, point: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    bench.describe(text)
    bench.job.write_text(JOB.replace("concurrency: 2", "concurrency: 1"), encoding="utf-8")
    assert bench.killed(point) == -signal.SIGKILL
    ours = {*bench.api.orders} | {*bench.api.names}
    with InventedApi("e") as elsewhere:
        monkeypatch.setenv("ZAP_BASE_URL", elsewhere.url)
        assert bench.pipeline("run", bench.job, "--no-wait") == 1
        told = capsys.readouterr().err
        assert f"at {bench.api.url}, and this run asks {elsewhere.url}" in told
        assert "run again with that base URL (ZAP_BASE_URL" in told
        asked = [path for path in elsewhere.paths if path.startswith(("/ledger", "/mine/"))]
        assert not asked
        assert not ours & {path.split("/")[-1] for path in elsewhere.paths}
        prompts = elsewhere.prompts + bench.api.prompts
        assert len(prompts) == len(set(prompts))
        left = len(elsewhere.orders)
    monkeypatch.setenv("ZAP_BASE_URL", bench.api.url)
    assert bench.run() == 0
    assert len(bench.api.orders) + left == 2
    assert statuses(bench) == {"succeeded"}


@pytest.mark.few(1)
@pytest.mark.parametrize("point", ["accepted", "poll"])
def test_another_provider_is_not_asked_about_what_was_sent_to_the_first(
    bench: Bench, point: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.describe(TICKETS)
    one = JOB.replace("concurrency: 2", "concurrency: 1")
    bench.job.write_text(one, encoding="utf-8")
    assert bench.killed(point) == -signal.SIGKILL
    (bench.job.parent / "zip.yaml").write_text(
        TICKETS.replace("provider: zap", "provider: zip").replace("ZAP_PASS", "ZIP_PASS"), "utf-8"
    )
    bench.job.write_text(JOB.replace("zap.yaml", "zip.yaml"), encoding="utf-8")
    with InventedApi("e") as other:
        monkeypatch.setenv("ZIP_PASS", bench.env["ZAP_PASS"])
        monkeypatch.setenv("ZIP_BASE_URL", other.url)
        assert bench.run() == 1
        assert not set(other.prompts) & set(bench.api.prompts)
        assert "/ledger" not in other.paths
        told = capsys.readouterr().err
        assert "at the provider zap, and this run asks zip" in told
        assert "run again with `provider` set to the one that calls itself zap" in told
        left = len(other.orders)
    bench.job.write_text(JOB, encoding="utf-8")
    assert bench.run() == 0
    assert len(bench.api.orders) + left == 2
    assert statuses(bench) == {"succeeded"}


@pytest.mark.few(1)
@pytest.mark.parametrize("point", ["accepted", "poll"])
def test_a_description_that_was_deleted_or_renamed_loses_nothing(
    bench: Bench, point: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.describe(TICKETS)
    assert bench.killed(point) == -signal.SIGKILL
    (bench.job.parent / "zap.yaml").rename(bench.job.parent / "better.yaml")
    before = len(bench.api.paths)
    for command in ("run", "check", "settle", "status"):
        assert bench.pipeline(command, bench.job) == 2
    assert "zap.yaml" in capsys.readouterr().err
    assert len(bench.api.paths) == before
    bench.job.write_text(JOB.replace("zap.yaml", "better.yaml"), encoding="utf-8")
    until_done(bench)


def test_a_description_that_was_edited_follows_what_a_claim_says(bench: Bench) -> None:
    bench.describe(TICKETS)
    assert bench.killed("poll") == -signal.SIGKILL
    # It builds other addresses now: what was told counts.
    bench.describe(TICKETS.replace("$status or /orders/{id}", "$status or /moved/{id}"))
    until_done(bench)


def tampered(bench: Bench, url: str) -> None:
    """Let claims say that requests are asked for elsewhere."""
    log = log_of(bench.out)
    text = log.read_text(encoding="utf-8")
    changed = text.replace(f'"status":"{bench.api.url}', f'"status":"{url}')
    assert changed != text
    log.write_text(changed, encoding="utf-8")


def test_an_address_in_a_claim_that_leads_elsewhere_gets_no_key(bench: Bench) -> None:
    bench.describe(TICKETS)
    assert bench.killed("poll") == -signal.SIGKILL
    with InventedApi() as thief:
        tampered(bench, thief.url)
        until_done(bench)
        assert not thief.paths


def test_what_has_no_address_of_its_provider_is_left_waiting_at_once(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.describe(TICKETS.replace("$status or /orders/{id}", "$status"))
    text = TICKETS.replace("url: $status or /orders/{id}", "url: $status")
    bench.describe(text[: text.index("resolve:")])
    assert bench.killed("poll") == -signal.SIGKILL
    with InventedApi() as thief:
        tampered(bench, thief.url)
        assert bench.run() == 1
        assert not thief.paths
    assert "cannot be asked for" in capsys.readouterr().err
    assert len(bench.api.orders) == 2
    assert any(claim and claim.handle for claim in open_claims(bench.out).values())


def test_a_directory_names_no_description_to_load(bench: Bench) -> None:
    bench.describe(TICKETS)
    assert not same_account(str(bench.job.parent / "zap.yaml"), "zap")
    assert same_account("zap", "zap")


# -- what is compared -----------------------------------------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("many", [True, False])
def test_a_body_with_a_picture_is_found_in_the_list(bench: Bench, many: bool) -> None:
    folder = bench.job.parent
    for width, name in enumerate(("one", "two"), 1):
        (folder / f"{name}.png").write_bytes(png(width))
    body = "{what: $params.prompt, knobs: {w: $params.width, first: $inputs.frame}}"
    start = TICKETS.index("{what")
    bench.describe(TICKETS.replace(TICKETS[start : TICKETS.index("\n", start)], body))
    same = JOB.replace("a harbour", "a lighthouse")
    frame = "'{{ id }}.png'"
    frame = f"[{frame}, {frame}]" if many else frame
    bench.job.write_text(f"{same}inputs: {{frame: {frame}}}\n", encoding="utf-8")
    assert bench.killed("accepted") == -signal.SIGKILL
    for _ in range(3):
        if bench.run() == 0:
            break
    sent = [str(order["ask"]["knobs"]["first"]) for order in bench.api.orders.values()]
    assert len(sent) == len(set(sent)) == 2
    assert statuses(bench) == {"succeeded"}


def test_an_id_that_was_not_noted_is_not_known() -> None:
    noted = claim_of("t", base_url="http://a", sent=True)
    torn = msgspec.structs.replace(noted, sent=False)
    assert Doubt.of_leftover(Leftover("x", noted)).named
    assert not Doubt.of_leftover(Leftover("x", torn)).named
    assert Handle(id="r1").model is None
