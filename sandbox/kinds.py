"""What a model makes: films, pictures or sound."""

import re
from enum import StrEnum

_WORDS = {
    "picture": re.compile(r"image|flux|sdxl|diffusion|picture|banana|recraft|brush|dall"),
    "sound": re.compile(r"speech|music|sound|audio|tts|voice"),
}
_FILM = re.compile(r"video|film|motion")


class Kind(StrEnum):
    """One of them."""

    FILM = "film"
    PICTURE = "picture"
    SOUND = "sound"

    @classmethod
    def of(cls, model: str) -> "Kind":
        """Guess what a model makes by its name; without any word of it, films."""
        name = model.lower()
        if _FILM.search(name):
            return cls.FILM
        return next((cls(kind) for kind, word in _WORDS.items() if word.search(name)), cls.FILM)

    @property
    def content_type(self) -> str:
        """The content type of a file of it."""
        return {"film": "video/mp4", "picture": "image/png", "sound": "audio/mpeg"}[self]

    @property
    def suffix(self) -> str:
        """The end of the name of a file of it, without a dot."""
        return {"film": "mp4", "picture": "png", "sound": "mp3"}[self]
