"""The keys of a job file: what each means, its bounds, and the nearest right one."""

import json
import re
from datetime import time
from decimal import Decimal

import pytest
from support.job_workspace import JobWorkspace

from pipeline.api import providers
from pipeline.job import schema
from pipeline.job.keys.document import Document
from pipeline.models import (
    AccountPolicy,
    CreditPolicy,
    Expect,
    Gate,
    InDoubt,
    Notify,
    Presence,
    Rate,
    RetryPolicy,
    Schedule,
)

PROMPTS = "prompts: [p]\n"
FULL = """\
name: spring campaign
model: luma-txt-2-video
prompts: [p]
output: {dir: out, max_size: 500MB}
concurrency: 8
rate: 5/10s
timeout: 10m
provider: segmind
patience: 1d
poll: 0.5s
retry: {attempts: 3, wait: 0.5, max_wait: 1m30s, outage: 2h, in_doubt: resend}
credits: {cost: 0.95, budget: 100, reserve: 5.50, gate: off}
account: {concurrency: 20, rate: 60/minute, day: 50, month: 600, key: ACME_SEGMIND_KEY, name: acme}
priority: 7
expect: {aspect_ratio: yes, min_duration: 4s, max_width: 1920, audio: no}
schedule: {window: 22:00-7:00, timezone: Europe/London}
notify: {to: [NOTIFY_URL, OPS], on: [end, stop]}
"""


def test_every_key_reaches_the_job(workspace: JobWorkspace) -> None:
    job = workspace.job(FULL)
    assert job.name == "spring campaign"
    assert (job.concurrency, job.timeout, job.max_size) == (8, 600.0, 500_000_000)
    assert (job.provider, job.patience, job.poll) == ("segmind", 86_400.0, 0.5)
    assert job.rate == Rate(5, 10)
    assert job.retry == RetryPolicy(3, 0.5, 90.0, 7200.0, InDoubt.RESEND)
    assert job.credits == CreditPolicy(Decimal("0.95"), Decimal(100), Decimal("5.50"), Gate.OFF)
    assert job.account == AccountPolicy(
        20, Rate(60, 60), Decimal(50), Decimal(600), "ACME_SEGMIND_KEY", "acme"
    )
    assert job.priority == 7
    assert job.expect == Expect(True, 4.0, max_width=1920, audio=Presence.NO)
    assert job.schedule == Schedule(time(22), time(7), "Europe/London")
    assert job.notify == Notify(("NOTIFY_URL", "OPS"), ("end", "stop"))
    assert type(job.notify.on[0]) is str
    assert job.output_dir == workspace.folder / "out"


