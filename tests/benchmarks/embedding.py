"""Vectors as the service has them: pictures by its encoder process, texts by its text tower, and
ranks by its search over vectors."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from csearchd.config import Config
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Pool
from csearchd.errors import CsearchError
from csearchd.library.contents import Job
from csearchd.library.vectors.table import VectorTable
from csearchd.models.installed import Model, find_model, load_model
from csearchd.models.text_tower import TextTower
from csearchd.paths import standard_paths
from csearchd.system import processors

Vectors = NDArray[np.float32]

_BLOCK = 1 << 24  # scores at a time
_NEVER = 1 << 30  # in place of a rank


class Unusable(Exception):
    """One line for the user: what can't be used, and what to do."""


def chosen_model(name: str) -> Model:
    """The installed model `name`, or the one in a directory, if `name` has a slash.

    Raises Unusable.
    """
    try:
        return (
            load_model(os.path.abspath(name))
            if "/" in name
            else find_model(standard_paths().models, name)
        )
    except CsearchError as error:
        raise Unusable(str(error)) from error


def embed_pictures(
    model: Model, paths: Sequence[Path], threads: int = 0
) -> tuple[Vectors, list[str]]:
    """Unit vectors of the files at `paths`, float32 (len(paths), dimensions), by the encoder
    process; 0 for a picture that can't be read. Then a line about each of those.

    Raises Unusable if the model can't be used.
    """
    vectors, _, failures = read_pictures(model, paths, threads)
    return vectors, failures


def read_pictures(
    model: Model, paths: Sequence[Path], threads: int = 0
) -> tuple[Vectors, list[bytes], list[str]]:
    """As `embed_pictures`, with the pictures' signatures (csearchd.library.signatures) second;
    b"" for one that can't be read."""
    encode = Config().encode
    limits = Limits(encode.max_pixels, encode.max_bytes, encode.max_memory)
    settings = Settings(model.directory, limits, threads or processors.count(), encode.device)
    pool = Pool(settings, encode.max_seconds, urgent=True)
    vectors = np.zeros((len(paths), model.dimensions), np.float32)
    signatures = [b""] * len(paths)
    failures = []
    never = os.eventfd(0)
    waiting = deque(enumerate(paths))
    over = 0
    try:
        while waiting or pool.busy:
            while waiting and pool.room:
                number, path = waiting.popleft()
                job = Job(number, 0, os.fsencode(path.name), (0, 0, 0, 0), 0)
                pool.submit(job, os.fsencode(os.path.realpath(path)))  # it follows no links
            for event in pool.poll(None, never):
                number = event.job.file
                if event.op == "identified":
                    pool.answer(event.job, "encode")
                elif event.op == "encoded" and event.vector is not None:
                    vectors[number] = np.frombuffer(event.vector, "<f2")
                    signatures[number] = (event.found or {}).get("signature", b"")
                    over += 1
                else:
                    failures.append(f"{paths[number]}: {event.reason}")
                    over += 1
                _progress(over, len(paths))
    except CsearchError as error:
        raise Unusable(str(error)) from error
    finally:
        pool.close()
        os.close(never)
    return vectors, signatures, failures


def ranks(
    model: Model, pictures: Vectors, texts: Vectors, own: Sequence[int], top: int
) -> NDArray[np.int64]:
    """For each text how many pictures the service's search puts before its own one, if that is
    among the best `top`; else a large number.

    Row `own[i]` of `pictures`, whose rows are unit vectors or 0, is the picture of `texts[i]`.
    A picture or text whose vector isn't finite isn't found.
    """
    readable = np.flatnonzero(pictures.any(axis=1) & np.isfinite(pictures).all(axis=1))
    if not len(readable):
        return np.full(len(texts), _NEVER)
    table = VectorTable(model.dimensions)
    table.extend((readable + 1).astype(np.int32), pictures[readable].astype(np.float16))
    found = np.full(len(texts), _NEVER)
    for row, (text, picture) in enumerate(zip(texts, own, strict=True)):
        if not np.isfinite(text).all():
            continue
        contents, scores = table.search(text, None, top)
        (places,) = np.nonzero(contents == picture + 1)
        if len(places):  # pictures of the same score, such as copies, share the place
            found[row] = np.count_nonzero(scores > scores[places[0]])
    table.close()
    return found


def class_ranks(
    pictures: Vectors, classes: Vectors, own: NDArray[np.int64], names: Sequence[str]
) -> NDArray[np.int64]:
    """For each picture how many classes have a score as high as that of its own one.

    `classes` has a unit vector for each class, called `names`; `own` says which is right. Classes
    of the same name share the place; another class with the same score counts as a better one.
    Pictures come last that are unreadable, or where their vector or that of their own class isn't
    finite.
    """
    parts = [np.zeros(0, np.int64)]
    step = max(1, _BLOCK // max(1, len(classes)))
    numbers = np.unique(np.array(names, dtype=object), return_inverse=True)[1]
    usable = np.isfinite(classes).all(axis=1)
    classes = np.where(usable[:, None], classes, 0)
    for start in range(0, len(pictures), step):
        part = pictures[start : start + step]
        readable = part.any(axis=1) & np.isfinite(part).all(axis=1)
        right = own[start : start + step]
        scores = np.where(readable[:, None], part, 0) @ classes.T
        least = scores[np.arange(len(part)), right, None] - 1e-6
        others = usable & (numbers != numbers[right, None])
        above = ((scores >= least) & others).sum(axis=1)
        parts.append(np.where(readable & usable[right], above, _NEVER))
    return np.concatenate(parts)


def embed_texts(tower: TextTower, texts: Sequence[str], language: str = "") -> Vectors:
    """Unit vectors of `texts`, as the service computes those of queries."""
    parts = [tower.embed(part, language) for part in _parts(texts, 100)]
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def shares(places: NDArray[np.int64], name: str, tops: Sequence[int]) -> dict[str, float]:
    """The share of `places` below each of `tops`, as {"NAME@TOP": share}."""
    return {f"{name}{top}": round(float(np.mean(places < top)), 4) for top in tops}


def _parts(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (texts[start : start + size] for start in range(0, len(texts), size))


def _progress(done: int, count: int) -> None:
    if sys.stderr.isatty() and (done % 100 == 0 or done == count):
        print(
            f"\r{done:,} of {count:,} pictures",
            end="\n" if done == count else "",
            file=sys.stderr,
            flush=True,
        )
