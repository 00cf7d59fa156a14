"""The table: what each outcome means."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.raw import make_task

from pipeline.api.outcome import Body, Decision, Fault, Outcome
from pipeline.api.segmind import Segmind, SegmindV2
from pipeline.api.segmind.answer import Answer, means_no_credits, refused_by_moderation
from pipeline.api.segmind.judging import describe, judge, rule
from pipeline.api.segmind.table import TABLE, table_markdown
from pipeline.errors import ExitCode
from pipeline.models import Cause, Handle

CLIP = Body(4, "0" * 64, ".mp4", "video/mp4")
HTML = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>x</body></html>"


def answered(status: int | None = None, *, prompt: str = "", **more: Any) -> Answer:
    return Answer(make_task(prompt), Outcome(took=1.0, status=status, **more))


def described(answer: Answer) -> str:
    return describe(answer.outcome, rule(answer))


# One example a row, by the row's name.
EXAMPLES = {
    "2xx with whole media": answered(200, body=CLIP),
    "v2: 2xx with an id": answered(200, accepted=Handle(id="r-1")),
    "accepted, and gone": answered(fault=Fault.GONE),
    "request not sent": answered(fault=Fault.NOT_SENT),
    "answer could not be saved": answered(200, fault=Fault.UNSAVED),
    "no answer in time": answered(fault=Fault.TIMEOUT),
    "no answer": answered(fault=Fault.NO_ANSWER),
    "2xx cut off or stalled": answered(200, fault=Fault.CUT),
    "400, 403, 429, 2xx without media that say the credits are gone": answered(
        429, text="insufficient_quota"
    ),
    "2xx refused by moderation": answered(200, fault=Fault.NOT_MEDIA, text="moderation"),
    "504, 520, 522, 524, other 5xx refused by moderation": answered(
        504, text="the prompt was refused by moderation"
    ),
    "refused by moderation": answered(422, text="moderation"),
    "v2: 2xx without an id": answered(200, fault=Fault.NO_ID),
    "2xx without media": answered(200, fault=Fault.NOT_MEDIA),
    "401": answered(401),
    "402": answered(402),
    "403": answered(403),
    "404": answered(404),
    "405": answered(405),
    "406": answered(406),
    "407": answered(407),
    "408, 425": answered(408),
    "410": answered(410),
    "429": answered(429),
    "other 4xx": answered(418),
    "500, 502, 503": answered(502),
    "521, 523, 525, 526, 530": answered(530),
    "504, 522, 524": answered(524),
    "520, other 5xx": answered(520),
    "303": answered(303),
    "307, 308": answered(307),
    "other 3xx": answered(302),
    "anything else": answered(102),
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_row_rules_some_outcome(row: object) -> None:
    assert rule(EXAMPLES[row.name]) is row  # type: ignore[attr-defined]


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE) == len(EXAMPLES)


STOPS = {401, 403, 404, 405, 407, 410, *range(300, 400)}
CREDITS = {402, 406}
RETRIES = {408, 425, 500, 502, 503, 521, 523, 525, 526, 530}


def decision_of(status: int) -> Decision:
    if status in STOPS:
        return Decision.STOP
    if status in CREDITS:
        return Decision.CREDITS
    if status in RETRIES:
        return Decision.RETRY
    if status == 429:
        return Decision.THROTTLE
    return Decision.FAIL if 400 <= status < 500 else Decision.IN_DOUBT


def test_every_status_without_a_body_has_one_ruling_row() -> None:
    for status in (*range(100, 600), 600, 799, 999):
        row = rule(answered(status))
        assert row.decision is decision_of(status), status
        assert row.charged is (row.decision is Decision.IN_DOUBT or status == 303), status
        assert (row.exit_code is ExitCode.API_REFUSES) is (row.decision is Decision.STOP), status


def test_every_2xx_is_judged_by_what_it_brought() -> None:
    for status in range(200, 300):
        assert rule(answered(status, body=CLIP)).decision is Decision.SUCCEED
        for fault in (Fault.NOT_MEDIA, Fault.BROKEN_MEDIA, Fault.TOO_LARGE):
            row = rule(answered(status, fault=fault))
            assert (row.decision, row.charged) == (Decision.FAIL, True)
        row = rule(answered(status, fault=Fault.CUT))
        assert (row.decision, row.charged) == (Decision.IN_DOUBT, True)


def test_a_status_that_has_come_rules_although_its_body_was_cut() -> None:
    for status in range(300, 600):
        assert rule(answered(status, fault=Fault.CUT)) is rule(answered(status))


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_row_with_and_without_a_status(fault: Fault) -> None:
    assert rule(answered(fault=fault)) in TABLE
    assert rule(answered(200, fault=fault)).decision is not Decision.SUCCEED


def test_only_evidence_that_nothing_was_processed_lets_a_task_be_sent_again() -> None:
    again = {row.name for row in TABLE if row.decision in {Decision.RETRY, Decision.THROTTLE}}
    assert again == {
        "request not sent",
        "408, 425",
        "429",
        "500, 502, 503",
        "521, 523, 525, 526, 530",
    }
    assert not any(row.charged for row in TABLE if row.name in again)


MODERATION = [
    (400, '{"error": "Request blocked: the prompt was flagged by content moderation."}'),
    (400, '{"error":"Request Moderated"}'),
    (400, '{"detail": "400: advanced moderation failed for prompt"}'),
    (400, '{"error": {"message": "Your request was rejected as a result of our safety system."}}'),
    (400, '{"error": {"code": "content_policy_violation"}}'),
    (403, '{"error": "NSFW content detected in the output"}'),
    (403, '{"error": "Your prompt was blocked"}'),
    (406, '{"error": "Blocked by Safety filter"}'),
    (422, '{"status": "FAILED", "error": "frame moderation failed: reference image"}'),
    (422, "PROHIBITED_CONTENT"),
    (422, "The image was filtered: content_filter"),
    (500, '{"error": "Generation failed: output blocked"}'),
    (503, '{"message": "safety_checker rejected all images"}'),
    (500, "The request was rejected by the safety system"),
    (503, '{"error": "content_policy_violation"}'),
    (500, '{"error": "Internal Server Error", "detail": "Your prompt was flagged as NSFW"}'),
    (451, "Content policy"),
]


@pytest.mark.parametrize(("status", "text"), MODERATION)
def test_a_refusal_on_safety_grounds_fails_its_task_whatever_its_code(
    status: int, text: str
) -> None:
    row = rule(answered(status, text=text))
    assert (row.name, row.decision) == ("refused by moderation", Decision.FAIL)


@pytest.mark.parametrize(("status", "text"), MODERATION)
def test_a_200_that_refuses_on_safety_grounds_may_have_cost(status: int, text: str) -> None:
    row = rule(answered(200, fault=Fault.NOT_MEDIA, text=text))
    assert (row.name, row.charged) == ("2xx refused by moderation", True)


SPEAKS_OF_SAFETY = [
    (429, "Slow down: the safety of our service comes first"),
    (429, '{"error": "moderated"}'),
    (408, "moderation timed out"),
    (425, "moderation not ready"),
    (404, "no such model: content-moderation"),
    (410, "the model was retired for safety"),
    (401, "moderation"),
    (405, "safety"),
    (407, "safety proxy"),
    (302, "blocked"),
    (500, "safety_checker: CUDA out of memory"),
    (500, "safety checker crashed on the image"),
    (502, "moderation"),
    (503, "moderation service unavailable"),
    (503, "content moderation is overloaded, request rejected"),
    (504, "moderation timed out"),
    (520, "safety_checker"),
    (403, "Your account was suspended for safety violations"),
]


@pytest.mark.parametrize(("status", "text"), SPEAKS_OF_SAFETY)
def test_what_only_speaks_of_safety_is_what_its_code_says(status: int, text: str) -> None:
    assert rule(answered(status, text=text)) is rule(answered(status))


@pytest.mark.parametrize("status", [504, 520, 522, 524, 599])
def test_a_gateway_that_gave_up_may_have_cost_although_the_prompt_was_refused(status: int) -> None:
    row = rule(answered(status, text="the prompt was flagged by moderation"))
    assert (row.decision, row.charged) == (Decision.FAIL, True)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, "<!DOCTYPE html><html><body>Sorry, you have been blocked. Cloudflare</body></html>"),
        (403, "<html><body>This request was blocked by our safety rules</body></html>"),
        (403, "\ufeff<!DOCTYPE html><title>Blocked</title>"),
        (403, "<!-- edge --><html>blocked</html>"),
        (403, '<?xml version="1.0"?><Error>Access blocked</Error>'),
        (403, '{"error": "Your account has been blocked"}'),
        (403, '{"error": "This API key is blocked"}'),
        (403, '{"error": "blocked IP 1.2.3.4"}'),
        (403, '{"error": "Your account may not use this model"}'),
        (401, '{"error": "key blocked"}'),
        (404, "blocked"),
        (404, "moderation"),
        (405, "blocked"),
        (410, "blocked"),
        (429, "You are blocked for 30 s"),
        (500, "unblocked thread died"),
        (502, HTML),
        (503, ""),
    ],
)
def test_what_speaks_of_the_caller_or_the_gateway_is_no_moderation(status: int, text: str) -> None:
    assert not refused_by_moderation(answered(status, text=text))
    assert rule(answered(status, text=text)) is rule(answered(status))


PROMPTS = [
    "A safety helmet, moderate light",
    'A "safety" sign\nblocked by snow',
    "Ein moderates Café, Sicherheit — safety",
    "moderation & <b>blocked</b>",
    "safety",
    "BLOCKED ROAD",
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize(
    "echo",
    [
        lambda prompt: f"Internal error while rendering: {prompt}",
        lambda prompt: json.dumps({"error": "Internal error", "prompt": prompt}),
        lambda prompt: json.dumps({"error": "x", "input": {"prompt": prompt}}, ensure_ascii=False),
        lambda prompt: prompt.upper(),
    ],
)
def test_a_prompt_echoed_in_the_error_does_not_count_as_moderation(
    prompt: str, echo: object
) -> None:
    text = echo(prompt)  # type: ignore[operator]
    assert rule(answered(500, text=text, prompt=prompt)).decision is Decision.RETRY
    assert rule(answered(403, text=text, prompt=prompt)).decision is Decision.STOP


@pytest.mark.parametrize("mark", ["…", "...", ""])
@pytest.mark.parametrize("change", [str, str.upper, lambda part: json.dumps(part)[1:-1]])
@pytest.mark.parametrize("length", [20, 46, 60])
def test_the_begin_of_a_prompt_in_the_error_does_not_count_as_moderation(
    length: int, change: Callable[[str], str], mark: str
) -> None:
    prompt = (
        "A poster „safety“ with NSFW content blocked by moderation, prompt rejected, in rain " * 9
    )
    text = f"cannot render: {change(prompt[:length])}{mark}"
    assert rule(answered(500, text=text, prompt=prompt)).decision is Decision.RETRY
    assert rule(answered(401, text=text, prompt=prompt)).decision is Decision.STOP
    assert rule(answered(403, text=text, prompt=prompt)).decision is Decision.STOP


def test_a_refusal_that_shows_the_begin_of_the_prompt_is_still_one() -> None:
    prompt = "A knight and a dragon at dusk, the battle is over, smoke drifts over the field"
    text = f"The prompt '{prompt[:40]}…' was rejected by our safety system"
    assert refused_by_moderation(answered(400, text=text, prompt=prompt))


@pytest.mark.parametrize("prompt", ["a", "e", "mod", "block", "safe", ""])
def test_a_short_prompt_does_not_spoil_what_the_answer_says(prompt: str) -> None:
    text = '{"error": "flagged by content moderation"}'
    assert refused_by_moderation(answered(403, text=text, prompt=prompt))
    assert means_no_credits(answered(406, text="Not enough credits", prompt=prompt)) is True


@pytest.mark.parametrize(
    "text",
    [
        "not enough credits",
        '{"error": "Insufficient credits. Please top up your account to continue."}',
        "You have run out of credits",
        "Your credit balance is too low to run this model",
        '{"message":"Low credits: 0.12 left"}',
        "Insufficient balance",
        "You have 0 credits remaining",
        "0.00 credits left",
        "Team spend limit reached",
        "Monthly spending limit exceeded for this team",
        "Usage limit reached",
        "Payment Required",
        "Your funds are exhausted",
        "No more credits available",
        "You have exceeded your credit allowance",
        "Please top-up",
        "You do not have enough credits to run this model",
        "You don't have sufficient balance",
        '{"error":"INSUFFICIENT_CREDITS"}',
        "Credits required: 0.95, available: 0.02",
        "Add credits to continue",
        "Recharge your balance",
        "Quota exceeded",
        "Request rejected: not enough credits",
        "Team spend limit reached. Further requests are not allowed.",
        "Monthly limit exceeded",
        "The limit of your plan has been reached: plan limit reached",
        "Limit reached for this billing period",
        "You exceeded your current quota",
        "insufficient_quota",
    ],
)
def test_a_406_about_credits_is_told_from_its_words(text: str) -> None:
    assert means_no_credits(answered(406, text=text)) is True


@pytest.mark.parametrize(
    "text",
    [
        "Not acceptable: parameter 'aspect_ratio' has an unsupported value.",
        "Invalid Content-Type: text/plain",
        "Content type must be application/json",
        "The value is not allowed for parameter white_balance",
        "Unsupported value: color_balance must be one of warm, cold",
        '{"error": "Invalid value for param duration"}',
        "loop: not supported by this model",
        '{"error": "aspect_ratio: unsupported value"}',
        "duration is out of range; no credits were charged",
        "Value rejected. No credits have been deducted",
        "Prompt length limit exceeded",
        "Prompt too long: limit exceeded by 12 characters",
        "The resolution limit was reached",
    ],
)
def test_a_406_about_the_request_is_told_from_its_words(text: str) -> None:
    assert means_no_credits(answered(406, text=text)) is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Not Acceptable",
        HTML,
        '<html><head><meta http-equiv="Content-Type" content="text/html"></head><h1>406</h1>',
        "Invalid request: insufficient credits",
        "Account balance must be at least $0.95",
        "Your credits must be topped up",
        "406",
        "{}",
        "null",
        "Limit reached",
        "Generation limit exceeded",
    ],
)
def test_a_406_that_says_neither_or_both_is_left_to_the_balance(text: str) -> None:
    assert means_no_credits(answered(406, text=text)) is None


GONE = [
    "Insufficient credits",
    '{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota."}}',
    "You exceeded your current quota, please check your plan and billing details",
    "You do not have enough credits to run this model",
    "Your account has run out of credits.",
    '{"error": "INSUFFICIENT_FUNDS"}',
    "Your account balance is too low",
    "You have 0 credits left",
    "No credits left. Please retry after a top-up",
    "Invalid request: insufficient credits",
    "Spending limit reached",
    '{"code": "insufficient-credits"}',
    '{"type": "insufficientCredits"}',
    '{"code": "billing_hard_limit_reached", "message": "Billing hard limit has been reached"}',
]


@pytest.mark.parametrize("status", [400, 403, 429, 200, 202])
@pytest.mark.parametrize("text", GONE)
def test_clear_words_of_an_empty_account_count_with_any_code(status: int, text: str) -> None:
    fault = Fault.NOT_MEDIA if status < 300 else None
    told = answered(status, text=text, fault=fault)
    assert rule(told).decision is Decision.CREDITS
    assert rule(told, solvent=True) is rule(answered(status, fault=fault))


@pytest.mark.parametrize("status", [400, 403, 429, 200])
@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("rate quota exceeded, retry in 3 s", ""),
        ("Insufficient quota: 60 requests per minute on your plan and billing tier", ""),
        ("Quota exceeded", ""),
        ("Rate limit reached. Add credits or top up to raise it", ""),
        ("no credits were charged", ""),
        ("not enough request credits, retry in 3 s", ""),
        ("The white balance is too low", ""),
        ("cannot render 'a bank with insufficient fu…'", "a bank with insufficient funds, rain"),
        ("in words: bank, insufficient   funds", "A bank with Insufficient Funds, rain"),
        ("Unknown parameter: credits", ""),
        ("", ""),
    ],
)
def test_what_may_mean_anything_but_an_empty_account_is_what_its_code_says(
    status: int, text: str, prompt: str
) -> None:
    fault = Fault.NOT_MEDIA if status < 300 else None
    told = answered(status, text=text, prompt=prompt, fault=fault)
    assert rule(told) is rule(answered(status, fault=fault))


@pytest.mark.parametrize("status", [401, 404, 410, 422, 500, 503, 504])
def test_with_other_codes_words_of_an_empty_account_change_nothing(status: int) -> None:
    told = answered(status, text="Insufficient credits")
    assert rule(told) is rule(answered(status))


REASONS = {
    "gone": answered(fault=Fault.GONE),
    "moderation": answered(422, text="moderation"),
    "rejected": answered(406, text="invalid parameter"),
    "server_error": answered(503),
    "not_media": answered(200, fault=Fault.NOT_MEDIA),
    "broken_media": answered(200, fault=Fault.BROKEN_MEDIA),
    "too_large": answered(200, fault=Fault.TOO_LARGE),
    "cut": answered(200, fault=Fault.CUT),
    "timeout": answered(fault=Fault.TIMEOUT),
    "no_answer": answered(fault=Fault.NO_ANSWER),
    "elsewhere": answered(303),
    "unsaved": answered(200, fault=Fault.UNSAVED),
    "unknown": answered(102),
}


@pytest.mark.parametrize("word", REASONS)
def test_why_there_is_no_output_is_one_word_for_scripts(word: str) -> None:
    answer = REASONS[word]
    assert judge(make_task(), answer.outcome, solvent=True).reason == word


def test_every_word_for_scripts_is_known() -> None:
    # What is wrong with an input is the same for every provider: it is judged elsewhere.
    elsewhere = {"killed", "input_changed", "input_unavailable"}
    assert {*REASONS} | elsewhere == set(Cause)


def test_credits_in_the_echoed_prompt_say_nothing_of_the_balance() -> None:
    prompt = "closing credits in low light, no credits"
    text = json.dumps({"error": f"parameter loop is invalid for '{prompt}'"})
    assert means_no_credits(answered(406, text=text, prompt=prompt)) is False


@given(
    status=st.none() | st.integers(100, 999),
    fault=st.none() | st.sampled_from(Fault),
    text=st.text(),
    prompt=st.text(),
)
def test_every_outcome_has_a_row_and_one_line_for_people(
    status: int | None, fault: Fault | None, text: str, prompt: str
) -> None:
    told = answered(status, fault=fault, text=text, prompt=prompt)
    line = described(told)
    assert line
    assert line.isprintable()
    assert len(line) < 300


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (answered(502, text=HTML), "HTTP 502: 502 Bad Gateway x"),
        (answered(fault=Fault.NO_ANSWER, detail="ReadTimeout"), "no answer: ReadTimeout"),
        (answered(200, fault=Fault.CUT, detail="ReadError"), "HTTP 200, cut: ReadError"),
        (answered(503), "HTTP 503"),
        (
            answered(403, text="content moderation"),
            "refused by moderation (HTTP 403): content moderation",
        ),
        (answered(500, text="<style>p{}</style><script>x()</script><p>Oops</p>"), "HTTP 500: Oops"),
        (answered(500, text="a\n\x1b[31mb\x00"), "HTTP 500: a [31mb"),
        (answered(), "unknown"),
        (answered(307, location="/v2/x\x1b[2J"), "HTTP 307 to /v2/x [2J"),
    ],
)
def test_an_outcome_is_described_in_words(told: Answer, line: str) -> None:
    assert described(told) == line


def test_a_long_goal_of_a_redirect_is_cut_short() -> None:
    told = answered(303, location="https://x/" + "y" * 9000)
    assert len(described(told)) < 250


def test_a_long_error_is_cut_short() -> None:
    line = described(answered(500, text="x" * 1000))
    assert len(line) < 250
    assert line.endswith("…")


def test_the_printed_table_has_a_line_a_row() -> None:
    lines = table_markdown().splitlines()
    assert len(lines) == 2 + len(TABLE)
    for row, line in zip(TABLE, lines[2:], strict=True):
        assert line.count("|") == 6
        assert line.startswith(f"| {row.name} | {row.decision}")


def test_an_outcome_knows_how_long_it_took() -> None:
    assert Outcome(took=2.5004, remaining=Decimal(1)).seconds == 2.5


def test_a_refusal_by_moderation_that_cost_nothing_is_not_about_credits() -> None:
    said = "Blocked by content moderation. No credits were charged."
    assert rule(answered(406, text=said)).decision is Decision.FAIL


def test_a_429_that_asks_to_moderate_the_pace_is_no_refusal_of_the_prompt() -> None:
    said = "Please moderate your request rate"
    assert rule(answered(429, text=said)).decision is Decision.THROTTLE


def test_a_page_is_told_by_its_words_and_not_by_its_style() -> None:
    page = f"<style>{'a {{b: c}} ' * 800}</style><h1>Bad gateway</h1>"
    assert described(answered(502, text=page)) == "HTTP 502: Bad gateway"


@pytest.mark.no_cover  # it reads millions of characters
@pytest.mark.parametrize("piece", ["<script ", "<", "spend", "<style>", "no ", "prompt "])
def test_a_page_made_to_be_slow_to_read_is_read(piece: str) -> None:
    """So large that a pattern that looks at a place twice would take until the test is ended."""
    page = answered(406, text=piece * 500_000)
    assert len(described(page)) < 300


# -- what the runtime hands in --------------------------------------------------------------------

PROVIDERS = [Segmind(), SegmindV2()]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("outcome", "decision", "charged", "reason"),
    [
        (Outcome(took=1, status=200, body=CLIP), Decision.SUCCEED, True, None),
        (Outcome(took=1, status=422, text="boom"), Decision.FAIL, False, Cause.REJECTED),
        (
            Outcome(took=1, status=422, text="frame moderation failed"),
            Decision.FAIL,
            False,
            Cause.MODERATION,
        ),
        (Outcome(took=1, status=500, text="boom"), Decision.RETRY, False, Cause.SERVER_ERROR),
        (
            Outcome(took=1, status=500, text="the prompt was rejected by moderation"),
            Decision.FAIL,
            False,
            Cause.MODERATION,
        ),
        (Outcome(took=1, fault=Fault.GONE), Decision.IN_DOUBT, True, Cause.GONE),
        (Outcome(took=1, status=404, fault=Fault.GONE), Decision.IN_DOUBT, True, Cause.GONE),
        (
            Outcome(took=1, status=200, fault=Fault.GONE, text="moderation"),
            Decision.IN_DOUBT,
            True,
            Cause.GONE,
        ),
        (Outcome(took=1, status=200, fault=Fault.NO_ID), Decision.IN_DOUBT, True, Cause.UNKNOWN),
        (Outcome(took=1, status=200, fault=Fault.CUT), Decision.IN_DOUBT, True, Cause.CUT),
    ],
)
def test_both_providers_judge_how_a_request_has_ended(
    provider: Segmind, outcome: Outcome, decision: Decision, charged: bool, reason: Cause | None
) -> None:
    told = provider.judge(make_task(), outcome)
    assert (told.decision, told.charged) == (decision, charged)
    assert reason is None or told.reason is reason


def test_what_is_gone_is_no_sign_of_an_outage() -> None:
    assert not judge(make_task(), Outcome(took=1, fault=Fault.GONE)).outage


def test_an_accepted_request_is_neither_paid_for_nor_in_doubt() -> None:
    told = judge(make_task(), Outcome(took=1, status=200, accepted=Handle(id="r-1")))
    assert (told.decision, told.charged) == (Decision.ACCEPT, False)


def test_no_line_for_people_shows_the_query_of_an_address() -> None:
    text = '{"url": "https://bucket.example/clip.mp4?X-Amz-Signature=abcdef"}'
    told = answered(200, fault=Fault.NOT_MEDIA, text=text)
    assert "bucket.example/clip.mp4" in described(told)
    assert "abcdef" not in described(told)
    elsewhere = answered(303, location="https://bucket.example/clip.mp4?X-Amz-Signature=abcdef")
    assert "abcdef" not in described(elsewhere)
