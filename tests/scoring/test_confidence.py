"""Confidence, end to end: in every output, with a remark if nothing matches well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csearchd.scoring.confidence import ScoreCalibration
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


@pytest.fixture
def calibration() -> ScoreCalibration:
    chance = np.random.default_rng(1)
    words, general = (_unit(chance.normal(size=(n, 64))) for n in (300, 1000))
    return ScoreCalibration(words, general, 200)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_levels_do_not_depend_on_the_scale_of_scores(calibration: ScoreCalibration) -> None:
    """The confidence of a picture doesn't change if it is farther from all words, or nearer."""
    chance = np.random.default_rng(2)
    query = _unit(chance.normal(size=(1, 64)))[0]
    pictures = _unit(query + chance.normal(size=(50, 64)) * np.linspace(0.02, 1, 50)[:, None])
    levels = calibration.levels(query, pictures, 1000)
    assert levels is not None
    assert set(levels.tolist()) == {0, 1, 2}
    assert (np.diff(levels) <= 0).mean() > 0.8  # the nearer, the surer
    assert (calibration.levels(query, 0.3 * pictures, 1000) == levels).all()


def test_among_more_pictures_it_takes_more(calibration: ScoreCalibration) -> None:
    chance = np.random.default_rng(3)
    query = _unit(chance.normal(size=(1, 64)))[0]
    pictures = _unit(query + chance.normal(size=(200, 64)) * 0.25)
    sums = [
        int(calibration.levels(query, pictures, candidate_count).sum())
        for candidate_count in (5, 1000, 1_000_000)
    ]  # type: ignore[union-attr]
    assert sums[0] > sums[1] > sums[2]


def test_the_least_score_loses_nothing(calibration: ScoreCalibration) -> None:
    chance = np.random.default_rng(4)
    query = _unit(chance.normal(size=(1, 64)))[0]
    pictures = _unit(query + chance.normal(size=(500, 64)) * 0.2)
    levels = calibration.levels(query, pictures, 1000)
    assert levels is not None
    sure = pictures[levels >= 1]
    assert 0 < len(sure) < 500
    assert ((sure @ query) >= calibration.min_score(query, 1000, False, 1)).mean() > 0.99


def test_pictures_need_a_sample_of_pictures() -> None:
    chance = np.random.default_rng(5)
    bare = ScoreCalibration(
        _unit(chance.normal(size=(300, 64))), np.zeros((0, 64), np.float32), 200
    )
    query = _unit(chance.normal(size=(1, 64)))[0]
    assert bare.levels(query, query[None], 1000, like=True) is None
    words = bare.levels(query, query[None], 1000)
    assert words is not None
    assert words[0] == 2
