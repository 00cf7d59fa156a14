"""What is wrong with a description is said with line, column and the nearest right thing."""

from pathlib import Path

import pytest
from support.invented_api import AT_ONCE, OWN_IDS, SAME_ID, TICKETS

from pipeline.api.described.loading import load
from pipeline.cli.edge import run_command
from pipeline.errors import JobFileError

# What is written wrong, in place of what; then a part of the message, of the hint, and the text
# at which the column points.
UP = "{url: /up, found: at}"
BROKEN = [
    (TICKETS, "submit:\n", "submitt:\n", "unknown key", "did you mean submit?", "submitt:"),
    (TICKETS, "  state: mood", "  stat: mood", "unknown key", "did you mean state?", "stat:"),
    (TICKETS, "then: retry", "thn: retry", "unknown key", "did you mean then?", "thn:"),
    (TICKETS, "then: retry", "then: retri", '"retri" is not a valid', "did you mean retry?", None),
    (TICKETS, "url: $status or", "url: $stauts or", "$stauts is not in", "mean status?", "$stauts"),
    (TICKETS, "/orders/{id}\n", "/orders/{idd}\n", "{idd} is not known", "mean id?", "{idd}"),
    (TICKETS, '"frame[].at"', '"frame[.at"', "not a JMESPath", "quote it", ".at"),
    (TICKETS, "$omit(params", "$omitt(params", 'no function "omitt"', "mean omit?", "omitt("),
    (TICKETS, "pondering: waiting", "pondering: wating", "which is no state", "waiting?", None),
    (TICKETS, "hung: done", "hung: running", "mapped to done", "COMPLETED: done", None),
    (TICKETS, "torn: failed", "torn: ", "mapped to nothing", "one of waiting", "torn"),
    (
        TICKETS,
        "https://zap.example\n",
        "http://zap.example\n",
        "plain http",
        "https://zap",
        "http:",
    ),
    (TICKETS, "/ledger?", "https://books.example/ledger?", "would go to books", "hosts", "https:"),
    (TICKETS, "by: list", "by: lits", '"lits" is not a valid', "did you mean list?", None),
    (TICKETS, "  more: x", "  absence: proof\n", "never absence", "absence: doubt", "proof"),
    (TICKETS, "  rows: book\n", "", "needs rows", "rows: ", None),
    (
        TICKETS.replace("of={model}&", ""),
        "compare: body\n  created: when\n  model: kind\n",
        "created: when\n",
        "of other models",
        "{model}",
        None,
    ),
    (TICKETS, "Pass {key}", "Pass {kye}", "the key is not in it", "Bearer {key}", "Pass {kye}"),
    (TICKETS, "env: ZAP_PASS", "env: AWS_SECRET", "must begin with ZAP_", "ZAP_API_KEY", "AWS"),
    (TICKETS, "provider: zap", "provider: fal", "name of a service", "call it my-fal", "fal"),
    (
        TICKETS,
        "    - {status: 418,",
        "    - {status: [418, 500], then: doubt}\n    - {status: 418,",
        "never reached: rules[0]",
        "special before",
        None,
    ),
    (TICKETS, "status: 418", "status: 4018", "4018 is no HTTP status", "100 to 599", "4018"),
    (TICKETS, "then: retry,", "then: retry, charged: maybe,", "never sent again", "doubt", None),
    (TICKETS, "then: retry,", "then: gone,", "cannot follow", "known: retry", "gone"),
    (TICKETS, "  handle: {id: order.ticket, status: order.look}\n", "", "needs an id", "han", None),
    (OWN_IDS, "/mine/{once}", "/mine/first", "by our own id", "{once}", "/mine/first"),
    (SAME_ID, ", window: 24h", "", "resend needs window", "window: 24h", None),
    (
        SAME_ID,
        (
            'headers: {x-zap-once: "{once}"}\n'
            '  body: {what: "$params.prompt", name: $once, width: "$params.width"}'
        ),
        "body: $params",
        "does not send our id",
        "once",
        None,
    ),
    (
        AT_ONCE,
        "answer:",
        "resolve: {by: resend, window: 1h}\nanswer:",
        "cannot be asked for",
        "by: none",
        "resend",
    ),
    (TICKETS, "charged: never", "charged: never, retry: [7]", "retry has no code", "code: ", None),
    (TICKETS, "charged: never", "code: a, retry: [7]", "never sent again", "charged: never", None),
    (OWN_IDS, "name: $once, ", "", "does not send our id", "once", None),
    (
        OWN_IDS,
        "  handle: {id: order",
        "  with_inputs: {body: $inputs}\n  handle: {id: order",
        "does not send our id",
        "once",
        "with_inputs",
    ),
    (
        AT_ONCE,
        "answer:",
        "poll: {url: /x, state: a, states: {a: done}}\nanswer:",
        "not both",
        "",
        None,
    ),
    (AT_ONCE, "answer: {", "anser: {", "unknown key", "did you mean answer?", "anser"),
    (AT_ONCE, "body: $params", "body: $merge(params, a)", "unknown key", "comma", None),
    (AT_ONCE, "body: $params", "body: $parms", '"parms" is not known', "mean params?", "parms"),
    (AT_ONCE, "answer:", "cancel: {url: /x}\nanswer:", "unknown key", "nothing that was", "cancel"),
    (TICKETS, "status: order.look", "cancel: order.look", "unknown key", "is cancelled", None),
    (TICKETS, "  state: mood", "  body: {a: $id}\n  state: mood", "is a POST", "method: P", "body"),
    (
        TICKETS,
        "  state: mood",
        "  method: POST\n  body: {a: $ids}\n  state: mood",
        '"ids" is not known',
        "did you mean id?",
        "ids",
    ),
    (TICKETS, "  state: mood", "  method: PATCH\n  state: mood", "is not a valid", "", None),
    (AT_ONCE, "answer:", "inputs: {as: multipart}\nanswer:", "parts of a form", "encode", None),
    (AT_ONCE, "answer:", "inputs: {as: upload}\nanswer:", "how a file is uploaded", "url", None),
    (AT_ONCE, "answer:", f"inputs: {{upload: {UP}}}\nanswer:", "file is not in it", "put:", None),
    (
        AT_ONCE,
        "body: $params",
        "encode: multipart, body: [1]",
        "a form has fields",
        "$merge",
        "body",
    ),
    (
        AT_ONCE,
        "body: $params",
        "body: [$params], with_inputs: {encode: multipart}",
        "a form has fields",
        "$merge",
        None,
    ),
    (
        AT_ONCE,
        "answer:",
        f"inputs: {{upload: {UP[:-1]}, multipart: b, body: [1]}}}}\nanswer:",
        "a form has fields",
        "$merge",
        None,
    ),
    (
        AT_ONCE,
        "answer:",
        f"inputs: {{upload: {UP[:-1]}, put: a, multipart: b}}}}\nanswer:",
        "would be sent twice",
        "put:",
        None,
    ),
    (
        AT_ONCE,
        "answer:",
        f"inputs: {{upload: {UP[:-1]}, body: {{a: $bytes}}}}}}\nanswer:",
        "no part of JSON",
        "$base64",
        None,
    ),
    (
        AT_ONCE,
        "answer:",
        f"inputs: {{upload: {UP[:-1]}, body: {{a: $base46}}}}}}\nanswer:",
        '"base46" is not known',
        "mean base64?",
        "base46",
    ),
    (
        AT_ONCE,
        "answer:",
        'inputs: {upload: {url: "https://up.example/x", found: a, multipart: b}}\nanswer:',
        "go to up.example",
        "hosts",
        None,
    ),
]


