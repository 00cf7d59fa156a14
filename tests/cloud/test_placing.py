"""Outputs in a bucket, through the real command, obstore, and moto's server."""

import json
from collections.abc import Callable
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from cloud.conftest import ADDRESS, PREFIX, CloudWorkspace, nothing_sent_twice
from support.claims import open_claims
from support.helpers import until, until_said
from support.moto_server import ACCESS, TOKEN, Answer, FaultyBucket, Seen, error, kill_at

from sandbox.testing import Sandbox

pytestmark = pytest.mark.cloud
WITHIN = 120  # seconds, on a machine that has much else to do

STAGED = f"{PREFIX}/.inflight/"


def is_clip(key: str) -> bool:
    return key.endswith(".mp4") and "/." not in key


def uploads(seen: Seen) -> bool:
    return seen.method == "PUT" and seen.key.startswith(STAGED) and seen.key.endswith(".part")


def begins_name(seen: Seen) -> bool:
    return seen.method == "POST" and is_clip(seen.key) and "uploads" in seen.query


def copies_part(seen: Seen) -> bool:
    return seen.method == "PUT" and is_clip(seen.key) and "partNumber" in seen.query


def creates_name(seen: Seen) -> bool:
    named = seen.method == "POST" and is_clip(seen.key) and "uploadId" in seen.query
    return named and "superseded" not in seen.key


def describes(seen: Seen) -> bool:
    copied = seen.method == "PUT" and is_clip(seen.key) and seen.copied_from is not None
    return copied and "partNumber" not in seen.query and "superseded" not in seen.key


def removes_upload(seen: Seen) -> bool:
    return "delete" in seen.query and b".part</Key>" in seen.body


def retires(seen: Seen) -> bool:
    return seen.method == "POST" and "superseded/" in seen.key and "uploadId" in seen.query


def removes_older(seen: Seen) -> bool:
    return "delete" in seen.query and b".mp4</Key>" in seen.body


STEPS = [uploads, begins_name, copies_part, creates_name, describes, removes_upload]


def nth(step: Callable[[Seen], bool], count: int) -> Callable[[Seen], bool]:
    """Say of a request whether it is the n-th of its kind."""
    met: list[Seen] = []

    def is_it(seen: Seen) -> bool:
        if step(seen):
            met.append(seen)
        return step(seen) and len(met) == count

    return is_it


def only_whole_clips(workspace: CloudWorkspace) -> None:
    """See that whatever is visible is the whole output of a task that has succeeded."""
    known = {f"{PREFIX}/{r['output']}" for r in workspace.records() if r["output"]}
    assert set(workspace.visible()) <= known | {
        key for key in workspace.visible() if "/superseded/" in key
    }
    workspace.sound()


def run_killed(
    workspace: CloudWorkspace, url: str, step: Callable[[Seen], bool], when: str, count: int = 2
) -> None:
    bucket, is_it, died = workspace.bucket, nth(step, count), Event()
    process = workspace.start(url=url)

    def kill(seen: Seen) -> Answer | None:
        if not died.is_set() and is_it(seen):
            died.set()
            kill_at(process)
            process.wait()
            return Answer(503)
        return Answer(503) if died.is_set() else None

    if when == "before":
        bucket.script = kill
    else:
        bucket.after = lambda seen: kill(seen) and None
    process.communicate(timeout=WITHIN)
    assert died.is_set(), "the run ended before it came to that step"
    bucket.script = bucket.after = None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_kill_at_any_step_of_placing_loses_nothing_that_was_paid_and_whole(
    step: Callable[[Seen], bool], when: str, workspace: CloudWorkspace
) -> None:
    workspace.render(prompts=5, concurrency=2)
    with Sandbox(clips="tiny", latency=0.05) as api:
        run_killed(workspace, api.url, step, when)
        left = open_claims(workspace.output).values()
        finished = {claim.task for claim in left if claim and claim.completion}
        assert finished, "nothing was waiting for its place"
        visible = set(workspace.visible())
        again = workspace.run("--no-wait", url=api.url)
        assert again.code in {0, 1}, again.err
        books = api.books()
    nothing_sent_twice(books)
    done = {task for task, last in workspace.last().items() if last["status"] == "succeeded"}
    assert finished <= done
    # What was in flight at the API is in doubt, and nothing else is.
    doubts = [last for last in workspace.last().values() if last["status"] == "in_doubt"]
    assert len(doubts) <= 2
    assert visible <= set(workspace.visible())
    only_whole_clips(workspace)
    assert not workspace.bucket.keys(STAGED)
    workspace.agrees_with(books)
    workspace.secrets_stay_out()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [retires, removes_older, creates_name], ids=lambda s: s.__name__)
