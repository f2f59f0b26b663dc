"""Looks up paths by file ids or content ids, quickly enough for a thousand of them in a search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from csearchd.library.library import Library

_PARAMETERS = 500  # in one statement
# All files in one row: Python's sqlite3 releases the GIL for each row, and may have to wait to get
# it back. Names contain no slash, and each group_concat has the same order.
_COLUMNS = (
    "group_concat(id), group_concat(coalesce(content, 0)), group_concat(directory), "
    "CAST(group_concat(name, '/') AS BLOB)"
)


def find_files(
    library: Library, column: str, numbers: Sequence[int]
) -> Iterator[tuple[int, int, bytes]]:
    """Yields id, content (0 for none) and path of the files with one of `numbers` in `column`.

    Raises LibraryError.
    """
    for start in range(0, len(numbers), _PARAMETERS):
        part = sorted(
            numbers[start : start + _PARAMETERS]
        )  # so that rows that lie together are read together
        marks = ",".join("?" * len(part))
        with library.read() as database:
            *columns, names = database.execute(
                f"SELECT {_COLUMNS} FROM files WHERE {column} IN ({marks})", part
            ).fetchone()
        if names is None:
            continue
        files, contents, directories = (list(map(int, each.split(","))) for each in columns)
        with library.memory_lock:
            above = library.tree.paths(set(directories))
        for file, content, directory, name in zip(
            files, contents, directories, names.split(b"/"), strict=True
        ):
            if directory in above:  # else it has just been removed
                yield file, content, above[directory] + name
