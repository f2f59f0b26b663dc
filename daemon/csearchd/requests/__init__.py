"""The requests of the protocol: one class for each operation, which says what it takes and answers.

csearch.protocol.wire says how messages are sent. A request is a map of the fields of its class,
with `op`, the operation's name, and `id`. A field with a default may be left out; where `nil` is
allowed, it means the same. Fields that an operation doesn't have are ignored. Whatever doesn't fit
is answered with the error `bad-request`, which names the field.

    csearchd.search.request       search, regions
    csearchd.requests.library     add, remove, roots, rescan, failed, forget, describe, dupes
    csearchd.requests.service     hello, answer, status, pause, resume, reload, stop, models, use
    csearchd.requests.tags        tags-write, tags-give, tags-preview, tags-on, tags-off,
                                  tags-undo
    csearchd.requests.concepts    teach, concepts, concept-rename, concept-remove
    csearchd.requests.saved       saved, saved-add, saved-rename, saved-remove
    csearchd.requests.completion  complete, suggest, choices, history, history-clear
    csearchd.requests.tagger      tags-serve, tags-intend, tags-done, tags-known: of the tagger
"""