def test_a_kill_while_a_clip_is_replaced_keeps_the_old_one_and_the_new_one(
    step: Callable[[Seen], bool], when: str, workspace: CloudWorkspace
) -> None:
    workspace.render(prompts=1, output={"name": "clip-{{ id }}"})
    with Sandbox(clips="tiny") as api:
        assert workspace.run(url=api.url).code == 0
        old = workspace.bucket.read(f"{PREFIX}/clip-t000.mp4")
        workspace.render(prompts=1, output={"name": "clip-{{ id }}"}, params={"loop": True})
        run_killed(workspace, api.url, step, when, count=1)
        again = workspace.run("--no-wait", url=api.url)
        assert again.code == 0, again.err
        assert api.books()["posts"] == 2
    assert workspace.sound() == 1
    assert workspace.last()["t000"]["output"] == "clip-t000.mp4"
    former = workspace.bucket.keys(f"{PREFIX}/superseded/")
    assert former
    assert all(workspace.bucket.read(key) == old for key in former)


def test_a_bucket_that_goes_away_and_comes_back_within_patience_costs_nothing(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=6)
    bucket, gone = workspace.bucket, Event()

    def go_away(seen: Seen) -> Answer | None:
        if uploads(seen) and not gone.is_set():
            gone.set()
            bucket.cut = True
        return None

    bucket.script = go_away
    with Sandbox(clips="tiny") as api:
        process = workspace.start(url=api.url)
        until(lambda: gone.is_set() and api.books()["posts"] == 6, WITHIN)
        assert f"{ADDRESS} cannot be reached" in until_said(process, "is tried again")
        bucket.script, bucket.cut = None, False
        run = workspace.finish(process)
        assert run.code == 0, run.err
        nothing_sent_twice(api.books())
    assert workspace.sound() == 6


def told_as_saved(workspace: CloudWorkspace, said: str, books: dict[str, Any]) -> None:
    """See that what waits for the bucket is told as paid and here, and as nothing else."""
    told = workspace.status()
    saved = told["saved"]
    assert saved
    assert f"{saved} saved here and not in place" in said
    assert (told["in_doubt"], told["at_risk"]) == (0, 0)
    assert told["spent"] == Decimal(books["charged"])
    assert "in doubt" not in said
    assert "at risk" not in said
    page = workspace.finish(workspace.start(command="report"))
    assert page.code in {0, 7}, page.err
    text = (workspace.output / "report.html").read_text()
    assert f"Rendered, and not in place: {saved}" in text
    settled = workspace.finish(workspace.start(command="settle"))
    assert "nothing is in doubt" in settled.out


def test_a_bucket_that_stays_away_ends_the_run_with_7_and_the_next_one_brings_all(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=6, retry={"outage": "1s"})
    bucket, first = workspace.bucket, nth(creates_name, 2)

    def go_away(seen: Seen) -> Answer | None:
        bucket.cut = bucket.cut or first(seen)
        return None

    bucket.script = go_away
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 7, run.err
        assert "the next run brings it" in run.err
        assert "could not be saved" not in run.err
        posts = api.books()["posts"]
        kept = [path for path in workspace.claims() if path.suffix == ".part"]
        assert kept
        told_as_saved(workspace, run.err, api.books())
        down = workspace.run(url=api.url)
        assert down.code == 7, down.err
        assert api.books()["posts"] == posts
        assert workspace.counts()["in_doubt"] == 0
        bucket.script, bucket.cut = None, False
        again = workspace.run(url=api.url)
        assert again.code == 0, again.err
        nothing_sent_twice(api.books())
        workspace.agrees_with(api.books())
    assert workspace.sound() == 6


