"""The names of the JSON files that Google Takeout writes beside pictures.

    IMG_0001.jpg            IMG_0001.jpg.json, or since 2024 IMG_0001.jpg.supplemental-metadata.json
    IMG_0001(1).jpg         IMG_0001.jpg(1).json, IMG_0001.jpg.supplemental-metadata(1).json
    IMG_0001-edited.jpg     the one of IMG_0001.jpg

What stands before ".json" is cut off after 46 characters, somewhere in "supplemental-metadata" or
in the picture's name; a number such as (1) isn't counted. A picture's own name has at most 47
characters before its suffix, so that "-edited" may be cut off too, as in "…-edi.jpg". The word for
"edited" is that of the user's language. Of two pictures whose names are the same up to there, one
has a number in its JSON file's name only: then the title in the file tells.

Sources: Google_Takeout_Structure.md in https://github.com/papa-vova/gphotos-321sync, and the
importer of https://github.com/ente-io/ente (MAX_FILE_NAME_LENGTH_GOOGLE_EXPORT).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache

from csearchd.formats.suffixes import families

_LIMIT = 46  # characters before ".json"
_STEM_LIMIT = 47  # characters of a picture's name before its suffix
_MAX_ALIKE = 4  # pictures whose names are the same up to the limit
_SUPPLEMENT = ".supplemental-metadata"
_EDITED = (
    "-edited", "-effects", "-smile", "-mix", "-bearbeitet", "-modifié", "-editado", "-modificato",
    "-edytowane", "-bewerkt", "-redigerad", "-redigeret", "-redigert", "-muokattu", "-upraveno",
    "-upravené", "-szerkesztett", "-editat", "-измененный", "-düzenlendi", "-編集済み", "-已编辑",
    "-已編輯", "-수정됨", "-ha editado", "-editada", "-edited-edited",
)  # fmt: skip
_INSIDE = re.compile(r"\(\d{1,4}\)(?=\.)")
_HEAD = re.compile(rb"[^-(.]{0,24}")
_NUMBERED = re.compile(r"(.*)(\(\d{1,4}\))", re.DOTALL)


def may_be_takeout(name: bytes) -> bool:
    """Whether a file of this name may say something of a picture: few other JSON files may."""
    if not name.endswith(b".json"):
        return False
    before = os.fsdecode(name).removesuffix(".json")
    return len(before) >= _LIMIT - len("(99)") or bool(_suffixes().search(before))


def head(name: bytes) -> bytes:
    """What a picture's name and all of `takeout_names` begin with, the same for each of them.

    They differ only from a suffix, a number or a word for "edited" on, or where they are cut off.
    """
    match = _HEAD.match(name)
    return match[0] if match else b""


@cache
def _suffixes() -> re.Pattern[str]:
    return re.compile("|".join(re.escape(one.decode()) for one in families()), re.IGNORECASE)


def takeout_names(picture: bytes) -> Iterator[bytes]:
    """The names that the JSON file of a picture's file may have, the likeliest first."""
    stem, suffix = os.path.splitext(os.fsdecode(picture))
    seen = set()
    for one in _originals(stem):
        for base, counter in _numberings(one, suffix):
            for form in _forms(base, counter):
                if form not in seen:
                    seen.add(form)
                    yield os.fsencode(f"{form}.json")


def _numberings(stem: str, suffix: str) -> Iterator[tuple[str, str]]:
    """A picture's name with its number or without it, and the number of its JSON file."""
    yield stem + suffix, ""
    if len(stem + suffix) > _LIMIT:
        yield from ((stem + suffix, f"({number})") for number in range(1, _MAX_ALIKE))
    plain, number = _split(stem)
    if number:
        yield plain + suffix, number
    elif inside := _INSIDE.search(stem):  # "21.12(1).11.jpg"
        yield stem[: inside.start()] + stem[inside.end() :] + suffix, inside[0]
        yield stem + suffix, inside[0]


def is_of(title: str, picture: bytes) -> bool:
    """Whether a JSON file with that title, a picture's whole name, can be the picture's.

    It can't be where the names differ only where the JSON file's is cut off. Characters that no
    file name may have are others there.
    """
    name = os.fsdecode(picture)
    stems = [_split(os.path.splitext(each)[0])[0][:_STEM_LIMIT] for each in (title, name)]
    if len(name) <= _LIMIT or len(stems[0]) < _STEM_LIMIT:
        return True
    rest = zip(stems[0][_LIMIT - 1 :], stems[1][_LIMIT - 1 :], strict=False)
    return all(a == b or not (a.isalnum() and b.isalnum()) for a, b in rest)


def _originals(stem: str) -> Iterator[str]:
    """The stem itself; and that of the picture of which it is an edited version."""
    yield stem
    plain, number = _split(stem)
    for word in _EDITED:
        if plain.lower().endswith(word):
            yield plain[: -len(word)] + number
            return
    if len(plain) == _STEM_LIMIT:
        for word in _EDITED:
            for size in range(len(word) - 1, 1, -1):
                if plain.lower().endswith(word[:size]):
                    yield plain[:-size] + number
                    return


def _split(stem: str) -> tuple[str, str]:
    """A stem without its number, and the number with its brackets, or ""."""
    match = _NUMBERED.fullmatch(stem)
    return (match[1], match[2]) if match else (stem, "")


def _forms(base: str, counter: str) -> Iterator[str]:
    """What may stand before ".json", for a picture of the name `base` with a number."""
    sizes = sorted({len(base + _SUPPLEMENT), _LIMIT, _LIMIT - len(counter)}, reverse=True)
    for size in sizes:
        cut = (base + _SUPPLEMENT)[:size]
        if len(cut) > len(base) or len(base) > size:
            yield cut + counter
    yield base + counter
    for size in range(len(_SUPPLEMENT) - 1, 0, -1):  # cut off elsewhere, by another limit
        yield base + _SUPPLEMENT[:size] + counter
    if not base.isascii():  # cut off by bytes
        encoded = os.fsencode(base + _SUPPLEMENT)[:_LIMIT]
        yield encoded.decode("utf-8", "ignore") + counter
