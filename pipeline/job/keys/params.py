"""What a model accepts, where that is known; other models' parameters pass unchecked.

The three Luma models' parameters are those of the vendor's page for luma-txt-2-video and of its
siblings.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.job.problems import did_you_mean, nearest, shown
from pipeline.job.yaml.scalars import boolean

PUBLISHED_PRICES = {"luma-txt-2-video": Decimal("0.95")}
"""Prices that the vendor publishes, in US dollars a generation."""

PUBLISHED_SECONDS = {"luma-txt-2-video": 62.0}
"""How long the vendor says that a generation takes, in seconds."""

ASPECT_RATIOS = ("1:1", "16:9", "4:3", "3:4", "9:16", "9:21", "21:9")


class Wrong(NamedTuple):
    """A parameter that the model would not take."""

    key: str
    message: str
    hint: str | None


Verdict = tuple[str, str | None] | None
Rule = Callable[[Any], Verdict]

_LONGEST_PATH = 1_000
_PATH = re.compile(r"\.{1,2}[/\\]|~/|[A-Za-z]:[/\\](?!/)|\\\\\w|file:[/\\]", re.IGNORECASE)
_MEDIA_FILE = re.compile(
    r"\.(?:png|jpe?g|webp|gif|bmp|tiff?|heic|heif|avif|svg|mp4|m4v|mov|webm|mkv|avi"
    r"|mp3|wav|m4a|ogg|oga|opus|flac|aac)$",
    re.ASCII | re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s/?#]+\S*", re.ASCII | re.IGNORECASE)


def _aspect_ratio(value: Any) -> Verdict:
    if isinstance(value, str) and value in ASPECT_RATIOS:
        return None
    return f"{shown(value)} is no aspect ratio of this model", f"one of {', '.join(ASPECT_RATIOS)}"


def _loop(value: Any) -> Verdict:
    return None if isinstance(value, bool) else (f"{shown(value)} is no boolean", "true or false")


def _url(value: Any) -> Verdict:
    if isinstance(value, str) and _URL.fullmatch(value):
        return None
    return f"{shown(value)} is no http(s) address", "such as https://example.com/frame.png"


def _text(value: Any) -> Verdict:
    good = isinstance(value, str) and value.strip()
    return None if good else (f"{shown(value)} is no text", "such as 720p")


_LUMA: dict[str, Rule] = {"aspect_ratio": _aspect_ratio, "loop": _loop}
RULES: dict[str, dict[str, Rule]] = {
    "luma-txt-2-video": _LUMA,
    "luma-img-2-video": {**_LUMA, "start_frame": _url, "end_frame": _url},
    "luma-ray-txt-2-video": {**_LUMA, "resolution": _text},
}


def wrong_params(
    model: str,
    params: Mapping[str, Any],
    folder: Path,
    *,
    skip: Callable[[Any], bool] | None = None,
) -> Iterator[Wrong]:
    """Yield what the model would not take of `params`; values that `skip` says are not judged.

    `folder` is the job's: a file there would be sent as no more than its name.
    """
    rules = RULES.get(model)
    for key, value in params.items():
        wrong: Wrong | None
        if key == "prompt":
            wrong = Wrong(key, "the prompt is no parameter here", "write it under prompts")
        elif rules is not None:
            wrong = _judged(rules, model, key, value, skip)
        else:
            wrong = _local_file(key, value, folder)
        if wrong is not None:
            yield wrong


def _local_file(key: str, value: Any, folder: Path) -> Wrong | None:
    """Judge a parameter that names a file of this machine: the API cannot read it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = next(filter(None, (_local_file(key, one, folder) for one in inner)), None)
    if not isinstance(value, str) or not is_local(value, folder):
        return found
    return Wrong(
        key,
        f"{shown(value)} is a file of this machine: its name alone would be sent",
        "put the file where the API can read it, and write its address: https://…",
    )


def is_local(value: str, folder: Path) -> bool:
    """Say whether a text is clearly the path of a file here.

    By its beginning; by its ending where there is such a file.
    """
    if len(value) > _LONGEST_PATH or "\n" in value:
        return False
    if _PATH.match(value):
        return True
    if not _MEDIA_FILE.search(value) or "://" in value:
        return False
    return value.startswith("/") or os.path.isfile(folder / value)  # noqa: PTH113 - raises never


def _judged(
    rules: dict[str, Rule], model: str, key: str, value: Any, skip: Callable[[Any], bool] | None
) -> Wrong | None:
    rule = rules.get(key)
    if rule is None:
        return Wrong(key, f"{model} has no such parameter", did_you_mean(key, rules))
    if value is None:
        return Wrong(key, "this is empty", "write a value, or take the key out")
    verdict = None if skip is not None and skip(value) else rule(value)
    return Wrong(key, *verdict) if verdict else None


def defaults(model: str) -> dict[str, Any]:
    """Give what is sent even when nobody asked.

    The two copies of the vendor's page disagree on the default of `loop`.
    """
    return {"loop": False} if model == "luma-txt-2-video" else {}


def with_booleans(params: dict[str, Any]) -> dict[str, Any]:
    """Take the words yes and no for what they mean, in the one parameter that is known."""
    loop = params.get("loop")
    if isinstance(loop, str):
        known = boolean(loop)
        if known is not None:
            return {**params, "loop": known}
    return params


def unlikely_model(model: str, known: Iterable[str] = RULES) -> str | None:
    """Name the known model that an unknown one is probably a slip of."""
    names = list(known)
    return None if model in names or not model.startswith("luma") else nearest(model, names)