def test_the_defaults_are_those_of_the_job_itself(workspace: JobWorkspace) -> None:
    job = workspace.job("model: kling-2\n" + PROMPTS)
    assert (job.name, job.concurrency, job.rate, job.timeout) == ("job", 5, None, 600.0)
    assert (job.provider, job.patience, job.poll) == (None, 7200.0, None)
    assert (job.retry, job.credits) == (RetryPolicy(), CreditPolicy())
    assert (job.account, job.priority) == (AccountPolicy(), 0)
    assert (job.schedule, job.notify, job.max_size) == (None, None, 2 * 1024**3)
    assert job.output_dir == workspace.folder / "outputs" / "job"
    assert job.warnings == ()


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("rate: 60/minute", "rate", Rate(60, 60)),
        ("rate: 1/s", "rate", Rate(1, 1)),
        ("rate: 100/h", "rate", Rate(100, 3600)),
        ("rate: 0.5 / 2 sec", "rate", Rate(0.5, 2)),
        ("rate: 1000/day", "rate", Rate(1000, 86400)),
        ("timeout: 90", "timeout", 90.0),
        ("timeout: '90'", "timeout", 90.0),
        ("timeout: 1.5e2", "timeout", 150.0),
        ("timeout: 1h 30m", "timeout", 5400.0),
        ("timeout: 1d", "timeout", 86400.0),
        ("patience: 2h", "patience", 7200.0),
        ("patience: 0.5", "patience", 0.5),
        ("patience: 31d", "patience", 2_678_400.0),
        ("poll: 1s", "poll", 1.0),
        ("poll: 0.1", "poll", 0.1),
        ("poll:", "poll", None),
        ("provider:", "provider", None),
        ("provider: 'segmind'", "provider", "segmind"),
        ("output: {max_size: 2GiB}", "max_size", 2 * 1024**3),
        ("output: {max_size: 1.5 kB}", "max_size", 1500),
        ("output: {max_size: 42}", "max_size", 42),
        ("concurrency: '2000'", "concurrency", 2000),
        ("concurrency: 8.0", "concurrency", 8),
        ("notify: {to: HOOK, on: end}", "notify", Notify(("HOOK",), ("end",))),
        ("schedule: {window: 09:00\u201317:30}", "schedule", Schedule(time(9), time(17, 30))),
        ("credits: {cost: $0.95}", "credits", CreditPolicy(cost=Decimal("0.95"))),
    ],
)
def test_values_are_written_as_people_write_them(
    workspace: JobWorkspace, line: str, attribute: str, value: object
) -> None:
    assert getattr(workspace.job(f"model: m\n{PROMPTS}{line}\n"), attribute) == value


