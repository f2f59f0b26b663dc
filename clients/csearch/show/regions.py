"""--why-image: asks the service for a picture of the regions that match, which
csearchd.encoder.occlusion paints, and writes it to a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from csearch.command import print_err
from csearch.connection import Connection
from csearch.preview.output_file import OutputFile
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import Message
from csearch.search.pictures import Picture


def write_regions(
    connection: Connection,
    query: Message,
    pictures: Sequence[Picture],
    path: bytes,
    target: OutputFile,
) -> None:
    """Writes a picture of the regions at which the picture at `path` matches a query to `target`.

    `query` has the fields of the request, `pictures` are those in the query. Raises ClientError.
    """
    try:
        shown = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ClientError(f"{printable(path)} can't be written: {in_words(error)}") from error
    try:
        *_, result = connection.request(
            "regions",
            [*(picture.file for picture in pictures), shown],
            pictures=[picture.message() for picture in pictures],
            path=path,
            **query,
        )
    finally:
        os.close(shown)
    target.make("csearchd.previews.output", {"png": result["png"]})
    print_err(
        f"csearch: {printable(target.path)} shows, by {result['method']}, which regions of "
        f"{printable(path)} match"
    )
