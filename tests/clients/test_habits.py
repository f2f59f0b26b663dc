"""Options that were mistyped or come from other programs: understood, or answered by name."""

from __future__ import annotations

import pytest
from home import Home
from hypothesis import given
from hypothesis import strategies as st
from scripted_service import answering, hits

from csearch.control.commands import COMMANDS, build_parser
from csearch.protocol.similar import distance, similar
from csearch.search.parser import build

A, B = b"/p/a.jpg", b"/p/b.jpg"


@pytest.fixture
def asked(home: Home, service) -> list[dict]:
    """The requests for searches."""
    requests: list[dict] = []

    def search(conversation, request):
        requests.append(request)
        answering(hits(A, B))(conversation, request)

    service(search=search)
    return requests


def told(home: Home, *arguments: str) -> str:
    """What a command says that fails because of its arguments."""
    done = home.ask(*arguments)
    text = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b""), text
    assert "expected one argument" not in text and "ignored explicit" not in text
    assert "Traceback" not in text and "unrecognized" not in text
    return text


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("dog -grass", "dog - grass"),
        ("dog -tree", "dog - tree"),
        ("dog -hat", "dog - hat"),
        ("dog -guitar -t 5", "dog - guitar"),
        ("a big dog -0ld", "a big dog - 0ld"),
        ("-people", "dog - people"),
        ("-t 3 dog -grass", "dog - grass"),
        ("--in . dog -indoors", "dog - indoors"),
        ("dog -v", "dog - grass"),
        ("dog --exclude grass", "dog - grass"),
        ("dog -not grass", "dog - grass"),
        ("dog --subtract grass", "dog - grass"),
    ],
)
def test_a_dash_leaves_nothing_out(home: Home, words: str, meant: str) -> None:
    assert f"to leave something out: {meant}" in told(home, "csearch", *words.split())


def test_a_query_that_begins_with_a_dash_leaves_nothing_out(home: Home) -> None:
    assert "to leave something out: dog - grass" in told(home, "csearch", "- grass")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("dog -t -1", "-t/--top: must be a whole number, at least 1, not '-1'"),
        ("dog -t", "-t needs N after it: -t 20"),
        ("-t -g dog", "-t needs N after it"),
        ("-t dog", "not 'dog'"),
        ("dog -5", "-t 5 shows the best 5"),
        ("dog -n", "-t N shows the best N"),
        ("dog -m", "-t N shows the best N"),
        ("dog -p", "--preview"),
        ("dog -v", "--version"),
        ("dog --verbose", "--why"),
        ("dog --in", "--in needs DIR after it: --in ~/Pictures"),
        ("dog --json=path", "--json takes no value; --format"),
        ("dog --count=3", "--count takes no value"),
        ("dog --type png", "csearch dog type:png"),
        ("dog -type f", "type:png are those of a format"),
        ("dog -type png", "csearch dog type:png"),
        ("dog --ocr invoice", "csearch dog text:invoice"),
        ("-rn dog", "-t N shows the best N"),
        ("-ril dog", "in a pipe csearch prints paths alone"),
        ("-in Pictures dog", "--in DIR searches DIR"),
        ("dog --name IMG_1.jpg", "csearch dog name:IMG_1.jpg"),
        ("dog -iname *.jpg", "csearch dog 'name:*.jpg'"),
        ("dog --name Anna's", """csearch dog 'name:Anna'"'"'s'"""),
        ("dog --since 2020", "csearch dog after:"),
        ("dog --near", "csearch dog near:Lisbon"),
        ("dog --size 5", "'size:>10MP'"),
        ("dog -exec rm", "xargs -0"),
        ("dog --color=always", "there are colours on a terminal only"),
        ("dog --josn", "did you mean --json?"),
        ("dog --previwe", "did you mean --preview?"),
        ("dog --sort nmae", "did you mean name?"),
        ("dog --sort colour", "'colour' is none of score, date, name, size"),
        ("dog --open --preview --folder", "--folder doesn't go with --preview"),
        ("dog -x", "xargs"),
        ("dog -L", "symbolic links"),
        ("dog --frobnicate", "there is no option --frobnicate"),
        ("--", "QUERY is missing"),
    ],
)
def test_what_csearch_says_instead(home: Home, words: str, answer: str) -> None:
    text = told(home, "csearch", *words.split())
    assert answer in text
    assert "csearch -h" in text


@pytest.mark.parametrize("option", ["--limit", "--colour-of-hair", "--plint", "--frobnicate"])
def test_nothing_far_away_is_proposed(home: Home, option: str) -> None:
    assert "did you mean" not in home.ask("csearch", option).stderr.decode()


@pytest.mark.parametrize(
    ("words", "top"),
    [
        ("--limit 2", 2),
        ("--limit=2", 2),
        ("--max-count 3", 3),
        ("--max-results=3", 3),
        ("--top-k 4", 4),
        ("-k 4", 4),
        ("-k4", 4),
        ("-n 5", 5),
        ("-n5", 5),
        ("-m 6", 6),
        ("-l 7", 7),
        ("-g0t8", 8),
        ("-t9", 9),
    ],
)
def test_a_number_of_results(home: Home, asked: list[dict], words: str, top: int) -> None:
    done = home.ask("csearch", "dog", *words.split())
    assert done.returncode == 0, done.stderr
    assert asked[0]["top"] == top and asked[0]["query"] == "dog"


@pytest.mark.parametrize("option", ["-0", "--print0", "-print0", "--null", "--zero", "-z", "-Z"])
def test_nul_after_each_path(home: Home, asked: list[dict], option: str) -> None:
    assert home.ask("csearch", "dog", option).stdout == A + b"\0" + B + b"\0"