def test_a_server_that_is_killed_and_started_again_in_the_middle_costs_nothing(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=6)
    bucket, killed, second = workspace.bucket, Event(), nth(creates_name, 2)

    def kill(seen: Seen) -> Answer | None:
        if not killed.is_set() and second(seen):
            killed.set()
            bucket.restart()
        return None

    bucket.script = kill
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert killed.is_set()
        assert run.code == 0, run.err
        nothing_sent_twice(api.books())
        workspace.agrees_with(api.books())
    assert workspace.sound() == 6
    assert not bucket.keys(STAGED)


@pytest.mark.parametrize("step", [uploads, creates_name, describes], ids=lambda s: s.__name__)
def test_what_a_bucket_acknowledges_and_loses_is_brought_again(
    step: Callable[[Seen], bool], workspace: CloudWorkspace
) -> None:
    workspace.render(prompts=3)
    bucket, second = workspace.bucket, nth(step, 2)

    def lose(seen: Seen) -> None:
        if second(seen):
            bucket.client().delete_object(Bucket="clips-of-tests", Key=seen.key)

    bucket.after = lose
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 0, run.err
        nothing_sent_twice(api.books())
    assert workspace.sound() == 3
    assert len(workspace.visible()) == 3


def test_a_bucket_that_refuses_every_name_ends_the_run_and_keeps_the_clip(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=1)
    bucket = workspace.bucket

    def take(seen: Seen) -> Answer | None:
        if begins_name(seen):
            bucket.put(seen.key, b"mine")
        return None

    bucket.script = take
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 7, run.err
        assert "names of" in run.err
        bucket.script = None
        assert workspace.run(url=api.url).code == 0
        assert api.books()["posts"] == 1
    assert workspace.sound() == 1


EXPIRED = f"<AWSAccessKeyId>{ACCESS}</AWSAccessKeyId><Token0>{TOKEN}</Token0>"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error(400, "ExpiredToken", EXPIRED), "ExpiredToken"),
        (error(403, "SignatureDoesNotMatch", EXPIRED), "403"),
        (error(404, "NoSuchBucket"), "there is no bucket"),
        (error(301, "PermanentRedirect"), "region"),
        (error(403, "RequestTimeTooSkewed"), "clock"),
    ],
    ids=["expired", "signature", "no-bucket", "region", "clock"],
)
def test_a_bucket_that_begins_to_refuse_stops_the_run_and_nothing_is_lost(
    answer: Answer, says: str, workspace: CloudWorkspace
) -> None:
    workspace.render(prompts=6, concurrency=2)
    begun = nth(uploads, 3)
    refused: list[Seen] = []

    def refuse(seen: Seen) -> Answer | None:
        if begun(seen) or refused:
            refused.append(seen)
            return answer
        return None

    workspace.bucket.script = refuse
    with Sandbox(clips="tiny", latency=0.1) as api:
        run = workspace.run(url=api.url)
        assert run.code == 7, run.err
        assert says in run.err
        posts = api.books()["posts"]
        early = workspace.run(url=api.url)
        assert early.code == 2, early.err
        assert says in early.err
        assert api.books()["posts"] == posts
        workspace.bucket.script = None
        again = workspace.run(url=api.url)
        assert again.code == 0, again.err
        nothing_sent_twice(api.books())
    assert workspace.sound() == 6
    workspace.secrets_stay_out()


def test_a_bucket_that_does_not_work_at_the_start_ends_the_run_before_anything_is_sent(
    workspace: CloudWorkspace,
) -> None:
    workspace.render()
    workspace.bucket.script = lambda _: error(503, "SlowDown")
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 7, run.err
        assert api.books()["posts"] == 0


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_ENDPOINT_URL": "http://192.0.2.1:9000"}, "plain http"),
        ({"AWS_ENDPOINT_URL": "https://me:hunter2secret@example.com"}, "holds credentials"),
        ({"AWS_ENDPOINT_URL": "http://[::1"}, "AWS_ENDPOINT_URL"),
    ],
)
def test_settings_that_lead_nowhere_are_refused_before_anything_is_sent(
    environment: dict[str, str], says: str, workspace: CloudWorkspace
) -> None:
    workspace.render()
    workspace.env.update(environment)
    run = workspace.run(url="http://127.0.0.1:9")
    assert run.code == 2, run.err
    assert says in run.err
    assert "hunter2secret" not in run.err


