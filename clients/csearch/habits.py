"""Options that people know from other programs: grep, find, fd, locate, rclip, zoxide and others.

What means the same here is understood. What doesn't is answered with what csearch has for it.
"""

from __future__ import annotations

# Options of csearch by their names elsewhere.
_SEARCH = {
    **dict.fromkeys(
        (
            "--limit", "--max-count", "--max-results", "--top-k", "--topk", "--results", "--num",
            "--number", "--head", "--first", "--take", "-k",
        ),
        "--top",
    ),
    **dict.fromkeys(
        ("--print0", "-print0", "--null", "--zero", "--nul", "--null-data", "-z", "-Z"), "-0"
    ),
    **dict.fromkeys(("--dir", "--directory", "--path", "--root", "-C"), "--in"),
    **dict.fromkeys(("--everywhere", "--all", "-a"), "--global"),
    **dict.fromkeys(("--skip", "--start"), "--offset"),
    **dict.fromkeys(("--order", "--order-by", "--sort-by", "--sortby"), "--sort"),
    **dict.fromkeys(("--threshold", "--score"), "--min-score"),
    **dict.fromkeys(("--no-colour", "--nocolor", "--nocolour"), "--no-color"),
    "-c": "--count",
    "--similar": "--like",
    "--explain": "--why",
    "--gui": "--window",
    "--template": "--format",
    "--shuffle": "--random",
}  # fmt: skip
_CONTROL = {
    **dict.fromkeys(("--print0", "-print0", "--null", "--zero", "-z", "-Z"), "-0"),
    "-j": "--json",
    "-w": "--watch",
    "-n": "--dry-run",
    "-a": "--all",
    "-m": "--mode",
}
_BOTH = {
    **dict.fromkeys(("--help-all", "--usage", "-help", "-?", "--?"), "--help"),
    **dict.fromkeys(("-V", "-version", "--ver"), "--version"),
}
_COUNTS = ("-n", "-m", "-l", "-k")  # with a number: the best N
_CLUSTERED = frozenset("rRiFcnlHEwv")  # options of grep that are typed as one word
# What csearch does anyway.
_ANYWAY = frozenset(
    (
        "-r", "-R", "--recursive", "--recurse", "-i", "--ignore-case", "--icase", "-print",
        "--print", "--line-buffered", "-F", "--fixed-strings", "--color=auto", "--colour=auto",
        "--color", "--colour", "-f", "--filepath-only", "--absolute-path", "--full-path",
    )
)  # fmt: skip
_NO_COLOUR = ("--color=never", "--colour=never", "--color=none", "--color=off", "--color=no")

_FILTERS = {
    **{
        name: name
        for name in (
            "after", "before", "on", "date", "near", "camera", "lens", "iso", "rating", "tag",
            "person", "name", "title", "description", "text", "type", "size", "orientation",
        )
    },
    **dict.fromkeys(("since", "newer", "newermt", "mtime", "changed-within", "from"), "after"),
    **dict.fromkeys(("until", "older", "changed-before", "to"), "before"),
    **dict.fromkeys(("iname", "basename", "filename", "file", "glob", "include"), "name"),
    **dict.fromkeys(("ext", "extension", "filetype"), "type"),
    **dict.fromkeys(("keyword", "keywords", "tags"), "tag"),
    **dict.fromkeys(("people", "who"), "person"),
    **dict.fromkeys(("place", "city", "country", "location", "where"), "near"),
    **dict.fromkeys(("ipath", "wholename", "album"), "folder"),
    **dict.fromkeys(("ocr", "words", "written"), "text"),
    "stars": "rating",
}  # fmt: skip
_SHORT_FILTERS = {
    **dict.fromkeys(("-name", "-iname"), "name"),
    **dict.fromkeys(("-path", "-ipath", "-wholename"), "folder"),
    **dict.fromkeys(("-newer", "-newermt", "-mtime", "-mmin"), "after"),
    **dict.fromkeys(("-type", "-e"), "type"),
    "-size": "size",
}
_EXAMPLES = {
    "after": "2023-05", "before": "2024", "on": "2023-05-17", "date": "2022..2023",
    "near": "Lisbon", "camera": "nikon", "lens": "50mm", "iso": ">800", "rating": ">=4",
    "tag": "beach", "person": "Anna", "name": "IMG_*", "title": "sunset", "description": "harbour",
    "text": "invoice",
    "folder": "Holidays", "type": "png", "size": ">10MP", "orientation": "portrait",
}  # fmt: skip
LEAVE_OUT = "to leave something out: dog - grass"
_ANSWERS = {
    "-v": f"{LEAVE_OUT}; --why explains the results; --version tells the version",
    "-n": "-t N shows the best N",
    "-m": "-t N shows the best N",
    "-l": "in a pipe csearch prints paths alone; -t N shows the best N",
    "-p": "--preview shows a small picture below each result",
    "-o": "--open opens the best result; csearch … > FILE writes the paths to a file",
    "-q": "csearch … > /dev/null tells by its exit status whether there are results",
    "-s": LEAVE_OUT,
    "-in": "--in DIR searches DIR and all below it",
    "-d": "--in DIR searches DIR and all below it",
    "-A": "-g searches all known directories",
    "-S": "csearchctl status shows what csearch knows",
    "-U": "csearchctl rescan looks for changes on the disk",
    "-x": "csearch -0 … | xargs -0 COMMAND runs a command with the results",
    "-E": "a query describes a picture in words; name:IMG_* searches for file names",
    "-H": "csearchctl add DIR reads a hidden directory, too",
}
_ANSWERS_TO_SEVERAL = (
    (
        (
            "--not", "-not", "--exclude", "--exclude-dir", "--without", "--invert-match", "--minus",
            "--subtract", "--negative", "-!",
        ),
        f"{LEAVE_OUT}; not:folder:NAME leaves out a folder",
    ),
    (("--verbose", "--debug", "--stats"), _ANSWERS["-v"]),
    (("--quiet", "--silent"), _ANSWERS["-q"]),
    (
        ("-P", "-w", "-b", "--regex", "--regexp", "--perl-regexp", "--extended-regexp",
         "--word-regexp"),
        _ANSWERS["-E"],
    ),
    (("-X", "-exec", "--exec", "--exec-batch", "-delete", "--delete"), _ANSWERS["-x"]),
    (("--output", "--out"), _ANSWERS["-o"]),
    (("--list", "--files-with-matches", "--names"), _ANSWERS["-l"]),
    (("--hidden", "-I", "--no-ignore", "-u", "--unrestricted"), _ANSWERS["-H"]),
    (
        ("--index", "--update", "--rebuild", "--reindex", "--refresh", "--rescan", "--no-indexing"),
        _ANSWERS["-U"],
    ),
    (("--model", "-M"), "csearchctl model use NAME chooses the model"),
    (("--add", "--watch"), "csearchctl add DIR watches a directory"),
    (("--statistics", "--status"), _ANSWERS["-S"]),
    (("--clear", "--forget"), "csearchctl forget PATH removes a file or directory from csearch"),
    (
        ("-maxdepth", "--maxdepth", "--max-depth", "-mindepth", "--mindepth", "--depth"),
        "csearch searches all below a directory; folder:NAME searches in folders of a name",
    ),
    (("-L", "--follow"), "csearch doesn't follow symbolic links below a directory"),
    (("--interactive", "--ui"), "--window opens the search window"),
    (
        ("--color=always", "--colour=always", "--color=force", "--color=yes"),
        "there are colours on a terminal only, where they are the default",
    ),
    (("--image", "--picture", "--query-image"), "--like FILE, or csearch ./FILE"),
    (("--man", "--manual"), "csearchctl help csearch shows the manual"),
)  # fmt: skip
_ANSWERS |= {name: told for names, told in _ANSWERS_TO_SEVERAL for name in names}


