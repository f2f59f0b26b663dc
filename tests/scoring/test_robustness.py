"""The benchmark of robustness measures each distortion through the encoder, and draws it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from support.photos import photo, write_photos

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "robustness.py"
NAMES = {"blur", "noise", "jpeg", "crop", "rotation", "grey", "darker", "brighter", "contrast"}
NAMES |= {"reduced", "watermark", "screenshot", "truncated"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_distortions_cost_what_they_cost(tmp_path: Path) -> None:
    for name in ("cat", "rocket"):
        write_photos(tmp_path / "set" / name, (name,))
    plot, cache = tmp_path / "plot.svg", tmp_path / "cache"
    arguments = (tmp_path / "set", "--cache", cache, "--plot", plot)
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = report["distortions"]
    assert report["photos"] == 2 and found["none"]["top-1"] == 1.0
    assert set(found) == NAMES | {"none"}
    assert all(len(grades) >= 3 for name, grades in found.items() if name != "none")
    assert all(grade["unreadable"] == 0 for grade in found["blur"].values())
    assert report["table"].count("\n") == len(NAMES) + 2
    assert len(ElementTree.parse(plot).findall(".//{*}polyline")) == len(NAMES)
    again = run(*arguments)
    assert json.loads(again.stdout) == report and not again.stderr  # nothing was encoded again


def test_wrong_arguments_are_said(tmp_path: Path) -> None:
    done = run(tmp_path, "--photos", "0")
    assert done.returncode == 2 and "--photos" in done.stderr
    missing = run(tmp_path / "nothing")
    assert missing.returncode == 1 and missing.stderr.count("\n") == 1


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(SCRIPT.parent), *sys.path])


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize("name", ["none", "truncated"])
def test_photos_are_turned_by_their_exif(name: str, tmp_path: Path) -> None:
    from robustness import distorted

    upright = photo("rocket").resize((200, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    upright.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    with Image.open(distorted(tmp_path / "turned.jpg", tmp_path, 0, name, 1)) as found:
        assert found.size == upright.size and 0x0112 not in found.getexif()
        difference = np.asarray(found.convert("RGB"), int) - np.asarray(upright, int)
    assert abs(difference).mean() < 10


@pytest.mark.usefixtures("benchmarks")
def test_cached_vectors_are_those_of_the_files_and_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import robustness
    from datasets import Classified
    from embedding import chosen_model

    write_photos(tmp_path / "cat", ("cat",))
    chosen = Classified(list((tmp_path / "cat").iterdir()), [0], ["cat"])
    model = chosen_model("starter")
    cache = tmp_path / "cache"
    cache.mkdir()
    embedded = []

    def embed(*_: object) -> tuple[object, list[str]]:
        embedded.append(1)
        return np.ones((1, model.dimensions), np.float32), []

    monkeypatch.setattr(robustness, "embed_pictures", embed)
    for _ in range(2):
        robustness.Measurement(model, chosen, cache)("none", 0)
    assert len(embedded) == 1
    assert [path.suffix for path in cache.iterdir()] == [".npy"]
    other = replace(model, checksums={**model.checksums, "image.onnx": "0" * 64})
    robustness.Measurement(other, chosen, cache)("none", 0)
    assert len(embedded) == 2
    monkeypatch.setattr(robustness, "encoder_code", lambda: "other")
    robustness.Measurement(model, chosen, cache)("none", 0)
    assert len(embedded) == 3


@pytest.mark.usefixtures("benchmarks")
def test_an_unfinished_file_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import robustness
    from datasets import Classified
    from embedding import chosen_model

    write_photos(tmp_path / "cat", ("cat",))
    chosen = Classified(list((tmp_path / "cat").iterdir()), [0], ["cat"])
    model = chosen_model("starter")
    cache = tmp_path / "cache"
    cache.mkdir()

    def interrupted(file: object, _: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    vectors = np.ones((1, model.dimensions), np.float32)
    monkeypatch.setattr(robustness, "embed_pictures", lambda *_: (vectors, []))
    with monkeypatch.context() as patched:
        patched.setattr(np, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            robustness.Measurement(model, chosen, cache)("none", 0)
    assert robustness.Measurement(model, chosen, cache)("none", 0)["top-1"] == 1.0


@pytest.mark.usefixtures("benchmarks")
def test_truncated_photos_are_read(tmp_path: Path) -> None:
    from datasets import Classified
    from embedding import chosen_model
    from robustness import Measurement

    write_photos(tmp_path, ("cat",))
    chosen = Classified(list(tmp_path.iterdir()), [0], ["cat"])
    (tmp_path / "cache").mkdir()
    measurement = Measurement(chosen_model("starter"), chosen, tmp_path / "cache")
    assert measurement("truncated", 0.7)["unreadable"] == 0
