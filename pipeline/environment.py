"""The key and the base URL: from a flag, the environment, or a `.env` file."""

import os
from pathlib import Path

from dotenv import dotenv_values

from pipeline.errors import UsageError

KEY = "SEGMIND_API_KEY"
BASE_URL = "SEGMIND_BASE_URL"


def find(name: str, job: Path) -> str | None:
    """Look a setting up: environment, `.env` beside the job, `.env` in the working directory."""
    if value := os.environ.get(name, "").strip():
        return value
    for path in (job.parent / ".env", Path(".env")):
        if written := _dotenv(path, name):
            return written
    return None


def _dotenv(path: Path, name: str) -> str | None:
    if not os.path.isfile(path):  # noqa: PTH113 - where one may not look, there is none
        return None
    try:
        # No interpolation: a key may hold a dollar sign.
        return (
            dotenv_values(path, interpolate=False, encoding="utf-8-sig").get(name) or ""
        ).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as UTF-8 text") from error


def find_key(job: Path) -> str:
    """Find the API key.

    Raises:
        UsageError: there is none.
    """
    key = find(KEY, job)
    if key is None:
        raise UsageError(
            f"no API key: {KEY} is not set",
            hint=f"export {KEY}=…, or write it into a .env file beside {job.name}",
        )
    return key