@pytest.mark.parametrize(("text", "right", "wrong", "message", "hint", "at"), BROKEN)
def test_it_is_refused_where_it_is_wrong(  # noqa: PLR0913, PLR0917 - one row of the table
    tmp_path: Path, text: str, right: str, wrong: str, message: str, hint: str, at: str | None
) -> None:
    if right == "  more: x":
        broken = text + wrong
    else:
        assert right in text
        broken = text.replace(right, wrong, 1)
    file = tmp_path / "zap.yaml"
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(JobFileError) as caught:
        load(file)
    lines = broken.splitlines()
    found = [one for one in caught.value.problems if message in one.message]
    assert found, str(caught.value)
    problem = found[0]
    assert hint in (problem.hint or "")
    assert problem.line
    if at is not None:
        assert problem.column
        assert lines[problem.line - 1][problem.column - 1 :].startswith(at), str(problem)
        assert str(problem).startswith(f"{file}:{problem.line}:{problem.column}: ")


def test_everything_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "zap.yaml"
    broken = TICKETS.replace("mood\n", '"mood["\n').replace("frame[].at", "frame[.at")
    file.write_text(broken.replace("hung: done", "hung: don"), encoding="utf-8")
    assert run_command(["providers", "check", str(file)]) == 2
    told = capsys.readouterr().err
    assert told.count("is not a JMESPath expression") == 2
    assert "did you mean done?" in told


def test_a_job_with_a_broken_description_is_refused_with_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "zap.yaml").write_text(TICKETS.replace("hung: done", "hung: don"), encoding="utf-8")
    job = tmp_path / "job.yaml"
    job.write_text("provider: zap.yaml\nmodel: brush\nprompts: [a pier]\n", encoding="utf-8")
    assert run_command(["check", str(job)]) == 2
    told = capsys.readouterr().err
    assert "job.yaml:1" in told
    assert "zap.yaml:" in told
    job.write_text("provider: nope.yaml\nmodel: brush\nprompts: [a pier]\n", encoding="utf-8")
    assert run_command(["check", str(job)]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff\xfe", b"a: &a [*a]", b"provider: [\n", b"\0"])
def test_what_is_no_description_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "zap.yaml"
    file.write_bytes(data)
    with pytest.raises(JobFileError):
        load(file)


def test_a_right_one_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "zap.yaml"
    file.write_text(TICKETS, encoding="utf-8")
    assert run_command(["providers", "check", str(file)]) == 0
    assert run_command(["providers", "show", str(file)]) == 0
    page = capsys.readouterr().out
    assert "the kettle was not on" not in page
    assert "| 418 | retry |  |" in page
    assert "zap.example" in page


@pytest.mark.parametrize(("text", "warned"), [(OWN_IDS, True), (TICKETS, False)])
def test_a_404_that_would_prove_something_is_to_be_tried_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, warned: bool
) -> None:
    file = tmp_path / "zap.yaml"
    file.write_text(text, encoding="utf-8")
    assert run_command(["providers", "check", str(file)]) == 0
    assert ("Try /mine/{once} once" in capsys.readouterr().err) is warned


def test_the_one_of_the_documentation_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    examples = Path(__file__).parents[3] / "docs" / "examples"
    text = (examples / "my-api.yml").read_text(encoding="utf-8")
    guide = examples.parent / "how-to" / "describe-your-api.md"
    assert text in guide.read_text(encoding="utf-8")
    assert run_command(["check", str(examples / "described.yaml")]) == 0
    assert "Money: answers report the cost" in capsys.readouterr().out
