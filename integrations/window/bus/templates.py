"""The sentences of the service by their codes, as csearchd.reasons has them."""

from __future__ import annotations


def N_(text: str) -> str:  # what xgettext looks for
    return text


TEMPLATES = {
    # The query
    "unclosed-quote": N_('this " is not closed'),
    "weighted-filter": N_("a filter has no weight"),
    "missing-value": N_(
        "{word} needs a value right after it; put it in quotes to search for it as text"
    ),
    "subtracted-filter": N_("write not:{filter}"),
    "nothing-follows": N_("nothing follows {operator}; put it in quotes to search for it as text"),
    "nothing-between": N_("there is nothing between {first} and {second}"),
    "empty-query": N_("the query is empty; describe the picture in a few words"),
    "misplaced-weight": N_("a weight goes at the beginning of a part; write + {text}"),
    "weight-out-of-range": N_("a weight must be above 0 and at most 1000; - subtracts"),
    "misplaced-not": N_(
        "not: goes before a filter, as in not:tag:{word}; to subtract from a picture's "
        "meaning write - between blanks"
    ),
    "parts-cancel-out": N_("the parts of the query cancel each other out"),
    "label-without-picture": N_("a label goes with a picture; without one, write it as words"),
    "query-too-long": N_("the query has {length} characters; at most {limit} are allowed"),
    "text-too-long": N_("more than {limit} characters that describe a picture"),
    "too-many-parts": N_("more than {limit} parts and filters"),
    "too-many-pictures": N_("a query can have at most {limit} pictures"),
    "negation-understood": N_(
        '"{text}" is searched for as: {query} (text in quotes stays as it is)'
    ),
    "negation-hint": N_(
        'models don\'t understand "{word}"; write what is not to be seen after a minus: dog - grass'
    ),
    "dashed-word": N_("to leave something out: {query}"),
    "read-as": N_("understood as {filter}"),
    "english-only": N_(
        "the model {model} knows English only; csearchctl model install {better} brings one that "
        "knows many languages"
    ),
    "all-asked-with": N_("every picture there is one of those asked with"),
    "too-many-dates": N_("more than {limit} dates"),
    "unknown-filter": N_(
        "there is no filter {name}: (known filters: {filters}); put it in quotes to search "
        "for it as text"
    ),
    "misspelt-filter": N_(
        "there is no filter {name}: (did you mean {similar}:); put it in quotes to search "
        "for it as text"
    ),
    "empty-value": N_("the value of {name}: is empty"),
    "value-too-long": N_("the value of {name}: has more than {limit} characters"),
    "too-many-wildcards": N_("more than {limit} * in the value of {name}:"),
    "wrong-value": "{name}: {reason}",
    "not-a-number": N_("'{value}' is not a number or a comparison such as {example}"),
    "size-in-megapixels": N_("a size is in megapixels, with MP after the number: size:{example}"),
    "too-many-stars": N_("there are at most {limit} stars"),
    "reversed-range": N_("{first} is more than {last}; write {example}"),
    "no-words": N_("'{value}' has neither letters nor digits"),
    "not-a-choice": N_("'{value}' is not one of {choices}"),
    "date-too-long": N_("the date has {length} characters; at most {limit} are allowed"),
    "no-date-in-range": N_("a date is missing before or after .."),
    "reversed-dates": N_("{first} is later than {last}"),
    "no-such-date": N_("there is no {text}"),
    "ambiguous-year": N_("{text} can be read in several ways; write {example}"),
    "ambiguous-date": N_("{text} can be read in two ways; write {first} or {second}"),
    "not-a-date": N_("'{text}' is not a date; dates are written like {examples}"),
    "date-of-several-words": N_(
        'a date of several words is written in quotes: {name}:"last summer"'
    ),
    "place-understood": N_("near:{value} means within {distance} km of {place}"),
    "area-understood": N_("near:{value} means all of {area}"),
    "also-place": N_('near:"{other}" means around {place}'),
    "also-area": N_('near:"{other}" means all of {area}'),
    "area-with-distance": N_("{area} is an area; a distance goes with a city or a point"),
    "coordinates-out-of-range": N_(
        "a latitude is from -90 to 90, a longitude from -180 to 180 degrees"
    ),
    "unknown-city": N_(
        "no place '{name}' is known, of the cities over 1,000 inhabitants, regions and countries; "
        'near:"38.7,-9.1,10km" takes any point'
    ),
    "misspelt-city": N_("no place '{name}' is known; did you mean {similar}?"),
    "city-elsewhere": N_("there is no {text}, but {cities}"),
    "places-damaged": N_("{path} is damaged ({details}); install csearch again"),
    # Directories and pictures
    "not-a-directory": N_("{path}: is not a directory"),
    "directory-denied": N_("{path}: permission denied"),
    "no-directory": N_("{path}: no such directory"),
    "file-system-unanswering": N_(
        "{path}: its file system doesn't answer; is its disk or server connected?"
    ),
    "symbolic-link": N_("is a symbolic link"),
    "not-a-regular-file": N_("is not a regular file"),
    "empty-file": N_("is empty"),
    "vanished": N_("has vanished"),
    "unreadable": N_("cannot be read: {reason}"),
    "unreachable": N_("is in a directory that cannot be entered: {reason}"),
    "changed-before-reading": N_("changed before it was read"),
    "changed-while-reading": N_("changed while it was read"),
    "file-too-large": N_(
        "has {size}, more than the limit of {limit} (encode.max_bytes in the configuration)"
    ),
    "unknown-format": N_("is no picture in a format that csearch reads (csearchctl help formats)"),
    "header-damaged": N_("is a damaged or truncated {format} file: its header can't be read"),
    "directory-cut-off": N_("the file is cut off: the part that says how to decode it is missing"),
    "truncated": N_("the file is truncated or damaged ({details})"),
    "ends-early": N_("it ends too early"),
    "undecodable": N_("the file is damaged or not supported ({details})"),
    "metadata-too-large": N_("the file is damaged (its metadata point to too much data)"),
    "no-pixels": N_("has no pixels ({width}×{height})"),
    "too-many-pixels": N_(
        "{width}×{height} pixels are more than the limit of {limit} (encode.max_pixels "
        "in the configuration)"
    ),
    "tiles-too-large": N_(
        "is made of tiles of {width}×{height} pixels, which are too large to be decoded"
    ),
    "needs-memory": N_(
        "decoding needs {needed} MB of memory, more than the limit of {limit} MB "
        "(encode.max_memory in the configuration)"
    ),
    "exceeds-memory": N_(
        "decoding needs more memory than the limit of {limit} MB (encode.max_memory in "
        "the configuration)"
    ),
    "too-slow": N_(
        "takes longer than {seconds} s to be read (encode.max_seconds in the configuration)"
    ),
    "decoding-crashed": N_("the program that decodes pictures crashed on it ({ending})"),
    "encoding-crashed": N_("the model crashed on it ({ending})"),
    "words-need-memory": N_(
        "reading its words needs {needed} MB of memory, more than the limit of {limit} MB"
    ),
    "words-exceed-memory": N_("reading its words needs too much memory"),
    "reading-words-crashed": N_(
        "the program that reads words in pictures crashed on it ({ending})"
    ),
    "reader-unusable": N_("words in pictures can't be read ({details}): install csearch again"),
    "no-vector": N_("the model can make nothing of it; csearchctl model list shows others"),
    "not-seen": N_("cannot be looked at: {reason}"),
    "encoder-ended-before-reading": N_(
        "the program that reads pictures ended ({ending}) before it began"
    ),
    "encoder-ended-while-loading": N_(
        "the program that reads pictures ended ({ending}) while it loaded the model"
    ),
    "exit-status": N_("exit status {status}"),
    # Models
    "model-not-installed": N_(
        "no model '{name}' is installed; installed are: {names}; csearchctl model list shows "
        "which others can be installed"
    ),
    "no-model-there": N_("{path} holds no model: it has no {name}"),
    "model-unreadable": N_("{path} can't be read: {reason}; {remedy}"),
    "model-invalid": N_("{path} is damaged ({details}); {remedy}"),
    "model-damaged": N_("{path} is damaged; {remedy}"),
    "model-file-missing": N_("{path} is missing; {remedy}"),
    "model-file-empty": N_("{path} is empty; {remedy}"),
    "model-without-checksum": N_("{path} has no checksum of {name}; {remedy}"),
    "model-wrong-entry": N_("{path}: {name} is missing or not of type {type}; {remedy}"),
    "model-entry-out-of-range": N_("{path}: {name} must be from 1 to {limit}; {remedy}"),
    "model-wrong-fingerprint": N_("{path}: fingerprint must be letters and digits"),
    "text-tower-damaged": N_("the text tower in {path} is damaged ({details}); {remedy}"),
    "text-tower-wrong-width": N_("{path} gives vectors of {width}, not {expected} numbers"),
    "install-csearch-again": N_("install csearch again"),
    "install-recommended-again": N_("`csearchctl model install {name}` installs it again"),
    "install-model-again": N_(
        "remove it with `csearchctl model remove {name}` and install it again"
    ),
    "model-not-loaded": N_("the model in {path} cannot be loaded: {details}"),
    "model-not-run": N_("the model in {path} cannot be run: {details}"),
    "model-without-configuration": N_(
        "the model in {path} has no proper configuration ({details}); {remedy}"
    ),
    "image-tower-not-loaded": N_("{path} cannot be loaded: {details}"),
    "image-tower-of-other-weights": N_("{path} was not made for the weights beside it"),
    "no-torch": N_("torch or open_clip cannot be imported: {details}"),
    "model-needs-torch": N_(
        "the model {name} has no image.onnx, so reading pictures with it needs PyTorch: {command}"
    ),
    "tower-or-torch": N_("{reason}; without it, reading pictures needs PyTorch: {command}"),
    "gpu-needs-torch": N_(
        "encode.device is {device}, which needs onnxruntime-gpu in onnxruntime's place, or "
        "PyTorch: {command}"
    ),
    "no-provider": N_(
        "encode.device is {device}, which needs onnxruntime-{device} in onnxruntime's place; "
        "the CPU computes"
    ),
    "gpu-needs-provider": N_(
        "the model {name} has no weights for PyTorch, so on a GPU it needs onnxruntime-gpu in "
        "onnxruntime's place; the CPU computes"
    ),
    "provider-not-loaded": N_(
        "{device} can't be used: onnxruntime can't load its {provider}, for want of a library "
        "or driver; the CPU computes"
    ),
    "device-failed": N_("{device} can't run this model ({details}); the CPU computes"),
    "device-differs": N_(
        "{device} gives other vectors than the CPU (cosine {cosine}); the CPU computes"
    ),
    "device-slower": N_(
        "{device} would take {theirs} ms for a picture, the CPU takes {ours} ms; the CPU computes"
    ),
    "device-left": N_(
        "{device} ended the encoder ({ending}), so the CPU computes; update its driver, then "
        '`csearchctl reload` tries it again, or set encode.device to "cpu"'
    ),
    "no-answer": N_("no answer for {seconds} s"),
    "gpu-unusable": N_("the GPU can't be used ({details})"),
    # The library
    "text-off": N_("words in pictures are not read: text.enabled is false in the configuration"),
    "text-missing": N_(
        "words in pictures are not read: this installation lacks the recogniser's networks; "
        "install csearch anew"
    ),
    "text-pending": N_(
        "the words of {count} pictures are still to be read, so some may be missing; --wait "
        "waits for them"
    ),
    "library-on-network": N_(
        "{path} is on a network file system ({kind}), where a database can be damaged; set "
        "XDG_DATA_HOME to a directory on a local disk"
    ),
    "library-damaged": N_(
        "{path} is damaged ({details}). Put a backup in its place (csearchctl backup -h "
        "tells how), or move it away with its -wal and -shm and start again ({command}): "
        "your pictures are untouched and will be read anew, but with it go the list of "
        "watched directories, concepts, which folders are kept tagged, and what csearchctl "
        "tags undo needs"
    ),
    "library-log-damaged": N_(
        "{path}-wal was damaged: what was noted last before the service ended may be lost; "
        "your pictures are compared with the disk again; look with csearchctl roots, "
        "csearchctl concepts and csearchctl status whether something of yours is missing"
    ),
    "library-disk-full": N_("the disk with {path} is full; free some space on it"),
    "library-not-writable": N_(
        "{path} cannot be written ({details}); check the permissions of the file and of its"
        " directory, and whether the disk is mounted read-only"
    ),
    "library-not-a-file": N_(
        "{path} is no file, so the library cannot be opened; move it away, and pictures are read "
        "anew, or put a backup in its place (csearchctl backup -h tells how): {command}"
    ),
    "library-denied": N_("{path} may not be read and written by you; to change that: {command}"),
    "library-foreign": N_("{path} is a database of another program; move it away"),
    "library-newer": N_(
        "{path} was written by a newer csearch (its format is {version}, this one knows "
        "{known}); install that version again, or set XDG_DATA_HOME to another directory"
    ),
    "library-failed": N_("{path} cannot be used: {details}; csearchctl doctor tells more"),
    "library-lost": N_(
        "{path} was deleted, moved or replaced while the service runs; the service notices "
        "that within a minute and writes it anew from memory: try again then"
    ),
    "library-not-made-anew": N_(
        "{path} was deleted or moved while the service runs, and cannot be made anew "
        "({reason}): nothing new is kept, and what is known is lost when the service stops; "
        "correct that, and the service tries again"
    ),
    "library-log-put-back": N_("the -wal or -shm of {path} was deleted or moved; nothing is lost"),
    "library-made-anew": N_(
        "{path} was deleted or moved while the service ran; it was made anew from memory, "
        "with all that it held; installed models and past queries are lost if they were "
        "deleted with it (csearchctl model list)"
    ),
    "library-replaced": N_(
        "another file took the place of {path} while the service ran; it is used"
    ),
    "library-replaced-and-rescued": N_(
        "another file took the place of {path} while the service ran; it is used; what the "
        "service knew was deleted, and is in {copy} now"
    ),
    "library-lacks": N_(
        "{path} lacks what it had before ({lost}): it was emptied, moved away, replaced or "
        "damaged; {remedy}; your pictures are untouched"
    ),
    "library-emptied": N_(
        "{path} is empty, and lacks what it had before ({lost}): it was emptied, moved "
        "away, replaced or damaged; {remedy}; your pictures are untouched"
    ),
    "lost-pictures": N_("{count} pictures"),
    "lost-roots": N_("watched directories: {names}"),
    "lost-tagged-directories": N_("directories that are kept tagged: {names}"),
    "lost-concepts": N_("concepts: {names}"),
    "lost-saved-searches": N_("saved searches: {names}"),
    "put-backup-back": N_("put a backup back (csearchctl backup -h tells how)"),
    "put-backup-back-or-add": N_(
        "put a backup back (csearchctl backup -h tells how), or csearchctl add {names}"
    ),
    "rows-damaged": N_("{path} was damaged and has lost: {rows}"),
    "vectors-damaged": N_(
        "{count} vectors in the library were damaged, and their pictures are read again: {names}"
    ),
    "and-more": N_("{names} and {count} more"),
    "setting-rows": N_("setting {names}"),
    "counter-rows": N_("counter {names}"),
    "directory-rows": N_("directory {names}"),
    "disk-rows": N_("disk of a directory {names}"),
    "root-rows": N_("watched directory with the number {names}"),
    "concept-rows": N_("concept {names}"),
    "saved-search-rows": N_("saved search {names}"),
    "saved-path-rows": N_("path {names} of a saved search"),
    "example-rows": N_("example of the concept {names}"),
    "tagged-rows": N_("directory that is kept tagged: {names}"),
    "mark-rows": N_("mark of a file in the cache {names}"),
    "note-rows": N_("note of {names}"),
    "picture-rows": N_("picture {names}"),
    "content-rows": N_("content of {names}"),
    "metadata-rows": N_("metadata of {names}"),
    "keyword-rows": N_("keyword {names}"),
    "loose-metadata-rows": N_("metadata of the file with the number {names}"),
    "person-rows": N_("name of a person {names}"),
    "loose-person-rows": N_("person in the file with the number {names}"),
    "loose-keyword-rows": N_("keyword of the file with the number {names}"),
    "tagging-rows": N_("tagging of the file with the number {names}"),
    "cache-remade": N_("{path} was damaged ({details}) and has been made anew"),
    "cache-not-a-file": N_("it is not a file"),
    "cache-wrong-checksum": N_("its checksum differs"),
    "cache-wrong-checksum-of": N_("the checksum of {name} differs"),
    "cache-wrong-rows": N_("{count} of its rows"),
    "cache-unreadable-head": N_("head cannot be read"),
    "cache-wrong-size": N_("{name} has the wrong size"),
    "cache-wrong-sizes": N_("all files have the wrong size"),
    "cache-of-different-times": N_("its files were written at different times"),
    "cache-of-unknown-pictures": N_("it names pictures that don't exist"),
    "codes-in-memory": N_(
        "what searches read is kept in memory, since {place} cannot be used: {reason}"
    ),
    "the-cache": N_("the cache"),
    # What stands in the way at the moment
    "unexpected": N_(
        "an error in the search service; {log} tells more, and csearchctl stop, then csearchctl "
        "start, may help"
    ),
    "took-too-long": N_("it took too long to answer ({operation})"),
    "too-many-questions": N_("too many long requests are under way; try again later"),
    "out-of-memory": N_(
        "the service has run out of memory or threads; the limits that it was started with "
        "(ulimit -v, -u), or the machine, allow no more"
    ),
    "out-of-files": N_("the service can't open more files (ulimit -n)"),
    "paused": N_("reading is paused; csearchctl resume continues it"),
    "on-battery": N_("waiting: on battery; csearchctl resume reads the new pictures anyway"),
    "slowed": N_("pictures are read slowly: other programs need the processor"),
    "read-for-model": N_("{count} pictures are read anew, for the model {model}"),
    "read-for-metadata": N_("{count} pictures are read again, for more of their metadata"),
    "read-for-signatures": N_("{count} pictures are read again, to tell copies from look-alikes"),
    "maybe-incomplete": N_("some pictures may not be known yet: {reason}"),
    "changes-not-followed": N_("changes are not followed: {reason}"),
    "disk-not-mounted": N_("pictures on disks that aren't mounted are left out: {count}"),
    "changes-not-watched": N_(
        "changes can't be watched ({reason}), since other programs use up the limit; "
        "directories are scanned now and then instead; to raise the limit: {command}"
    ),
    "few-watches": N_(
        "{count} directories are watched; {reserve} of the {limit} watches that a user may have "
        "are left to other programs, so the other directories are scanned every few minutes; to "
        "raise the limit: {command}"
    ),
    "mount-not-read": N_(
        "{path} is a network or cloud file system ({kind}), of which nothing is read; to read it: "
        "{command}"
    ),
    "task-failed-and-goes-on": N_(
        "{task} failed {often} at {time} ({error}), and goes on; {log} tells more"
    ),
    "task-failed-and-ended": N_(
        "{task} failed {often} at {time} ({error}), and will be started again; {log} tells more"
    ),
    "once": N_("once"),
    "times": N_("{count} times, the last"),
    # Of the system, or joined
    "other": "{text}",
    "path": "{path}: {reason}",
    "list": "{first}; {rest}",
    # The system's own (errno(3))
    "ECONNREFUSED": N_("Connection refused"),
    "ECONNRESET": N_("Connection reset by peer"),
    "ETIMEDOUT": N_("Connection timed out"),
    "EIO": N_("Input/output error"),
    "EISDIR": N_("Is a directory"),
    "ENOSPC": N_("No space left on device"),
    "ENXIO": N_("No such device or address"),
    "ENOENT": N_("No such file or directory"),
    "ENOTDIR": N_("Not a directory"),
    "EPERM": N_("Operation not permitted"),
    "EACCES": N_("Permission denied"),
    "EROFS": N_("Read-only file system"),
    "ESTALE": N_("Stale file handle"),
    "EMFILE": N_("Too many open files"),
    "ENOTCONN": N_("Transport endpoint is not connected"),
}
