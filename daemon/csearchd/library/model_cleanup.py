"""Deletes the vectors of models that were removed some time ago and may not come back."""

from __future__ import annotations

from collections.abc import Collection

from csearchd.library.library import Library


def delete_unused_vectors(
    library: Library, installed: Collection[str], keep: int, limit: int = 1000
) -> int:
    """Deletes vectors of models that have not been installed for more than `keep` seconds.

    `installed`: the fingerprints of the installed models, of both kinds. Deletes at most `limit`
    vectors, so that no other transaction waits long. Returns how many it deleted. Raises
    LibraryError.
    """
    with library.read() as database:
        models = database.execute("SELECT id, fingerprint || ' ' || also, gone FROM models")
        known = [
            (row, set(installed).isdisjoint(names.split()), gone) for row, names, gone in models
        ]
    removed = [(model, gone) for model, is_removed, gone in known if is_removed]
    returned = [
        (model,) for model, is_removed, gone in known if not is_removed and gone is not None
    ]
    now = library.clock.now()
    new = [(now, model) for model, gone in removed if gone is None]
    expired = [model for model, gone in removed if gone is not None and gone < now - keep]
    if not (returned or new or expired):
        return 0
    with library.write() as database:
        database.executemany("UPDATE models SET gone = NULL WHERE id = ?", returned)
        database.executemany("UPDATE models SET gone = ? WHERE id = ?", new)
        count = _delete(library, expired[0], limit) if expired else 0
    if count:
        library.vacuum()
    return count


def _delete(library: Library, model: int, limit: int) -> int:
    """Deletes up to `limit` vectors of a model, and the model's row with the last of them; inside a
    `write()`. Returns how many it deleted."""
    with library.write() as database:
        rows = database.execute(
            "SELECT content, passes FROM vectors WHERE model = ? LIMIT ?", (model, limit)
        ).fetchall()
        database.executemany(
            "DELETE FROM vectors WHERE model = ? AND content = ?", [(model, row[0]) for row in rows]
        )
        library.add_to_counter("encoded", -sum(row[1] for row in rows))
        if len(rows) < limit:
            database.execute("DELETE FROM models WHERE id = ?", (model,))
    return len(rows)