@pytest.mark.parametrize(
    ("line", "key", "message", "hint"),
    [
        ("modell: x", "modell", "unknown key", "did you mean model?"),
        ("Concurency: 3", "Concurency", "unknown key", "did you mean concurrency?"),
        ("budget: 3", "budget", "unknown key", "did you mean credits.budget?"),
        ("aspect_ratio: 1:1", "aspect_ratio", "unknown key", "did you mean params.aspect_ratio?"),
        ("zzz: 3", "zzz", "unknown key", "known: name, model"),
        ("api_key: sk-123", "api_key", "unknown key", "SEGMIND_API_KEY"),
        ("credits: {bugdet: 3}", "credits.bugdet", "unknown key", "did you mean budget?"),
        ("concurency:", "concurency", "unknown key", "did you mean concurrency?"),
        ("credits: {bugdet: }", "credits.bugdet", "unknown key", "did you mean budget?"),
        ("credits: 5", "credits", "a mapping is expected, not a text", None),
        ("credits: [5]", "credits", "a mapping is expected, not a list", None),
        ("credits: {gate: atuo}", "credits.gate", '"atuo" is not a valid value', "auto?"),
        ("credits: {cost: -1}", "credits.cost", "must be at least 0", None),
        ("credits: {cost: free}", "credits.cost", "US dollars is expected", "0.95"),
        ("credits: {cost: NaN}", "credits.cost", "US dollars is expected", "0.95"),
        ("credits: {cost: 1e400}", "credits.cost", "US dollars is expected", "0.95"),
        ("credits: {cost: [1]}", "credits.cost", "US dollars is expected, not a list", None),
        ("concurrency: []", "concurrency", "a number is expected, not a list", None),
        ("timeout: {a: b}", "timeout", "a duration is expected, not a mapping", None),
        ("takes: 0", "takes", "must be at least 1", None),
        ("takes: 1.5", "takes", "a whole number is expected", None),
        ("takes: many", "takes", 'a number is expected, not "many"', None),
        ("concurrency: 2001", "concurrency", "must be at most 2000", None),
        ("concurrency: 99999999999999999999999", "concurrency", "64 bits", None),
        ("concurrency: 1e999", "concurrency", "not a finite number", None),
        ("rate: fast", "rate", "a rate is expected", "60/minute"),
        ("rate: 5/fortnight", "rate", "a rate is expected", "60/minute"),
        ("rate: 0/s", "rate", "above zero", None),
        ("timeout: soon", "timeout", "a duration is expected", "1h30m"),
        ("timeout: '  '", "timeout", "a duration is expected", "1h30m"),
        ("timeout: 0", "timeout", "must be above 0", None),
        ("timeout: 1000d", "timeout", "must be at most 86400", None),
        ("timeout: 1e999", "timeout", "not a finite number", None),
        ("patience: 0", "patience", "must be above 0", None),
        ("patience: -1", "patience", "must be above 0", None),
        ("patience: 32d", "patience", "must be at most 2678400", None),
        ("patience: long", "patience", "a duration is expected", "1h30m"),
        ("poll: 0", "poll", "must be at least 0.1", None),
        ("poll: 0.09s", "poll", "must be at least 0.1", None),
        ("poll: 2h", "poll", "must be at most 3600", None),
        ("poll: [1, 15]", "poll", "a duration is expected, not a list", None),
        ("provider: segmnd", "provider", 'no provider is called "segmnd"', "did you mean segmind?"),
        ("provider: Segmind", "provider", 'no provider is called "Segmind"', "mean segmind?"),
        ("provider: xyz", "provider", 'no provider is called "xyz"', "known: segmind"),
        ("provider: ''", "provider", 'no provider is called ""', "known: segmind"),
        ("provider: {name: segmind}", "provider", "a text is expected, not a mapping", None),
        ("output: {max_size: 0}", "output.max_size", "must be at least 1", None),
        ("output: {max_size: big}", "output.max_size", "a size is expected", "2GiB"),
        ("output: {name: ' '}", "output.name", "this is empty", None),
        ("schedule: {timezone: UTC}", "schedule.window", "is required", None),
        ("schedule: {window: 22-7}", "schedule.window", "a time of day", "HH:MM"),
        ("schedule: {window: 24:00-07:00}", "schedule.window", "a time of day", "HH:MM"),
        ("schedule: {window: always}", "schedule.window", "a window is expected", "22:00-07:00"),
        ("schedule: {window: 7:00-07:00}", "schedule.window", "at the same time", None),
        ("notify: {on: [end]}", "notify.to", "is required", None),
        ("notify: {to: []}", "notify.to", "the list is empty", "write at least one"),
        ("notify: {to: [A], on: [ends]}", "notify.on[0]", '"ends" is not a valid value', "end?"),
        ("account: {key: a b}", "account.key", "not shown", "SEGMIND_API_KEY_ACME"),
        ("account: {day: -1}", "account.day", "must be at least 0", None),
        ("account: {day: lots}", "account.day", "US dollars is expected", "0.95"),
        ("account: {month: [1]}", "account.month", "US dollars is expected, not a list", None),
        ("account: {rate: fast}", "account.rate", "a rate is expected", "60/minute"),
        ("account: {concurrency: 0}", "account.concurrency", "must be at least 1", None),
        ("account: {concurrency: 2001}", "account.concurrency", "must be at most 2000", None),
        ("account: {concurency: 3}", "account.concurency", "unknown key", "concurrency?"),
        ("account: {priority: 3}", "account.priority", "unknown key", "key of the job itself"),
        ("account: {name: ''}", "account.name", "this is empty", None),
        ('account: {name: "a\\e[31m"}', "account.name", "control character", None),
        ('account: {name: "a\\u2029b"}', "account.name", "control character", None),
        ('account: {name: "\\ue000"}', "account.name", "not a valid name", "acme"),
        (f"account: {{name: {'x' * 101}}}", "account.name", "not a valid name", "100"),
        ("account: on", "account", 'a mapping or off is expected, not "on"', "{day: 50"),
        ("account: acme", "account", 'a mapping or off is expected, not "acme"', "{day: 50"),
        ("account: [day]", "account", "a mapping or off is expected, not a list", "{day: 50"),
        ("priority: high", "priority", "a number is expected", None),
        ("priority: 0.5", "priority", "a whole number is expected", None),
        ("day: 5", "day", "unknown key", "did you mean account.day?"),
        ("model: ''", "model", "not a model's name", "luma-txt-2-video"),
        ("model: https://api.segmind.com/v1/x", "model", "not a model's name", "luma-txt-2-video"),
        ("params: 5", "params", "a mapping is expected, not a text", None),
        ("name: a/b", "name", "the name must have no slash", None),
        ("prompts: 5", "prompts", "a list is expected, not a text", "- "),
        ("prompts: {a: b}", "prompts", "a list is expected, not a mapping", "- "),
    ],
)
def test_a_wrong_value_says_where_what_and_what_would_be_right(
    workspace: JobWorkspace, line: str, key: str, message: str, hint: str | None
) -> None:
    base = {"model": "model: m\n", "prompts": PROMPTS}
    text = "".join(part for name, part in base.items() if not line.startswith(f"{name}:"))
    (found,) = [
        p for p in workspace.problems(text + line + "\n") if "nothing to render" not in p.message
    ]
    assert found.key == key
    assert message in found.message
    assert hint is None or hint in found.hint
    assert found.line == text.count("\n") + 1


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Europe/Londn", "Europe/London"),
        ("../etc/passwd", None),
        ("Amrica/New_York", "America/New_York"),
    ],
)
def test_an_unknown_time_zone_names_the_nearest(
    workspace: JobWorkspace, name: str, near: str | None
) -> None:
    (found,) = workspace.problems(
        f"model: m\n{PROMPTS}schedule:\n  window: 22:00-07:00\n  timezone: {name}\n"
    )
    assert (found.key, found.line) == ("schedule.timezone", 5)
    assert near is None or near in found.hint


