"""A description's keys → the compiled description; everything that is wrong is noted."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from pipeline.api.described import document as doc
from pipeline.api.described import expressions, words
from pipeline.api.described.checking import (
    check_address,
    check_failed,
    check_header,
    check_hosts,
    check_kind,
    check_resolve,
)
from pipeline.api.described.description import (
    Address,
    BalanceCall,
    Description,
    Failed,
    Handling,
    Poll,
    Resolve,
)
from pipeline.api.described.expressions import Template
from pipeline.api.described.filing import Filing
from pipeline.api.described.parts import NOTHING
from pipeline.api.provider import Model
from pipeline.job.keys.mappings import FaultsError, faults_at
from pipeline.job.nodes import Way, pure
from pipeline.job.problems import InvalidError, did_you_mean, shown


class Compiler(Filing):
    """Compiles one description."""

    def compile(self) -> Description:
        """Make the description; whoever asks for it looks at the problems first."""
        keys, submit = self._keys, self._keys.submit
        poll = None if keys.poll is None else self._poll(keys.poll)
        answer = None if keys.answer is None else self._media(keys.answer, ("answer",))
        result = None if keys.result is None else self._media(keys.result, ("result",))
        check_kind(keys, self._problems)
        made = Description(
            name=keys.provider,
            base_url=keys.base_url.rstrip("/"),
            about=keys.about or self._about(),
            docs=keys.docs,
            checked=keys.checked,
            grade=keys.grade,
            header=None if keys.auth is None else keys.auth.header.lower(),
            value="" if keys.auth is None else keys.auth.value,
            env=(keys.auth and keys.auth.env) or f"{variable_of(keys.provider)}_API_KEY",
            hosts=self._hosts(),
            method=submit.method,
            headers=self._headers(),
            usual=(usual := self._sending()),
            with_inputs=self._with_inputs(usual),
            handle=self._handle(submit.handle, ("submit", "handle")),
            rules=self._rules(submit.rules, ("submit", "rules"), submits=True),
            answer=answer,
            poll=poll,
            result=result,
            result_url=self._result_url(),
            failed=self._failed(),
            resolve=self._resolve(),
            balance=self._balance(),
            billing=keys.billing.at,
            concurrency=keys.limits.concurrency,
            rate=keys.limits.rate,
            inputs=self._inputs(),
            **self._models(),
            lives=self._lives(),
        )
        check_address(keys.base_url, ("base_url",), self._problems)
        check_hosts(made, self._addresses, self._problems)
        return made

    def _headers(self) -> dict[str, str]:
        auth = self._keys.auth
        own = () if auth is None else (auth.header.lower(),)
        for name, value in self._keys.submit.headers.items():
            way: Way = ("submit", "headers", name)
            self._problems.take(way, value, _header)
            check_header(name, value, way, self._problems, own)
        if auth is not None:
            check_header(auth.header, auth.value, ("auth",), self._problems)
        if auth is not None and "{key}" not in auth.value:
            message = "the key is not in it"
            self._problems.add(("auth", "value"), message, "such as Bearer {key}", at=auth.value)
        return {name.lower(): value for name, value in self._keys.submit.headers.items()}

    def _poll(self, keys: doc.PollKeys) -> Poll:
        states = dict[str, Any]()
        moderated = set[str]()
        for name, value in keys.states.items():
            word = str(value)
            if value is None or word not in words.STATES:
                message = f"the state {shown(name)} is mapped to " + (
                    "nothing" if value is None else f"{shown(word)}, which is no state"
                )
                known = f"one of {', '.join(words.STATES)}"
                hint = known if value is None else did_you_mean(word, words.STATES) or known
                self._problems.add(("poll", "states", name), message, hint)
                continue
            states[name] = words.STATES[word]
            moderated |= {name} if word == "moderated" else set()
        if keys.states and not any(str(word) == "done" for word in keys.states.values()):
            message = "no state is mapped to done: nothing would ever be fetched"
            self._problems.add(("poll", "states"), message, "such as COMPLETED: done")
        return Poll(
            url=self._address(("poll", "url"), keys.url, {"id", "model", "app", "once"}),
            call=self._call(("poll",), keys, {"id"}),
            state=self._expression(("poll", "state"), keys.state) or NOTHING,
            states=states,
            moderated=frozenset(moderated),
            every=keys.every,
            rules=self._rules(keys.rules, ("poll", "rules")),
        )

    def _result_url(self) -> Address | None:
        keys = self._keys.result
        if keys is None or keys.url is None:
            return None
        return self._address(("result", "url"), keys.url, {"id", "model", "app", "once"})

    def _failed(self) -> Failed:
        keys = self._keys.failed
        check_failed(keys, self._problems)
        return Failed(
            error=self._expression(("failed", "error"), keys.error),
            code=self._expression(("failed", "code"), keys.code),
            charged=keys.charged,
            moderated=tuple(map(str, keys.moderated)),
            retry=tuple(map(str, keys.retry)),
        )

    def _resolve(self) -> Resolve:
        keys = self._keys.resolve
        if keys is None:
            return Resolve(words.By.NONE)
        check_resolve(self._keys, keys, self._problems)
        names = ("rows", "sent", "created", "model", "state", "cost", "next")
        found = {
            name: self._expression(("resolve", name), getattr(keys, name), header=False)
            for name in names
        }
        known = {"model", "app", "once", "since", "until", "day", "page"}
        handle = self._handle(keys.handle, ("resolve", "handle"))
        if handle is None and keys.id is not None:
            handle = Handling(self._expression(("resolve", "id"), keys.id) or NOTHING)
        return Resolve(
            by=keys.by,
            url=None if keys.url is None else self._template(("resolve", "url"), keys.url, known),
            call=self._call(("resolve",), keys, known),
            handle=handle,
            settle=keys.settle,
            window=keys.window,
            compares_body=keys.compare is words.Compare.BODY,
            is_proof=keys.absence is words.Absence.PROOF,
            **found,
        )

    def _balance(self) -> BalanceCall | None:
        keys = self._keys.balance
        if keys is None:
            return None
        url = self._template(("balance", "url"), keys.url, set())
        value = self._expression(("balance", "value"), keys.value) or NOTHING
        call = self._call(("balance",), keys, {"once"})
        return BalanceCall(url, call, value, keys.scale)

    def _models(self) -> dict[str, Any]:
        models, units = dict[str, Model](), dict[str, Decimal]()
        for name, value in self._keys.models.items():
            try:
                keys = doc.ModelKeys.read(value)
            except (InvalidError, FaultsError) as error:
                for fault in faults_at(name, error):
                    self._problems.fault(fault, ("models",))
                continue
            models[name] = Model(price=keys.price, seconds=keys.median, defaults=pure(keys.params))
            if keys.unit is not None:
                units[name] = keys.unit
        return {"models": models, "units": units}

    def _lives(self) -> tuple[tuple[str, float], ...]:
        keys = self._keys
        output, resolve = keys.result or keys.answer, keys.resolve
        spans = {
            "a request is kept": keys.poll and keys.poll.lives,
            "an output is kept": output and output.lives,
            "what was lost can be found again": resolve and resolve.window,
            "an upload can be used": keys.inputs.upload and keys.inputs.upload.lives,
        }
        return tuple((what, seconds) for what, seconds in spans.items() if seconds)

    def _hosts(self) -> tuple[str, ...]:
        own = urlsplit(self._keys.base_url).netloc if "//" in self._keys.base_url else ""
        others = () if self._keys.auth is None else self._keys.auth.hosts
        return tuple(dict.fromkeys(filter(None, (own, *others))))

    def _about(self) -> str:
        if self._keys.answer is not None:
            return "described: one call, whose answer has the output"
        return "described: a call is answered with an id, by which its output is asked for"


def _header(text: str) -> Template:
    return expressions.template(text, frozenset({"once", "model"}))


def variable_of(name: str) -> str:
    """Return how the variables of a provider begin."""
    return name.upper().replace("-", "_")
