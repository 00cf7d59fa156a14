"""What Segmind publishes of its models.

The parameters of the three Luma models are those of the vendor's page for luma-txt-2-video and of
its siblings; the prices and durations are those of the same pages.
"""

import re
from decimal import Decimal
from typing import Any

from pipeline.api.provider import Model, Parameter

ASPECT_RATIOS = ("1:1", "16:9", "4:3", "3:4", "9:16", "9:21", "21:9")

_URL = re.compile(r"https?://[^\s/?#]+\S*", re.ASCII | re.IGNORECASE)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_FRAME = Parameter("an http(s) address", "such as https://example.com/frame.png", _is_url)
_LUMA = {
    "aspect_ratio": Parameter(
        "an aspect ratio of this model",
        f"one of {', '.join(ASPECT_RATIOS)}",
        ASPECT_RATIOS.__contains__,
        ASPECT_RATIOS,
    ),
    "loop": Parameter("a boolean", "true or false", _is_boolean),
}
MODELS = {
    "luma-txt-2-video": Model(
        price=Decimal("0.95"),
        seconds=62.0,
        parameters=_LUMA,
        # The two copies of the vendor's page disagree on the default of `loop`.
        defaults={"loop": False},
    ),
    "luma-img-2-video": Model(parameters={**_LUMA, "start_frame": _FRAME, "end_frame": _FRAME}),
    "luma-ray-txt-2-video": Model(
        parameters={**_LUMA, "resolution": Parameter("a text", "such as 720p", _is_text)}
    ),
}