@pytest.mark.parametrize(
    "secret", ["slack://token/secret", "https://u:hunter2@x.y", "tok-en", "[a]"]
)
def test_an_address_in_notify_is_refused_without_showing_it(
    workspace: JobWorkspace, secret: str
) -> None:
    (found,) = workspace.problems(f'model: m\n{PROMPTS}notify:\n  to: ["{secret}"]\n')
    assert (found.key, found.line) == ("notify.to[0]", 4)
    assert secret not in str(found)
    assert "environment" in found.hint


@pytest.mark.parametrize(
    ("item", "key", "part"),
    [
        ("", "prompts[1]", "this prompt is empty"),
        ("''", "prompts[1]", "this is empty"),
        ("[a]", "prompts[1]", "a text or a mapping is expected, not a list"),
        ("A shot: the sea", "prompts[1].A shot", 'quote the text: "A shot: the sea"'),
        ("{promt: x}", "prompts[1].promt", "did you mean prompt?"),
        ("{prompt: x, promt: }", "prompts[1].promt", "did you mean prompt?"),
        ("{prompt: [x]}", "prompts[1].prompt", "a text is expected, not a list"),
        ("{prompt: ' '}", "prompts[1].prompt", "this is empty"),
        ("{prompt: x, priority: high}", "prompts[1].priority", "a number is expected"),
        ("{prompt: x, priority: 1.5}", "prompts[1].priority", "a whole number"),
        ("{prompt: x, priority: 9223372036854775808}", "prompts[1].priority", "must be at most"),
        ("{prompt: x, priority: -9007199254740993}", "prompts[1].priority", "must be at least"),
        ("{prompt: x, priority: 1e30}", "prompts[1].priority", "does not fit into 64 bits"),
        ("{prompt: x, meta: 5}", "prompts[1].meta", "a mapping is expected, not a text"),
        ("{id: x}", "prompts[1]", "there is no prompt"),
        ("{prompt: x, params: {prompt: y}}", "prompts[1].params.prompt", "under prompts"),
    ],
)
def test_a_wrong_prompt_is_named_by_its_place(
    workspace: JobWorkspace, item: str, key: str, part: str
) -> None:
    (found,) = workspace.problems(f"model: m\nprompts:\n- fine\n- {item}\n")
    assert (found.key, found.line) == (key, 4)
    assert part in str(found)


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(workspace: JobWorkspace) -> None:
    found = workspace.problems(
        """\
        modle: luma-txt-2-video
        model: luma-txt-2-video
        takes: 0
        params:
          aspect_ratio: 16:10
          lop: true
        matrix:
          loop: [maybe]
          aspect_ratio: []
        credits:
          gate: never
        output:
          name: "{{ oops"
        prompts:
          - {id: a/b, prompt: one}
          - id: two
            prompt: two
            params: {loop: perhaps}
          - {id: two, prompt: three}
        """
    )
    assert [(p.line, p.key) for p in found] == [
        (1, "modle"),
        (3, "takes"),
        (5, "params.aspect_ratio"),
        (6, "params.lop"),
        (8, "matrix.loop[0]"),
        (9, "matrix.aspect_ratio"),
        (11, "credits.gate"),
        (13, "output.name"),
        (15, "prompts[0].id"),
        (18, "prompts[1].params.loop"),
        (19, "prompts[2].id"),
    ]


