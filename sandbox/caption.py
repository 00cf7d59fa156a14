"""The words over a clip: its prompt, its model and ratio, and that it is simulated."""

from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_WHITE = (255, 255, 255, 240)
_FAINT = (255, 255, 255, 190)
_AMBER = (255, 191, 64, 255)
_MARK = "SIMULATED"
_LARGEST, _SMALLEST = 20, 11  # points of the prompt
_LINES = 6
_LETTERS = 600  # what is longer never fits


@dataclass(frozen=True, slots=True)
class Caption:
    """A transparent picture to lay over every frame, and the bar that shows the time."""

    overlay: Image.Image

    def on(self, frame: Image.Image, moment: float | None) -> None:
        """Write it onto `frame`, at `moment` from 0 to 1, or without one."""
        frame.paste(self.overlay, (0, 0), self.overlay)
        if moment is None:
            return
        width, height = frame.size
        bar = (0, height - 3, round(width * moment), height)
        ImageDraw.Draw(frame).rectangle(bar, fill=_AMBER[:3])


def write(prompt: str, model: str, ratio: str, size: tuple[int, int]) -> Caption:
    """Set the caption of a clip of `size`."""
    margin = max(8, size[0] // 32)
    font, lines = _fit(prompt[:_LETTERS], size[0] - 2 * margin, size[1] // 3)
    step = _step(font)
    top = size[1] - margin - step * len(lines)
    overlay = _shade(size, 3 * margin + 12, top - 3 * margin)
    pen = ImageDraw.Draw(overlay)
    for number, line in enumerate(lines):
        pen.text((margin, top + number * step), line, fill=_WHITE, font=font)
    title = f"{model}  {ratio}"
    pen.text((margin, margin), title, fill=_FAINT, font=_font(12))
    taken = _font(12).getlength(title + _MARK) + 2 * margin + 16 > size[0]
    _stamp(pen, size[0] - margin, margin + (20 if taken else 0))
    return Caption(overlay)


def wrap(text: str, font: Font, width: float) -> list[str]:
    """Break `text` into lines of at most `width` pixels; a word too long breaks anywhere."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _fit(text: str, width: int, height: int) -> tuple[Font, list[str]]:
    """Choose the largest size at which the text fits; at the smallest, cut it."""
    for points in range(_LARGEST, _SMALLEST, -1):
        font = _font(points)
        lines = wrap(text, font, width)
        if len(lines) <= _LINES and len(lines) * _step(font) <= height:
            return font, lines
    font = _font(_SMALLEST)
    room = max(1, min(_LINES, height // _step(font)))
    lines = wrap(text, font, width)
    if len(lines) > room:
        lines = [*lines[: room - 1], lines[room - 1].rstrip() + "…"]
    return font, lines


def _stamp(pen: ImageDraw.ImageDraw, right: int, top: int) -> None:
    """Draw the mark."""
    font = _font(11)
    left = right - font.getlength(_MARK) - 8
    pen.rounded_rectangle((left - 4, top - 2, right, top + 15), 4, outline=_AMBER, width=1)
    pen.text((left + 1, top), _MARK, fill=_AMBER, font=font)


def _shade(size: tuple[int, int], head: int, foot: int) -> Image.Image:
    """Make a picture that darkens what is above `head` and below `foot`, ever more."""
    ramp = Image.linear_gradient("L").point(lambda light: min(190, round(light * 1.1)))
    shade = Image.new("L", size)
    shade.paste(ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((size[0], head)))
    shade.paste(ramp.resize((size[0], size[1] - foot)), (0, foot))
    overlay = Image.new("RGBA", size, (6, 8, 14))
    overlay.putalpha(shade)
    return overlay


def _step(font: Font) -> int:
    return round(getattr(font, "size", 12) * 1.25)


@cache
def _font(points: int) -> Font:
    return ImageFont.load_default(points)
