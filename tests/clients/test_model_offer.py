"""The offer of the recommended model, once, after the first search; and csearchctl model."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from home import Home
from scripted_service import STATUS, answering, hits

from csearch.models import seconds_per_picture
from csearch.search.offers import model_offer

CATALOGUE = {
    "default": "large",
    "accuracy_source": "its authors",
    "models": [
        {
            "name": "starter",
            "arch": "small",
            "licence": "MIT",
            "disk": 38_000_000,
            "installed": True,
            "starter": True,
        },
        {
            "name": "large",
            "arch": "ViT-B-32-256",
            "weights": "datacomp",
            "licence": "MIT",
            "download": 605_000_000,
            "disk": 700_000_000,
            "languages": "English",
            "accuracy": "72.8 % of ImageNet",
            "summary": "Finds far more.",
            "installed": False,
            "recommended": True,
        },
    ],
}


@pytest.fixture
def models(home: Home):
    """Stand-ins for the catalogue and the installer; the file of the installer's arguments."""
    installed = home.home / "installed"
    home.stand_in(
        "csearchd.models.manage",
        f"""
        import sys
        answers = {{"list": {json.dumps(CATALOGUE)!r}, "estimate": '{{"seconds": 0.25}}'}}
        print(answers[sys.argv[1]])
        """,
    )
    home.stand_in(
        "csearchd.models.install",
        f"import sys; open({str(installed)!r}, 'w').write(str(sys.argv[1:]))",
    )
    return installed


@pytest.fixture
def first_use(home: Home, service, models):
    """A user who wasn't asked yet: the service, and the file with the installer's arguments."""
    home.offered.unlink()
    running = service(
        search=answering(hits(b"/p/a.jpg")),
        use=lambda c, r: c.reply(r, "result", model=r["model"], total=20),
        status=lambda c, r: c.reply(r, "result", **{**STATUS, "images": 12_345}),
    )
    return running, models


def ask(home: Home, answer: str) -> tuple[str, int]:
    terminal = home.terminal("csearch", "dog", NO_COLOR="1")
    terminal.process.expect("a.jpg")  # the answer comes before the question
    terminal.process.expect(
        r"large, about 605 MB to download, 700 MB on disk, licence MIT\r\n  Finds far more.\r\n"
        r"  languages: English; accuracy: 72.8 % of ImageNet\r\n"
        r"  Reading your 12,345 pictures again takes this machine roughly 51 minutes,"
    )
    terminal.process.expect(r"\[y/N\] ")
    terminal.process.send(answer)
    return terminal.finish()


def test_yes_installs_and_uses_it(home, first_use):
    running, installed = first_use
    output, status = ask(home, "y\n")
    assert status == 0
    assert installed.read_text() == "['large']"
    assert running.requests[-1]["model"] == "large"
    assert "20 pictures will be read again" in output


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "\x03"])
def test_anything_else_is_a_no_and_is_remembered(home, first_use, answer):
    _, installed = first_use
    output, status = ask(home, answer)
    assert status == 0
    assert "Traceback" not in output
    assert not installed.exists()
    assert home.terminal("csearch", "dog", NO_COLOR="1").finish() == (" 0.900  /p/a.jpg\n", 0)


def test_a_failed_installation_changes_nothing(home, first_use):
    running, _ = first_use
    home.stand_in("csearchd.models.install", "import sys; sys.exit('no network')")
    output, status = ask(home, "y\n")
    assert status == 0
    assert "no network" in output
    assert "use" not in [request["op"] for request in running.requests]


def test_a_machine_whose_speed_is_unknown_is_offered_the_model_too(home, first_use):
    home.stand_in(
        "csearchd.models.manage",
        f"""
        import sys
        print({json.dumps(CATALOGUE)!r} if sys.argv[1] == "list" else "no numbers")
        """,
    )
    terminal = home.terminal("csearch", "dog", NO_COLOR="1")
    terminal.process.expect(r"72.8 % of ImageNet\r\nTo install it later")
    terminal.process.send("n\n")
    assert terminal.finish()[1] == 0


