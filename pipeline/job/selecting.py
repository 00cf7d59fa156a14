"""Which tasks a word on the command line means: a full name, an id, or a pattern. Pure."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from fnmatch import translate
from itertools import chain, islice

# A take, which follows an id and its matrix values in a full name.
_TAKE = re.compile(r"#[0-9]+$")
_GLOB = re.compile(r"[*?\[]")
# Names among which the nearest is looked for: comparing many takes long.
_COMPARED = 20_000
_NEAREST = 3


def selected(pattern: str, tasks: Iterable[str]) -> list[str]:
    """Return those of `tasks` that a pattern means, in their order; see `meant`."""
    names = list(tasks)
    found = meant([pattern], names)[pattern]
    return [name for name in names if name in found]


def meant(patterns: Collection[str], tasks: Iterable[str]) -> dict[str, set[str]]:
    """Return for each pattern which of `tasks` it means; `tasks` is read once.

    A pattern is the full name of one; else the id of some, with all their values and takes; else a
    glob with `*` and `?`, in which brackets are those of a name, or a set as in a shell.
    """
    texts = {pattern: unicodedata.normalize("NFC", pattern.strip()) for pattern in patterns}
    words = frozenset(texts.values())
    globs = _by_beginning(text for text in words if _GLOB.search(text))
    lengths = {len(beginning) for beginning in globs}
    full: set[str] = set()
    of_id: defaultdict[str, set[str]] = defaultdict(set)
    of_glob: defaultdict[str, set[str]] = defaultdict(set)
    for name in tasks:
        if name in words:
            full.add(name)
        for each in words.intersection(_ids(name)):
            of_id[each].add(name)
        for text, expressions in chain.from_iterable(globs.get(name[:n], ()) for n in lengths):
            if any(expression.match(name) for expression in expressions):
                of_glob[text].add(name)
    return {
        pattern: {text} if text in full else of_id.get(text) or of_glob.get(text) or set()
        for pattern, text in texts.items()
    }


def called(task: str, words: Collection[str]) -> set[str]:
    """Return which of some words are the full name of a task, or its id."""
    return set(words).intersection(_ids(task)) if task.startswith(tuple(words)) else set()


def nearest(pattern: str, tasks: Iterable[str]) -> list[str]:
    """Return the ids that are spelled most like a pattern which means nothing, the best first."""
    from difflib import get_close_matches  # noqa: PLC0415 - seldom needed

    ids = dict.fromkeys(min(_ids(name), key=len) for name in islice(tasks, _COMPARED))
    return get_close_matches(pattern.strip(), ids, _NEAREST)


def _by_beginning(globs: Iterable[str]) -> dict[str, list[tuple[str, list[re.Pattern[str]]]]]:
    """Sort globs by what stands before their first sign: most cannot mean a given name."""
    found: defaultdict[str, list[tuple[str, list[re.Pattern[str]]]]] = defaultdict(list)
    for text in globs:
        found[_GLOB.split(text, maxsplit=1)[0]].append((text, _as_globs(text)))
    return dict(found)


def _as_globs(text: str) -> list[re.Pattern[str]]:
    as_written = text.replace("[", "[[]")
    return [re.compile(translate(one)) for one in dict.fromkeys((as_written, text))]


def _ids(name: str) -> Iterator[str]:
    """Yield what may be the id in a full name: an id may hold a bracket as well."""
    yield name
    name, takes = _TAKE.subn("", name)
    if takes:
        yield name
    if not name.endswith("]"):
        return
    for at in (found.start() for found in re.finditer(r"\[", name)):
        if "=" in name[at + 1 : -1].partition("[")[0]:
            yield name[:at]
