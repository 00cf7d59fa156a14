"""A bucket, by the few requests that outputs take. The only module that knows obstore.

Requests block. An error is described by status and code alone: the text of an answer may hold an
access key, or a whole signed request.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.api.origin import is_loopback
from pipeline.common.bucket_address import BucketAddress
from pipeline.errors import BucketError, UsageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Attributes = dict[str, str]

# Bytes of one request, and requests of one upload at a time: what an upload takes of memory.
_CHUNK, _AT_ONCE = 5 * 1024**2, 2
# Seconds. A request is not tried again after `_RETRIES`; whoever asks has a patience of its own.
_CONNECT, _REQUEST, _RETRIES = 5, 45, 5
_MOST_RETRIES = 3
_LONGEST_NOTE = 1024**2
_ENDPOINTS = (
    "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT", "GOOGLE_BASE_URL",
)  # fmt: skip
_NOT_FOUND, _NOT_IMPLEMENTED = 404, 501
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{3,60})</Code>")
_BUSY = frozenset({408, 425, 429, *range(500, 600)})
_PASSING = frozenset({"SlowDown", "NoSuchKey", "NoSuchUpload", "RequestTimeout"})
_REFUSALS = frozenset({"PermissionDeniedError", "UnauthenticatedError"})
_MEND = (
    "fix the credentials in the environment, or what they may do: list, read, write and delete"
    " below the prefix"
)
# By what a fault is known (codes; or words of the library, which have a blank or a dot), what it
# means, and what to do. Each of them lasts.
_FAULTS = (
    (
        ("169.254.169.254", "metadata.google.internal"),
        "there are no credentials for {address} in the environment",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what its provider asks for",
    ),
    (
        ("NoSuchBucket",),
        "there is no bucket {bucket} ({what})",
        "make it, or fix output.dir, the region or the endpoint",
    ),
    (
        ("RequestTimeTooSkewed",),
        "{address} refuses the clock of this machine ({what})",
        "set the clock",
    ),
    (
        ("AuthorizationHeaderMalformed", "PermanentRedirect", "incorrectly configured region"),
        "{address} is in another region ({what})",
        "set AWS_REGION to the bucket's own",
    ),
)
CONDITIONS = (
    "use a storage that refuses to create an object that exists (If-None-Match), and to replace one"
    " that has changed (If-Match)"
)
_INSTALL = "pip install 'overnight-pipeline[cloud]'"


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of an object, without its content."""

    size: int
    e_tag: str | None
    attributes: Attributes


class ChangedError(Exception):
    """An object is not as it was last seen."""


class Bucket:
    """The objects below an address. Every key is relative to it.

    Raises:
        BucketError: in each method; the bucket is down, or refuses.
    """

    def __init__(self, address: BucketAddress, environ: Mapping[str, str] = os.environ) -> None:
        """Prepare to speak to a bucket; nothing is asked yet.

        Raises:
            UsageError: the extra is not installed, or the environment leads nowhere.
        """
        try:
            import obstore  # noqa: PLC0415 - heavy, and an extra
            from obstore import exceptions  # noqa: PLC0415
        except ImportError:
            raise UsageError(f"{address} needs the extra `cloud`", hint=_INSTALL) from None
        self.address = address
        self._ask, self._errors = obstore, exceptions
        # S3 knows no copy that is conditional and keeps what is said of an object.
        self._loses_attributes = address.scheme == "s3"
        try:
            self._store = _open(address, environ)
        except (exceptions.BaseError, ValueError):
            raise UsageError(
                f"the settings of {address.scheme}:// in the environment are not valid",
                hint="see docs/how-to/buckets.md for those that are read",
            ) from None

    # -- objects ------------------------------------------------------------------------------

    def upload(
        self, source: Path | bytes | Iterator[bytes], key: str, attributes: Attributes
    ) -> None:
        """Write an object from a file, or from blocks; it is there whole, or not at all."""
        if isinstance(source, Path) and not source.is_file():
            raise BucketError(f"{source} is not there", lasts=True)
        with self._telling():
            self._ask.put(
                self._store, key, source,
                attributes=attributes, chunk_size=_CHUNK, max_concurrency=_AT_ONCE,
            )  # fmt: skip

    def copy(self, source: str, key: str, *, create: bool = True) -> None:
        """Copy an object and what is said of it.

        Raises:
            FileExistsError: `create`, and there is something of that name; it is left alone.
        """
        if create:
            with self._telling(), self._created(key):
                self._ask.copy(self._store, source, key, overwrite=False)
        if self._loses_attributes or not create:
            with self._telling():
                self._ask.copy(self._store, source, key)

    def move(self, source: str, key: str, *, create: bool = True) -> None:
        """Give an object its name, as `copy` does, and remove it from where it was."""
        self.copy(source, key, create=create)
        self.delete(source)

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        with self._telling(), contextlib.suppress(FileNotFoundError):
            self._ask.delete(self._store, key)

    def find(self, key: str) -> Found | None:
        """Look at an object; None where there is none."""
        with self._telling():
            try:
                got = self._ask.get(self._store, key, options={"head": True})
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            said = {str(name): str(value) for name, value in got.attributes.items()}
            return Found(got.meta["size"], got.meta["e_tag"], said)

    def sha256(self, key: str) -> str:
        """Read an object, and return the hash of its content in hex."""
        digest = hashlib.sha256()
        with self._telling():
            for chunk in self._ask.get(self._store, key).stream():
                digest.update(chunk)
        return digest.hexdigest()

    def names(self, folder: str = "") -> Iterator[str]:
        """List the objects below a folder, a thousand names a request."""
        begins = set[str]()  # of some names, enough to see that a list repeats itself
        with self._telling():
            for page in self._ask.list(self._store, folder or None):
                names = [each["path"] for each in page]
                if not begins.isdisjoint(names):
                    raise BucketError(f"{self.address} repeats itself in a list", lasts=True)
                begins.update(names[:1])
                yield from names

    # -- notes: small objects that are written whole ---------------------------------------------

    def read(self, key: str) -> tuple[bytes, str | None] | None:
        """Read a note and its tag; None where there is none."""
        with self._telling():
            try:
                got = self._ask.get(self._store, key)
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            if got.meta["size"] > _LONGEST_NOTE:
                raise BucketError(f"{self.address}/{key} was not written by pipeline", lasts=True)
            return bytes(got.bytes()), got.meta["e_tag"]

    def create(self, key: str, note: bytes) -> str | None:
        """Write a note that is not there yet, and return its tag.

        Raises:
            FileExistsError: it is.
        """
        with self._telling(), self._created(key):
            return self._ask.put(self._store, key, note, mode="create")["e_tag"]

    def replace(self, key: str, note: bytes, e_tag: str | None) -> str | None:
        """Write a note over the one with this tag, and return the new one's.

        Raises:
            ChangedError: it is another one, or gone.
        """
        if e_tag is None:
            message = f"{self.address} answers without the tag (ETag) of an object"
            raise BucketError(message, lasts=True, hint=CONDITIONS)
        with self._telling():
            try:
                mode: Any = {"e_tag": e_tag}
                return self._ask.put(self._store, key, note, mode=mode)["e_tag"]
            except (self._errors.PreconditionError, self._errors.AlreadyExistsError):
                raise ChangedError from None
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                raise ChangedError from None

    def sign(self, key: str, seconds: float) -> str:
        """Make an address by which anybody may read an object for so long; asks nobody."""
        store: Any = self._store
        with self._telling():
            return str(self._ask.sign(store, "GET", key, timedelta(seconds=seconds)))

    # -- what fails ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def _created(self, key: str) -> Iterator[None]:
        try:
            yield
        except self._errors.AlreadyExistsError:
            raise FileExistsError(f"{self.address}/{key} is there already") from None

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise
        except (self._errors.BaseError, FileNotFoundError, OSError, ValueError) as error:
            raise explained(self.address, str(error), type(error).__name__) from None


