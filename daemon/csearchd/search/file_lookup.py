"""Where files are, by their ids or contents; a thousand as quickly as that can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from csearchd.library.library import Library

_PARAMETERS = 500  # in one statement
# All in one row: Python's sqlite3 lets go of the interpreter's lock for each, and may have to wait
# for it. No name has a slash in it, and all columns come in the same order.
_COLUMNS = (
    "group_concat(id), group_concat(coalesce(content, 0)), group_concat(directory), "
    "CAST(group_concat(name, '/') AS BLOB)"
)


def find_files(
    library: Library, column: str, numbers: Sequence[int]
) -> Iterator[tuple[int, int, bytes]]:
    """Id, content (0: none) and path of the files that have one of `numbers` in `column`.

    Raises LibraryError.
    """
    for start in range(0, len(numbers), _PARAMETERS):
        part = sorted(numbers[start : start + _PARAMETERS])  # side by side in the file
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
            if directory in above:  # it may just have been removed
                yield file, content, above[directory] + name
