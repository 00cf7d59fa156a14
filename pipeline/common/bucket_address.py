"""Addresses of buckets: `s3://bucket/prefix`, `gs://…`, `az://…`. They never hold credentials."""

import re
from urllib.parse import quote

import msgspec

from pipeline.errors import UsageError
from pipeline.printable import printable

_IS_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_ONE_SLASH = re.compile(r"\s*(s3|gs|az):/(?!/)")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,221}", re.ASCII)
SCHEMES = ("s3", "gs", "az")
# Bytes. A key has at most 1,024 of them; the rest is for what an output is called.
_LONGEST_PREFIX = 300
_EXAMPLE = "write it as s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
PLACE = "{path}"


class BucketAddress(msgspec.Struct, frozen=True):
    """A place in a bucket; `prefix` has no slash at either end, and may be empty."""

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def is_url(text: str) -> bool:
    """Return whether a text is an address, and no path."""
    return _IS_URL.match(text) is not None


def is_nearly(text: str) -> bool:
    """Return whether a path looks like the address of a bucket that lacks a slash."""
    return _ONE_SLASH.match(text) is not None


def parse(text: str) -> BucketAddress:
    """Read an address. What may be a secret in one is never echoed.

    Raises:
        UsageError: it is none, of no storage that is known, or holds credentials.
    """
    scheme, _, rest = text.strip().partition("://")
    if scheme not in SCHEMES:
        raise UsageError("outputs go to a directory, or to s3://, gs:// or az://", hint=_EXAMPLE)
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        raise UsageError(
            "the address of a bucket holds no credentials, and no port",
            hint="put them into the environment: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, …",
        )
    if "?" in rest or "#" in rest:
        raise UsageError(
            "the address of a bucket has no ? and no #",
            hint="put credentials and settings into the environment: AWS_REGION, …",
        )
    if not _BUCKET.fullmatch(bucket):
        raise UsageError("the address does not name a bucket", hint=_EXAMPLE)
    prefix = prefix.strip("/")
    parts = prefix.split("/") if prefix else []
    if any(part in {"", "."} or part.startswith(".") for part in parts):
        raise UsageError("a folder of the prefix is empty, or begins with a dot", hint=_EXAMPLE)
    if printable(prefix) != prefix or len(prefix.encode(errors="replace")) > _LONGEST_PREFIX:
        raise UsageError(
            f"the prefix is not one line of at most {_LONGEST_PREFIX} bytes", hint=_EXAMPLE
        )
    return BucketAddress(scheme, bucket, prefix)


def public_template(text: str) -> str:
    """Check where people find an object: an http(s) address in which {path} stands for its name.

    Raises:
        UsageError: it is none.
    """
    text, (scheme, _, rest) = text.strip(), text.strip().partition("://")
    host = rest.partition("/")[0]
    if scheme not in {"http", "https"} or not host or PLACE in host or "@" in host:
        raise UsageError(
            "an address that begins with https:// is expected, without credentials",
            hint=f"such as https://cdn.example.com/{PLACE}",
        )
    if text.count(PLACE) != 1 or not all("!" <= c <= "~" and c not in "\"'<>`;," for c in text):
        raise UsageError(
            f"{PLACE} must stand once where a clip's name belongs, and no blank or quote anywhere",
            hint=f"such as https://cdn.example.com/{PLACE}",
        )
    return text


def public_link(template: str, output: str) -> str:
    """Return where people find an output."""
    return template.replace(PLACE, quote(output, safe="/", errors="surrogatepass"))
