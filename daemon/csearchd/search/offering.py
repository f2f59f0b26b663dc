"""What is worth being offered in the desktop's search boxes, where pictures may not be meant."""

from __future__ import annotations

from csearchd.models.installed import Model
from csearchd.search.lexical.query_words import means_pictures, query_words
from csearchd.search.query_language.foreign import knows_only_english
from csearchd.search.request import Answer, SearchRequest, matches_well

LOOKED_AT = 4  # times as many as are offered


def offered(answer: Answer, request: SearchRequest, model: Model) -> Answer:
    """Those of an answer that match well, or have all telling words in a name, a keyword or in
    the picture."""
    words = len(query_words(request.parts))
    seen = means_pictures(request.parts, knows_only_english(model))
    hits = [
        hit
        for hit in answer.hits
        if (matches_well(hit) and (seen or hit.confidence is None))
        or (words and len(hit.by_name or ()) == words)
    ]
    return answer._replace(hits=hits[: request.top])
