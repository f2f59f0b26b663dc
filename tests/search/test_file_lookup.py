"""Looking up the paths of many files, with any names."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.search.file_lookup import find_files

NAMES = st.binary(min_size=1, max_size=6).filter(lambda name: not set(name) & set(b"/\0"))
DIRECTORIES = st.lists(NAMES, max_size=3).map(lambda names: b"/" + b"/".join(names))


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(places=st.dictionaries(DIRECTORIES, st.sets(NAMES, max_size=4), max_size=5))
def test_any_file_is_found_by_its_id(tmp_path: Path, places: dict[bytes, set[bytes]]) -> None:
    shutil.rmtree(tmp_path / "case", ignore_errors=True)
    (tmp_path / "case").mkdir()
    library = Library(str(tmp_path / "case" / "library.sqlite"))
    for directory, names in places.items():
        files = [FileStat(name, 1, 1, 1, 1) for name in sorted(names)]
        listings.apply(library, Listing(directory, files, [], b"1"))
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (7, 1, 'x')")
        database.execute("UPDATE files SET content = 7 WHERE id % 2")
    with library.read() as database:
        rows = database.execute("SELECT id, content, directory, name FROM files").fetchall()
    expected = [
        (file, content or 0, library.tree.path(directory).rstrip(b"/") + b"/" + name)
        for file, content, directory, name in rows
    ]
    unknown = [-1, 10**6]
    ids = [file for file, *_ in rows]
    assert sorted(find_files(library, "id", ids[::-1] + unknown)) == sorted(expected)
    odd = [each for each in expected if each[1] == 7]
    assert sorted(find_files(library, "content", [7, 8])) == sorted(odd)
    assert list(find_files(library, "id", unknown)) == []
    library.close()


def test_more_files_than_one_statement_takes(tmp_path: Path) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    names = [b"%d, 'x'\xff.jpg" % number for number in range(1203)]
    files = [FileStat(name, 1, 1, 1, 1) for name in names]
    listings.apply(library, Listing(b"/a/b", files, [], b"1"))
    found = list(find_files(library, "id", list(range(1, 1204))))
    assert sorted(path for _, _, path in found) == sorted(b"/a/b/" + name for name in names)
    library.close()
