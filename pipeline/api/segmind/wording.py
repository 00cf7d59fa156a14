"""What the words of an answer mean: the prompt refused, no money, or neither. Pure.

Codes are overloaded: a 403 may be the key or the prompt, a 406 the balance or a parameter. All
texts here are lower case, without what was sent, which may itself speak of safety or credits.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

# Letters of the begin of what was sent that an answer does not hold by chance.
_SHORTEST_CUT = 20

# -- what was sent --------------------------------------------------------------------------------


def without_echoes(text: str, sent: Iterable[str]) -> str:
    """Give an answer's text in lower case, and without what it repeats of what was sent.

    Whole, or cut: a long prompt is often shown by its begin alone.
    """
    text = text.casefold()
    for form in {form for words in sent for form in _forms(words, len(text))}:
        for echo in (form, _begin_within(form, text)):
            if echo and echo in text:
                # Whole words: a prompt of one letter must not spoil the rest.
                end = r"(?!\w)" if echo == form else ""
                text = re.sub(rf"(?<!\w){re.escape(echo)}{end}", " ", text)
    return text


def _begin_within(form: str, text: str) -> str:
    """Find the longest begin of what was sent that a text holds; a short one is no echo."""
    if form[:_SHORTEST_CUT] not in text or len(form) <= _SHORTEST_CUT:
        return ""
    least, most = _SHORTEST_CUT, min(len(form), len(text))
    while least < most:  # what holds a longer begin holds a shorter one
        middle = (least + most + 1) // 2
        least, most = (middle, most) if form[:middle] in text else (least, middle - 1)
    return form[:least]


def texts(value: Any) -> Iterator[str]:
    """Find each text in parameters, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def _forms(sent: str, most: int) -> set[str]:
    """List how an answer of `most` letters may write what was sent.

    As it is, or escaped for JSON or HTML. What is longer may be a picture, and all that the answer
    can hold of it is its begin.
    """
    sent = sent[: most + 1]
    forms = (
        sent,
        json.dumps(sent)[1:-1],
        json.dumps(sent, ensure_ascii=False)[1:-1],
        html.escape(sent),
    )
    return {form.casefold() for form in forms if form.strip()}


# -- the prompt -----------------------------------------------------------------------------------

_MODERATION = re.compile(
    r"moderat(ion|ed|or)|safety|nsfw|content.(polic|filter)|prohibited.content"
)
_BLOCKED = re.compile(r"\bblocked\b")
_HTML = re.compile(r"^\ufeff?\s*<(!doctype|!--|\?xml|html|head|body|title|h1)")
# Whoever is blocked here is the caller, not the prompt.
_CALLER = (
    r"\b(account|api.?key|ip|ip address|organi[sz]ation|team|user|subscription|plan|billing)\b"
)
_BLOCKED_CALLER = re.compile(rf"{_CALLER}[^.]{{0,30}}\bblocked\b|\bblocked\b[^.]{{0,20}}{_CALLER}")
_LOCKED_OUT = re.compile(
    r"\b(account|api.?key|organi[sz]ation|team|subscription)\b"
    r"[^.]{0,30}\b(suspended|disabled|banned|terminated|deactivated|restricted|locked)\b"
)
# That the service failed, and not that it judged.
_MACHINE = re.compile(
    r"out of memory|\boom\b|\bcuda\b|unavailable|time[ds]?.?out|overload|too many requests"
    r"|crash|connection|unreachable|not (loaded|ready|running|responding)|\bdown\b"
    r"|capacity|\bbusy\b"
)
_MADE = r"\b(prompt|content|input|output|image|video|frame|generation|text)s?\b"
_SENT = rf"({_MADE}|\brequests?\b)"
_TURNED_DOWN = (
    r"\b(refused|rejected|blocked|flagged|violat\w*|prohibited|denied|disallowed|filtered"
    r"|declined|moderated|detected|not allowed|inappropriate|unsafe|moderation failed"
    r"|failed moderation)\b"
)


def _near(one: str, other: str) -> re.Pattern[str]:
    return re.compile(rf"{one}[^.]{{0,60}}{other}|{other}[^.]{{0,60}}{one}")


_JUDGED = _near(_SENT, _TURNED_DOWN)
_MADE_BLOCKED = _near(_MADE, r"\bblocked\b")
_NAMED = re.compile(r"content polic\w* violation|prohibited content")


def refuses_the_prompt(said: str) -> bool:
    """Say whether a refusal's words are about safety, and not about the caller."""
    if _HTML.match(said) or _LOCKED_OUT.search(said):
        return False
    blocked = _BLOCKED.search(said) and not _BLOCKED_CALLER.search(said)
    return bool(_MODERATION.search(said) or blocked)


def judges_the_prompt(said: str) -> bool:
    """Say whether the words leave no doubt that what was sent was judged, and turned down.

    "safety_checker: out of memory" speaks of safety, and judges nothing.
    """
    if not refuses_the_prompt(said):
        return False
    said = said.replace("_", " ")
    if _MACHINE.search(said):
        return False
    about_safety = _MODERATION.search(said) and _JUDGED.search(said)
    return bool(about_safety or _NAMED.search(said) or _MADE_BLOCKED.search(said))


# -- money ----------------------------------------------------------------------------------------