def test_uploads_stall_no_claim_and_no_place_at_the_provider(workspace: CloudWorkspace) -> None:
    workspace.render(prompts=20, concurrency=3)
    released = Event()

    def hold_up(seen: Seen) -> Answer | None:
        if uploads(seen):
            assert released.wait(WITHIN)
        return None

    workspace.bucket.script = hold_up
    with Sandbox(clips="tiny") as api:
        process = workspace.start(url=api.url)
        # Not one clip is in its place, and every request of the job goes out and comes home.
        until(lambda: api.books()["posts"] == 20 and not api.books()["in_flight"], WITHIN)
        assert not workspace.visible()
        assert len({seen.key for seen in workspace.bucket.seen if uploads(seen)}) <= 4
        assert api.books()["peak_in_flight"] <= 3
        released.set()
        run = workspace.finish(process)
        assert run.code == 0, run.err
    assert workspace.sound() == 20


def test_an_object_of_others_under_a_clip_s_name_stays_and_the_clip_takes_another(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=2, output={"name": "clip-{{ id }}"})
    bucket = workspace.bucket
    bucket.put(f"{PREFIX}/clip-t000.mp4", b"mine")

    def come_late(seen: Seen) -> Answer | None:
        if uploads(seen) and f"{PREFIX}/clip-t001.mp4" not in set(bucket.keys()):
            bucket.put(f"{PREFIX}/clip-t001.mp4", b"mine too")
        return None

    bucket.script = come_late
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 0, run.err
        nothing_sent_twice(api.books())
    assert bucket.read(f"{PREFIX}/clip-t000.mp4") == b"mine"
    assert bucket.read(f"{PREFIX}/clip-t001.mp4") == b"mine too"
    assert workspace.sound() == 2
    assert not {"clip-t000.mp4", "clip-t001.mp4"} & {
        last["output"] for last in workspace.last().values()
    }


def test_a_manifest_of_others_at_the_prefix_is_left_unchanged(workspace: CloudWorkspace) -> None:
    workspace.render(prompts=1)
    workspace.bucket.put(f"{PREFIX}/manifest.jsonl", b"mine")
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    assert "is not this job's" in run.err
    assert workspace.bucket.read(f"{PREFIX}/manifest.jsonl") == b"mine"


def test_manifest_and_report_are_copied_and_name_the_public_address(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=3, output={"public": "https://cdn.example.com/c/{path}"})
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    bucket = workspace.bucket
    here = (workspace.output / "manifest.jsonl").read_bytes()
    assert bucket.read(f"{PREFIX}/manifest.jsonl") == here
    page = bucket.read(f"{PREFIX}/report.html")
    assert page == (workspace.output / "report.html").read_bytes()
    assert bucket.head(f"{PREFIX}/report.html")["ContentType"].startswith("text/html")
    output = workspace.last()["t001"]["output"]
    assert f"https://cdn.example.com/c/{output}".encode() in page
    assert b"media-src 'self' file: https://cdn.example.com;" in page
    assert workspace.finish(workspace.start("--to", "json", command="export")).code == 0


def exported(workspace: CloudWorkspace, *flags: str) -> list[dict[str, Any]]:
    run = workspace.finish_signed(workspace.start("--to", "json", *flags, command="export"))
    told: list[dict[str, Any]] = json.loads(run)
    return told


