"""What a model accepts, where that is known; other models' parameters pass unchecked."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.api.provider import Parameter, Provider
from pipeline.job.problems import did_you_mean, nearest, shown
from pipeline.job.yaml.scalars import boolean
from pipeline.models import task_key


class Target(NamedTuple):
    """What parameters are for: a model of a provider."""

    provider: Provider
    model: str

    @property
    def parameters(self) -> Mapping[str, Parameter] | None:
        """What the model takes, by name; None if that is not known."""
        return self.provider.model(self.model).parameters

    @property
    def defaults(self) -> dict[str, Any]:
        """What is sent even when nobody asked."""
        return dict(self.provider.model(self.model).defaults)


class Wrong(NamedTuple):
    """A parameter that the model would not take."""

    key: str
    message: str
    hint: str | None


SEED, AUTO = "seed", "auto"
"""`seed: auto` in params is a seed made of the task's identity."""

# Fits a signed 32-bit number; 0 and below ask some models for chance.
_SEEDS = (1, 2**31 - 1)
_LONGEST_PATH = 1_000
# Letters that the models of one family begin with.
_FAMILY = 4
_PATH = re.compile(r"\.{1,2}[/\\]|~/|[A-Za-z]:[/\\](?!/)|\\\\\w|file:[/\\]", re.IGNORECASE)
_MEDIA_FILE = re.compile(
    r"\.(?:png|jpe?g|webp|gif|bmp|tiff?|heic|heif|avif|svg|mp4|m4v|mov|webm|mkv|avi"
    r"|mp3|wav|m4a|ogg|oga|opus|flac|aac)$",
    re.ASCII | re.IGNORECASE,
)


def wrong_params(
    target: Target,
    params: Mapping[str, Any],
    folder: Path,
    *,
    skip: Callable[[Any], bool] | None = None,
) -> Iterator[Wrong]:
    """Yield what the model would not take of `params`; values that `skip` says are not judged.

    `folder` is the job's: a file there would be sent as no more than its name.
    """
    rules = target.parameters
    for key, value in params.items():
        wrong: Wrong | None
        if key == "prompt":
            wrong = Wrong(key, "the prompt is not a parameter", "write it under prompts")
        elif rules is not None:
            wrong = _judged(rules, target.model, key, value, skip)
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
        f"{shown(value)} is a file on this machine: only its name would be sent",
        f"send the file itself: inputs: {{{key}: …}}; or write an address: https://…",
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
    rules: Mapping[str, Parameter],
    model: str,
    key: str,
    value: Any,
    skip: Callable[[Any], bool] | None,
) -> Wrong | None:
    rule = rules.get(key)
    if rule is None:
        return Wrong(key, f"{model} has no such parameter", did_you_mean(key, rules))
    if value is None:
        return Wrong(key, "this is empty", "write a value, or take the key out")
    if (skip is not None and skip(value)) or rule.accepts(value) or (key, value) == (SEED, AUTO):
        return None
    return Wrong(key, f"{shown(value)} is not {rule.kind}", rule.hint)


def with_booleans(params: dict[str, Any]) -> dict[str, Any]:
    """Take the words yes and no for what they mean, in the one parameter that is known."""
    loop = params.get("loop")
    if isinstance(loop, str):
        known = boolean(loop)
        if known is not None:
            return {**params, "loop": known}
    return params


def auto_seed(target: Target, task: str) -> int:
    """Make the seed of a task from its identity: the same at any time, for any take another one.

    It is in the range that the model's schema says, if it says one.
    """
    rule = (target.parameters or {}).get(SEED)
    schema = rule.schema if rule is not None else {}
    least, most = schema.get("minimum", _SEEDS[0]), schema.get("maximum", _SEEDS[1])
    least = max(int(least), _SEEDS[0])
    return least + int(task_key(task), 16) % max(int(most) - least + 1, 1)


def unlikely_model(target: Target) -> str | None:
    """Name the known model of the same family that an unknown one is probably a slip of."""
    model, models = target.model, target.provider.models
    names = [name for name, about in models.items() if about.parameters is not None]
    family = [name for name in names if name[:_FAMILY] == model[:_FAMILY]]
    return None if model in names or not family else nearest(model, names)