_NO_CREDITS = re.compile(
    r"\b(not enough|insufficient|out of|no|low|lack\w*|exhaust\w*|exceed\w*)\b"
    r"[^.]{0,30}\b(credit|balance|fund)"
    r"|(\bnot|n't)\b[^.]{0,15}\b(enough|sufficient)\b[^.]{0,30}\b(credit|balance|fund)"
    r"|\b(credit|balance|fund)s?\b[^.]{0,30}"
    r"\b(insufficient|too low|exhaust|exceed|not enough|run out|required|needed)"
    r"|\b(credit|balance|fund)s?\b[^.]{0,10}\bmust be (at least|above|more|topped)"
    r"|\b(add|buy|purchase|recharge|refill)\b[^.]{0,20}\b(credit|balance|fund)"
    r"|\b(spend\w{0,10}|budget|usage|billing|credit) (hard |soft )?(limit|cap)"
    # A limit alone may be one of length or number.
    r"|\b(spend\w*|budget|usage|billing|credit|monthly|plan|team)\b[^.]{0,30}"
    r"limit\b[^.]{0,10}\b(reached|exceeded)"
    r"|\blimit (has been |was )?(reached|exceeded)[^.]{0,30}"
    r"\b(spend\w*|budget|billing|credit|monthly|plan|team)\b"
    r"|\bquota\b[^.]{0,20}\b(exceed|exhaust|reach)|\b(insufficient|exceed\w*)[^.]{0,20}\bquota\b"
    r"|payment required|top(ped)?.?up|\b0(\.0+)? credits"
)
# Says that nothing was paid, not that nothing is left.
_NOT_CHARGED = re.compile(
    r"\bno credits?\b[^.]{0,20}\b(charged|used|deducted|taken|consumed)\b"
    r"|\bnot (been )?(charged|billed|deducted)\b"
)
_BAD_REQUEST = re.compile(r"content.?type|parameter|\bparam\b|invalid|not supported|must be")
# Speaks of the request where nothing speaks of money.
_REFUSED = re.compile(
    r"unsupported|not allowed|out of range|rejected"
    r"|\b(length|characters?|tokens?|words|duration|resolution|pixels|file size)\b"
    r"|\btoo (long|large|big|short|small|many)\b"
)
# No other meaning is left: these count with codes that speak of something else, too.
_GONE = re.compile(
    r"\binsufficient ((?!request|rate)\w+ ){0,2}(credit|balance|fund)s?\b"
    r"|(?<!white )(?<!color )(?<!colour )\bbalance (is |was )?"
    r"(insufficient|too low|exhausted|empty|depleted|not enough|not sufficient)\b"
    r"|(\bnot|n't)( have)? (enough|sufficient) ((?!request|rate)\w+ )?(credit|fund|balance)s?\b"
    r"|\b(run|ran|are|is) out of (\w+ )?(credit|fund)s?\b|\bout of credits?\b"
    r"|\bno (more )?credits? (left|remaining|available|found)\b"
    r"|\b(credit|fund)s? (are |is |have been |has been |have )?"
    r"(exhausted|depleted|used up|insufficient|too low|run out|ran out)\b"
    r"|\b0(\.0+)? credits (left|remaining|available)\b"
    r"|\binsufficient(credit|balance|fund)s?\b"
    r"|\b(spend\w*|budget|billing|credit) (hard |soft )?(limit|cap|quota) "
    r"(is |was |has been )?(reached|exceeded|exhausted)\b"
    r"|\bpayment required\b"
)
_QUOTA_GONE = re.compile(
    r"\binsufficient quota\b|\bquota\b[^.]{0,60}\b(billing|plan and|credits?)\b"
)
# A quota of requests is a matter of pace.
_PACE = re.compile(
    r"\b(per|an?|every|each|/) ?(second|minute|hour|day|sec|min)\b|\brp[mds]\b|\brates?\b"
    r"|\brequests\b|\brequest (rate|limit|quota)\b|\b(re)?try( again)? (in|after)\b|\bconcurren"
)
_TAG = re.compile(r"<[^<>]*>")
# What is longer, in characters, is no prompt but a picture.
_NO_PROSE = 100_000


def _of_money(said: str) -> str:
    # Without markup, whose "content-type" is no news, and with INSUFFICIENT_CREDITS as words.
    words = _TAG.sub(" ", said).replace("_", " ").replace("-", " ")
    return " ".join(_NOT_CHARGED.sub(" ", words).split())


def about_money(said: str) -> bool | None:
    """Read a 406: True for credits or a spend limit, False for the request, None if unsure."""
    said = _of_money(said)
    if _NO_CREDITS.search(said):
        return None if _BAD_REQUEST.search(said) else True
    return False if _BAD_REQUEST.search(said) or _REFUSED.search(said) else None


def says_the_credits_are_gone(said: str, sent: Iterable[str]) -> bool:
    """Say whether the words leave no doubt that nothing is left to pay with.

    Words that were sent prove nothing, also where the answer repeats a part of them.
    """
    said = _of_money(said)
    found = {match.group() for match in _GONE.finditer(said)}
    if not _PACE.search(said):
        found |= {match.group() for match in _QUOTA_GONE.finditer(said)}
    if not found:
        return False
    repeated = [" ".join(one.casefold().split()) for one in sent if len(one) < _NO_PROSE]
    return any(not any(words in one for one in repeated) for words in found)
