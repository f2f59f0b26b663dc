"""Requests to a hub: what is sent to whom, what is waited for, and what is said of refusals."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest

from csearchd.errors import ModelError, NetworkError
from csearchd.models.hub.connection import Hub
from csearchd.models.hub.repository import RemoteFile, read_repository
from models.hub import COMMIT, Refusal, git_checksum, serving
from models.hub import Hub as StandIn
from models.installing import CLOSED, Home
from models.test_downloads import CONTENT, PROGRAM, SMALL_FILE, WEIGHTS, assert_downloaded

TOKEN = "hf_secret"
FILES = {WEIGHTS: CONTENT, SMALL_FILE: b"{}"}


@pytest.fixture
def home(tmp_path: Any) -> Home:
    return Home(str(tmp_path))


def hub_at(served: StandIn, token: str | None = None) -> Hub:
    return Hub(served.address, token, pauses=(0.01, 0.01))


# The stand-in


THEIRS = f"""
import json, os, sys
from huggingface_hub import HfApi, hf_hub_download
found = HfApi().model_info("someone/model", files_metadata=True).siblings
print(json.dumps({{one.rfilename: [one.size, one.lfs and one.lfs.sha256] for one in found}}))
for name in {list(FILES)!r}:
    with open(hf_hub_download("someone/model", name, local_dir=sys.argv[1]), "rb") as file:
        sys.stdout.flush()
        os.write(1, str(len(file.read())).encode() + b"\\n")