def test_a_problem_is_one_line_whatever_a_key_holds(workspace: JobWorkspace) -> None:
    (found,) = workspace.problems('model: m\nprompts: [p]\n"bad\\nkey\\e[31m": 1\n')
    assert str(found).isprintable()


def test_a_missing_model_is_said_together_with_the_rest(workspace: JobWorkspace) -> None:
    found = workspace.problems("takes: 0\nprompts: [p]\n")
    assert sorted(p.key for p in found) == ["model", "takes"]
    assert "luma-txt-2-video" in str(found)


def test_a_broken_section_spoils_no_other(workspace: JobWorkspace) -> None:
    found = workspace.problems(
        """\
        model: m
        schedule: {window: x, timezone: y}
        notify: {to: 'a b', on: [5], at: 6}
        prompts: [p]
        """
    )
    assert [p.key for p in found] == [
        "schedule.window",
        "schedule.timezone",
        "notify.to",
        "notify.on[0]",
        "notify.at",
    ]


@pytest.mark.parametrize("text", ["model: m\n", "model: m\nprompts: []\n", "model: m\nprompt: x\n"])
def test_a_job_with_nothing_to_render_is_an_error(workspace: JobWorkspace, text: str) -> None:
    (found,) = workspace.problems(text)
    assert "nothing to render" in found.message


def test_a_likely_slip_in_the_models_name_is_a_warning(workspace: JobWorkspace) -> None:
    assert (
        "luma-txt-2-video" in workspace.job("model: luma-text-2-video\nprompts: [p]\n").warnings[0]
    )
    assert workspace.job("model: kling-2\nprompts: [p]\n").warnings == ()


@pytest.mark.parametrize(
    ("way", "line", "good", "bad"),
    [
        ("timeout text", "timeout: '{}'", ["90s", "1h30m", "1.5s"], ["", "s", "soon"]),
        ("rate", "rate: '{}'", ["60/minute", "1/S", "1.5 / s"], ["1..2/s", "./s"]),
        ("name", "name: '{}'", ["a b", " a", "1.5"], ["", " ", "a/b", ".a", " .a", "a\\b"]),
        ("id", "prompts: [{{id: '{}', prompt: p}}]", ["a b", "007"], ["", "a/b", ".a"]),
        (
            "key",
            "account: {{key: '{}'}}",
            ["SEGMIND_API_KEY_ACME", "ACME_KEY", "KEY", "A_TOKEN_2"],
            ["SG_0123456789abcdef", "sk-live-1", "SEGMIND", "MONKEY_1", "KEY ", "1_KEY", "a_KEY"],
        ),
        (
            "window",
            "schedule: {{window: '{}'}}",
            ["22:00-07:00", "2:00 - 7:00"],
            ["99:99-00:00", "24:00-7:00", "7:60-8:00"],
        ),
    ],
)
def test_an_editor_judges_a_text_as_the_loader_does(
    workspace: JobWorkspace, way: str, line: str, good: list[str], bad: list[str]
) -> None:
    made = schema()
    sections = [made, *(made["$defs"][name] for name in ("Prompt", "Schedule", "Account"))]
    key, *below = way.split()
    about = next(s["properties"][key] for s in sections if key in s["properties"])
    pattern = about["anyOf"][1]["pattern"] if below else about["pattern"]
    prompts = "" if "prompts" in line else PROMPTS
    for text in good:
        assert re.search(pattern, text)
        assert workspace.job(f"model: m\n{prompts}{line.format(text)}\n")
    for text in bad:
        assert not re.search(pattern, text)
        assert workspace.problems(f"model: m\n{prompts}{line.format(text)}\n")


