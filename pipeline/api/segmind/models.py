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


def _frame(place: str) -> Parameter:
    return Parameter(
        kind="an http(s) address",
        hint="such as https://example.com/frame.png",
        accepts=_is_url,
        about=f"Address of the {place} image.",
        example=f"https://example.com/{place}.png",
        schema={"type": "string", "pattern": "^[hH][tT][tT][pP][sS]?://"},
    )


_LUMA = {
    "aspect_ratio": Parameter(
        kind="an aspect ratio of this model",
        hint=f"one of {', '.join(ASPECT_RATIOS)}",
        accepts=ASPECT_RATIOS.__contains__,
        about="Shape of the frame, width to height. The model's default is 1:1.",
        example="16:9",
        schema={"enum": list(ASPECT_RATIOS)},
    ),
    "loop": Parameter(
        kind="a boolean",
        hint="true or false",
        accepts=_is_boolean,
        about="Whether the clip's end leads back into its beginning. Default: false.",
        example=False,
        schema={"type": "boolean"},
    ),
}
_RESOLUTION = Parameter(
    kind="a text",
    hint="such as 720p",
    accepts=_is_text,
    about="Size of the picture.",
    example="720p",
    schema={"type": "string"},
)
MODELS = {
    "luma-txt-2-video": Model(
        price=Decimal("0.95"),
        seconds=62.0,
        parameters=_LUMA,
        # The two copies of the vendor's page disagree on the default of `loop`.
        defaults={"loop": False},
    ),
    "luma-img-2-video": Model(
        parameters={**_LUMA, "start_frame": _frame("first"), "end_frame": _frame("last")}
    ),
    "luma-ray-txt-2-video": Model(parameters={**_LUMA, "resolution": _RESOLUTION}),
}
