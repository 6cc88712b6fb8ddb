"""Trees of arrays and plain values in one file, exact to the bit, and read without running anything.

A tree is made of dicts, lists, tuples, None, truth values, whole numbers of any size, floats, texts, arrays and numbers of
NumPy, and tensors of Torch. The file is a safetensors file of its arrays, whose header holds all else as JSON, and a digest of
both. Arrays are written from where they lie, without a copy, and read one by one when they are asked for.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

SCHEMA = "1"
LONGEST_HEADER = 8 * 2**20  # bytes
AT_ONCE = 2**24  # bytes of an array that are hashed at once
DTYPES = {  # of arrays, by safetensors' names
    **{"BOOL": "bool", "F16": "float16", "F32": "float32", "F64": "float64"},
    **{f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
}
Kind = Literal["array", "number", "tensor"]
KINDS: tuple[Kind, ...] = ("array", "number", "tensor")


class TreeError(ValueError):
    """What is no tree, or no file of one."""


@dataclass(frozen=True)
class Kept:
    """An array of a file, which has not been read."""

    name: str
    kind: Kind  # what it was: an array or a number of NumPy, or a tensor of Torch
    dtype: str
    shape: tuple[int, ...]


def write_tree(tree: Any, file: Path) -> None:
    """Write a tree; `TreeError` names the first thing that is none, `OSError` says why there is no file."""
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(_plain(tree, "", arrays), allow_nan=False)
    digest = _digest(text, ((_described(name, array), iter([array])) for name, array in sorted(arrays.items())))
    if len(text) + 200 * len(arrays) > LONGEST_HEADER:
        raise TreeError(f"{len(text):,} characters of values and {len(arrays):,} arrays are more than a file holds")
    try:
        save_file(arrays, file, {"schema": SCHEMA, "tree": text, "digest": digest})
    except SafetensorError as error:
        raise OSError(f"{file}: cannot be written ({error})") from None


def _plain(value: Any, where: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return a tree as JSON has it, and put its arrays aside."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is list:
        return [_plain(each, f"{where}/{place}", arrays) for place, each in enumerate(value)]
    if type(value) is tuple:
        return {"tuple": [_plain(each, f"{where}/{place}", arrays) for place, each in enumerate(value)]}
    if type(value) is dict:
        return {"dict": [[_key(key, where), _plain(each, f"{where}/{key}", arrays)] for key, each in value.items()]}
    kind, array = _array(value, where)
    name = f"{len(arrays)}{where}"  # the number makes it unique
    arrays[name] = array
    return {kind: name}


def _key(key: Any, where: str) -> str | int:
    if type(key) not in (str, int):
        raise TreeError(f"{where or 'the tree'}: a key must be a text or a whole number, not {type(key).__name__}")
    return key


def _array(value: Any, where: str) -> tuple[Kind, NDArray[Any]]:
    """Return the memory of an array, a number or a tensor, without a copy where it lies in one piece."""
    kind, array = "array", value
    if isinstance(value, torch.Tensor):
        kind, array = "tensor", _memory(value)
    elif isinstance(value, np.generic):
        kind, array = "number", np.asarray(value)
    if type(array) is not np.ndarray or array.dtype.name not in DTYPES.values() or not array.dtype.isnative:
        raise TreeError(f"{where or 'the tree'}: cannot be kept: {type(value).__name__} {getattr(value, 'dtype', '')}".rstrip())
    return kind, np.asarray(array, order="C")  # type: ignore[return-value]


def _memory(tensor: torch.Tensor) -> Any:
    try:
        return tensor.detach().cpu().numpy()
    except (TypeError, RuntimeError):  # of a type that NumPy does not have, or sparse
        return None


def _described(name: str, array: NDArray[Any]) -> str:
    return f"{name} {array.dtype.name} {list(array.shape)}"


def _digest(text: str, arrays: Iterator[tuple[str, Iterator[NDArray[Any]]]]) -> str:
    """Return the digest of a tree's values and of its arrays, each described and then handed over in pieces."""
    found = hashlib.sha256(text.encode())
    for described, pieces in arrays:
        found.update(described.encode())
        for piece in pieces:
            found.update(piece.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


class TreeFile:
    """A file of a tree, open: what it holds is known, its arrays are read when they are asked for.

    Whatever the file holds, opening it takes memory for its header alone; `TreeError` says what is wrong with it.
    """

    def __init__(self, file: Path) -> None:
        _check_header(file)
        try:
            opened: Any = safe_open(file, framework="np")
            self._arrays = opened
            self._about: dict[str, str] = self._arrays.metadata() or {}
            self._names = sorted(self._arrays.keys())
        except (SafetensorError, OSError, MemoryError, UnicodeError) as error:
            raise TreeError(f"is cut off, or no safetensors file ({error})") from None
        if self._about.get("schema") != SCHEMA:
            raise TreeError(f"is of schema {self._about.get('schema')!r:.30}; this version reads schema {SCHEMA!r}")
        self._left = set(self._names)
        self.tree = self._read()

    def __enter__(self) -> TreeFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        del self._arrays

    def check(self) -> None:
        """Raise `TreeError` where the file is not as it was written."""
        arrays = ((f"{name} {kept.dtype} {list(kept.shape)}", self._pieces(kept)) for name, kept in self._all())
        if _digest(self._about["tree"], arrays) != self._about.get("digest"):
            raise TreeError("is not what was written: altered")

    def loaded(self, tree: Any) -> Any:
        """Return a part of the tree with its arrays."""
        if isinstance(tree, Kept):
            return self._load(tree)
        if isinstance(tree, dict):
            return {key: self.loaded(each) for key, each in tree.items()}
        return type(tree)(self.loaded(each) for each in tree) if isinstance(tree, list | tuple) else tree

    def _load(self, kept: Kept) -> Any:
        array = self._arrays.get_tensor(kept.name)
        if kept.kind == "tensor":
            return torch.from_numpy(array)
        return array[()] if kept.kind == "number" else array

    def _all(self) -> Iterator[tuple[str, Kept]]:
        return ((name, self._kept("array", name)) for name in self._names)

    def _pieces(self, kept: Kept) -> Iterator[NDArray[Any]]:
        """Return an array in pieces along its first axis."""
        size = np.dtype(kept.dtype).itemsize * math.prod(kept.shape)
        if not kept.shape or size <= AT_ONCE:
            yield self._arrays.get_tensor(kept.name)
            return
        pieces, rows = self._arrays.get_slice(kept.name), max(1, kept.shape[0] * AT_ONCE // size)
        for start in range(0, kept.shape[0], rows):
            yield np.ascontiguousarray(pieces[start : min(start + rows, kept.shape[0])])

    def _read(self) -> Any:
        try:
            tree = self._built(json.loads(self._about.get("tree", ""), parse_constant=_refused))
        except TreeError:
            raise
        except (ValueError, RecursionError, MemoryError) as error:
            raise TreeError(f"holds no JSON of values ({str(error)[:80]})") from None
        if self._left:
            raise TreeError(f"holds the array {min(self._left)!r:.60}, which belongs nowhere")
        return tree

    def _built(self, node: Any) -> Any:
        """Return the tree that JSON says."""
        if isinstance(node, list):
            return [self._built(each) for each in node]
        if not isinstance(node, dict):
            return node
        kind, content = next(iter(node.items())) if len(node) == 1 else (None, None)
        if kind == "tuple" and isinstance(content, list):
            return tuple(self._built(each) for each in content)
        if kind == "float" and content in ("nan", "inf", "-inf"):
            return float(content)
        if kind == "dict" and isinstance(content, list):
            return self._built_dict(content)
        if kind in KINDS and isinstance(content, str):
            return self._taken(kind, content)
        raise TreeError(f"holds {json.dumps(node)[:60]}, which says no value")

    def _built_dict(self, content: list[Any]) -> dict[str | int, Any]:
        found: dict[str | int, Any] = {}
        for pair in content:
            if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) in (str, int) and pair[0] not in found):
                raise TreeError(f"holds {json.dumps(pair)[:60]}, where a key that is new and its value belong")
            found[pair[0]] = self._built(pair[1])
        return found

    def _taken(self, kind: Kind, name: str) -> Kept:
        """Return an array that nothing else of the tree has taken."""
        if name not in self._left:
            raise TreeError(f"has no array {name!r:.60}, or has it twice")
        self._left.remove(name)
        return self._kept(kind, name)

    def _kept(self, kind: Kind, name: str) -> Kept:
        found = self._arrays.get_slice(name)
        dtype, shape = str(found.get_dtype()), tuple(found.get_shape())
        if dtype not in DTYPES or (kind == "number" and shape):
            raise TreeError(f"holds {name!r:.60} of type {dtype} and shape {list(shape)}, which says no {kind}")
        return Kept(name, kind, DTYPES[dtype], shape)


