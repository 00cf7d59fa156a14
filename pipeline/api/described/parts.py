"""Expressions, addresses, rules: the parts of a description, compiled."""

from typing import Any

from pipeline.api.described import document as doc
from pipeline.api.described import expressions, words
from pipeline.api.described.checking import check_rules
from pipeline.api.described.description import Address, Call, Handling, Media
from pipeline.api.described.expressions import Expression, Template
from pipeline.api.described.finding import Problems
from pipeline.api.described.rules import Rule
from pipeline.job.nodes import Way, pure
from pipeline.job.problems import InvalidError, did_you_mean, shown

_TOLD = ("status", "result")
NOTHING = expressions.expression("`null`")
"""Stands for an expression that cannot be compiled, so that the rest can be checked."""

_ANYWHERE = Template("/", frozenset())


class Parts:
    """Compiles what several keys of one description have in common."""

    def __init__(self, keys: doc.DescriptionKeys, problems: Problems) -> None:
        self._keys = keys
        self._problems = problems
        self._addresses: list[tuple[Way, str]] = []

    def _expression(self, way: Way, text: str | None, *, header: bool = True) -> Expression | None:
        if text is None:
            return None

        def make(written: str) -> Expression:
            return expressions.expression(written, header=header)

        return self._problems.take(way, text, make) or NOTHING

    def _template(
        self, way: Way, text: str, known: set[str], *, slash: bool | None = None
    ) -> Template:
        slash = self._keys.submit.slash if slash is None else slash

        def make(written: str) -> Template:
            if not written.startswith(("/", "https://", "http://")):
                raise InvalidError(
                    f"{shown(written)} is not an address", "a path of the provider: /v1/{model}"
                )
            return expressions.template(written, frozenset(known), slash=slash)

        self._addresses.append((way, text))
        return self._problems.take(way, text, make) or _ANYWHERE

    def _address(self, way: Way, text: str, known: set[str]) -> Address:
        """Read `$status or /requests/{id}`."""
        told, built = None, None
        for part in text.split(" or "):
            word = part.strip()
            if not word.startswith("$"):
                built = self._template(way, word, known)
                continue
            told = word[1:]
            handle = self._keys.submit.handle
            if told not in _TOLD or handle is None or getattr(handle, told) is None:
                there = [] if handle is None else [n for n in _TOLD if getattr(handle, n)]
                hint = did_you_mean(told, there) if there else "submit.handle tells no addresses"
                self._problems.add(way, f"${told} is not in submit.handle", hint, at=word)
        return Address(told, built)

    def _call(self, way: Way, keys: Any, known: set[str]) -> Call:
        """Read by which method something is asked, and with which body."""
        if keys.body is None:
            return Call(keys.method)
        if keys.method == words.Method.GET:
            message = "a question with a body is a POST"
            self._problems.add((*way, "body"), message, "method: POST")
        return Call(keys.method, self._leaf((*way, "body"), keys.body, frozenset(known)))

    def _leaf(
        self, way: Way, tree: Any, known: frozenset[str] = expressions.SENT
    ) -> expressions.Body | None:
        """Compile a body; each wrong leaf has its own place."""
        inner: list[tuple[Any, Any]] = list(tree.items()) if isinstance(tree, dict) else []
        inner = list(enumerate(tree)) if isinstance(tree, list) else inner
        before = len(self._problems.report.problems)
        for step, value in inner:
            self._leaf((*way, step), value, known)
        if len(self._problems.report.problems) > before:
            return None
        if inner:
            return expressions.body(tree, known)
        text = str(tree) if isinstance(tree, str) else ""
        return self._problems.take(way, text, lambda _: expressions.body(tree, known))

    def _handle(self, keys: doc.HandleKeys | None, way: Way) -> Handling | None:
        if keys is None:
            return None
        found = {name: getattr(keys, name) for name in _TOLD}
        addresses = {
            name: one
            for name, text in found.items()
            if (one := self._expression((*way, name), text)) is not None
        }
        return Handling(self._expression((*way, "id"), keys.id) or NOTHING, addresses)

    def _media(self, keys: doc.MediaKeys, way: Way) -> Media:
        form, media = keys.encode, None
        if keys.media == "$bytes":
            form = words.Form.BYTES
        elif form is words.Form.BYTES:
            self._problems.add((*way, "encode"), "bytes are the answer itself", "media: $bytes")
        else:
            media = self._expression((*way, "media"), keys.media)
        if way == ("result",) and form is not words.Form.URL:
            self._problems.add(
                (*way, "encode"),
                "an output that is asked for is fetched from an address",
                "encode: url",
            )
        names = ("id", "cost", "units", "remaining", "seconds", "seed")
        found = {name: self._expression((*way, name), getattr(keys, name)) for name in names}
        rules = self._rules(keys.rules, (*way, "rules"), submits=way == ("answer",))
        return Media(media=media, form=form, scale=keys.scale, rules=rules, **found)

    def _rules(
        self, rules: tuple[doc.RuleKeys, ...], way: Way, *, submits: bool = False
    ) -> tuple[Rule, ...]:
        made = list[Rule]()
        for index, keys in enumerate(rules):
            here = (*way, index)
            said = (keys.text or "").lower().split("|")
            made.append(
                Rule(
                    then=keys.then,
                    statuses=frozenset(keys.status),
                    where=self._expression((*here, "where"), keys.where),
                    values=tuple(pure(list(vars(keys)["is"]))),
                    words=tuple(filter(None, map(str.strip, said))),
                    charged=keys.charged,
                    why=keys.why or "",
                )
            )
        check_rules(made, way, self._problems, submits=submits)
        return tuple(made)
