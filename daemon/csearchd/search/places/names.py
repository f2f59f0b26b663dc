"""Names of places as they are compared, and the hashes by which they are found."""

from __future__ import annotations

import hashlib
import re
import unicodedata

BUCKET_BITS = 16
REMAINDER_BITS = 22

_ACCENTS = re.compile("[\u0300-\u036f]+")
_SEPARATORS = re.compile(r"[\W_]+")


def folded(name: str) -> str:
    """A name without case, accents and punctuation, so that "Malmo" finds Malmö."""
    name = name.casefold()
    if not name.isascii():
        name = _ACCENTS.sub("", unicodedata.normalize("NFKD", name))
    return _SEPARATORS.sub(" ", name).strip()


def hashed(name: str) -> tuple[int, int]:
    """The hash of a folded name, as a bucket of BUCKET_BITS and a remainder of REMAINDER_BITS.

    The 38 bits confuse no two names of the table, which its builder checks. One name in 300,000
    that isn't in the table is taken for another one.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    bits = int.from_bytes(digest, "little") >> (64 - BUCKET_BITS - REMAINDER_BITS)
    return bits >> REMAINDER_BITS, bits & ((1 << REMAINDER_BITS) - 1)
