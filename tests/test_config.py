"""The configuration: every key is checked, every complaint names its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.config import KEYS, load, parse
from csearchd.errors import ConfigError
from support.user import SECONDS, User


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    config = load(str(tmp_path / "missing.toml"))
    for key in KEYS:
        assert getattr(getattr(config, key.section), key.name) == key.default


def test_every_key_can_be_set() -> None:
    other = {int: "7", str: '"x"', list: '["x*"]'}
    for key in KEYS:
        value = (
            f'"{key.setting.choices[-1]}"' if key.setting.choices else other.get(type(key.default))
        )
        value = value or str(not key.default).lower()
        config = parse(f"[{key.section}]\n{key.name} = {value}\n", "c")
        assert getattr(getattr(config, key.section), key.name) != key.default or key.setting.choices


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "[encode]\n\nthread = 3",
            "line 3: unknown key encode.thread; did you mean encode.threads",
        ),
        ("[scan]\nhidden = 1", "line 2: scan.hidden must be true or false, not 1"),
        ("# x\n[encode]\nthreads = true", "line 3: encode.threads must be a whole number"),
        ("[encode]\nmax_pixels = 0", "line 2: encode.max_pixels must be at least 1, not 0"),
        ('[encode]\ndevice = "tpu"', "line 2: encode.device must be one of auto, cpu, cuda"),
        ('[tags]\nroot = "a|b"', "line 2: tags.root must hold none of"),
        ("[scan]\nexclude = [1]", "line 2: scan.exclude must be a list of strings"),
        ("[sacn]\nhidden = true", "line 2: unknown key sacn.hidden; did you mean scan.hidden"),
        ("\n[nonsense]\n", "line 2: unknown key nonsense"),
        ("threads = 1", "line 1: unknown key threads"),
        ("\nencode.thread = 1", "line 2: unknown key encode.thread"),
        ("scan = { hidden = 3 }", "line 1: scan.hidden must be true or false"),
        ("[scan\n", "is not TOML"),
    ],
)
def test_complaints(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "config.toml")
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("config.toml")


@given(st.text())
def test_any_text_is_a_configuration_or_a_complaint(text: str) -> None:
    try:
        parse(text, "config.toml")
    except ConfigError as error:
        assert str(error).startswith("config.toml")


def test_the_daemon_says_so_instead_of_starting(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[encode]\nmax_pixel = 1\n")
    daemon = user.start(wait=False)
    assert daemon.wait(SECONDS) == 1
    assert "line 2: unknown key encode.max_pixel; did you mean encode.max_pixels" in user.log()
    assert "line 2" in user.csearch("-g", "anything", check=2).stderr.decode()


def test_a_wrong_one_at_reload_changes_nothing(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.start()
    user.config.write_text("nonsense = 1\n")
    told = user.csearchctl("reload", check=2).stderr.decode()
    assert "line 1" in told and "old configuration stays" in told
    assert user.status()["state"] == "idle"


def test_the_text_towers_threads_at_reload(user: User) -> None:
    daemon = user.start()
    before = len(os.listdir(f"/proc/{daemon.pid}/task"))
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[search]\nthreads = 64\n")
    user.csearchctl("reload")
    assert len(os.listdir(f"/proc/{daemon.pid}/task")) >= before + 60
    assert user.csearch("-g", "anything", check=1).stderr
