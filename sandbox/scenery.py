"""Paints the scene of a clip: a sky with a sun, and three silhouettes one behind the other."""

import colorsys
import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from sandbox.camera import View

Size = tuple[int, int]
Colour = tuple[int, int, int]
Outline = list[tuple[float, float]]
# Draws an outline with some randomness, how near it is, and how much wider than high the frame.
_Draws = Callable[[random.Random, float, float], Outline]

_WIDER = 1.6  # how much wider than the frame a layer is, so that the camera has room
_TALLER = 1.4
_CLOSER = 1.3  # the zoom of a whole push
_FINE = 2  # silhouettes are painted larger, and reduced for smooth edges


@dataclass(frozen=True, slots=True)
class Layer:
    """A silhouette: a colour, where it is, and how near, from 0 (the horizon) to 1."""

    colour: Colour
    mask: Image.Image
    depth: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A painted scene, ready to be looked at from anywhere."""

    size: Size
    sky: Image.Image
    layers: tuple[Layer, ...]
    motes: tuple[tuple[float, float, float], ...]  # x, y, depth
    glint: Colour

    def seen(self, view: View, moment: float) -> Image.Image:
        """Paint the frame at `moment`, from 0 to 1."""
        canvas = self.sky.copy()
        for layer in self.layers:
            x, y = _shift(view, layer.depth, self.size)
            left = (self.size[0] - layer.mask.width) / 2 + x
            top = self.size[1] - layer.mask.height / _TALLER + y
            canvas.paste(layer.colour, (round(left), round(top)), layer.mask)
        self._scatter(canvas, view, moment)
        return _zoomed(canvas, view.zoom)

    def _scatter(self, canvas: Image.Image, view: View, moment: float) -> None:
        """Let specks of light drift through the picture, once around in a clip."""
        draw = ImageDraw.Draw(canvas, "RGBA")
        width, height = self.size
        for x, y, depth in self.motes:
            shift_x, shift_y = _shift(view, depth, self.size)
            turn = math.tau * (moment + x)
            at_x = (x * width + shift_x + 6 * math.sin(turn)) % width
            at_y = (y * height + shift_y + 4 * math.cos(turn)) % height
            light = round(70 + 60 * math.sin(turn + y))
            radius = 0.5 + depth
            around = (at_x - radius, at_y - radius, at_x + radius, at_y + radius)
            draw.ellipse(around, fill=(*self.glint, light))


def paint(look: str, size: Size) -> Scene:
    """Paint a scene; `look` decides all of it."""
    draw = random.Random(look)  # noqa: S311 - looks, not secrets
    hue = draw.random()
    above, horizon = _rgb(hue, 0.6, draw.uniform(0.12, 0.6)), _rgb(hue + 0.35, 0.5, 0.95)
    ink = _mixed(above, (8, 10, 18), 0.65)
    outline = draw.choice((_hills, _peaks, _dunes))
    layers = tuple(
        Layer(
            _mixed(horizon, ink, 0.35 + 0.6 * near),
            _silhouette(outline(draw, near, size[0] / size[1]), size),
            0.15 + 0.85 * near,
        )
        for near in (0.0, 0.45, 1.0)
    )
    motes = tuple((draw.random(), draw.random() * 0.8, draw.random()) for _ in range(24))
    sky = _sky(size, above, horizon, draw)
    glint = _mixed(horizon, (255, 255, 255), 0.6)
    return Scene(size, sky, layers, motes, glint)


def _shift(view: View, depth: float, size: Size) -> tuple[float, float]:
    """Tell how far a thing at `depth` moves in the frame; on an orbit, around the middle."""
    x = -view.x * (0.06 + 0.2 * depth) - view.orbit * 0.3 * (depth - 0.4)
    y = view.y * (0.05 + 0.12 * depth)
    return x * size[0], y * size[1]


def _zoomed(canvas: Image.Image, zoom: float) -> Image.Image:
    if not zoom:
        return canvas
    width, height = canvas.size
    part = 1 / (1 + (_CLOSER - 1) * zoom)
    left, top = width * (1 - part) / 2, height * (1 - part) * 0.55
    around = (left, top, left + width * part, top + height * part)
    return canvas.resize(canvas.size, Image.Resampling.BILINEAR, box=around)


def _sky(size: Size, above: Colour, horizon: Colour, draw: random.Random) -> Image.Image:
    """Paint a sky with its light in it."""
    width, height = size
    ramp = Image.linear_gradient("L").resize(size)
    sky = ImageOps.colorize(ramp, above, horizon, mid=_mixed(above, horizon, 0.4), midpoint=110)
    if sum(above) < 150:  # noqa: PLR2004 - a dark sky has stars
        pen = ImageDraw.Draw(sky)
        for _ in range(90):
            light = draw.randrange(110, 255)
            place = (draw.randrange(width), draw.randrange(height * 2 // 3))
            pen.point(place, (light, light, light))
    radius = round(min(size) * draw.uniform(0.09, 0.13))
    centre = (round(width * draw.uniform(0.25, 0.75)), round(height * draw.uniform(0.26, 0.42)))
    _shine(sky, centre, radius, _mixed(horizon, (255, 255, 255), 0.55))
    return sky


def _shine(sky: Image.Image, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """Put a sun or a moon in the sky: a disc in its glow."""
    glow = ImageOps.invert(Image.radial_gradient("L")).resize((radius * 8, radius * 8))
    # The gradient still has a quarter of its light at the sides of its square: begin there.
    glow = glow.point(lambda light: max(0, light - 78) ** 2 // 220)
    sky.paste(colour, (centre[0] - radius * 4, centre[1] - radius * 4), glow)
    disc = Image.new("L", (radius * 2 * _FINE, radius * 2 * _FINE))
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), fill=235)
    sky.paste(colour, (centre[0] - radius, centre[1] - radius), disc.reduce(_FINE))


def _silhouette(outline: Outline, size: Size) -> Image.Image:
    """Fill what is below an outline, whose points run from 0 to 1 both ways, downward."""
    width, height = round(size[0] * _WIDER), round(size[1] * _TALLER)
    large = Image.new("L", (width * _FINE, height * _FINE))
    points = [(x * large.width, y * large.height / _TALLER) for x, y in outline]
    points = [(0.0, large.height), *points, (large.width, large.height)]
    ImageDraw.Draw(large).polygon(points, fill=255)
    return large.reduce(_FINE).filter(ImageFilter.SMOOTH)


def _hills(draw: random.Random, near: float, wide: float) -> Outline:
    waves = [
        (draw.uniform(0.8, 1.7) * n * wide, draw.random() * math.tau, 0.05 / n) for n in (1, 2, 3)
    ]
    base = 0.58 + 0.24 * near
    return [
        (x, base + sum(high * math.sin(math.tau * often * x + at) for often, at, high in waves))
        for x in (n / 120 for n in range(121))
    ]


def _dunes(draw: random.Random, near: float, wide: float) -> Outline:
    often, start, base = draw.uniform(1.4, 2.4) * wide, draw.random(), 0.62 + 0.22 * near
    return [
        (x, base + 0.11 * abs(math.sin(math.pi * (often * x + start))) ** 0.7)
        for x in (n / 160 for n in range(161))
    ]


def _peaks(draw: random.Random, near: float, wide: float) -> Outline:
    heights = [0.0, 0.0]
    rough = (0.3 - 0.12 * near) * min(wide, 1.5)
    for _ in range(6):
        middles = [
            (a + b) / 2 + draw.uniform(-rough, rough) for a, b in itertools.pairwise(heights)
        ]
        heights = [h for pair in zip(heights, middles, strict=False) for h in pair] + heights[-1:]
        rough /= 1.75
    last = len(heights) - 1
    return [(n / last, 0.56 + 0.28 * near - height) for n, height in enumerate(heights)]


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Mix two colours; `share` is that of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
