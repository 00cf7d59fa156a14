"""v2 of the sandbox, over real sockets: submit, ask, fetch."""

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from support.simulated import KEY, LUMA, Client, dial, until

from sandbox.books import Entry
from sandbox.events import Begun, State
from sandbox.queue import stage_at
from sandbox.settings import States
from sandbox.testing import Sandbox


def test_a_request_is_accepted_at_once_and_its_result_has_clip_and_cost(api: Client) -> None:
    before = Decimal(api.box.books()["balance"])
    answer = api.v2("a quiet lake")
    assert answer.status_code == 200
    accepted = answer.json()
    assert accepted["status"] == "QUEUED"
    here = f"{api.box.url}/v2/requests/{accepted['request_id']}"
    assert (accepted["status_url"], accepted["response_url"]) == (f"{here}/status", here)
    result = api.finished(accepted)
    assert result["status"] == "COMPLETED"
    assert result["output"] == result["video"]["url"]
    assert result["metrics"]["cost"] == 0.95
    assert Decimal(str(result["metrics"]["remaining_credits"])) == before - Decimal("0.95")
    assert {"inference_time", "queue_time", "total_time", "retry_count"} <= set(result["metrics"])
    clip = api.fetch(result["output"])
    assert clip.headers["content-type"] == "video/mp4"
    assert b"ftyp" in clip.content[:16]
    assert api.get(accepted["poll_url"]).json()["output"] == result["output"]


@pytest.mark.variant
def test_it_counts_as_in_flight_until_it_ends(session: httpx.Client) -> None:
    with Sandbox(latency=600, clips="tiny") as box:
        api = Client(box, session)
        accepted = api.v2("slowly").json()
        for url in ("status_url", "response_url"):
            assert api.get(accepted[url]).json()["status"] == "QUEUED"
        assert box.books()["in_flight"] == 1
        states: list[str] = []

        def state() -> str:
            states.append(api.get(quick["status_url"]).json()["status"])
            return states[-1]

        quick = api.v2("[[latency 0.5]]").json()
        until(lambda: state() == "COMPLETED")
        assert set(states) <= {"QUEUED", "PROCESSING", "COMPLETED"}
        books = box.books()
        assert (books["in_flight"], books["peak_in_flight"], books["charged"]) == (1, 2, "0.95")
        assert [entry["polls"] for entry in books["requests"]] == [2, len(states)]
        assert books["questions"]["polls"] == 2 + len(states)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (States.PLAIN, ["QUEUED", "PROCESSING", "PROCESSING", "PROCESSING"]),
        (States.STRANGE, ["QUEUED", "THROTTLED", "PROCESSING", "PROCESSING"]),
    ],
)
def test_states_follow_from_the_time(states: States, expected: list[str]) -> None:
    entry = Entry("r", LUMA, {}, 100, begun=Begun("r", "r", 10, None, 1, 100))
    assert [stage_at(now, entry, states) for now in (101, 103, 106, 200)] == expected
    entry.state = State.FAILED
    assert stage_at(101, entry, states) == "FAILED"


def test_one_that_fails_comes_under_422_at_both_addresses_and_costs_nothing(api: Client) -> None:
    charged = api.box.books()["charged"]
    accepted = api.v2("no luck [[fail failed]]").json()
    result = api.finished(accepted)
    assert (result["status"], "metrics" in result) == ("FAILED", False)
    for url in ("status_url", "response_url", "poll_url"):
        answer = api.get(accepted[url])
        assert answer.status_code == 422
        assert "model returned an error" in answer.json()["error"]
    assert api.box.books()["charged"] == charged
    assert api.entry("no luck [[fail failed]]")["state"] == "FAILED"
    moderated = api.finished(api.v2("[[fail failed-moderation]]").json())
    assert "moderation" in moderated["error"]


@pytest.mark.parametrize(
    ("model", "body", "headers", "status"),
    [
        (LUMA, {"prompt": "x"}, {}, 401),
        ("dall-e", {"prompt": "x"}, KEY, 404),
        (LUMA, {}, KEY, 400),
        (LUMA, {"prompt": "x", "aspect_ratio": "5:4"}, KEY, 400),
        (LUMA, {"prompt": "x [[fail 406]]"}, KEY, 406),
        (LUMA, {"prompt": "x [[fail 429]]"}, KEY, 429),
        (LUMA, {"prompt": "x [[fail 500]]"}, KEY, 500),
    ],
)
def test_a_submit_is_refused_as_in_v1(
    api: Client, model: str, body: dict[str, str], headers: dict[str, str], status: int
) -> None:
    in_flight = api.box.books()["in_flight"]
    url = f"{api.box.url}/v2/{model}"
    assert api.session.post(url, json=body, headers=headers).status_code == status
    assert api.box.books()["in_flight"] == in_flight


