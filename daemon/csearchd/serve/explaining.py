"""What `why` adds to a search: for each hit, and for the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from csearch.protocol import Message
from csearchd.encode.messages import METHOD
from csearchd.search import filters, why
from csearchd.search.looking import LookError, Picture
from csearchd.search.query import Vector
from csearchd.search.question import Hit, Question
from csearchd.serve import questions
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service
from csearchd.serve.stream import SharedFile
from csearchd.tags.vocabulary import TagsError
from csearchd.threads import Until


def explained(
    until: Until, service: Service, question: Question, hits: Sequence[Hit]
) -> tuple[list[Message], str]:
    """For each hit why it was found (csearch.protocol), and a remark or "". Raises LibraryError."""
    serving = service.models.serving
    contents = np.array([hit.content for hit in hits], np.int32)
    if question.model != serving.row or question.vector is None or not hits:
        return [{} for _ in hits], ""  # of another model, or there is nothing to say
    if not serving.table.has(contents).all():
        return [{} for _ in hits], ""
    vectors = serving.table.vectors(contents)
    until.check()
    crowd = service.engine.crowd(replace(question, check=until.check))  # the search has ended
    yardstick = service.engine.yardstick(serving)
    parts = why.met(question.aspects, question.vector, yardstick, vectors, crowd)
    remark = ""
    try:
        terms = service.tagging.scoring.shared(serving, vectors, question.vector)
    except TagsError as error:
        terms, remark = [[] for _ in hits], str(error)
    return [
        {"parts": told, "terms": names} for told, names in zip(parts, terms, strict=True)
    ], remark


async def regions(service: Service, request: Request) -> Message:
    """The operation; see csearch.protocol."""
    path = request.message.get("path")
    if not isinstance(path, bytes) or not request.files:
        raise RequestError("bad-request", "a picture must have a path (bin) and be the last file")
    *files, picture = request.files
    message = {**request.message, "files": len(files), "top": 1}
    asked = await service.wait(questions.understand, service, message)  # `near` may need places
    seen = await questions.seen(service, asked, files)
    question = await service.threads.answer(partial(questions.question, service, asked, seen, None))
    if question.vector is None:
        raise RequestError("query", "a query of filters alone matches no regions")
    with SharedFile(picture) as own:
        opened = await service.wait(questions.picture, service, own, path)
        try:
            png = await service.slow("look", _regions, service, own, opened, question.vector)
        except LookError as error:
            raise questions.unseen(path, error) from None
    return {"png": png, "method": METHOD}


def _regions(
    until: Until, service: Service, file: SharedFile, opened: Picture, query: Vector
) -> bytes:
    with file:
        return service.looking.regions(opened, query, until)


def filtered(until: Until, service: Service, question: Question) -> Message:
    """What the filters did: {scope, left, filters: [{text, files}]}: files in the scope, those that
    meet all, those that meet each alone. Raises LibraryError."""
    library = service.library
    with library.memory:
        inside = library.catalogue.inside(question.scope)
    masks = [
        filters.chosen(library, [condition], len(inside), until.check) & inside
        for condition in question.conditions
    ]
    left = np.logical_and.reduce(masks) if masks else inside
    told = [
        {"text": condition.text, "files": int(np.count_nonzero(mask))}
        for condition, mask in zip(question.conditions, masks, strict=True)
    ]
    return {
        "scope": int(np.count_nonzero(inside)),
        "left": int(np.count_nonzero(left)),
        "filters": told,
    }
