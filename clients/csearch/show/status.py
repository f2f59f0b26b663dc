"""Formats `csearchctl status` and `csearchctl roots`."""

from __future__ import annotations

import time
from collections.abc import Iterator

from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.show.numbers import count, duration, rate, size
from csearch.show.paths import shorten, width
from csearch.show.terminal import Terminal

_STATES = {  # style, what it means
    "idle": ("32", "everything is read; waiting for changes"),
    "scanning": ("36", "looking for new and changed pictures"),
    "encoding": ("36", "reading new pictures"),
    "paused": ("33", "reading is paused; searching works"),
    "stopped": ("33", "the service is not running; a search or csearchctl start starts it"),
}
_LABEL_COLUMNS = 11
_SCANS_SHOWN = 3
_PATH_COLUMNS_MIN = 24
_NARROWEST = 12  # columns of a path, on whatever terminal


def status_lines(status: Message, terminal: Terminal) -> Iterator[str]:
    """The lines for a `status` result; missing fields are left out."""
    yield _state(status, terminal)
    if status.get("state") == "stopped":
        return
    yield from _fields(status, terminal)
    yield ""
    yield from directory_lines(status, terminal)
    for note in status.get("notes") or []:
        yield ""
        yield f"{terminal.styled('Note', '33')}: {harmless(note)}"


def directory_lines(status: Message, terminal: Terminal) -> Iterator[str]:
    """The lines for `roots` and `known` of a `status` or `roots` result."""
    roots, known = status.get("roots") or [], status.get("known") or []
    if roots:
        yield terminal.styled("Watched directories", "1")
        yield from root_lines(roots, terminal)
    else:
        yield "No directory is watched; csearchctl add DIR adds one."
    if known:
        yield ""
        yield terminal.styled("Known from searches, and not watched", "1")
        yield from root_lines(known, terminal)
        yield "  csearchctl add DIR watches one, csearchctl forget DIR removes what is known of it."


def root_lines(roots: list[Message], terminal: Terminal) -> Iterator[str]:
    """A table of roots: path, number of pictures, remarks. Each takes two lines if it is narrow."""
    counts = [count(root.get("images") or 0, "picture") for root in roots]
    remarks = [", ".join(_root_remarks(root)) for root in roots]
    count_columns = max(map(len, counts))
    room = terminal.width - 6 - count_columns - max(map(len, remarks))
    if room < _PATH_COLUMNS_MIN:
        for root, number, remark in zip(roots, counts, remarks, strict=True):
            columns = max(terminal.width - 2, _NARROWEST)
            yield f"  {shorten(printable(root['path']), columns)}"
            yield f"    {number}{', ' if remark else ''}{remark}"
        return
    paths = [shorten(printable(root["path"]), room) for root in roots]
    path_columns = max(map(width, paths))
    for path, number, remark in zip(paths, counts, remarks, strict=True):
        blanks = " " * (path_columns - width(path))
        yield f"  {path}{blanks}  {number:>{count_columns}}  {remark}".rstrip()


def _root_remarks(root: Message) -> Iterator[str]:
    if root.get("absent"):
        since = time.strftime("%Y-%m-%d", time.localtime(root["absent"]))
        waiting = count(root["waiting"], "picture")
        yield f"unmounted since {since}; {waiting} kept"
    elif not root.get("present", True):
        yield "not there now"
    if root.get("failure"):
        yield harmless(root["failure"])
    if root.get("pending"):
        yield f"{count(root['pending'])} to do"
    if root.get("failed"):
        yield f"{count(root['failed'])} failed"
    if root.get("watch") == "watched" and root.get("directories"):
        yield f"{count(root['directories'], 'directory')} watched"
    elif root.get("watch"):
        every = f" every {duration(root['every'])}" if root.get("every") else ""
        yield harmless(root["watch"]) + every
    if root.get("reconciled"):
        yield f"last scan {duration(time.time() - root['reconciled'])} ago"
    if root.get("lost"):
        yield f"events lost {count(root['lost'], 'time')}"


def _state(status: Message, terminal: Terminal) -> str:
    state = harmless(str(status.get("state")))
    style, meaning = _STATES.get(state, ("0", ""))
    if state == "paused" and status.get("reason"):
        meaning = f"{harmless(status['reason'])}; searching works"
    return f"{terminal.styled(f'● {state}', style)}  {meaning}"


