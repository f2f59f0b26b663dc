"""Names and messages as text that is safe on a terminal."""

from __future__ import annotations

_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}
_IN_QUOTES = {**_ESCAPES, "\\": "\\\\", "'": "\\'"}
_JOINERS = "\u200c\u200d"  # of emoji, and of some scripts


def printable(name: bytes | str) -> str:
    """A path, or what was typed, in a message or a table.

    A name with control characters, invisible ones or invalid UTF-8 is written as the shell's
    $'…', which can be pasted.
    """
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    if _is_harmless(text):
        return text
    return "$'" + "".join(_IN_QUOTES.get(c) or _escaped(c) for c in text) + "'"


def harmless(text: str, kept: str = "") -> str:
    """A message that may hold what others have chosen: escapes take the place of what `printable`
    would not let through, but for the characters `kept`."""
    if _is_harmless(text):
        return text
    return "".join(c if c in kept else _ESCAPES.get(c) or _escaped(c) for c in text)


def _is_harmless(text: str) -> bool:
    return text.isprintable() or all(map(_visible, text))


def _visible(character: str) -> bool:
    if character.isprintable():
        return True
    import unicodedata

    # Other blanks than the common one are common in names.
    return unicodedata.category(character) == "Zs" or character in _JOINERS


def _escaped(character: str) -> str:
    if _visible(character):
        return character
    errors = "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", errors))
