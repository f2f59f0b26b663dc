"""What stands in the way of an answer, or of what is done in the background."""

from __future__ import annotations

from csearchd.reasons import Template

UNEXPECTED = Template(
    "unexpected",
    "an error in the search service; {log} tells more, and csearchctl stop, then csearchctl start, "
    "may help",
)

# Answers
TOOK_TOO_LONG = Template("took-too-long", "it took too long to answer ({operation})")
TOO_MANY_QUESTIONS = Template(
    "too-many-questions", "too many long requests are under way; try again later"
)
OUT_OF_MEMORY = Template(
    "out-of-memory",
    "the service has run out of memory or threads; the limits that it was started with (ulimit -v, "
    "-u), or the machine, allow no more",
)
OUT_OF_FILES = Template("out-of-files", "the service can't open more files (ulimit -n)")

# Reading pictures
PAUSED = Template("paused", "reading is paused; csearchctl resume continues it")
ON_BATTERY = Template(
    "on-battery",
    "waiting: on battery; csearchctl resume reads the new pictures anyway",
)
SLOWED = Template("slowed", "pictures are read slowly: other programs need the processor")
READ_FOR_MODEL = Template("read-for-model", "{count} pictures are read anew, for the model {model}")
READ_FOR_METADATA = Template(
    "read-for-metadata", "{count} pictures are read again, for more of their metadata"
)
READ_FOR_SIGNATURES = Template(
    "read-for-signatures", "{count} pictures are read again, to tell copies from look-alikes"
)

# Watching directories
MAYBE_INCOMPLETE = Template("maybe-incomplete", "some pictures may not be known yet: {reason}")
NOT_FOLLOWED = Template("changes-not-followed", "changes are not followed: {reason}")
UNMOUNTED = Template(
    "disk-not-mounted", "pictures on disks that aren't mounted are left out: {count:,}"
)
NOT_WATCHED = Template(
    "changes-not-watched",
    "changes can't be watched ({reason}), since other programs use up the limit; directories are "
    "scanned now and then instead; to raise the limit: {command}",
)
FEW_WATCHES = Template(
    "few-watches",
    "{count:,} directories are watched; {reserve:,} of the {limit:,} watches that a user may have "
    "are left to other programs, so the other directories are scanned every few minutes; to raise "
    "the limit: {command}",
)

MOUNT_NOT_READ = Template(
    "mount-not-read",
    "{path} is a network or cloud file system ({kind}), of which nothing is read; to read it: "
    "{command}",
)

# Background work
FAILED_AND_GOES_ON = Template(
    "task-failed-and-goes-on",
    "{task} failed {often} at {time} ({error}), and goes on; {log} tells more",
)
FAILED_AND_ENDED = Template(
    "task-failed-and-ended",
    "{task} failed {often} at {time} ({error}), and will be started again; {log} tells more",
)
ONCE = Template("once", "once")
TIMES = Template("times", "{count} times, the last")