"""


def test_the_hubs_own_library_takes_the_stand_in_for_the_hub(home: Home, tmp_path: Any) -> None:
    with serving(StandIn(FILES)) as served:
        code, out, err = home.install(str(tmp_path / "got"), hub=served.address, program=THEIRS)
    assert code == 0, err
    description, *sizes = out.splitlines()
    described = json.loads(description)
    assert described[SMALL_FILE] == [2, None]
    assert described[WEIGHTS][0] == len(CONTENT) and len(described[WEIGHTS][1]) == 64
    assert sizes == [str(len(CONTENT)), "2"]


# What a repository holds


@pytest.mark.parametrize("xet", [False, True])
def test_a_repository_is_described(xet: bool) -> None:
    with serving(StandIn(FILES, licence="apache-2.0", xet=xet)) as served:
        repository = read_repository(hub_at(served), "someone/model")
        assert read_repository(hub_at(served), "someone/model", COMMIT) == repository
    assert repository.source == f"someone/model@{COMMIT}"
    assert repository.licence == "apache-2.0"
    assert repository.files[SMALL_FILE] == RemoteFile(SMALL_FILE, 2, git_checksum(b"{}"))
    assert len(repository.files[WEIGHTS].checksum) == 64


@pytest.mark.parametrize("name", ["../up", "a//b", "/etc/passwd", "a/./b", "nul\0", ""])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with serving(StandIn({name: b"x"})) as served, pytest.raises(ModelError, match="can't read"):
        read_repository(hub_at(served), "someone/model")


@pytest.mark.parametrize("name", ["", "someone", "someone/model/..", "a b/c", "../x"])
def test_names_of_no_repository(name: str) -> None:
    with pytest.raises(ModelError, match="no name of a repository"):
        read_repository(Hub(CLOSED), name)


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Please log in to the network",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"sha": "1", "siblings": []}',
        json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a"}]}).encode(),
        json.dumps(
            {"sha": COMMIT, "siblings": [{"rfilename": "a", "size": -1, "blobId": "0" * 40}]}
        ).encode(),
        json.dumps(
            {"sha": COMMIT, "siblings": [{"rfilename": "a", "size": 1, "blobId": "../../x"}]}
        ).encode(),
    ],
)
def test_an_answer_that_is_no_description(answer: bytes) -> None:
    with (
        serving(StandIn({}, description=answer)) as served,
        pytest.raises(ModelError, match="check HF_ENDPOINT") as caught,
    ):
        read_repository(hub_at(served), "someone/model")
    assert "\n" not in str(caught.value)


def test_a_description_that_is_cut_is_asked_for_again() -> None:
    with serving(StandIn(FILES, cuts=2)) as served:
        assert read_repository(hub_at(served), "someone/model").commit == COMMIT


def test_a_description_that_never_ends_is_given_up() -> None:
    with (
        serving(StandIn({}, description=b"[", endless=1)) as served,
        pytest.raises(ModelError, match="no description"),
    ):
        read_repository(hub_at(served), "someone/model")


@pytest.mark.parametrize("address", ["hub", "http://", "ftp://127.0.0.1", "http://a b/"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ModelError, match=r"address of a server|no network") as caught:
        read_repository(Hub(address), "someone/model")
    assert "\n" not in str(caught.value)


# Waiting


@pytest.mark.parametrize("kind", ["api", "file", "cdn"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "1"},
        {"RateLimit": '"api";r=0;t=1', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
        {"Retry-After": "in 3"},
    ],
)
def test_the_wait_that_a_server_asks_for_is_kept(
    home: Home, kind: str, headers: dict[str, str]
) -> None:
    refusal = Refusal(429, headers)
    with serving(StandIn(FILES, refusals={kind: [refusal]})) as served:
        result = home.install(home.downloads, hub=served.address, program=PROGRAM)
        assert_downloaded(result, CONTENT)
    assert "the server is busy (429 Too Many Requests): waiting" in result[2]
    times = itertools.pairwise(one.at for one in served.asked)
    assert max(after - before for before, after in times) > 0.8


def test_a_wait_that_is_too_long_is_left_to_the_user() -> None:
    refusal = Refusal(429, {"Retry-After": "7200"})
    with (
        serving(StandIn(FILES, refusals={"api": [refusal]})) as served,
        pytest.raises(NetworkError, match="asks to wait 120 minutes"),
    ):
        read_repository(hub_at(served), "someone/model")


# The token


@pytest.mark.parametrize("form", ["variable", "file"])
def test_the_token_is_sent_to_the_hub_and_to_no_other_host(home: Home, form: str) -> None:
    more = {"HF_TOKEN": TOKEN} if form == "variable" else {}
    if form == "file":  # as `hf auth login` writes it
        os.makedirs(os.path.join(home.path, "huggingface"))
        with open(os.path.join(home.path, "huggingface", "token"), "w") as file:
            file.write(TOKEN)
    with serving(StandIn(FILES, token=TOKEN, breaks=1)) as served:
        result = home.install(home.downloads, hub=served.address, program=PROGRAM, **more)
        assert_downloaded(result, CONTENT)
    sent = {(one.host, one.headers.get("authorization")) for one in served.asked}
    assert sent == {("hub", f"Bearer {TOKEN}"), ("cdn", None)}
    assert TOKEN not in result[2]


def test_the_token_is_sent_where_the_hub_leads_to_itself(home: Home) -> None:
    program = PROGRAM.replace("someone/model/", f"someone/model/{SMALL_FILE}")
    with serving(StandIn(FILES, token=TOKEN)) as served:
        result = home.install(home.downloads, hub=served.address, program=program, HF_TOKEN=TOKEN)
        assert_downloaded(result, b"{}")
    assert [one.headers.get("authorization") for one in served.asked] == [f"Bearer {TOKEN}"] * 3


def test_no_token_is_sent_against_the_users_will(home: Home) -> None:
    more = {"HF_TOKEN": TOKEN, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    with serving(StandIn(FILES)) as served:
        result = home.install(home.downloads, hub=served.address, program=PROGRAM, **more)
        assert_downloaded(result, CONTENT)
    assert {one.headers.get("authorization") for one in served.asked} == {None}


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        ({"repository": "else/where"}, None, "401 Unauthorized; there is no such model, or it is"),
        ({"repository": "else/where"}, TOKEN, "404 Not Found; it has been renamed or removed"),
        ({"token": TOKEN}, None, "or it is private: set HF_TOKEN"),
        ({"token": TOKEN, "gated": True}, None, "accept the model's terms .* set HF_TOKEN"),
        ({"token": TOKEN}, "hf_old", "the token in HF_TOKEN.* is not accepted: renew it"),
        ({"refusals": {"api": [Refusal(403)]}}, TOKEN, "403 Forbidden; accept the model's terms"),
        ({"refusals": {"api": [Refusal(418)]}}, None, "the server says 418"),
    ],
)
def test_a_refusal_says_what_to_do(options: Any, token: str | None, words: str) -> None:
    with (
        serving(StandIn(FILES, **options)) as served,
        pytest.raises(ModelError, match=words) as caught,
    ):
        read_repository(hub_at(served, token), "someone/model")
    assert len(served.asked) == 1
    assert "\n" not in str(caught.value) and TOKEN not in str(caught.value)


def test_a_revision_that_is_not_there() -> None:
    with serving(StandIn(FILES)) as served, pytest.raises(ModelError, match="404 Not Found"):
        read_repository(hub_at(served), "someone/model", "2" * 40)


# The network


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used(home: Home, variable: str) -> None:
    with serving(StandIn(FILES)) as served:
        result = home.install(
            home.downloads,
            hub="http://hub.invalid",
            program=PROGRAM,
            **{variable: served.address},
        )
        assert_downloaded(result, CONTENT)
    assert [one.host for one in served.asked] == ["hub", "hub", "cdn"]


def test_hosts_without_a_proxy_are_asked_directly(home: Home) -> None:
    with serving(StandIn(FILES)) as served:
        result = home.install(
            home.downloads,
            hub=served.address,
            program=PROGRAM,
            http_proxy=CLOSED,
            no_proxy="127.0.0.1",
        )
        assert_downloaded(result, CONTENT)


def test_a_proxy_that_cant_be_reached_is_named_without_its_password(home: Home) -> None:
    proxy = CLOSED.replace("//", "//me:password@")
    code, out, err = home.install(
        home.downloads, hub="http://hub.invalid", program=PROGRAM, http_proxy=proxy
    )
    assert (code, out) == (2, "")
    assert err.startswith("csearchctl: no network: http://hub.invalid can't be reached through")
    assert CLOSED in err and "password" not in err and err.count("\n") == 1


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "SOCKS5", "socks"])
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_a_proxy_that_speaks_socks_is_refused_in_a_line(
    home: Home, scheme: str, variable: str
) -> None:
    proxy = f"{scheme}://me:password@127.0.0.1:9"
    with serving(StandIn(FILES)) as served:
        code, out, err = home.install(
            home.downloads, hub=served.address, program=PROGRAM, **{variable: proxy}
        )
        assert (code, out, served.asked) == (2, "", [])
        assert "127.0.0.1:9 speaks SOCKS" in err and "HTTPS_PROXY" in err
        assert "password" not in err and err.count("\n") == 1


def test_socks_for_other_hosts_or_schemes_is_no_hindrance(home: Home) -> None:
    with serving(StandIn(FILES)) as served:
        for environment in (
            {"all_proxy": "socks5://127.0.0.1:9", "no_proxy": "127.0.0.1"},
            {"https_proxy": "socks5://127.0.0.1:9"},
            {"all_proxy": "socks5://127.0.0.1:9", "http_proxy": served.address},
        ):
            result = home.install(
                home.downloads, hub=served.address, program=PROGRAM, **environment
            )
            assert_downloaded(result, CONTENT)


def test_a_user_who_is_offline_by_choice_is_told(home: Home) -> None:
    code, _, err = home.install(home.downloads, program=PROGRAM, HF_HUB_OFFLINE="1")
    assert (code, err) == (
        2,
        "csearchctl: no network: HF_HUB_OFFLINE is set in the environment; unset it\n",
    )


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_lead_to_web_servers_only(scheme: str) -> None:
    with serving(StandIn(FILES)) as served:
        hub = hub_at(served)
        served.cdn_address = scheme
        with pytest.raises(ModelError), hub.request(f"/someone/model/resolve/main/{WEIGHTS}"):
            pass
