"""A description in words: one page, with its decisions, money, limits and hosts. Pure."""

from collections.abc import Iterator

from pipeline.api.described.description import Description
from pipeline.api.described.judging import DEFAULTS
from pipeline.api.described.rules import Rule
from pipeline.api.described.words import DECISIONS, At, By, Charged, Then

_ASKED: tuple[tuple[str, str], ...] = (
    ("no answer, 408, 425, 429, 5xx, another 4xx", "ask again"),
    ("401, 403", "stop the run (4); what was accepted waits"),
    ("404, 410, for a minute", "gone: in doubt"),
    ("a state that is not mapped", "ask again, and say so"),
)
_WORDS = {
    Then.RETRY: "retry",
    Then.AGAIN: "ask again",
    Then.GONE: "gone: in doubt",
    Then.THROTTLE: "ask again, later",
    Then.FAIL: "fail",
    Then.MODERATED: "fail: refused by moderation",
    Then.STOP: "stop the run (4)",
    Then.CREDITS: "stop the run (3)",
    Then.DOUBT: "in doubt",
}
_RESOLVES = {
    By.NONE: "an attempt whose answer was lost stays in doubt: nothing finds it again",
    By.HANDLE: "what has an id is asked for by it; without one an attempt stays in doubt",
    By.LIST: "an attempt whose answer was lost is looked for in the list of requests",
    By.RESEND: "an attempt whose answer was lost is sent again under its id, which charges once",
    By.LOOKUP: "an attempt whose answer was lost is asked for by the id that we chose",
}


def money(told: Description) -> str:
    """Say in one line what is known of money, and what will stop a run for it."""
    if told.billing is At.FREE:
        return "it costs nothing"
    cost = "answers report the cost" if told.tells_cost else "nothing reports the cost"
    if told.balance is not None:
        return f"{cost}, a call reports the balance: a run stops before that does not suffice"
    answer = told.answer or told.result
    if answer is not None and answer.remaining is not None:
        return f"{cost}, answers report the balance: a run stops before that does not suffice"
    if told.tells_cost:
        return f"{cost}, nothing reports the balance: credits.budget stops a run, else the provider"
    return (
        f"{cost}: credits.cost has to be written for a budget; else only the provider stops a run"
    )


def resolving(told: Description) -> tuple[str, str, str]:
    """Say how a lost request is found again, what it means that it is not, and for how long."""
    resolve = told.resolve
    how = {
        By.NONE: "not at all",
        By.HANDLE: "not at all",
        By.LIST: "in the provider's list of requests, by what was sent",
        By.LOOKUP: "by the id that `pipeline` chose for it",
        By.RESEND: "the same request under the same id is charged once",
    }[resolve.by]
    absent = "in doubt; each run asks again"
    if resolve.by in {By.NONE, By.HANDLE}:
        absent = "in doubt"
    elif resolve.by is By.RESEND:
        absent = "does not happen"
    elif resolve.is_proof:
        absent = f"not processed, {_span(resolve.settle)} after it was sent: it is sent again"
    span = "" if resolve.window is None else _span(resolve.window)
    return how, absent, span


def page(told: Description) -> Iterator[str]:
    """Write the page of a provider as Markdown."""
    yield f"# {told.name}"
    yield ""
    yield f"{told.about}."
    yield ""
    yield f"- grade: {told.grade}" + (f", checked {told.checked}" if told.checked else "")
    for where in told.docs:
        yield f"- docs: {where}"
    key = "no key" if told.header is None else f"the key is {told.env}, sent as `{told.header}`"
    yield f"- base URL: {told.base_url}; {key}"
    yield f"- hosts that get the key: {', '.join(told.hosts) if told.header else 'none'}"
    yield f"- money: {money(told)}"
    yield f"- after a kill: {_RESOLVES[told.resolve.by]}" + (
        "; what is not there was not processed" if told.resolve.is_proof else ""
    )
    yield f"- files: {_files(told)}"
    at_once = f"{told.concurrency} at once" if told.concurrency else ""
    limits = [at_once, f"{told.rate} submits" if told.rate else ""]
    yield f"- limits: {', '.join(filter(None, limits)) or 'none are known'}"
    if told.billing is At.SUBMIT:
        yield "- it charges when a request is accepted"
    for what, seconds in told.lives:
        yield f"- {what} for {_span(seconds)}"
    yield from _table("submit", _submit(told))
    if told.poll is not None:
        states = [(word, str(state)) for word, state in told.poll.states.items()]
        yield from _table("poll", [*_ruled(told.poll.rules), *_plain(states), *_plain(_ASKED)])
    if told.result is not None:
        fetched = [("an output that is not there, three times", "gone: in doubt")]
        failed = [("a failed request", _failure(told))]
        yield from _table("fetch", [*_ruled(told.result.rules), *_plain([*failed, *fetched])])


def _files(told: Description) -> str:
    """Say how files go in."""
    inputs = told.inputs
    most = f", at most {inputs.max_bytes / 1e6:g} MB" if inputs.max_bytes else ""
    usual = f"usually as {inputs.form}{most}"
    if inputs.upload is None:
        return usual
    goes = ", and put to an address in the answer, without the key" if inputs.upload.put else ""
    return f"{usual}; `form: upload` by {inputs.upload.method} {inputs.upload.url.text}{goes}"


def _submit(told: Description) -> list[tuple[str, str, str]]:
    rules = told.rules + (told.answer.rules if told.answer else ())
    rows = [(rule.shown, _WORDS[rule.then], "yes" if _costs(rule) else "") for rule in rules]
    return [*rows, *DEFAULTS]


def _costs(rule: Rule) -> bool:
    if rule.then is Then.DOUBT:
        return True
    return rule.then in {Then.FAIL, Then.MODERATED} and rule.then in DECISIONS and rule.may_cost()


def _ruled(rules: tuple[Rule, ...]) -> list[tuple[str, str, str]]:
    return [
        (rule.shown, _WORDS[rule.then], "yes" if rule.charged and _costs(rule) else "")
        for rule in rules
    ]


def _plain(
    rows: Iterator[tuple[str, str]] | list[tuple[str, str]] | tuple[tuple[str, str], ...],
) -> list[tuple[str, str, str]]:
    return [(what, then, "") for what, then in rows]


def _failure(told: Description) -> str:
    cost = {Charged.NEVER: "free", Charged.MAYBE: "may cost", Charged.ALWAYS: "costs"}
    return f"fail; {cost[told.failed.charged]}"


def _table(phase: str, rows: list[tuple[str, str, str]]) -> Iterator[str]:
    yield ""
    yield f"| {phase} | decision | may cost |"
    yield "|---|---|---|"
    for what, then, cost in rows:
        escaped = what.replace("|", "\\|")
        yield f"| {escaped} | {then} | {cost} |"


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