@pytest.mark.parametrize(
    "option",
    [
        "-r",
        "-R",
        "-ri",
        "--recursive",
        "-i",
        "--ignore-case",
        "--color=auto",
        "--color=never",
        "-print",
    ],
)
def test_what_is_so_anyway(home: Home, asked: list[dict], option: str) -> None:
    assert home.ask("csearch", option, "dog").stdout == A + b"\n" + B + b"\n"
    assert asked[0]["query"] == "dog"


@pytest.mark.parametrize("option", ["--no-color", "--no-colour", "--color=never"])
def test_no_colours(home: Home, asked: list[dict], option: str) -> None:
    coloured, _ = home.terminal("csearch", "dog").finish()
    plain, _ = home.terminal("csearch", "dog", option).finish()
    assert "\x1b[36m" in coloured and "\x1b[36m" not in plain


@pytest.mark.parametrize("option", ["--version", "-V", "-version"])
@pytest.mark.parametrize("command", ["csearch", "csearchctl"])
def test_the_version(home: Home, command: str, option: str) -> None:
    assert home.ask(command, option).stdout.decode().startswith(f"{command} 0.")


@pytest.mark.parametrize("option", ["-h", "--help", "--help-all", "-help", "-?"])
def test_the_help(home: Home, option: str) -> None:
    for command in (["csearch"], ["csearchctl"], ["csearchctl", "status"]):
        done = home.ask(*command, option)
        assert done.returncode == 0 and b"usage: " in done.stdout


def test_a_query_that_begins_with_two_dashes(home: Home, asked: list[dict]) -> None:
    for query in ("-- apple - fruit", "--limit of the city"):
        assert home.ask("csearch", query).returncode == 0
    assert [request["query"] for request in asked] == ["-- apple - fruit", "--limit of the city"]


def test_values_that_begin_with_a_dash(home: Home, asked: list[dict]) -> None:
    assert home.ask("csearch", "dog", "--format", "-{name}").stdout == b"-a.jpg\n-b.jpg\n"
    home.ask("csearch", "dog", "--min-score", "-0.1", "--sort", "name")
    assert asked[1]["min_score"] == -0.1


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("statsu", "did you mean status?"),
        ("stat", "did you mean status?"),
        ("search dog", "csearch QUERY"),
        ("list", "csearchctl roots"),
        ("update", "csearchctl rescan"),
        ("index .", "csearchctl add DIR"),
        ("rm x", "csearchctl forget"),
        ("why x.jpg", "csearchctl help missing"),
        ("ocr", "csearchctl text"),
        ("restart", "csearchctl stop, then csearchctl start"),
        ("init zsh", "csearchctl completion"),
        ("frobnicate", "there is no command frobnicate (csearchctl -h lists them)"),
        ("-v", "--version"),
        ("--limit", "there is no option --limit"),
        ("status --jsno", "did you mean --json?"),
        ("status -v", "there is no option -v"),
        ("status --limit 5", "there is no option --limit"),
        ("status now", "too many arguments: now"),
        ("tags wirte .", "'wirte' is none of preview, write, on, off, undo; did you mean write?"),
        ("tags write .", "missing: --mode"),
        ("tags write --mode", "--mode needs VALUE after it, one of xattr, sidecar, embedded"),
        ("tags write --mode --json .", "'--json' is none of xattr"),
        ("tags undo", "missing: DIR|FILE or --all"),
        ("add", "missing: DIR"),
        ("add -r", "there is no option -r"),
        ("help qurey", "did you mean query?"),
        ("completion zhs", "did you mean zsh?"),
        ("dupes --json=x", "--json takes no value"),
        ("failed --retry=x", "--retry takes no value"),
        ("model import --name", "--name needs"),
    ],
)
def test_what_csearchctl_says_instead(home: Home, words: str, answer: str) -> None:
    text = told(home, "csearchctl", *words.split())
    assert answer in text
    assert "-h" in text


def test_csearchctl_understands_other_names(home: Home, service) -> None:
    nothing = dict.fromkeys(("groups", "near", "bursts", "spare", "unsigned"), 0)
    service(dupes=lambda c, r: c.reply(r, "result", **nothing))
    assert home.ask("csearchctl", "dupes", "--print0").returncode == 0


_PARSERS = [("csearch", build()), *((name, build_parser(name)) for name in COMMANDS)]
_WORDS = st.text(alphabet="-abgnhtvp0159=xjson", max_size=8)


@given(st.sampled_from(_PARSERS), st.lists(_WORDS, max_size=5))
def test_whatever_is_typed_ends_in_a_sentence_or_is_parsed(parser, words: list[str]) -> None:
    _, one = parser
    try:
        prepared = one.prepared(words)
    except SystemExit as leaving:
        assert leaving.code == 2
        return
    assert all(isinstance(word, str) for word in prepared)
    assert one.prepared(prepared) == prepared


@given(st.text(alphabet="abcd", max_size=6), st.text(alphabet="abcd", max_size=6))
def test_distances(one: str, other: str) -> None:
    far = distance(one, other)
    assert far == distance(other, one)
    assert (far == 0) == (one == other)


def test_similar_names() -> None:
    names = ["--wait", "--json", "--preview", "--min-score", "--min-confidence", "--top"]
    found = {word: similar(word, names) for word in ("--limit", "--jsno", "--prev", "--min", "-x")}
    assert found == {
        "--limit": None,
        "--jsno": "--json",
        "--prev": "--preview",
        "--min": None,
        "-x": None,
    }
