"""What is worth being offered in the desktop's search boxes, where pictures may not be meant."""

from __future__ import annotations

from csearchd.models.active_model import ActiveModel
from csearchd.scoring.confidence import LEVELS
from csearchd.search.lexical.query_words import query_words, telling_words
from csearchd.search.query_language.foreign import is_english, knows_only_english
from csearchd.search.request import Answer, Hit, SearchRequest, matches_well

LOOKED_AT = 4  # times as many as are offered


def offered(answer: Answer, request: SearchRequest, active: ActiveModel) -> Answer:
    """Those of an answer that match well, or have all telling words in a name, a keyword or in
    the picture."""
    words = len(query_words(request.parts))
    levels = _levels(request, active)
    hits = [
        hit
        for hit in answer.hits
        if _is_seen(hit, levels) or (words and len(hit.by_name or ()) == words)
    ]
    return answer._replace(hits=hits[: request.top])


def _is_seen(hit: Hit, levels: tuple[str, ...]) -> bool:
    return matches_well(hit) and (hit.confidence is None or hit.confidence in levels)


def _levels(request: SearchRequest, active: ActiveModel) -> tuple[str, ...]:
    """How sure it must be that a picture shows what is asked for.

    A search box is asked at every letter of a word. One word that names nothing in pictures is
    rather half of one, where the model knows English only; a word of its tokenizer is whole, but
    may be the name of a program.
    """
    telling = telling_words(request.parts)
    if not telling:
        return ()
    if len(telling) > 1 or not knows_only_english(active.model) or is_english(telling[0]):
        return LEVELS[1:]
    return LEVELS[-1:] if active.tower.has_word(telling[0]) else ()
