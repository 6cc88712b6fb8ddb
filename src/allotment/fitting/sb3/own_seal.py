"""A seal that only this user's machine can make: what it is on may be unpickled, for the user's own program has written it.

The key is a file of random bytes that nobody else may read, in `$XDG_STATE_HOME/allotment` or `~/.local/state/allotment`.
Whoever can read it can do all that the user can do anyway.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path

LENGTH = 32  # bytes of a key
PURPOSE = b"allotment: environments of a training\n"


class KeyUnkept(Exception):
    """This user's machine keeps no key."""


def seal_of(content: bytes | memoryview) -> str:
    """Return the seal of a content, made with a new key where there is none; `KeyUnkept` where none can be kept."""
    try:
        return _seal(_key() or _new_key(), content)
    except (OSError, RuntimeError) as error:  # no home, or one that cannot be written to
        raise KeyUnkept(f"there is no key to seal its environment with: {error}") from None


def check_seal(content: bytes | memoryview, seal: str) -> None:
    """Raise `ValueError` where a seal was not made for a content on this user's machine."""
    key = _key()
    if key is None or not hmac.compare_digest(_seal(key, content).encode(), seal.encode(errors="replace")):
        raise ValueError(f"is not sealed by this user's key, {key_file()}: written by somebody else, or on another machine")


def key_file() -> Path:
    """Return where this user's key lies."""
    given = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    return folder / "allotment" / "checkpoint.key"


def _seal(key: bytes, content: bytes | memoryview) -> str:
    made = hmac.new(key, PURPOSE, "sha256")
    made.update(content)
    return made.hexdigest()


def _key() -> bytes | None:
    """Return the key, none where there is none; `PermissionError` where others may know or change it."""
    file = key_file()
    if not file.is_file():
        return None
    about = file.stat()
    if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & (stat.S_IRWXG | stat.S_IRWXO)):
        raise PermissionError(f"{file}: must belong to the user alone (chmod 600), or be removed for a new one")
    key = file.read_bytes()
    if len(key) != LENGTH:
        raise PermissionError(f"{file}: holds no key of {LENGTH} bytes; remove it for a new one")
    return key


def _new_key() -> bytes:
    """Make a key, whole or not at all; where another process was faster, its key holds."""
    file = key_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(secrets.token_bytes(LENGTH))
            opened.flush()
            os.fsync(opened.fileno())
        _put(part, file)
    finally:
        part.unlink(missing_ok=True)
    key = _key()
    assert key is not None
    return key


def _put(part: Path, file: Path) -> None:
    """Give a file its name where nothing has it."""
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        part.replace(file)