def test_export_names_objects_and_signs_them_on_request(workspace: CloudWorkspace) -> None:
    import urllib.request  # noqa: PLC0415 - here alone

    workspace.render(prompts=2)
    with Sandbox(clips="tiny") as api:
        assert workspace.run(url=api.url).code == 0
    plain = exported(workspace)
    assert plain[0]["file"] == f"{ADDRESS}/{workspace.last()['t000']['output']}"
    signed = exported(workspace, "--sign", "1h")
    assert "X-Amz-Signature=" in signed[0]["file"]
    with urllib.request.urlopen(signed[0]["file"]) as clip:
        assert len(clip.read()) == workspace.last()["t000"]["bytes"]
    refused = workspace.finish(workspace.start("--sign", "8d", command="export"))
    assert refused.code == 2


def test_names_of_any_script_are_placed_and_found(workspace: CloudWorkspace) -> None:
    names = ["Café à la plage", "東京 夜", "50% #1? [a]&b=c~", "x" * 90, "a%2Fb", "a..", "a..b",
             "+ plus", "שלום ★", "e\u0301"]  # fmt: skip
    workspace.write(
        output={"dir": ADDRESS, "name": "{{ id }}"},
        prompts=[{"id": name, "prompt": name} for name in names],
    )
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 0, run.err
        assert workspace.sound() == len(names)
        again = workspace.run("--retry", "missing", url=api.url)
        assert again.code == 0, again.err
        assert api.books()["posts"] == len(names)
    found = workspace.bucket.keys()
    assert all(key.startswith(f"{PREFIX}/") for key in found)


def test_a_clip_that_was_deleted_stays_done_until_missing_ones_are_asked_for(
    workspace: CloudWorkspace,
) -> None:
    workspace.render(prompts=8)
    bucket = workspace.bucket
    bucket.page = 3
    with Sandbox(clips="tiny") as api:
        assert workspace.run(url=api.url).code == 0
        bucket.client().delete_object(
            Bucket="clips-of-tests", Key=f"{PREFIX}/{workspace.last()['t003']['output']}"
        )
        bucket.seen.clear()
        assert workspace.run("--no-report", url=api.url).code == 0
        assert api.books()["posts"] == 8
        looked = [seen for seen in bucket.seen if is_clip(seen.key)]
        assert not looked, "a clip was asked for, and nobody wanted to know"
        assert len([seen for seen in bucket.seen if "list-type" in seen.query]) == 1  # of staging
        bucket.seen.clear()
        again = workspace.run("--retry", "missing", url=api.url)
        assert again.code == 0, again.err
        assert api.books()["posts"] == 9
        heads = {seen.key for seen in bucket.seen if seen.method == "HEAD" and is_clip(seen.key)}
        assert len(heads) <= 1
    assert workspace.sound() == 8


def test_ctrl_c_ends_a_run_whose_bucket_is_down_and_what_is_whole_stays(
    workspace: CloudWorkspace,
) -> None:
    import signal  # noqa: PLC0415 - here alone

    workspace.render(prompts=4)
    bucket, gone = workspace.bucket, Event()

    def go_away(seen: Seen) -> Answer | None:
        if uploads(seen):
            gone.set()
            bucket.cut = True
        return None

    bucket.script = go_away
    with Sandbox(clips="tiny") as api:
        process = workspace.start(url=api.url)
        until(lambda: gone.is_set() and api.books()["posts"] == 4, WITHIN)
        process.send_signal(signal.SIGINT)
        run = workspace.finish(process, within=WITHIN)
        assert run.code == 130, run.err
        bucket.script, bucket.cut = None, False
        again = workspace.run(url=api.url)
        assert again.code == 0, again.err
        nothing_sent_twice(api.books())
    assert workspace.sound() == 4


def test_a_bucket_that_never_answers_ends_the_run_a_minute_beyond_patience(
    workspace: CloudWorkspace, bucket: FaultyBucket
) -> None:
    workspace.render(prompts=3, retry={"outage": "1s"})
    over = Event()

    def hang(seen: Seen) -> Answer | None:
        if uploads(seen):
            over.wait(100)
        return None

    bucket.script = hang
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url, within=WITHIN)
        over.set()
        assert run.code == 7, run.err
        assert "does not answer" in run.err
        bucket.script = None
        assert workspace.run(url=api.url).code == 0
        nothing_sent_twice(api.books())