def understood(argument: str, following: str | None, known: frozenset[str]) -> list[str] | None:
    """What an argument that is no option of a command means there, as arguments; None if that
    isn't known.

    `following` is the next argument, if there is one; `known` are the command's options.
    """
    searches = "--top" in known
    if searches and (found := _understood_by_search(argument, following)) is not None:
        return found
    name, equals, value = argument.partition("=")
    meant = _BOTH.get(name) or (_SEARCH if searches else _CONTROL).get(name)
    if meant is None or meant not in known:
        return None
    return [f"{meant}{equals}{value}"]


def _understood_by_search(argument: str, following: str | None) -> list[str] | None:
    """What an argument means to csearch, where that is more than another name of an option."""
    if argument in _ANYWAY:
        return []
    if argument in _NO_COLOUR:
        return ["--no-color"]
    if (flags := _cluster(argument)) and not _ANSWERS.keys() & set(flags):
        return flags
    name, _, value = argument.partition("=")
    if name[:2] in _COUNTS:
        number = name[2:] or value
        if number.isdecimal():
            return [f"--top={number}"]
        if not number and following is not None and following.isdecimal():
            return ["--top"]
    return None


def answer(argument: str, following: str | None) -> str | None:
    """What csearch has instead of an option of another program; None where that isn't known."""
    name, equals, value = argument.partition("=")
    if found := _ANSWERS.get(argument) or _ANSWERS.get(name):
        return found
    for flag in _cluster(argument):
        if flag in _ANSWERS:
            return _ANSWERS[flag]
    if name in ("-type", "--type") and (value or following) in ("f", "d", "l"):
        return "csearch finds pictures, which are files; type:png are those of a format"
    if name.lstrip("-").isdecimal():
        return f"-t {name.lstrip('-')} shows the best {name.lstrip('-')}"
    filter = _FILTERS.get(name[2:]) if name.startswith("--") else _SHORT_FILTERS.get(name)
    if filter is None:
        return None
    given = value if equals else following or ""
    if not given or given.startswith("-") or filter in ("after", "before", "size"):
        given = _EXAMPLES[filter]  # a value of another program may mean something else
    import shlex

    written = f'{filter}:"{given}"' if " " in given else f"{filter}:{given}"
    return f"filters are parts of the query: csearch dog {shlex.quote(written)}"


def _cluster(argument: str) -> list[str]:
    """The options in one word that grep's users type, as in -ri and -rnl; [] if it is none."""
    letters = argument[1:]
    if len(letters) < 2 or letters[0] not in "rRi" or len(set(letters)) < len(letters):
        return []
    return [f"-{letter}" for letter in letters] if set(letters) <= _CLUSTERED else []
