"""One question to the service at a time; the pictures to search with are opened first."""

import pictures
from messages import HANGING
from service import Failure


class Asking:
    def __init__(self, service, workers):
        self._service = service
        self._workers = workers
        self._opening = None  # the question whose pictures are being opened
        self._search = None

    @property
    def under_way(self):
        return bool(self._opening or self._search)

    def cancel(self):
        """There will be no answer."""
        self._opening = None
        if self._search:
            self._search.cancel()
            self._search = None

    def ask(self, query, others, fetched, options, answer):
        """Calls `answer(hits, result, failure)` later, unless another question follows.

        `others` are pictures besides those that the query names; `fetched` has some by address.
        """
        self.cancel()

        def answered(hits, result, failure):
            self._search = None
            answer(hits, result, failure)

        def send(given):
            self._search = self._service.search(query, given, options, answered)

        if not others and not pictures.are_in(query):
            send([])
            return
        self._opening = question = object()

        def opened(found):
            given, failure = found
            if question is not self._opening:
                pictures.close(given)
                return
            self._opening = None
            if failure:
                answer([], {}, Failure(failure))
            else:
                send(given)

        def late():
            if question is self._opening:
                answer([], {}, Failure(HANGING))

        others, fetched = list(others), dict(fetched)
        self._workers.run(lambda: pictures.opened(query, fetched, others), opened, late)
