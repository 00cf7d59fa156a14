"""What makes two requests the same request."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="deterministic")


def digest(model: str, body: Mapping[str, Any]) -> str:
    """Digest a model and the body sent to it: 64 hexadecimal digits, whatever the keys' order."""
    return hashlib.sha256(_ENCODER.encode([model, body])).hexdigest()


def key_digest(key: str) -> str:
    """Digest a key: 8 hexadecimal digits, which tell keys apart; nothing for no key."""
    return hashlib.sha256(key.encode()).hexdigest()[:8] if key else ""
