"""The way from new bytes back to old ones: copies out of the new, and what they lack.

An edit of metadata moves most of a file verbatim, so this is small, and exact whatever the format.
"""

from __future__ import annotations

import hashlib
import zlib

import msgpack

from csearchd.errors import DeltaError

_KEY = 32  # bytes that a copied stretch begins with
_STEP = 64
_SEARCHES = 400  # in the new bytes, each a pass over them
_BLOCK = 1 << 16


def make(old: bytes, new: bytes) -> bytes:
    """What `apply` makes `old` from, given `new`."""
    parts: list[bytes | tuple[int, int]] = []
    at = literal = near = 0
    step, searches = _STEP, _SEARCHES
    tail = _common_tail(old, new)
    end = len(old) - tail
    while at < end:
        key = old[at : at + _KEY]
        found = near if new.startswith(key, near) else -1
        if found < 0 and searches > 0 and len(key) == _KEY:
            searches -= 1
            found = new.find(key)
        if found < 0:
            at += step if searches else end - at
            step = min(step * 2, 4096)
            continue
        while at > literal and found > 0 and old[at - 1] == new[found - 1]:
            at, found = at - 1, found - 1
        size = min(_common(old, at, new, found), end - at)
        if at > literal:
            parts.append(old[literal:at])
        parts.append((found, size))
        at = literal = at + size
        near, step = found + size, _STEP
    if literal < end:
        parts.append(old[literal:end])
    if tail:
        parts.append((len(new) - tail, tail))
    packed: bytes = zlib.compress(msgpack.packb([hashlib.sha256(old).digest(), parts]), 6)
    return packed


def apply(delta: bytes, new: bytes) -> bytes:
    """The old bytes. Raises DeltaError."""
    try:
        digest, parts = msgpack.unpackb(zlib.decompress(delta))
        old = b"".join(
            part if isinstance(part, bytes) else new[part[0] : part[0] + part[1]] for part in parts
        )
    except Exception as error:  # what has been damaged makes msgpack and all that follows raise any
        raise DeltaError(f"damaged: {error}") from error
    if hashlib.sha256(old).digest() != digest:
        raise DeltaError("damaged, or made for other bytes")
    return old


def _common(old: bytes, at: int, new: bytes, there: int) -> int:
    """How many bytes are equal from `old[at]` and `new[there]` on."""
    size, limit = 0, min(len(old) - at, len(new) - there)
    block = _BLOCK
    while size < limit and block:
        if old[at + size : at + size + block] == new[there + size : there + size + block]:
            size += block
        else:
            block //= 2
    return min(size, limit)


def _common_tail(old: bytes, new: bytes) -> int:
    size, limit = 0, min(len(old), len(new))
    block = _BLOCK
    while size < limit and block:
        block = min(block, limit - size)
        mine = old[len(old) - size - block : len(old) - size]
        if mine == new[len(new) - size - block : len(new) - size]:
            size += block
        else:
            block //= 2
    return size
