"""From a message to its request."""

from __future__ import annotations

from csearch.protocol.wire import Message
from csearchd.errors import InvalidMessage, RequestError
from csearchd.limits import clipped
from csearchd.requests import (
    completion,
    concepts,
    home,
    library,
    saved,
    service,
    tagger,
    tags,
    texts,
)
from csearchd.search.request import RegionsRequest, SearchRequest
from csearchd.validation import Request, validated

_KINDS: tuple[type[Request], ...] = (
    SearchRequest,
    RegionsRequest,
    library.AddRequest,
    library.RemoveRequest,
    library.RootsRequest,
    library.RescanRequest,
    library.FailedRequest,
    library.ForgetRequest,
    library.DescribeRequest,
    library.DupesRequest,
    service.HelloRequest,
    service.AnswerRequest,
    service.StatusRequest,
    service.PauseRequest,
    service.ResumeRequest,
    service.ReloadRequest,
    service.SettingsRequest,
    service.StopRequest,
    service.ModelsRequest,
    service.UseRequest,
    tags.TagsGiveRequest,
    tags.TagsWriteRequest,
    tags.TagsPreviewRequest,
    tags.TagsOnRequest,
    tags.TagsOffRequest,
    tags.TagsUndoRequest,
    concepts.TeachRequest,
    concepts.ConceptsRequest,
    concepts.ConceptRenameRequest,
    concepts.ConceptRemoveRequest,
    completion.CompleteRequest,
    completion.SuggestRequest,
    completion.ChoicesRequest,
    completion.HistoryRequest,
    completion.HistoryClearRequest,
    home.HomeRequest,
    tagger.TagsServeRequest,
    tagger.TagsIntendRequest,
    tagger.TagsDoneRequest,
    tagger.TagsKnownRequest,
    texts.TextRequest,
    texts.TextForgetRequest,
    texts.TextReadRequest,
    saved.SavedRequest,
    saved.SavedAddRequest,
    saved.SavedRenameRequest,
    saved.SavedRemoveRequest,
)
OPERATIONS = {kind.op: kind for kind in _KINDS}
"""The class of each operation's requests, by the operation's name."""


def decoded(message: Message) -> Request:
    """The request that a message is. Raises RequestError for what is none."""
    name = message.get("op")
    kind = OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise RequestError(
            "bad-request",
            f"unknown operation {clipped(repr(name))}; the service may be older than its client",
        )
    try:
        return validated(message, kind)
    except InvalidMessage as error:
        raise RequestError("bad-request", str(error)) from None
