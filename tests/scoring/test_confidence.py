"""Confidence, end to end: in every output, with a remark if nothing matches well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from csearchd.scoring.confidence import LEVELS, THRESHOLDS, ScoreCalibration, levels_of
from support.photos import photo
from support.user import User

WELL = "a cat"  # photos.NAMES has one
BADLY = "people dancing"
REMARK = b"csearch: nothing matches well; nearest:\n"


def rows(user: User, *arguments: object) -> list[dict[str, Any]]:
    done = user.csearch("--json", "--in", user.pictures, *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_results_say_how_sure_they_are(settled: User) -> None:
    found = rows(settled, WELL)
    assert Path(found[0]["path"]).stem == "cat"
    assert found[0]["confidence"] in ("fair", "strong")
    assert found[-1]["confidence"] == "weak"
    shown = settled.csearch("--in", settled.pictures, "--format", "{confidence}", WELL).stdout
    assert shown.decode().split() == [row["confidence"] for row in found]


def test_nothing_matches_well(settled: User) -> None:
    done = settled.csearch("--in", settled.pictures, BADLY)  # exit status 0
    assert done.stderr == REMARK
    assert len(done.stdout.splitlines()) == 8
    assert settled.csearch("--in", settled.pictures, WELL).stderr == b""
    assert settled.csearch("--in", settled.pictures, "type:jpeg").stderr == b""


def test_least_confidence(settled: User) -> None:
    found = rows(settled, WELL)
    sure = [row["path"] for row in found if row["confidence"] != "weak"]
    assert 0 < len(sure) < len(found)
    min_score = ("--min-confidence", "fair")
    assert [row["path"] for row in rows(settled, WELL, *min_score)] == sure
    counted = settled.csearch("--in", settled.pictures, "--count", *min_score, WELL).stdout
    assert int(counted) == len(sure)
    assert settled.csearch("--in", settled.pictures, *min_score, BADLY, check=1).stdout == b""
    settled.csearch("--min-confidence", "high", WELL, check=2)


def test_almost_the_same_picture_is_strong(settled: User, tmp_path: Path) -> None:
    other = tmp_path / "cat.jpg"
    cat = photo("cat")
    cat.resize((cat.width * 9 // 10, cat.height * 9 // 10)).save(other, quality=80)
    best, *rest = rows(settled, other)
    assert (Path(best["path"]).stem, best["confidence"]) == ("cat", "strong")
    assert all(row["confidence"] != "strong" for row in rest)


def test_the_remark_depends_on_the_query_alone(settled: User) -> None:
    """Not on the number of results, the page, their order or where they go."""
    for asked in (["-t", 1], ["--offset", 5], ["-t", 2, "--offset", 3], ["--json"], ["-0"],
                  ["--sort", "name"], ["--sort", "score", "--reverse"], ["--group"]):  # fmt: skip
        done = settled.csearch("--in", settled.pictures, *asked, BADLY)
        assert done.stderr == REMARK, asked
        assert settled.csearch("--in", settled.pictures, *asked, WELL).stderr == b"", asked
    done = settled.csearch("--in", settled.pictures, "--offset", 100, BADLY, check=1)
    assert b"nothing matches" not in done.stderr


def test_probability_follows_the_score(settled: User) -> None:
    found = rows(settled, WELL)
    sure = [row["probability"] for row in found]
    assert sure == sorted(sure, reverse=True)
    assert all(0 <= one <= 1 for one in sure)
    for row in found:
        assert row["confidence"] == LEVELS[sum(row["probability"] >= one for one in THRESHOLDS)]
    shown = settled.csearch("--in", settled.pictures, "--format", "{probability}", WELL).stdout
    assert [float(line) for line in shown.split()] == sure
    assert {row["probability"] for row in rows(settled, "type:jpeg")} == {None}


def test_counting_what_is_at_least_fair(settled: User) -> None:
    fair = sum(row["confidence"] != "weak" for row in rows(settled, WELL))
    done = settled.csearch("--in", settled.pictures, "--count", WELL)
    assert (int(done.stdout), done.stderr) == (fair, b"csearch: of 8\n")
    done = settled.csearch("--in", settled.pictures, "--count", BADLY, check=1)
    assert done.stdout == b"0\n" and b"of 8" in done.stderr
    every = settled.csearch("--in", settled.pictures, "--count", "--min-confidence", "weak", BADLY)
    assert every.stdout == b"8\n"
    assert settled.csearch("--in", settled.pictures, "--count", "type:jpeg").stdout == b"8\n"


def test_words_that_say_nothing_find_nothing_that_is_fair(settled: User) -> None:
    for word in ("img", "a", "no"):
        done = settled.csearch("--in", settled.pictures, "--json", "--", word)
        assert done.stderr == REMARK, word
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [row["confidence"] for row in found] == ["weak"] * 8, word
        explained = settled.csearch("--in", settled.pictures, "--json", "--why", "--", word)
        for line in explained.stdout.splitlines():
            parts = json.loads(line)["why"]["parts"]
            assert [part["confidence"] for part in parts] == ["weak"], word
        done = settled.csearch("--in", settled.pictures, "--count", "--", word, check=1)
        assert done.stdout == b"0\n", word


def _samples(scale: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Words and pictures; with a smaller `scale`, their scores are all larger and vary less."""
    chance = np.random.default_rng(1)
    return tuple(_lifted(_unit(chance.normal(size=(n, 64))), scale) for n in (300, 1000))  # type: ignore[return-value]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _lifted(vectors: np.ndarray, scale: float) -> np.ndarray:
    rest = np.full((len(vectors), 1), np.sqrt(1 - scale**2), np.float32)
    return np.hstack([scale * vectors, rest]).astype(np.float32)


def _query(seed: int, count: int, spread: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """A query, and pictures that are the nearer to it the earlier they come."""
    chance = np.random.default_rng(seed)
    query = _unit(chance.normal(size=(1, 64)))
    noise = chance.normal(size=(count, 64)) * np.linspace(0.02, spread, count)[:, None]
    return query, _unit(query + noise)


def test_probabilities_do_not_depend_on_the_scale_of_scores() -> None:
    """Models differ in it: with one, scores lie between 0.1 and 0.3, with another -0.2 and 0.8."""
    found = []
    query, pictures = _query(2, 50)
    for scale in (1, 0.4):
        calibration = ScoreCalibration(*_samples(scale), 200)
        sure = calibration.probabilities(_lifted(query, scale)[0], _lifted(pictures, scale))
        assert sure is not None
        found.append(sure)
    assert set(levels_of(found[0]).tolist()) == {0, 1, 2}
    np.testing.assert_allclose(found[0], found[1], atol=0.02)


def test_the_least_score_is_that_of_the_level() -> None:
    calibration = ScoreCalibration(*_samples(), 200)
    query, pictures = (_lifted(vectors, 1) for vectors in _query(4, 500))
    for like in (False, True):
        sure = calibration.probabilities(query[0], pictures, like)
        assert sure is not None
        for level in (1, 2):
            least = calibration.min_score(query[0], level, like)
            reached = levels_of(sure) >= level
            assert 0 < reached.sum() < 500
            np.testing.assert_array_equal(reached, pictures @ query[0] >= least)
        assert calibration.min_score(query[0], 0, like) == -1


def test_pictures_need_a_sample_of_pictures() -> None:
    words, _ = _samples()
    bare = ScoreCalibration(words, np.zeros((0, 65), np.float32), 200)
    query = _lifted(_query(5, 1)[0], 1)[0]
    assert bare.probabilities(query, query[None], like=True) is None
    assert bare.min_score(query, 1, True) == -1
