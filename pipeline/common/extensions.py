"""The extensions of outputs: the one of the media that arrived, and only once."""

import re

_MEDIA = re.compile(
    r"(?<=[^/])\.(?:mp4|m4v|mov|webm|mkv|avi|ogv|ts|gif|jpe?g|png|webp|avif|hei[cf]|jp2|tiff?|bmp|svg"
    r"|mp3|wav|m4a|oga|ogg|opus|flac|aac|glb|zip)$",
    re.ASCII | re.IGNORECASE,
)
_SAME = {".jpeg": ".jpg", ".tif": ".tiff", ".heif": ".heic"}


def split_ending(name: str) -> tuple[str, str]:
    """Split a name into its stem and its media extension, in the usual form, or empty."""
    match = _MEDIA.search(name) if "." in name[-5:] else None
    if match is None:
        return name, ""
    ending = match[0].lower()
    return name[: match.start()], _SAME.get(ending, ending)


def with_ending(name: str, extension: str) -> str:
    """Append an extension that the name does not have yet: `clip.mp4` stays `clip.mp4`."""
    stem, ending = split_ending(name)
    return (stem if ending and ending == split_ending(f"x{extension}")[1] else name) + extension