def test_an_editor_refuses_a_timeout_of_nothing_and_a_list_without_prompts() -> None:
    made = schema()
    assert made["properties"]["timeout"]["exclusiveMinimum"] == 0
    assert made["properties"]["patience"]["exclusiveMinimum"] == 0
    assert made["anyOf"][0]["properties"]["prompts"]["minItems"] == 1


def test_an_editor_knows_the_providers_and_judges_parameters_for_those_that_take_the_same() -> None:
    made = schema()
    assert made["properties"]["provider"]["anyOf"][0]["enum"] == list(providers.names())
    rules = made["allOf"][0]["if"]
    assert rules["required"] == ["model"]  # a job that names no provider has the default
    assert providers.DEFAULT in rules["properties"]["provider"]["enum"]


def test_the_schema_describes_every_key_with_an_example() -> None:
    made = schema()
    json.dumps(made)
    sections = [made, *(d for name, d in made["$defs"].items() if "properties" in d)]
    for section in sections:
        for key, about in section["properties"].items():
            target = made["$defs"].get(about.get("$ref", "").removeprefix("#/$defs/"), {})
            assert about.get("description") or target.get("description"), key
            assert about.get("examples") or "properties" in target, key


def test_the_schema_knows_the_ratios_and_every_known_key() -> None:
    made = schema()
    assert set(made["properties"]) == set(Document.keys)
    luma = made["$defs"]["params.luma-txt-2-video"]
    assert luma["additionalProperties"] is False
    assert "21:9" in luma["properties"]["aspect_ratio"]["anyOf"][0]["enum"]
    assert '"null"' not in json.dumps(
        {k: v for k, v in made["properties"].items() if k != "matrix"}
    )


@pytest.mark.parametrize(
    ("expect", "where", "said"),
    [
        ("{aspect_ratio: wide}", "expect.aspect_ratio", "not a valid aspect ratio"),
        ("{aspect_ratio: 0:9}", "expect.aspect_ratio", "not a valid aspect ratio"),
        ("{audio: perhaps}", "expect.audio", "any, yes or no"),
        ("{min_duration: 9, max_duration: 4s}", "expect.max_duration", "at least min_duration"),
        ("{min_hight: 720}", "expect.min_hight", "min_height"),
    ],
)
def test_what_cannot_be_expected_is_refused(
    workspace: JobWorkspace, expect: str, where: str, said: str
) -> None:
    problem = workspace.wrong(f"{PROMPTS}expect: {expect}\n")
    assert where in problem
    assert said in problem


@pytest.mark.parametrize("written", ["16:9", "'16:9'", "1.85:1", "true", "no"])
def test_a_ratio_is_expected_as_it_is_written(workspace: JobWorkspace, written: str) -> None:
    job = workspace.job(f"{PROMPTS}model: m\nexpect: {{aspect_ratio: {written}}}\n")
    assert job.expect is not None
    assert job.expect.aspect_ratio == {"true": True, "no": False}.get(written, written.strip("'"))
