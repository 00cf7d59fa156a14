"""What of a description is wrong although each of its keys is right."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from pipeline.api.described.description import Description
from pipeline.api.described.document import DescriptionKeys, FailedKeys, ResolveKeys, SubmitKeys
from pipeline.api.described.expressions import speaks_of
from pipeline.api.described.finding import Problems
from pipeline.api.described.kinds import HEADER_NAME
from pipeline.api.described.rules import Rule
from pipeline.api.described.words import DECISIONS, Absence, By, Charged, Then
from pipeline.job.nodes import Way
from pipeline.job.problems import did_you_mean, shown

_FIRST_CODE, _LAST_CODE = 100, 599
_ASKED = (Then.AGAIN, Then.GONE, Then.FAIL, Then.MODERATED, Then.STOP, Then.THROTTLE)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?", re.ASCII)
# They say where a request begins and ends, and to whom it goes.
_OF_THE_CONNECTION = frozenset({
    "connection", "content-encoding", "content-length", "expect", "host", "keep-alive", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check_rules(rules: Sequence[Rule], way: Way, problems: Problems, *, submits: bool) -> None:
    """Note rules that say too little, too much, or never match."""
    possible = tuple(DECISIONS) if submits else _ASKED
    for index, rule in enumerate(rules):
        here: Way = (*way, index)
        if rule.then not in possible:
            phase = "a submit" if submits else "a question, which is free,"
            message = f"{rule.then} cannot follow from the answer to {phase}"
            hint = did_you_mean(rule.then, possible) or f"one of {', '.join(possible)}"
            problems.add((*here, "then"), message, hint, at=rule.then)
        for code in rule.statuses:
            if not _FIRST_CODE <= code <= _LAST_CODE:
                message = f"{code} is no HTTP status"
                problems.add((*here, "status"), message, "from 100 to 599", at=str(code))
        if rule.values and rule.where is None:
            problems.add((*here, "is"), "is has no where", "where: error.code")
        if rule.then is Then.RETRY and rule.charged not in {None, Charged.NEVER}:
            message = "what may have been charged is never sent again: retry needs charged: never"
            problems.add((*here, "charged"), message, "then: doubt")
        hiding = next((n for n, one in enumerate(rules[:index]) if one.hides(rule)), None)
        if hiding is not None:
            message = f"this rule is never reached: {way[-1]}[{hiding}] matches before it"
            problems.add(here, message, "write what is special before what is general")


def check_address(url: str, way: Way, problems: Problems) -> None:
    """Note a base URL that the key must not go to."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        problems.add(way, "this is not a URL", "such as https://api.example.com", at=url)
        return
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        problems.add(way, "an https address is expected", "https://api.example.com", at=url)
    elif parts.scheme == "http" and host not in _LOOPBACK:
        message = "the key would be sent unencrypted, over plain http"
        problems.add(way, message, f"https://{host}", at=url)
    elif parts.username or parts.password or parts.query or parts.fragment:
        message = "a user, a password, a query or a fragment has no place here"
        problems.add(way, message, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", at=url)


def check_header(
    name: str, value: str, way: Way, problems: Problems, own: Sequence[str] = ()
) -> None:
    """Note a header that cannot be sent, or says how a request is sent, which is not its to say."""
    if not HEADER_NAME.fullmatch(name):
        problems.add(way, f"{shown(name)} is not the name of a header", "such as x-api-key")
    elif name.lower() in _OF_THE_CONNECTION:
        message = f"{name.lower()} is set for each request, and not by a description"
        problems.add(way, message, "leave it out", at=name)
    elif name.lower() in own:
        problems.add(way, f"{name.lower()} has the key, as auth says", "leave it out", at=name)
    if not (value.isascii() and value.isprintable()):
        message = f"{shown(value)} has letters that no header can hold"
        problems.add(way, message, "ASCII only", at=value)


def check_hosts(
    description: Description, addresses: Iterable[tuple[Way, str]], problems: Problems
) -> None:
    """Note hosts that would get the key and are not named."""
    for host in description.hosts[1:]:
        if not _HOST.fullmatch(host):
            message = "a host is expected, without scheme and path"
            problems.add(("auth", "hosts"), message, "such as api.example.com", at=host)
    for way, text in addresses:
        if not text.startswith(("http://", "https://")):
            continue
        host = urlsplit(text).netloc
        if host not in description.hosts:
            message = f"the key would go to {host}, which auth.hosts does not name"
            near = did_you_mean(host, description.hosts)
            hint = ", or ".join(filter(None, (near, f"auth: {{hosts: [{host}]}}")))
            problems.add(way, message, hint, at=text)
        elif text.startswith("http://") and description.hosts[0] != host:
            problems.add(way, "the key would be sent over plain http", "https://", at=text)


def check_resolve(description: DescriptionKeys, keys: ResolveKeys, problems: Problems) -> None:
    """Note what keeps a lost request from being found."""
    add = problems.add
    if keys.absence is Absence.PROOF and keys.by is not By.LOOKUP:
        hint = "absence: doubt; only what is asked for by an id of ours may be absent"
        add(("resolve", "absence"), "a list proves presence, never absence", hint, at="proof")
    asks = keys.by in {By.LIST, By.LOOKUP}
    needed: dict[str, str | None] = {"url": keys.url} if asks else {}
    if keys.by is By.LIST:
        needed |= {"rows": keys.rows, "sent": keys.sent, "created": keys.created}
        needed["id"] = keys.handle.id if keys.handle else keys.id
    for name in sorted(name for name, value in needed.items() if value is None):
        add(("resolve", "by"), f"by: {keys.by} needs {name}", f"{name}: …")
    of_model = keys.url is None or "{model}" in keys.url or "{app}" in keys.url
    if keys.by is By.LIST and keys.model is None and not of_model:
        message = "the list may hold requests of other models, which nothing tells apart"
        add(("resolve", "by"), message, "model: …, or {model} in its url")
    asks_by_once = "{once}" in (keys.url or "") or speaks_of("once", keys.body)
    if keys.by is By.LOOKUP and keys.url is not None and not asks_by_once:
        hint = "such as /v1/requests/{once}"
        add(("resolve", "url"), "a look-up asks by our own id, {once}", hint, at=keys.url)
    if keys.by in {By.LOOKUP, By.RESEND}:
        for way in _unnamed(description.submit):
            hint = 'such as headers: {idempotency-key: "{once}"}, or id: $once in its body'
            add(way, f"by: {keys.by}, and the submit does not send our id, once", hint)
    if keys.by is By.RESEND:
        check_resend(description, keys, problems)
    poll = description.poll
    asks_by_id = poll is not None and ("{id}" in poll.url or speaks_of("id", poll.body))
    if asks and poll is not None and keys.handle is None and not asks_by_id:
        hint = "such as $status or /v1/requests/{id}"
        add(("poll", "url"), "what is found again has no address of its own", hint, at=poll.url)


def check_resend(description: DescriptionKeys, keys: ResolveKeys, problems: Problems) -> None:
    """Note what keeps a request from being sent again under its id, charged once."""
    if keys.window is None:
        hint = "window: 24h, or as long as its page says"
        problems.add(("resolve", "by"), "by: resend needs window: how long an id holds", hint)
    if description.poll is None:
        message = "an output that comes with the answer cannot be asked for under the same id"
        problems.add(("resolve", "by"), message, "by: none, or poll and result", at="resend")


def check_failed(keys: FailedKeys, problems: Problems) -> None:
    """Note codes that would pay again for what may have been charged."""
    if keys.retry and keys.charged is not Charged.NEVER:
        message = "what may have been charged is never sent again: retry needs charged: never"
        problems.add(("failed", "retry"), message, "leave out retry, or say charged: never")
    if keys.retry and keys.code is None:
        problems.add(("failed", "retry"), "retry has no code", "code: error.code")


def _unnamed(submit: SubmitKeys) -> Iterator[Way]:
    """Find what is sent without our id: the usual request, or the one with inputs."""
    special = submit.with_inputs
    found: list[tuple[Way, Any, str]] = [(("submit",), submit.body, submit.path)]
    if special is not None:
        body = submit.body if special.body is None else special.body
        found.append((("submit", "with_inputs"), body, special.path or submit.path))
    in_headers = any("{once}" in text for text in submit.headers.values())
    for way, body, path in found:
        if not (in_headers or "{once}" in path or speaks_of("once", body)):
            yield way


def check_kind(keys: DescriptionKeys, problems: Problems) -> None:
    """Make sure that an output is either the answer, or asked for."""
    add, answer, poll = problems.add, keys.answer, keys.poll
    if answer is not None and poll is not None:
        message = "an output comes with the answer, or is asked for: not both"
        add(("answer",), message, "leave out answer, or poll and result")
    if answer is None and poll is None:
        hint = "answer: {media: …} if it is in the submit's own answer, else poll and result"
        add((), "it is not said how an output comes", hint)
    if poll is not None and keys.submit.handle is None:
        add(("submit",), "what is asked for needs an id: handle", "handle: {id: request_id}")
    if poll is not None and keys.result is None:
        add(("poll",), "there is no result: nothing says where the output is", "result: {…}")