def test_asking_needs_the_key_and_knows_nothing_of_v1_and_strange_ids(api: Client) -> None:
    accepted = api.v2("mine").json()
    assert api.fetch(accepted["status_url"]).status_code == 401
    v1 = api.v1("not v2").headers["x-request-id"]
    for unknown in (v1, "0" * 32, "..%2fbooks"):
        assert api.get(f"/v2/requests/{unknown}/status").status_code == 404
        assert api.get(f"/v2/requests/{unknown}").status_code == 404
    assert api.session.get(f"{api.box.url}/v2/{LUMA}").status_code == 405


@pytest.mark.parametrize("word", ["drop", "reset", "cut", "stall", "504", "html200", "json200"])
def test_where_the_answer_to_a_submit_is_lost_the_generation_runs_and_is_listed(
    api: Client, word: str
) -> None:
    prompt = f"lost {word} [[fail {word}]]"
    body = json.dumps({"prompt": prompt}).encode()
    with closing(dial(api.box, f"/v2/{LUMA}", body)) as sock:
        sock.settimeout(0.3)
        try:
            answered = sock.recv(65536)
        except (TimeoutError, ConnectionResetError):
            answered = b""
        assert b"poll_url" not in answered
    until(lambda: api.entry(prompt)["state"] == "COMPLETED")
    row = api.row_of(prompt)
    assert row is not None
    assert (row["model_status"], row["credits_deduction"]) == ("COMPLETED", 0.95)
    assert b"ftyp" in api.fetch(row["generation_url"]).content[:16]


@pytest.mark.variant
def test_who_leaves_during_a_submit_still_gets_the_generation(session: httpx.Client) -> None:
    with Sandbox(latency=0.3, clips="tiny") as box:
        dial(box, f"/v2/{LUMA}", b'{"prompt": "gone"}').close()
        until(lambda: [entry for entry in box.requests() if entry["state"] == "COMPLETED"])
        assert box.books()["charged"] == "0.95"
        assert box.books()["in_flight"] == 0


def test_a_record_expires_after_its_submission_and_the_history_still_has_it(
    session: httpx.Client,
) -> None:
    with Sandbox(latency=0, clips="tiny", record_life=0) as box:
        api = Client(box, session)
        accepted = api.v2("forgotten").json()
        until(lambda: api.entry("forgotten")["state"] == "COMPLETED")
        for url in ("status_url", "response_url", "poll_url"):
            assert api.get(accepted[url]).status_code == 404
        assert api.rows()[0]["request_id"] == accepted["request_id"]
        box.change(record_life=3600)
        assert api.get(accepted["status_url"]).status_code == 200


@pytest.mark.variant
def test_a_state_that_is_documented_nowhere_is_to_order(session: httpx.Client) -> None:
    with Sandbox(latency=8, jitter=0, clips="tiny", states="strange") as box:
        api = Client(box, session)
        url = api.v2("odd").json()["status_url"]
        until(lambda: api.get(url).json()["status"] == "THROTTLED")


def test_during_an_outage_nobody_can_ask(session: httpx.Client) -> None:
    with Sandbox(latency=0, clips="tiny") as box:
        api = Client(box, session)
        url = api.v2("before").json()["status_url"]
        box.outage(60)
        assert api.get(url).status_code == 503
        assert api.v2("during").status_code == 503


@pytest.mark.parametrize("charge", ["accept", "completion"])
def test_a_balance_that_covers_one_pays_for_one(session: httpx.Client, charge: str) -> None:
    with Sandbox(latency=0.2, clips="tiny", credits=1, charge=charge) as box:
        api = Client(box, session)
        answers = [api.v2(f"{number}") for number in range(2)]
        if charge == "accept":
            assert [answer.status_code for answer in answers] == [200, 406]
        else:
            results = [api.finished(answer.json()) for answer in answers]
            assert sorted(result["status"] for result in results) == ["COMPLETED", "FAILED"]
        until(lambda: box.books()["in_flight"] == 0)
        assert box.books()["charged"] == "0.95"


@pytest.mark.variant
@pytest.mark.parametrize("clips", ["tiny", "real"])
def test_a_killed_server_finishes_what_it_had_accepted_and_has_the_same_clips(
    session: httpx.Client, tmp_path: Path, clips: str
) -> None:
    with Sandbox(latency=0.3, clips=clips, books=tmp_path / "books") as box:
        api = Client(box, session)
        done = api.finished(api.v2("done").json())
        clip = api.fetch(done["output"]).content
        synchronous = api.v1("a v1 clip").content
        box.change(latency=1.0)
        accepted = api.v2("under way").json()
        failing = api.v2("[[fail failed]]").json()
        box.kill()
        box.restart()
        assert box.books()["in_flight"] <= 2
        assert api.fetch(done["output"]).content == clip
        row = api.row_of("a v1 clip")
        assert row is not None
        assert api.fetch(row["generation_url"]).content == synchronous
        assert api.finished(accepted)["status"] == "COMPLETED"
        assert api.finished(failing)["status"] == "FAILED"
        books = box.books()
        assert (books["charged"], books["in_flight"]) == ("2.85", 0)
        assert len(api.rows()) == 4