def _check_header(file: Path) -> None:
    """Refuse a file whose header is too long to be read."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
    if length > LONGEST_HEADER:
        raise TreeError(f"is no file of this kind: its header would have {length:,} bytes, more than {LONGEST_HEADER:,}")


def _refused(constant: str) -> float:
    raise TreeError(f"holds {constant}, which is no JSON")


def check_alike(found: Any, own: Any, where: str = "") -> None:
    """Raise `TreeError` where what a file holds is not built as a tree of one's own: same keys, kinds, shapes and types.

    Values are free, but for texts; numbers must be finite.
    """
    if isinstance(own, dict):
        _check_keys(found, own, where)
        for key, each in own.items():
            check_alike(found[key], each, f"{where}/{key}")
    elif isinstance(own, list | tuple):
        if type(found) is not type(own) or len(found) != len(own):
            raise TreeError(f"{where} must be a {type(own).__name__} of {len(own)}")
        for place, each in enumerate(own):
            check_alike(found[place], each, f"{where}/{place}")
    elif isinstance(own, str) or own is None:
        if found != own or type(found) is not type(own):
            raise TreeError(f"{where} must be {own!r}")
    elif isinstance(own, bool | int | float) and not isinstance(own, np.generic):
        _check_number(found, own, where)
    else:
        kind, array = _array(own, where)
        check_array(found, kind, array.dtype.name, array.shape, where)


def check_array(found: Any, kind: Kind, dtype: str, shape: tuple[int, ...], where: str) -> None:
    """Raise `TreeError` where a file does not hold an array of a kind, data type and shape."""
    if not isinstance(found, Kept) or (found.kind, found.dtype, found.shape) != (kind, dtype, shape):
        seen = f"{found.kind} {found.dtype} {list(found.shape)}" if isinstance(found, Kept) else type(found).__name__
        raise TreeError(f"{where} must be {kind} {dtype} {list(shape)}, not {seen}")


def _check_keys(found: Any, own: dict[Any, Any], where: str) -> None:
    if not isinstance(found, dict):
        raise TreeError(f"{where} must be a dict, not {type(found).__name__}")
    for key in own:
        if key not in found:
            raise TreeError(f"{where}/{key} is missing")
    for key in found:
        if key not in own:
            raise TreeError(f"{where}/{key!s:.60} is unknown")


def _check_number(found: Any, own: bool | float, where: str) -> None:
    if type(found) is not type(own):
        raise TreeError(f"{where} must be a {type(own).__name__}, not {type(found).__name__}")
    if type(found) is float and not math.isfinite(found):
        raise TreeError(f"{where} must be finite, not {found}")
