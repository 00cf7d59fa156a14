"""Where the ledger of an account is: a folder whose name is a hash, in the user's state folder."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import platformdirs

from pipeline.account.errors import LedgerError, Translated

# Of the hash: in the name of the folder, and in that of an account without a name.
_DIGITS, _NAMED = 16, 8
# SQLite's WAL needs memory that all who have the file open share: not so over a network.
_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "gfs2", "glusterfs", "gpfs",
    "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb2", "smb3", "smbfs", "vboxsf",
}  # fmt: skip
_NETWORK_FUSE = (
    "fuse.ceph", "fuse.davfs", "fuse.gcsfuse", "fuse.gluster", "fuse.goofys", "fuse.rclone",
    "fuse.s3fs", "fuse.smb", "fuse.sshfs", "fuse.vmhgfs",
)  # fmt: skip


def folder(base_url: str, key: str) -> Path:
    """Return the folder of the account's ledger. It need not exist."""
    return _accounts() / _digits(base_url, key)[:_DIGITS]


def name(base_url: str, key: str) -> str:
    """Return what an account is called that has no name: the first 8 digits of its hash."""
    return name_in(folder(base_url, key))


def name_in(place: Path) -> str:
    """Return what the account of a folder is called that has no name."""
    return place.name[:_NAMED]


def is_hash(text: str) -> bool:
    """Whether this is what an account is called that has no name."""
    return _is_hex(text, _NAMED)


def without_credentials(base_url: str) -> str:
    """Return the base URL in its usual spelling, without what may be secret in it."""
    parts = urlsplit(base_url.strip())
    host = parts.netloc.rpartition("@")[2].lower()
    return urlunsplit((parts.scheme.lower(), host, parts.path.rstrip("/"), "", ""))


def folders() -> Iterator[Path]:
    """Yield the folders of all accounts that have a ledger here.

    Raises:
        LedgerError: nobody can look.
    """
    accounts = _accounts()
    with Translated(accounts):
        found = accounts.iterdir() if accounts.is_absolute() and accounts.is_dir() else ()
        names = sorted(path for path in found if _is_name(path.name))
    yield from names


def prepare(place: Path) -> None:
    """Make the folder, open to nobody else, and see that it can hold a ledger.

    Raises:
        LedgerError: it is a link, not ours, or on a network drive.
        OSError: it cannot be made.
    """
    if not place.is_absolute():
        raise LedgerError(place, "the home directory is unknown", hint="set XDG_STATE_HOME")
    missing = [path for path in (place, *place.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    for path in (place.parent, place):
        refuse_foreign(path)
    if kind := network_drive(place, _mounts()):
        raise LedgerError(
            place,
            f"it is on a network drive ({kind})",
            hint="set XDG_STATE_HOME to a folder on a local disk",
        )


def refuse_foreign(path: Path, *, fix: bool = True) -> None:
    """See that a folder is ours alone; close it to others where it is open to them.

    Raises:
        LedgerError: it is a link, or not ours.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        what = "a link" if stat.S_ISLNK(found.st_mode) else "not a folder"
        raise LedgerError(path, f"it is {what}", hint="move it away")
    if found.st_uid != os.geteuid():
        raise LedgerError(path, "it belongs to another user", hint="move it away")
    if fix and found.st_mode & 0o077:
        path.chmod(0o700)


def network_drive(path: Path, mounts: str) -> str | None:
    """Return the type of the network file system that `path` is on; None where it is local.

    `mounts` are the lines of /proc/self/mounts (see proc(5)). The root itself counts as local: a
    sandboxed machine may have it from its host, for itself alone.
    """
    real, best, kind = str(path.resolve()), "", ""
    for line in mounts.splitlines():
        _, point, type_, *_ = [*line.split(" "), "", "", ""]
        point = point.encode().decode("unicode_escape", "replace") if "\\" in point else point
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, type_
    is_network = kind in _NETWORK or kind.startswith(_NETWORK_FUSE)
    return kind if is_network and best != "/" else None


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # not Linux: SQLite itself notices most of them


def _accounts() -> Path:
    """Return the folder of all accounts; a relative one where the home directory is unknown."""
    try:
        state = platformdirs.user_state_path("pipeline", appauthor=False)
    except RuntimeError:  # some versions of platformdirs raise this, others return a relative path
        state = Path("pipeline")
    return state / "accounts"


def _digits(base_url: str, key: str) -> str:
    return hashlib.sha256(f"{without_credentials(base_url)}\n{key}".encode()).hexdigest()


def _is_name(text: str) -> bool:
    return _is_hex(text, _DIGITS)


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and not set(text) - set("0123456789abcdef")
