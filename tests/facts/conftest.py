"""Real clips of each form, made once."""

import wave
from pathlib import Path

import av
import pytest
from PIL import Image

SIZE, RATE = (160, 90), 12
FORMS = {
    "plain.mp4": ("mp4", "libx264", "aac", {}),
    "fast.mp4": ("mp4", "libx264", None, {"movflags": "+faststart"}),
    "parts.mp4": ("mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    "old.mov": ("mov", "mpeg4", "aac", {}),
    "web.webm": ("webm", "libvpx", "libopus", {}),
    "silent.mkv": ("matroska", "libx264", None, {}),
    "sound.m4a": ("ipod", None, "aac", {}),
    "sound.opus": ("ogg", None, "libopus", {}),
    "sound.flac": ("flac", None, "flac", {}),
    "sound.mp3": ("mp3", None, "libmp3lame", {}),
}


def film(
    path: Path,
    frames: list[Image.Image],
    form: str = "mp4",
    options: dict[str, str] | None = None,
) -> Path:
    with av.open(path, "w", format=form, options=options or {}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
    return path


def clip(
    path: Path, form: str, pictures: str | None, sound: str | None, options: dict[str, str]
) -> None:
    """Two seconds of each stream."""
    with av.open(path, "w", format=form, options=options) as container:
        video = container.add_stream(pictures, rate=RATE) if pictures else None
        audio = container.add_stream(sound, rate=48_000) if sound else None
        if video is not None:
            video.width, video.height = SIZE
            video.pix_fmt, video.thread_count = "yuv420p", 1
            for number in range(2 * RATE):
                image = Image.new("RGB", SIZE, (9 * number, 80, 120))
                container.mux(video.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
            container.mux(video.encode())
        if audio is not None:
            samples = audio.frame_size or 1024
            for number in range(2 * 48_000 // samples):
                frame = av.AudioFrame(format=audio.format.name, layout="stereo", samples=samples)
                for plane in frame.planes:
                    plane.update(bytes(plane.buffer_size))
                frame.sample_rate, frame.pts = 48_000, number * samples
                container.mux(audio.encode(frame))
            container.mux(audio.encode())


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of each form."""
    folder = tmp_path_factory.mktemp("clips")
    for name, (form, pictures, sound, options) in FORMS.items():
        clip(folder / name, form, pictures, sound, options)
    image, other = (Image.new("RGB", (161, 91), color) for color in ((9, 200, 3), (200, 9, 3)))
    for name in ("still.png", "still.jpg", "still.webp", "still.gif", "still.avif"):
        image.save(folder / name)
    image.save(folder / "moves.webp", save_all=True, append_images=[other], duration=500)
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(2 * 2 * 8_000 * 2))
    return folder
