"""Name the boot of the machine: monotonic clocks of another boot mean nothing in this one."""

from pathlib import Path


def boot_id() -> str | None:
    """Name the time since the machine was started; None where the system does not tell."""
    return _BOOT_ID


def _read_boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


_BOOT_ID = _read_boot_id()
