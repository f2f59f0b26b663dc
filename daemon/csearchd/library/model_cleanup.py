"""Vectors of models that aren't installed any more: kept for a while, since one may come back."""

from __future__ import annotations

from collections.abc import Collection

from csearchd.library.library import Library


def delete_unused_vectors(
    library: Library, installed: Collection[str], keep: int, limit: int = 1000
) -> int:
    """Deletes vectors of models that have been none of `installed`, which are fingerprints, for
    more than `keep` seconds.

    At most `limit` of them, so that nobody waits; returns how many went. Raises LibraryError.
    """
    with library.read() as database:
        models = database.execute("SELECT id, fingerprint, gone FROM models").fetchall()
    missing = [(model, gone) for model, fingerprint, gone in models if fingerprint not in installed]
    back = [(row[0],) for row in models if row[1] in installed and row[2] is not None]
    now = library.clock.now()
    new = [(now, model) for model, gone in missing if gone is None]
    over = [model for model, gone in missing if gone is not None and gone < now - keep]
    if not (back or new or over):
        return 0
    with library.write() as database:
        database.executemany("UPDATE models SET gone = NULL WHERE id = ?", back)
        database.executemany("UPDATE models SET gone = ? WHERE id = ?", new)
        count = _delete(library, over[0], limit) if over else 0
    if count:
        library.shrink()
    return count


def _delete(library: Library, model: int, limit: int) -> int:
    """Some vectors of a model, and the model with the last of them; inside a `write()`."""
    with library.write() as database:
        rows = database.execute(
            "SELECT content, passes FROM vectors WHERE model = ? LIMIT ?", (model, limit)
        ).fetchall()
        database.executemany(
            "DELETE FROM vectors WHERE model = ? AND content = ?", [(model, row[0]) for row in rows]
        )
        library.count("encoded", -sum(row[1] for row in rows))
        if len(rows) < limit:
            database.execute("DELETE FROM models WHERE id = ?", (model,))
    return len(rows)
