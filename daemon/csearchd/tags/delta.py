"""Reverse deltas: what restores a file's old bytes from its new ones.

A delta is a list of stretches to copy from the new bytes and of literal bytes that these lack. An
edit of metadata keeps most of a file as it is, so deltas are small, whatever the format.
"""

from __future__ import annotations

import hashlib
import zlib

import msgpack

from csearchd.errors import DeltaError

_KEY = 32  # bytes that must be equal where a copied stretch begins
_STEP = 64  # bytes between the positions that are tried, at first
_MAX_SEARCHES = 400  # each is a pass over the new bytes
_BLOCK = 1 << 16  # bytes that are compared at once


def make(old: bytes, new: bytes) -> bytes:
    """The delta from which `apply` restores `old`, given `new`."""
    parts: list[bytes | tuple[int, int]] = []
    at = literal = near = 0
    step, searches = _STEP, _MAX_SEARCHES
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
    """The old bytes, restored from `new`. Raises DeltaError."""
    try:
        digest, parts = msgpack.unpackb(zlib.decompress(delta))
        old = b"".join(
            part if isinstance(part, bytes) else new[part[0] : part[0] + part[1]] for part in parts
        )
    except Exception as error:  # damaged data makes zlib, msgpack and the rest raise anything
        raise DeltaError(f"the record of the old bytes is damaged: {error}") from error
    if hashlib.sha256(old).digest() != digest:
        raise DeltaError("damaged, or made for other bytes")
    return old


def _common(old: bytes, at: int, new: bytes, there: int) -> int:
    """The number of equal bytes from `old[at]` and `new[there]` on."""
    size, limit = 0, min(len(old) - at, len(new) - there)
    block = _BLOCK
    while size < limit and block:
        if old[at + size : at + size + block] == new[there + size : there + size + block]:
            size += block
        else:
            block //= 2
    return min(size, limit)


def _common_tail(old: bytes, new: bytes) -> int:
    """The number of equal bytes at the ends."""
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
