"""What `why` adds to a search: for each hit, and for the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Until
from csearchd.encoder.messages import METHOD
from csearchd.errors import ImageQueryError, TagsError
from csearchd.search import explanation, filters
from csearchd.search.image_query import Picture
from csearchd.search.query_language.query_vector import Vector
from csearchd.search.request import Hit, SearchRequest
from csearchd.serve.handlers import questions
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service
from csearchd.serve.stream import SharedFile


def explained(
    until: Until, service: Service, question: SearchRequest, hits: Sequence[Hit]
) -> tuple[list[Message], str]:
    """For each hit why it was found (csearch.protocol.wire), and a remark or "". Raises
    LibraryError."""
    active_model = service.models.active_model
    contents = np.array([hit.content for hit in hits], np.int32)
    if question.model != active_model.row or question.vector is None or not hits:
        return [{} for _ in hits], ""  # of another model, or there is nothing to say
    if not active_model.table.has(contents).all():
        return [{} for _ in hits], ""
    vectors = active_model.table.vectors(contents)
    until.check()
    candidate_count = service.engine.candidate_count(
        replace(question, check=until.check)
    )  # the search has ended
    calibration = service.engine.calibration(active_model)
    parts = explanation.met(
        question.query_terms, question.vector, calibration, vectors, candidate_count
    )
    remark = ""
    try:
        terms = service.tagging.scoring.shared(active_model, vectors, question.vector)
    except TagsError as error:
        terms, remark = [[] for _ in hits], str(error)
    return [
        {"parts": told, "terms": names} for told, names in zip(parts, terms, strict=True)
    ], remark


async def regions(service: Service, request: Request) -> Message:
    """The operation; see csearch.protocol.wire."""
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
        except ImageQueryError as error:
            raise questions.unseen(path, error) from None
    return {"png": png, "method": METHOD}


def _regions(
    until: Until, service: Service, file: SharedFile, opened: Picture, query: Vector
) -> bytes:
    with file:
        return service.image_queries.regions(opened, query, until)


def filtered(until: Until, service: Service, question: SearchRequest) -> Message:
    """What the filters did: {scope, left, filters: [{text, files}]}: files in the scope, those that
    meet all, those that meet each alone. Raises LibraryError."""
    library = service.library
    with library.memory_lock:
        inside = library.catalogue.files_in(question.scope)
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
