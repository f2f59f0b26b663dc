"""What the service says, in the user's language: it says it in English, as whole sentences.

Each sentence is found again by its template, in which `{reason}` and `{details}` may be sentences,
too. The service's texts are kept here, word for word; a test compares them with its code.
"""

import re

from texts import _


def N_(text):  # what xgettext looks for
    return text


_TEMPLATES = (
    # The query
    N_('this " is not closed'),
    N_("a filter has no weight"),
    N_("{word} needs a value behind it, without a blank; as text it needs quotes"),
    N_("write not:{text}"),
    N_("nothing follows {sign}; as text it needs quotes"),
    N_("the query is empty; describe the picture in a few words"),
    N_("more than {n} parts, pictures and filters"),
    N_("more than {n} dates"),
    N_("more than {n} characters that describe a picture"),
    N_("more than {n} * in the value of {name}:"),
    N_("the query has {n} characters; at most {most} are understood"),
    N_("the value of {name}: has more than {n} characters"),
    N_("a date of {n} characters; at most {most} are understood"),
    N_("there is nothing between {sign} and {other}"),
    N_("a weight stands at the beginning of a part; write + {text}"),
    N_("a weight is above 0 and at most 1000; - subtracts"),
    N_(
        "not: stands before a filter, as in not:tag:{word}; to subtract from a picture's meaning "
        "write - between blanks"
    ),
    N_("there is no filter {name}: ({reason}); as text it needs quotes"),
    N_("did you mean {name}:"),
    N_("known are {names}"),
    N_("the value of {name}: is empty"),
    N_("the parts of the query cancel each other out"),
    N_("a label goes with a picture; without one, write it as words"),
    N_("at most {n} pictures can be searched with at a time"),
    N_("{value} is no number to compare with, as in {example}"),
    N_("{value} is none of {names}"),
    N_("a date must stand before or behind .."),
    N_("{first} is later than {last}"),
    N_("there is no {text}"),
    N_("{text} can be read in several ways; write {date}"),
    N_("{text} can be read in two ways; write {date} or {other}"),
    N_("{text} is no date that is understood: {examples}"),
    N_("a latitude is from -90 to 90, a longitude from -180 to 180 degrees"),
    N_("no city {name} is known{reason}"),
    N_("; did you mean {name}?"),
    N_(' (of more than 5,000 inhabitants); near:"38.7,-9.1,10km" takes any point'),
    N_("there is no {text}, but {names}"),
    N_("the names of places can't be read: {details}"),
    N_("the names of places can't be kept in {path}"),
    N_("the names of places are still being made ready; try again later"),
    N_("{path} is damaged; remove it ({details})"),
    # Directories
    N_("its file system doesn't answer"),
    N_("is not a directory"),
    N_("permission denied"),
    N_("no such directory"),
    # Pictures to search with
    N_("is not a regular file"),
    N_("is a symbolic link"),
    N_("is empty"),
    N_("changed while it was read"),
    N_("changed before it was read"),
    N_("has vanished"),
    N_("cannot be read: {reason}"),
    N_("cannot be looked at: {reason}"),
    N_("{size} are more than the limit of {limit} (encode.max_bytes)"),
    N_("not an image of a supported format"),
    N_("is a damaged or truncated {name} file: its header can't be read"),
    N_("the file is truncated or damaged ({details})"),
    N_("the file is damaged or not supported ({details})"),
    N_("the file is damaged (what its metadata point to is too much)"),
    N_("it ends too early"),
    N_("has no pixels ({size})"),
    N_("{size} pixels are more than the limit of {limit} (encode.max_pixels)"),
    N_("its tiles of {size} pixels are more than the limit"),
    N_(
        "decoding needs {needed} MB of memory, more than the limit of {limit} MB "
        "(encode.max_memory)"
    ),
    N_("decoding needs more memory than the limit of {limit} MB (encode.max_memory)"),
    N_("decoding it crashed ({details})"),
    N_("encoding it crashed ({details})"),
    N_("exit status {n}"),
    N_("takes longer than {seconds} s (encode.max_seconds)"),
    # The model
    N_("the encoder ended ({details}) before it began with a picture"),
    N_("the encoder ended ({details}) while it loaded the model"),
    N_("torch or open_clip cannot be imported: {details}"),
    N_("the GPU can't be used ({details})"),
    N_("the model in {path} cannot be loaded: {details}"),
    N_("{path} cannot be loaded: {details}"),
    N_("{path} was not made for the weights beside it"),
    N_("{path} holds no model: it has no {name}"),
    N_("{path} can't be read: {reason}"),
    N_("{path} is damaged ({details}); {reason}"),
    N_("{path} is damaged; {reason}"),
    N_("{path} is missing; {reason}"),
    N_("{path} is empty; {reason}"),
    N_("{path} has no checksum of {name}; {reason}"),
    N_("{name} is missing or no {kind}"),
    N_("{name} must be positive"),
    N_("{name} must be from 1 to {most}"),
    N_("fingerprint must be letters and digits"),
    N_("no model {name} is installed; there is: {names}"),
    N_("the text tower in {path} is damaged ({details}); {reason}"),
    N_("{path} gives vectors of {width}, not {expected} numbers"),
    N_("install csearch again"),
    N_("remove it with `csearchctl model remove {name}` and install it again"),
    # The library
    N_(
        "{path} is on a network file system ({kind}), where a database can be damaged; set "
        "XDG_DATA_HOME to a directory on a local disk"
    ),
    N_(
        "{path} is damaged ({details}). Put a backup in its place (csearchctl backup -h tells "
        "how), or move it away with its -wal and -shm and start again ({command}): your pictures "
        "are untouched and will be read anew, but with it go the list of watched directories, "
        "concepts, which folders are kept tagged, and what csearchctl tags undo needs"
    ),
    N_(
        "{path}-wal was damaged: what was noted last before the service ended may be lost; your "
        "pictures are compared with the disk again; look with csearchctl roots, csearchctl "
        "concepts and csearchctl status whether something of yours is missing"
    ),
    N_(
        "{path} was deleted, moved or replaced while the service runs; the service looks for that "
        "a few times a minute and makes it anew from memory: try again then"
    ),
    N_("{path} was damaged ({details}) and has been made anew"),
    N_("its checksum differs"),
    N_("the checksum of {name} differs"),
    N_("it names pictures that there are not"),
    N_("the disk with {path} is full; free some space on it"),
    N_(
        "{path} cannot be written ({details}); check the permissions of the file and of its "
        "directory, and whether the disk is mounted read-only"
    ),
    N_("{path} is a database of another program; move it away"),
    N_(
        "{path} was written by a newer csearch (its format is {version}, this one knows {known}); "
        "install that version again, or set XDG_DATA_HOME to another directory"
    ),
    N_("an error in csearchd; its log tells more"),
    N_("it took too long to answer ({name})"),
    N_("too many questions that take long are under way; try again later"),
    N_(
        "the service has run out of memory or threads; the limits that it was started with "
        "(ulimit -v, -u), or the machine, let it have no more"
    ),
    N_("the service may open no more files (ulimit -n)"),
    # What stands in the way at the moment
    N_("not all pictures may be known for now: {reason}"),
    N_("changes are not followed: {reason}"),
    N_("reading is paused; csearchctl resume goes on with it"),
    N_("waiting: on battery; csearchctl resume reads the new pictures all the same"),
    N_("pictures are read slowly: other programs need the processor"),
    N_("pictures on a disk that isn't mounted wait for it: {n}"),
    N_("{n} pictures are read anew, for the model {name}"),
    N_("{n} pictures are read again, for more of their metadata"),
    N_("what searches read is kept in memory, since {path} cannot be used: {reason}"),
    N_(
        "changes can't be watched ({reason}), directories are scanned now and then instead; other "
        "programs watch too much: {command}"
    ),
    N_(
        "only {n} directories can be watched, the others are scanned every few minutes; for more: "
        "{command}"
    ),
    # The system (strerror)
    N_("Connection refused"),
    N_("Connection reset by peer"),
    N_("Connection timed out"),
    N_("Input/output error"),
    N_("Is a directory"),
    N_("No space left on device"),
    N_("No such device or address"),
    N_("No such file or directory"),
    N_("Not a directory"),
    N_("Operation not permitted"),
    N_("Permission denied"),
    N_("Read-only file system"),
    N_("Stale file handle"),
    N_("Too many open files"),
    N_("Transport endpoint is not connected"),
)
_PLACE = re.compile(r"\{(\w+)\}")


def _pattern(template):
    parts = _PLACE.split(template)
    odd = "".join(
        f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    return re.compile(odd, re.DOTALL)


# Those that leave the least open come first.
_PATTERNS = [
    (_pattern(template), template)
    for template in sorted(_TEMPLATES, key=lambda text: -len(_PLACE.sub("", text)))
]


def said(text):
    """`text` of the service, translated; as it is where it is none of ours."""
    return _translated(text) or text


def sentence(text):
    """As `said`, from a capital letter to a full stop, unless it begins with somebody's name."""
    for pattern, template in _PATTERNS:
        if template[0].isalpha() and pattern.fullmatch(text):
            text = said(text)
            return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.?!' else '.'}"
    return said(text)


def _translated(text):
    for pattern, template in _PATTERNS:
        if match := pattern.fullmatch(text):
            values = match.groupdict()
            for name in values.keys() & {"reason", "details"}:
                values[name] = said(values[name])
            return _(template).format(**values)
    # A path, or what was asked for, before it.
    for colon in re.finditer(": ", text):
        if reason := _translated(text[colon.end() :]):
            return text[: colon.end()] + reason
    return None
