"""The document against its schema: every error with its line, its key and the nearest right one."""

from collections.abc import Iterator
from typing import Any

from pipeline.api import providers
from pipeline.job.keys.document import (
    AccountKeys,
    CreditsKeys,
    Document,
    ExpectKeys,
    Head,
    NotifyKeys,
    OutputKeys,
    PromptKeys,
    RetryKeys,
    ScheduleKeys,
)
from pipeline.job.keys.mappings import Fault, FaultsError, Flaw, Strict
from pipeline.job.keys.sources import ColumnsKeys, keys_of
from pipeline.job.nodes import Mapping, Sequence, Way, kind_of
from pipeline.job.problems import InvalidError, Report, nearest, shown

_SECTIONS: dict[str, type[Strict]] = {
    "output": OutputKeys,
    "retry": RetryKeys,
    "credits": CreditsKeys,
    "account": AccountKeys,
    "expect": ExpectKeys,
    "schedule": ScheduleKeys,
    "notify": NotifyKeys,
}
_SECRETS = frozenset({"key", "api_key", "apikey", "token", "secret", "x-api-key"})
_ELSEWHERE = {
    name: f"{section}.{name}" for section, model in _SECTIONS.items() for name in model.keys
} | {"aspect_ratio": "params.aspect_ratio", "loop": "params.loop", "price": "credits.cost"}
_ROUNDS = 5


def check_head(tree: Mapping, report: Report) -> Head | None:
    """Check everything but the inline prompts.

    What is wrong is reported and left out, so that the rest can be checked as well; None when
    too little is left.
    """
    rest: dict[str, Any] = {key: value for key, value in tree.items() if key != "prompts"}
    for tries in range(_ROUNDS):
        try:
            return Head.read(rest)
        except FaultsError as error:
            for fault in error.faults:
                # Later errors come of what was left out, not of what was written.
                if tries == 0:
                    _report(fault, (), report)
                rest = _without(rest, fault)
    return None


def check_prompts(tree: Mapping, report: Report) -> Iterator[tuple[int, int, PromptKeys]]:
    """Check the inline prompts; yields place in the list, line and prompt of the right ones."""
    prompts = tree.get("prompts")
    if prompts is None:
        return
    if not isinstance(prompts, Sequence):
        report.add(
            ("prompts",), f"a list is expected, not {kind_of(prompts)}", "one prompt a line: - …"
        )
        return
    for index, item in enumerate(prompts):
        if item is None:
            report.add(("prompts", index), "this prompt is empty", "write a text, or take it out")
            continue
        try:
            yield index, prompts.lines[index], PromptKeys.read(item)
        except InvalidError:
            message = f"a text or a mapping is expected, not {kind_of(item)}"
            report.add(("prompts", index), message)
        except FaultsError as error:
            for fault in error.faults:
                _report(fault, ("prompts", index), report)


def _without(rest: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """Leave out what is wrong."""
    first, *inner = fault.way
    missing = fault.flaw is Flaw.MISSING
    if missing and not inner:
        return {**rest, str(first): "unknown"}
    section = rest.get(str(first))
    if inner and isinstance(section, dict) and not missing:
        kept = {key: value for key, value in section.items() if key != inner[0]}
        return {**rest, str(first): kept}
    return {key: value for key, value in rest.items() if key != first}


def _report(fault: Fault, above: Way, report: Report) -> None:
    way = (*above, *fault.way)
    if fault.flaw is Flaw.UNKNOWN:
        report.add(way, fault.message, _text_with_a_colon(way, report) or _right_key(way, report))
    else:
        hint = _missing_hint(way) if fault.flaw is Flaw.MISSING else fault.hint
        _strip(way, report, fault.message, hint)


def _strip(way: Way, report: Report, message: str, hint: str | None) -> None:
    """Report at the place people wrote: a single text taken as a list of one has no item 0."""
    node: Any = report.tree
    for depth, step in enumerate(way):
        if not isinstance(node, dict | list):
            way = way[:depth]
            break
        node = node.get(step) if isinstance(node, dict) else node[int(step)]
    report.add(way, message, hint)


def _text_with_a_colon(way: Way, report: Report) -> str | None:
    """Say what `- Camera: pan left` should have been: for YAML it is a mapping of one key."""
    if len(way) != 3 or way[0] != "prompts":  # noqa: PLR2004 - prompts, its place, the key
        return None
    mapping = report.tree["prompts"][way[1]]
    key, value = str(way[2]), mapping[way[2]]
    if len(mapping) > 1 or isinstance(value, dict | list) or key.casefold() in PromptKeys.keys:
        return None
    written = f"{key}: {value or ''}".strip()
    near = nearest(key, PromptKeys.keys, alike=0.8)
    return f"quote the text: {shown(written)}" + (f", or did you mean {near}?" if near else "")


def _missing_hint(way: Way) -> str | None:
    if way[0] == "prompts_from":
        return "name the file, plan.xlsx, or a job: {job: stills.yaml}"
    return f"such as {providers.EXAMPLE_MODEL}" if way == ("model",) else None


def _right_key(way: Way, report: Report) -> str | None:
    """Say what an unknown key should have been."""
    *above, last = way
    name = str(last)
    if name.casefold() in _SECRETS:
        return f"secrets belong in the environment: {providers.get().key_variable}"
    known = _known(above, report)
    if above and name in Document.keys and name not in known:
        return f"{name} is a key of the job itself: write it at the left margin"
    near = nearest(name, known)
    if near is not None:
        return f"did you mean {near}?"
    if " " in name:
        return 'quote a text that contains ": "'
    if name in _ELSEWHERE:
        return f"did you mean {_ELSEWHERE[name]}?"
    return f"known: {', '.join(known)}"


def _known(above: list[Any], report: Report) -> list[str]:
    if not above:
        return list(Document.keys)
    if above[0] == "prompts_from":
        source: Any = report.tree["prompts_from"]
        if len(above) > 1 and isinstance(above[1], int) and isinstance(source, Sequence):
            source = source[above[1]]
        if above[-1] == "columns":
            return list(ColumnsKeys.keys)
        names = list(keys_of(source).keys)
        return names if {"file", "job"} & set(source) else [*names, "job"]
    model = PromptKeys if above[0] == "prompts" else _SECTIONS[str(above[0])]
    return list(model.keys)