def test_never_without_a_terminal(home, first_use):
    done = home.ask("csearch", "dog")
    assert (done.stdout, done.stderr) == (b"/p/a.jpg\n", b"")
    assert not home.offered.exists()


def test_never_where_a_model_is_installed(home, first_use):
    model = home.data / "models" / "mine" / "model.toml"
    model.parent.mkdir(parents=True)
    model.touch()
    assert home.terminal("csearch", "dog", NO_COLOR="1").finish() == (" 0.900  /p/a.jpg\n", 0)


def test_trouble_with_the_offer_is_no_error_of_the_search(home, first_use):
    home.stand_in("csearchd.models.manage", "import sys; sys.exit('it broke')")
    output, status = home.terminal("csearch", "dog").finish()
    assert status == 0
    assert "it broke" in output


def test_model_list(home, service, models):
    service(models=lambda c, r: c.reply(r, "result", current="starter", next=None, done=0, total=0))
    done = home.ask("csearchctl", "model", "list")
    first, second, source = done.stdout.decode().split("\n\n")
    assert "its authors" in source
    assert "starter  (in use, comes with csearch)" in first
    assert "38 MB on disk" in first
    assert "large  (recommended)" in second
    for part in ("ViT-B-32-256 datacomp", "MIT", "605 MB to download", "English", "72.8 %"):
        assert part in second


def test_model_list_needs_no_service(home, models):
    assert b"starter  (comes with csearch)" in home.ask("csearchctl", "model", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["install", "large"], ["large"]),
        (
            ["import", "--arch", "A", "--weights", "w.pt", "--name", "n"],
            ["--import", "--arch", "A", "--weights", "w.pt", "--name", "n"],
        ),
    ],
)
def test_the_installer_is_run(home, models, arguments, expected):
    assert home.ask("csearchctl", "model", *arguments).returncode == 0
    assert models.read_text() == str(expected)


def test_remove_refuses_the_model_in_use(home, service):
    service(models=lambda c, r: c.reply(r, "result", current="a", next="b", done=0, total=0))
    for name in ("a", "b", "c"):
        (home.data / "models" / name).mkdir(parents=True)
    for name in ("a", "b"):
        done = home.ask("csearchctl", "model", "remove", name)
        assert done.returncode == 2
        assert b"in use" in done.stderr
    assert home.ask("csearchctl", "model", "remove", "c").returncode == 0
    assert sorted(path.name for path in (home.data / "models").iterdir()) == ["a", "b"]
    done = home.ask("csearchctl", "model", "remove", "c")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no model 'c' is in " in done.stderr


def test_real_list(home):
    done = home.ask("csearchctl", "model", "list")
    assert done.returncode == 0
    starter, recommended, *others, _ = done.stdout.decode().split("\n\n")
    assert starter.startswith("starter  (comes with csearch)\n")
    assert recommended.startswith("ViT-B-32-SigLIP2-256  (recommended)\n")
    for part in ("webli", "Apache-2.0", "about 1.5 GB to download", "many", "74.0%", "47.2%"):
        assert part in recommended
    assert "PyTorch" not in recommended
    (perception,) = [entry for entry in others if entry.startswith("PE-Core-B-16  ")]
    assert "needs      PyTorch" in perception


def test_the_time_for_a_picture_is_estimated() -> None:
    """It depends on the model, and is neither nothing nor for ever."""
    small, large = (seconds_per_picture(name) for name in ("PE-Core-S-16-384", "PE-Core-L-14-336"))
    assert 0.0001 < small < large < 1000


def test_the_command_is_told_with_its_path_where_the_shell_would_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    environment = tmp_path / "an environment"
    environment.mkdir()
    (environment / "csearchctl").touch(0o755)
    monkeypatch.setattr(sys, "executable", str(environment / "python"))
    monkeypatch.setenv("PATH", os.devnull)
    assert model_offer.csearchctl() == f"'{environment}/csearchctl'"
    monkeypatch.setenv("PATH", str(environment))
    assert model_offer.csearchctl() == "csearchctl"
