"""Filming: frames in, an MP4 out. Imports PyAV and Pillow, so nobody imports it early."""

import io
import math
import platform
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
from PIL import Image

from sandbox import camera, caption, scenery
from sandbox.faults import without_directives

RATE = 12  # frames a second
FRAMES = 30  # 2.5 seconds

_AREA = 480 * 270
_LONG_SIDE = 480
# With AVX-512 two threads at once make other bytes of the same frames, on some machines; and with
# these any machine makes the same.
_ALIKE = {"x264-params": "asm=SSE4.2"} if platform.machine() in {"x86_64", "AMD64"} else {}
_RATIO = re.compile(r"([1-9]\d?):([1-9]\d?)")


def encode(frames: Iterable[Image.Image], size: tuple[int, int], rate: int) -> bytes:
    """Encode frames of `size` at `rate` a second as H.264 in MP4, its index first."""
    # FFmpeg moves the index by reading the file again, which a buffer cannot offer.
    with tempfile.TemporaryDirectory(prefix="pipeline-sandbox-") as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=rate)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.options = {"preset": "veryfast", "crf": "26", **_ALIKE}
            stream.thread_count = 1
            for image in frames:
                frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def shoot(model: str, body: dict[str, Any], look: str) -> bytes:
    """Film one clip; `look` decides what the parameters leave open."""
    prompt = without_directives(body["prompt"])
    ratio = str(body.get("aspect_ratio", "1:1"))
    size = frame_size(ratio)
    scene, move = scenery.paint(look, size), camera.read_move(prompt)
    words = caption.write(prompt, model, ratio, size)
    loop = bool(body.get("loop", False))

    def frames() -> Iterator[Image.Image]:
        for number in range(FRAMES):
            # The first frame follows the last of a loop, so the last is not the first again.
            moment = number / (FRAMES if loop else FRAMES - 1)
            frame = scene.seen(move.at(moment, loop=loop), moment)
            # A bar that runs would tell where a loop begins.
            words.on(frame, None if loop else moment)
            yield frame

    return encode(frames(), size, RATE)


def photograph(model: str, body: dict[str, Any], look: str) -> bytes:
    """Take one picture of what a clip would show, as PNG."""
    ratio = str(body.get("aspect_ratio", "1:1"))
    size = frame_size(ratio)
    prompt = without_directives(body["prompt"])
    frame = scenery.paint(look, size).seen(camera.read_move(prompt).at(0.5, loop=False), 0.5)
    caption.write(prompt, model, ratio, size).on(frame, None)
    file = io.BytesIO()
    frame.save(file, "PNG")
    return file.getvalue()


def frame_size(ratio: str) -> tuple[int, int]:
    """Choose width and height in pixels, both even, for a ratio such as `16:9`."""
    match = _RATIO.fullmatch(ratio)
    across, down = (int(match[1]), int(match[2])) if match else (16, 9)
    area = math.sqrt(_AREA / (across * down))
    scale = min(area, _LONG_SIDE / max(across, down))
    return max(2, round(across * scale / 2) * 2), max(2, round(down * scale / 2) * 2)
