"""Which changes of the library saved searches are told of."""

from __future__ import annotations

from pathlib import Path

from csearchd.library.library import Library
from csearchd.library.saved.changes import ChangeNotes


def test_vectors_of_the_next_model_change_nothing(tmp_path: Path) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    active, following = (library.model_row(name, name, 1, name) for name in ("a" * 64, "b" * 64))
    notes = ChangeNotes(library, lambda: active)
    notes.start()
    assert notes.take().everything
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (1, 1, x'00')")
    assert notes.take().contents == {1}
    for model, noted in ((following, set()), (active, {1})):
        with library.write() as database:
            database.execute("INSERT INTO vectors VALUES (?, 1, x'0000', 1)", (model,))
        assert notes.take().contents == noted
        with library.write() as database:
            database.execute("DELETE FROM vectors WHERE model = ?", (model,))
        assert notes.take().contents == noted
    library.close()
