"""Errors in requests that only csearchctl and options of csearch make. The search window never
shows them, so it has no translations of them."""

from __future__ import annotations

from csearchd.reasons import Template

# The service
RESTARTING = Template("restarting", "csearchd restarts as the version that is installed now")
NEWER_CLIENT = Template(
    "newer-client",
    "this client (csearch {client}) is newer than the service (csearchd {service}, {path}); stop "
    "it with `csearchctl stop`, so that the next search starts yours",
)
OLD_CONFIGURATION = Template("old-configuration-stays", "{details}; the old configuration stays")
NO_REGIONS = Template("no-regions", "a query of filters alone matches no regions")

# The library
NOT_WATCHED = Template(
    "directory-not-watched", "{path} is not watched; csearchctl roots lists what is"
)
NO_TEXT = Template("no-text", "its words can't be read: {reason}")
TEXT_WITHHELD = Template(
    "text-withheld", "{path}: its words were forgotten; csearchctl text read reads them again"
)
TEXT_NOT_READ = Template("text-not-read", "its words have not been read yet")
NOT_KNOWN = Template("nothing-known", "{path}: nothing is known of it")

# Concepts
CONCEPT_EXISTS = Template("concept-exists", 'there is a concept "{name}" already')
NO_CONCEPT = Template("no-concept", 'there is no concept "{name}"; csearchctl concepts lists them')
EXAMPLE_UNKNOWN = Template(
    "example-unknown",
    "{path}: examples must be in a directory that csearch knows; csearchctl add DIR makes it known",
)

# Saved searches
NO_SAVED_SEARCH = Template(
    "no-saved-search", "there is no saved search {name}; csearchctl saved list lists them"
)
SAVED_SEARCH_EXISTS = Template(
    "saved-search-exists", "there is a saved search {name} already; --replace replaces it"
)
SAVED_NAME_TAKEN = Template(
    "saved-search-name-taken", "there is a saved search {name} already; remove it first"
)
NOT_A_SAVED_NAME = Template(
    "not-a-saved-name",
    "{name} can't be the name of a saved search: it is that of a folder, without / and NUL, "
    "neither empty nor . or .., of 255 bytes at most",
)
SAVED_SCOPE_UNKNOWN = Template(
    "saved-scope-unknown",
    "nothing is known of {path}: csearchctl add watches it; where it was moved, save the search "
    "with the new place and --replace",
)

# Tags
NOT_TAGGED = Template("directory-not-tagged", "{path} is not kept tagged")
TAGGED_ABOVE = Template(
    "directory-tagged-above", "{path} is not kept tagged; {above} is, with all below it"
)
TAGGED_AGAIN = Template(
    "would-be-tagged-again",
    "{path} would be tagged again: {above} is kept tagged; csearchctl tags off ends that",
)
NO_FILE = Template("no-such-file", "{path}: there is no such file or directory")
NO_BACKGROUND = Template(
    "too-few-pictures-for-tags",
    "the model {model} comes without pictures to compare with; tags need {needed} pictures of your "
    "own that were read with it, and there are {count}",
)

EXIFTOOL_MISSING = Template(
    "exiftool-missing",
    "exiftool is needed to write into pictures; install it (Debian, Ubuntu: apt install "
    "libimage-exiftool-perl; Fedora: dnf install perl-Image-ExifTool; Arch: pacman -S "
    "perl-image-exiftool), or use --mode sidecar",
)

# Files of terms; `place` is a file and the line in it, or what a name was given for
NO_TERMS = Template("no-terms", "{path}: removes every term and adds none")
TERMS_UNREADABLE = Template("terms-unreadable", "{path}: can't be read: {reason}")
NOT_TEXT = Template("not-text", "not UTF-8")
GROUP_WITH_PHRASES = Template(
    "group-with-phrases", '{place}: "{name}/" only groups and needs no phrases'
)
TERM_MISSING = Template("term-missing", "{place}: a term is missing before the colon")
NOT_A_TAG = Template(
    "not-a-tag",
    '{place}: "{name}" can\'t be a tag; put the parent on a line of its own, and do without '
    ', | \\ " < > *',
)
TERM_TOO_LONG = Template("term-too-long", '{place}: "{name}" is longer than {limit} bytes')
NO_TERM = Template("no-term", '{place}: there is no term "{name}" to remove')