def explained(address: BucketAddress, said: str, kind: str = "") -> BucketError:
    """Say what an error means, in our words alone: its text may hold credentials."""
    status = int(found[1]) if (found := _STATUS.search(said)) else None
    code = found[1] if (found := _CODE.search(said)) else ""
    what = " ".join(filter(None, (str(status or ""), code))) or "it refuses"
    for signs, meaning, hint in _FAULTS:
        if code in signs or any(sign in said for sign in signs if " " in sign or "." in sign):
            message = meaning.format(address=address, bucket=address.bucket, what=what)
            return BucketError(message, lasts=True, hint=hint)
    if status is None and kind not in _REFUSALS:
        return BucketError(f"{address} cannot be reached, or does not answer")
    if status == _NOT_IMPLEMENTED:
        message = f"the storage of {address} knows no such request ({what})"
        return BucketError(message, lasts=True, hint=CONDITIONS)
    if status in _BUSY or code in _PASSING or (status == _NOT_FOUND and not code):
        return BucketError(f"{address} does not work just now ({what})")
    return BucketError(f"{address} refuses this ({what})", lasts=True, hint=_MEND)


def _open(address: BucketAddress, environ: Mapping[str, str]) -> "ObjectStore":
    """Make the client of a bucket. Credentials and settings come from the environment alone."""
    from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415 - an extra

    common: dict[str, Any] = {
        "prefix": address.prefix or None,
        "client_options": {
            "allow_http": _is_plain(environ),
            "connect_timeout": timedelta(seconds=_CONNECT),
            "timeout": timedelta(seconds=_REQUEST),
        },
        "retry_config": {
            "max_retries": _MOST_RETRIES,
            "retry_timeout": timedelta(seconds=_RETRIES),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
    }
    if address.scheme == "gs":
        return GCSStore(address.bucket, **common)
    if address.scheme == "az":
        return AzureStore(address.bucket, **common)
    # What is sent is signed with its hash, so no checksum of its own is needed.
    return S3Store(address.bucket, **common, copy_if_not_exists="multipart", conditional_put="etag")


def _is_plain(environ: Mapping[str, str]) -> bool:
    """Return whether the endpoint is a plain http one of this machine.

    Raises:
        UsageError: it is a plain http one elsewhere, or holds credentials.
    """
    plain = False
    for name in _ENDPOINTS:
        try:
            url = urlsplit(environ.get(name, ""))
            host = url.hostname or ""
        except ValueError:
            raise UsageError(f"{name} in the environment is not a valid address") from None
        if url.username is not None or url.password is not None:
            raise UsageError(
                f"{name} in the environment holds credentials",
                hint="put them into variables of their own: AWS_ACCESS_KEY_ID, …",
            )
        if url.scheme == "http" and not is_loopback(host):
            raise UsageError(
                f"{name} in the environment is a plain http address",
                hint="use https://; plain http is for this machine only",
            )
        plain = plain or url.scheme == "http"
    return plain
