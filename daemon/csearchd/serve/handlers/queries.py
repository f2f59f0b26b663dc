"""Finds out what a search means: its words, filters and pictures become what the engine needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from csearchd import limits
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.errors import CancelledError, ImageQueryError, QueryError, RequestError
from csearchd.models.active_model import Models
from csearchd.reasons import PATH
from csearchd.reasons import query as reasons
from csearchd.requests.files import SharedFile
from csearchd.search import filters
from csearchd.search.concepts import Concepts
from csearchd.search.explanation import QueryTerm, query_terms
from csearchd.search.image_query import ImageQueries, Picture, PictureVector
from csearchd.search.lexical.query_words import says_something
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.query_language import grammar, negation, several_words
from csearchd.search.query_language.grammar import Part
from csearchd.search.query_language.query_vector import Vector, blended, combined
from csearchd.search.request import QueryPicture, Scope, SearchRequest
from csearchd.serve.client_paths import ClientPaths
from csearchd.system.language import own_language


class QueryResolver:
    """Fills in the fields of a SearchRequest that don't come from the client, by `understand`,
    `picture_vectors` and `resolve`, in this order."""

    def __init__(
        self,
        models: Models,
        concepts: Concepts,
        places: Geocoder,
        image_queries: ImageQueries,
        paths: ClientPaths,
        workers: Workers,
    ) -> None:
        self._models = models
        self._concepts = concepts
        self._places = places
        self._image_queries = image_queries
        self._paths = paths
        self._workers = workers

    def may_wait(self, request: SearchRequest) -> bool:
        """Whether `understand` may wait for the disk, from which the names of places are read."""
        return not self._places.is_loaded and "near" in request.query.lower()

    def understand(self, request: SearchRequest) -> SearchRequest:
        """Returns the request with its parts and conditions, for which neither library nor model is
        needed. Raises RequestError."""
        pictures = request.pictures or []
        _check_pictures(pictures, request.files)
        try:
            parts, conditions = self._parts(request, pictures)
            language = request.language or own_language()
            parts, remarks = negation.understood(parts, language)
        except QueryError as error:
            raise RequestError("query", error.reason, start=error.start, end=error.end) from None
        label = (request.label or "").strip()
        if label and not any(part.pictures for part in parts):
            raise RequestError("query", reasons.LABEL_WITHOUT_PICTURE())
        score = request.min_score
        return replace(
            request,
            top=min(request.top, limits.RESULTS),
            offset=min(request.offset, limits.RESULTS),
            label=label,
            min_score=None if score is None else max(-limits.SCORE, min(score, limits.SCORE)),
            parts=parts,
            conditions=conditions,
            remarks=[*remarks, *(one for condition in conditions for one in condition.remarks)],
        )

    def _parts(
        self, request: SearchRequest, pictures: list[QueryPicture]
    ) -> tuple[list[Part], list[filters.Condition]]:
        """Returns the parts of a query, in which each picture outside of its text is a part of its
        own, and its conditions. Some searches may have none of either.

        Raises QueryError.
        """
        spans = [picture.span for picture in pictures]
        inside = [number for number, span in enumerate(spans) if span]
        outside = [number for number, span in enumerate(spans) if not span]
        parts: list[Part] = []
        conditions: list[filters.Condition] = []
        if request.query.strip() or not (outside or request.may_be_empty):
            now = datetime.now()

            def following(name: str, value: str, words: Sequence[str]) -> int:
                return several_words.following(name, value, words, now, self._places.goes_on)

            parsed = grammar.parse(request.query, [span for span in spans if span], following)
            parts = parsed.parts
            conditions = filters.understand(parsed.filters, now, self._places)
        for part in parts:
            part.pictures = [inside[number] for number in part.pictures]
        return [*parts, *(Part(pictures=[number]) for number in outside)], conditions

    async def picture_vectors(
        self, request: SearchRequest, files: list[int]
    ) -> dict[int, PictureVector]:
        """Returns the pictures that an understood request uses, by their numbers. `files` are its
        open files. Raises RequestError."""
        pictures = request.pictures or []
        if len(files) != len(pictures):
            raise RequestError("bad-request", "every picture must come with an open file")
        used = {number for part in request.parts for number in part.pictures}  # not in quotes, say
        return {n: await self.picture_vector(files[n], pictures[n].path) for n in sorted(used)}

    async def picture_vector(self, file: int, path: bytes) -> PictureVector:
        """Returns the vector of the picture in an open file. Raises RequestError."""
        with SharedFile(file) as own:
            try:
                picture = await self._workers.wait(self.open, own, path)
                found = await self._workers.answer(self._image_queries.find_known, picture)
                if found is None:
                    return await self._workers.compute("look", self._encode, own, picture)
                return found
            except ImageQueryError as error:
                raise picture_error(path, error) from None

    def _encode(
        self, cancellation: Cancellation, file: SharedFile, picture: Picture
    ) -> PictureVector:
        with file:
            return self._image_queries.encode(picture, cancellation)

    def open(self, opened: SharedFile, name: bytes) -> Picture:
        """Returns what is known of an open file. Raises RequestError where its server doesn't
        answer."""
        with opened:
            file = opened.number
            path = os.readlink(b"/proc/self/fd/%d" % file)  # the kernel knows it, and asks nobody

            def answer(_: bytes) -> os.stat_result:
                # Some servers are asked at each close: then a process that is started now would
                # close its copy, which may take for ever, before anything else here goes on.
                os.close(os.dup(file))
                return os.fstat(file)

            return Picture(file, name, path, self._paths.ask(path, answer))

    def resolve(
        self,
        cancellation: Cancellation,
        request: SearchRequest,
        found: Mapping[int, PictureVector],
        scope: Scope | None,
    ) -> SearchRequest:
        """Returns an understood request with its vector and all else that the engine needs. Raises
        RequestError."""
        row = self._models.active_model.row
        scale = 1.0
        language = request.language or own_language()

        def embed(text: str) -> Vector:
            cancellation.check()
            return self._concepts.embed(text, language)

        vectors = {number: one.vector for number, one in found.items()}
        try:
            vector = combined(request.parts, embed, vectors)
            if request.label and vector is not None:
                vector, scale = blended(vector, embed(request.label), 1 - request.label_weight)
        except CancelledError as error:
            raise RequestError("query", error.reason) from None
        # A concept is made of pictures, and so are its scores.
        like = any(part.pictures or self._concepts.names(part.text) for part in request.parts)
        return replace(
            request,
            model=row,
            vector=vector,
            scope=scope,
            without=frozenset(one.content for one in found.values() if one.content is not None),
            scale=scale,
            like=like,
            telling=like or says_something(request.parts),
            query_terms=self._query_terms(request, vectors, embed) if request.why else (),
            check=cancellation.check,
        )

    def _query_terms(
        self, request: SearchRequest, vectors: Mapping[int, Vector], embed: Callable[[str], Vector]
    ) -> list[QueryTerm]:
        pictures = {
            number: (os.path.basename(picture.path).decode(errors="replace"), vectors[number])
            for number, picture in enumerate(request.pictures or [])
            if number in vectors
        }
        return query_terms(request.parts, pictures, embed, self._concepts.names)


def picture_error(path: bytes, error: ImageQueryError) -> RequestError:
    """Returns the error for a picture that can't be searched with."""
    return RequestError("picture", PATH(path=path, reason=error.reason))


def _check_pictures(pictures: list[QueryPicture], files: int) -> None:
    """Raises RequestError unless the pictures fit their files and each other."""
    if len(pictures) != files:
        raise RequestError("bad-request", "pictures must be a list, with a file each")
    if len(pictures) > limits.PICTURES:
        raise RequestError("query", reasons.TOO_MANY_PICTURES(limit=limits.PICTURES))
    inside = [picture.start for picture in pictures if picture.span]
    if len(set(inside)) < len(inside):
        raise RequestError("bad-request", "two pictures at the same place of the query")
