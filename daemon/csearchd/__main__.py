"""The command `csearchd`, which runs the daemon in the foreground."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
from typing import NoReturn

import csearch
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import AddressError, socket_path
from csearchd import config as configuration
from csearchd.errors import AlreadyServed, FatalError
from csearchd.logs import keep_small, log_to_stderr
from csearchd.paths import Paths, close_to_others, delete_outdated, standard_paths
from csearchd.serve.address import take_lock
from csearchd.system.confine import confine
from csearchd.system.resource_limits import check_limits


def main() -> None:
    """Exits with 0 at the end, or if another daemon is running already; with 1 if it can't
    start."""
    build_parser().parse_args()
    os.umask(0o077)  # only the user may read what this process and its children create
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the daemon handles it
    paths = standard_paths()
    try:
        check_limits()
        config = configuration.load(paths.config)
        _log_to_stderr(config.log.level)
        keep_small(paths.log)
        address = socket_path()
        if os.environ.get("CSEARCH_CONFINE"):
            _confine(paths, address)
        lock = take_lock(os.path.join(paths.data, "lock"), address)
        close_to_others(paths)
        delete_outdated(paths)
        # The products that numpy's BLAS computes are small, and its threads spin for long, which
        # would slow down the scan's threads. It reads this when it is imported.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from csearchd.boot import serve  # a daemon that can't run needn't import all that

        restart = serve(paths, config)
        if restart:
            os.close(lock)
            os.execv(sys.executable, [sys.executable, "-P", "-m", "csearchd"])
    except AlreadyServed as error:
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except FatalError as error:
        _fail(harmless(str(error)), error.exit_code)
    except AddressError as error:
        _fail(harmless(str(error)))
    except OSError as error:
        _fail(f"{printable(error.filename or paths.data)} can't be used: {_reason(error)}")
    logging.shutdown()
    os._exit(0)  # don't wait for a thread that a hanging file system blocks


def _confine(paths: Paths, address: bytes) -> None:
    """Restricts writing to csearch's directories, which the systemd unit has created."""
    thumbnails = os.path.join(os.path.dirname(paths.cache), "thumbnails")
    runtime = os.path.dirname(os.fsdecode(address))
    if not confine([paths.data, paths.cache, thumbnails, runtime]):
        logging.getLogger(__name__).info(
            "this kernel has no Landlock; disks mounted from now on are not closed to the service"
        )


def _fail(text: str, status: int = FatalError.exit_code) -> NoReturn:
    print(f"csearchd: {text}", file=sys.stderr)
    sys.exit(status)


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full; free some space on it"
    return in_words(error)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command's options."""
    parser = argparse.ArgumentParser(
        prog="csearchd",
        description="The service behind csearch: knows what is in your pictures and answers "
        "searches. It runs in the foreground until it gets SIGTERM or Ctrl-C; SIGHUP makes it read "
        "its configuration again. You need not start it: the first csearch does.",
        epilog="Configuration: $XDG_CONFIG_HOME/csearch/config.toml. Library and models: "
        "$XDG_DATA_HOME/csearch/. Socket: $XDG_RUNTIME_DIR/csearch/csearch.sock, or "
        "$CSEARCH_SOCKET.",
    )
    parser.add_argument("--version", action="version", version=f"csearchd {csearch.__version__}")
    return parser


def _log_to_stderr(level: str) -> None:
    journal = "JOURNAL_STREAM" in os.environ  # the journal adds the time itself
    log_to_stderr(level, "%(message)s" if journal else "%(asctime)s %(levelname)s: %(message)s")


if __name__ == "__main__":
    main()
