"""A library of as many pictures as wanted, without any pictures.

    python tests/benchmarks/synthetic.py COUNT HOME

makes HOME with COUNT empty files in directories of a hundred, and a library that knows them, with
vectors like CLIP's: clusters around a common mean, with a decaying spectrum. It goes through the
library's own code; only the encoder's part is made up. `queries` are from another mean, as the
vectors of texts are.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

import common
from peer import MODEL, random_model

from csearchd.library import listings, roots
from csearchd.library.catalogue import INDEXED
from csearchd.library.library import Library
from csearchd.models.installed import find_model
from csearchd.paths import Paths
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.rules import Rules
from support.user import User

IN_DIRECTORY = 100  # files; ten directories above these hold a tenth of them each
TENTH = "part3"  # one of the ten
_CLUSTERS = 2000
_BLOCK = 4000
_SPREAD = 0.7  # of a cluster around its centre, beside the centres around the mean

Vectors = NDArray[np.float32]


class Cloud:
    """Where vectors of pictures, and of texts, are."""

    def __init__(self, dimensions: int = 512, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self._dimensions = dimensions
        axes = np.linalg.qr(self._random.normal(size=(dimensions, dimensions)))[0]
        self._axes = (axes * (np.arange(1, dimensions + 1) ** -0.5)[:, None]).astype(np.float32)
        self._axes /= np.linalg.norm(self._axes)
        self._mean, self._text_mean = self._unit(2)
        self._centres = self._drawn(_CLUSTERS)

    def pictures(self, count: int) -> Vectors:
        chosen = self._centres[self._random.integers(0, _CLUSTERS, count)]
        return _normal(self._mean + chosen + _SPREAD * self._drawn(count))

    def texts(self, count: int) -> Vectors:
        return _normal(self._text_mean + self._drawn(count))

    def _drawn(self, count: int) -> Vectors:
        return self._random.normal(size=(count, self._dimensions)).astype(np.float32) @ self._axes

    def _unit(self, count: int) -> Vectors:
        return _normal(self._random.normal(size=(count, self._dimensions)).astype(np.float32))


def _normal(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def make(home: Path, count: int, cloud: Cloud | None = None) -> User:
    """A user whose library knows `count` pictures below `user.pictures`, the only root."""
    home.mkdir(parents=True)
    user = User(home)
    (user.data / "models").mkdir(parents=True)
    shutil.copytree(random_model(), user.data / "models" / MODEL)
    paths = Paths(str(user.config), str(user.data), str(home / ".cache" / "csearch"))
    library = Library(paths.library, paths.cache)
    model = find_model(paths.models, MODEL)
    row = library.model_row(model.fingerprint, model.name, model.dimensions)
    library.set("model", model.name)
    roots.add(library, bytes(user.pictures))
    cloud = cloud or Cloud(model.dimensions)
    directories = _directories(user.pictures, count)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        vectors = cloud.pictures(size).astype("<f2")
        contents = range(start + 1, start + size + 1)
        with library.write() as database:
            while (path := next(directories, None)) is not None:
                _list(library, path)
                if path.name.endswith("last"):
                    break
            database.executemany(
                "INSERT INTO contents (id, scheme, identity, format, width, height, signed) "
                "VALUES (?, 1, ?, 'JPEG', 640, 480, 1)",
                ((content, content.to_bytes(32, "big")) for content in contents),
            )
            database.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?, 1)",
                zip([row] * size, contents, map(bytes, vectors), strict=True),
            )
            rows = database.execute(
                "UPDATE files SET content = id, due = 0 WHERE id BETWEEN ? AND ? "
                "RETURNING id, directory",
                (start + 1, start + size),
            ).fetchall()
            for file, directory in rows:
                library.catalogue.put(file, directory, file, INDEXED)
            library.add_to_counter("encoded", size)
    for path in (*sorted(user.pictures.iterdir()), user.pictures):
        _list(library, path)
    listings.mark_scanned(library, bytes(user.pictures))
    library.close()
    return user


def kept(base: Path, count: int) -> User:
    """`make` below `base`, unless that has been done before."""
    home = base / str(count)
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        make(home, count)
        (home / "complete").touch()
    user = User(home)
    weights = shutil.ignore_patterns("*.safetensors")  # which are the same, unlike what's exported
    models = user.data / "models"
    shutil.copytree(random_model(), models / MODEL, ignore=weights, dirs_exist_ok=True)
    return user


def _directories(top: Path, count: int) -> Iterator[Path]:
    """Makes the files, and gives the directories that hold them; a block's last one is marked."""
    per_part = -(-count // 10)
    for start in range(0, count, IN_DIRECTORY):
        end = min(start + IN_DIRECTORY, count)
        last = "last" if end % _BLOCK == 0 or end == count else ""
        path = top / f"part{start // per_part}" / f"{start // IN_DIRECTORY:06}{last}"
        path.mkdir(parents=True)
        for number in range(start, end):
            (path / f"{number:08}.jpg").touch()
        yield path


def _list(library: Library, path: Path) -> None:
    listing = read_listing(bytes(path), Rules(False, []))
    assert listing is not None
    listings.apply(library, listing)


def main() -> None:
    print(common.timed(lambda: make(Path(sys.argv[2]), int(sys.argv[1]))))


if __name__ == "__main__":
    main()
