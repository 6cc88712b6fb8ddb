"""Names into keys: every random stream is keyed by what it belongs to, so that adding a SKU leaves the others alone."""

from __future__ import annotations

import hashlib


def stream_key(*names: str) -> int:
    """Return a 64-bit key of the names, the same on every machine."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(names).encode(), digest_size=8).digest(), "little")


def derived_seed(purpose: str, seed: int) -> int:
    """Return the seed that `seed` stands for in a purpose (`train`, `tune`, `validate`, `test`).

    Purposes never share a world: the result is a 62-bit hash, so that consecutive worlds counted from two of them meet
    with negligible probability.
    """
    digest = hashlib.blake2b(f"{purpose}\x1f{int(seed)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 2