def _fields(status: Message, terminal: Terminal) -> Iterator[str]:
    for label, text in (
        ("pictures", _pictures(status)),
        ("to do", _pending(status)),
        ("failed", _failed(status)),
        ("encoded", _encoded(status)),
        ("text", _text(status)),
        ("model", _model(status)),
        ("scanning", _scanning(status)),
        ("forgetting", _forgetting(status)),
        ("watching", _watching(status)),
        ("tags", _tags(status)),
        ("service", _service(status)),
    ):
        if text:
            yield f"  {terminal.styled(f'{label:{_LABEL_COLUMNS}}', '2')}{text}"


def _pictures(status: Message) -> str:
    return f"{count(status.get('images') or 0)} can be found"


def _pending(status: Message) -> str:
    if not status.get("pending"):
        return ""
    parts = [count(status["pending"], "file")]
    if status.get("rate"):
        parts.append(rate(status["rate"]))
    if status.get("remaining") is not None:
        parts.append(f"about {duration(status['remaining'])} left")
    return " · ".join(parts)


def _failed(status: Message) -> str:
    if not status.get("failed"):
        return ""
    return f"{count(status['failed'], 'picture')}; csearchctl failed says why"


def _encoded(status: Message) -> str:
    encoded, reused = status.get("encoded") or 0, status.get("reused") or 0
    return f"{count(encoded, 'picture')}; {count(reused)} recognised and not encoded again"


def _text(status: Message) -> str:
    text = status.get("text")
    if text is None:
        return ""
    if reason := status.get("text_reason"):
        known = f"words of {count(text['read'], 'picture')} known; " if text["read"] else ""
        return known + harmless(reason)
    line = f"words read in {count(text['read'])} of {count(status.get('images') or 0, 'picture')}"
    if text["failed"]:
        line += f"; {count(text['failed'])} can't be read, csearchctl failed says why"
    return line


def _model(status: Message) -> str:
    model = harmless(str(status.get("model") or "none"))
    if coming := status.get("next_model"):
        done, total = coming["done"], count(coming["total"], "picture")
        return f"{model}; changing to {harmless(coming['name'])} ({count(done)} of {total} read)"
    return model


def _scanning(status: Message) -> str:
    paths = status.get("scanning") or []
    shown = [printable(path) for path in paths[:_SCANS_SHOWN]]
    if len(paths) > _SCANS_SHOWN:
        shown.append(f"{count(len(paths) - _SCANS_SHOWN)} more")
    return ", ".join(shown)


def _forgetting(status: Message) -> str:
    if not status.get("forgetting"):
        return ""
    return f"what is left of {count(status['forgetting'], 'forgotten file')} is being deleted"


def _watching(status: Message) -> str:
    watch = status.get("watch") or {}
    if not watch.get("directories"):
        return ""
    text = count(watch["directories"], "directory")
    if watch.get("lost"):
        text += f"; {count(watch['lost'], 'event')} lost, which scans correct"
    return text


def _tags(status: Message) -> str:
    tags = status.get("tags") or {}
    parts = [
        f"{printable(folder['path'])} is kept tagged ({', '.join(_folder_remarks(folder))})"
        for folder in tags.get("folders") or []
    ]
    if tags.get("waiting"):
        parts.append(f"{count(tags['waiting'], 'picture')} to do")
    if tags.get("trouble"):
        parts.append(harmless(tags["trouble"]))
    return "; ".join(parts)


def _folder_remarks(folder: Message) -> Iterator[str]:
    yield harmless(str(folder["mode"]))
    if folder.get("left"):
        yield f"{count(folder['left'], 'picture')} left alone: csearchctl tags write says why"
    if not folder.get("present", True):
        yield "not there now"
    elif not folder.get("watched", True):
        yield "not watched: csearchctl add or tags off"


def _service(status: Message) -> str:
    parts = []
    if status.get("version"):
        parts.append(f"csearch {harmless(str(status['version']))}")
    if status.get("pid"):
        parts.append(f"process {status['pid']}")
    if status.get("memory"):
        parts.append(f"{size(status['memory'])} of memory")
    if status.get("uptime") is not None:
        parts.append(f"up {duration(status['uptime'])}")
    return " · ".join(parts)
