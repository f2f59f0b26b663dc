"""Requests to a hub: proxies, token, redirects, and which failures are worth another attempt."""

from __future__ import annotations

import contextlib
import email.utils
import errno
import http.client
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from csearchd.errors import AttemptFailed, ModelError, NetworkError
from csearchd.models.hub.heads import EncryptedHeads, PlainHeads

TIMEOUT = 30.0  # seconds without an answer or a byte
LEAST_RATE = 2000  # bytes a second, below which an attempt is given up
LEAST_RATE_SECONDS = 60.0  # over which that is measured
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before each retry after an attempt that brought nothing
LONGEST_WAIT = 300.0  # seconds that the hub may ask for: the window of its rate limits
TRANSIENT_STATUSES = (408, 429, 500, 502, 503, 504)  # of HTTP: a retry may succeed
CONNECTION_ERRORS = (  # the connection could not be made, or broke off
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)
_NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)
MAX_DOCUMENT = 1 << 24  # bytes of JSON
SETTINGS = {  # of huggingface_hub, which reads them when it is imported
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_VERBOSITY": "critical",  # we report a failure, once
}
KEPT = "what was downloaded is kept: run the command again to continue"


class Retries:
    """The attempts at one thing: waits between them, and gives up once too many in a row have
    brought nothing."""

    def __init__(self, pauses: tuple[float, ...]) -> None:
        self._pauses = pauses
        self._failures = 0

    def succeeded(self) -> None:
        """Notes that an attempt has brought something."""
        self._failures = 0

    def wait(self, failure: AttemptFailed) -> None:
        """Waits before the next attempt. Raises NetworkError instead if it isn't worth while."""
        if failure.wait > LONGEST_WAIT:
            minutes = f"{failure.wait / 60:.0f} minutes"
            raise NetworkError(f"the server asks to wait {minutes} ({failure}); {KEPT} then")
        if self._failures == len(self._pauses):
            raise NetworkError(f"the connection broke off ({failure}); {KEPT}")
        pause = max(self._pauses[self._failures], failure.wait)
        self._failures += 1
        if failure.wait:
            print(f"the server is busy ({failure}): waiting {pause:.0f} s", file=sys.stderr)
        time.sleep(pause)


class Pace:
    """How fast a body comes."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._bytes = 0

    def received(self, count: int) -> None:
        """Notes so many bytes. Raises AttemptFailed if they come too slowly."""
        self._bytes += count
        seconds = time.monotonic() - self._begin
        if seconds < LEAST_RATE_SECONDS:
            return
        if self._bytes < LEAST_RATE * seconds:
            rate = f"{self._bytes / seconds:.0f} bytes a second"
            raise AttemptFailed(f"only {rate} came for {seconds:.0f} s", slow=True)
        self._begin, self._bytes = time.monotonic(), 0


@dataclass(frozen=True)
class Hub:
    """A hub, and who asks it."""

    address: str  # without a slash at the end
    token: str | None = None  # is sent to the hub alone, never to hosts that it redirects to
    pauses: tuple[float, ...] = PAUSES

    @classmethod
    def of_environment(cls) -> Hub:
        """The hub that HF_ENDPOINT names, with the token in HF_TOKEN or in the file that
        `hf auth login` writes. Raises NetworkError if HF_HUB_OFFLINE is set."""
        os.environ.update(SETTINGS)
        from huggingface_hub import constants, get_token

        if constants.HF_HUB_OFFLINE:
            raise NetworkError("no network: HF_HUB_OFFLINE is set in the environment; unset it")
        token = None
        if not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
            try:
                token = get_token()
            except Exception as error:  # it may refresh one; the types of its errors vary
                summary = (str(error).splitlines() or [type(error).__name__])[0]
                raise ModelError(
                    f"the token of `hf auth login` can't be read: {summary}; set HF_TOKEN instead"
                ) from None
        return cls(str(constants.ENDPOINT).rstrip("/"), token)

    @contextlib.contextmanager
    def request(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Makes one GET request for `path` of the hub; the answer is open in the `with` block.

        Raises AttemptFailed for what another attempt may change, in the block too, and ModelError
        for what none would.
        """
        url = f"{self.address}{path}"
        try:
            request = urllib.request.Request(
                url, headers={"User-Agent": "csearch", **(headers or {})}
            )
            if self.token:
                request.add_header("Authorization", f"Bearer {self.token}")
            opener = urllib.request.build_opener(
                _Proxies(_proxies()), _Redirects(self.address), PlainHeads, EncryptedHeads
            )
            with opener.open(request, timeout=TIMEOUT) as response:
                yield response
        except urllib.error.HTTPError as error:
            with error:
                raise self._failure(url, error) from None
        except CONNECTION_ERRORS as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise NetworkError(
                    f"{url} can't be downloaded: {reason.verify_message}; is the clock right, and"
                    " is a proxy's certificate known (SSL_CERT_FILE)?"
                ) from None
            if isinstance(error, http.client.InvalidURL):
                raise ModelError(
                    f"{url} is no address of a server with models: check HF_ENDPOINT"
                ) from None
            unreachable = isinstance(error, urllib.error.URLError)
            raise AttemptFailed(reason, unreachable=unreachable) from None
        except OSError as error:  # while the block reads, or of a file that the block writes
            if error.errno not in _NO_ROUTE:
                raise
            raise AttemptFailed(error.strerror) from None
        except ValueError as error:  # what urllib says of an address without a scheme
            raise ModelError(
                f"{url} is no address of a server with models ({error}): check HF_ENDPOINT"
            ) from None

    def get_json(self, path: str) -> Any:
        """The JSON document at `path` of the hub. Raises NetworkError or ModelError."""
        retries = Retries(self.pauses)
        while True:
            try:
                with self.request(path) as response:
                    content, pace = b"", Pace()
                    while len(content) < MAX_DOCUMENT and (chunk := response.read1(MAX_DOCUMENT)):
                        content += chunk
                        pace.received(len(chunk))
                    if response.length:
                        raise AttemptFailed("the server ended it")
                return json.loads(content)
            except AttemptFailed as failure:
                if failure.unreachable:
                    raise NetworkError(self._unreachable(failure)) from None
                retries.wait(failure)
            except (ValueError, RecursionError):  # no JSON or UTF-8
                raise ModelError(
                    f"{self.address}{path} is no description of a model: check HF_ENDPOINT, and"
                    " whether this network asks for a login"
                ) from None

    def check_reachable(self) -> None:
        """Raises NetworkError if no connection to the hub can be made."""
        try:
            with self.request("/"):
                pass
        except AttemptFailed as failure:
            if failure.unreachable:
                raise NetworkError(self._unreachable(failure)) from None
        except NetworkError:
            raise
        except ModelError:
            pass  # a refusal is an answer

    def _unreachable(self, failure: AttemptFailed) -> str:
        proxy = _proxy_for(self.address)
        through = f" through the proxy {proxy}" if proxy else ""
        return f"no network: {self.address} can't be reached{through} ({failure})"

    def _failure(self, url: str, error: urllib.error.HTTPError) -> Exception:
        """The exception for an HTTP status."""
        said = str(error.code)
        with contextlib.suppress(ValueError):
            said += f" {HTTPStatus(error.code).phrase}"
        if error.code in TRANSIENT_STATUSES:
            return AttemptFailed(said, wait=_asked_wait(error.headers))
        what = f"{url} can't be downloaded: the server says {said}"
        code = error.headers.get("X-Error-Code", "")
        at_hub = _origin(error.url or url) == _origin(self.address)
        if at_hub and (code == "GatedRepo" or error.code == 403):
            return ModelError(
                f"{what}; accept the model's terms on its page at {self.address}, and set HF_TOKEN"
                " to a token of your account"
            )
        if at_hub and error.code == 401 and self.token:
            return ModelError(
                f"{what}; the token in HF_TOKEN, or of `hf auth login`, is not accepted: renew it,"
                " or do without"
            )
        if at_hub and error.code == 401:
            return ModelError(
                f"{what}; there is no such model, or it is private: set HF_TOKEN to a token of an"
                " account that may read it"
            )
        if error.code == 407:
            return ModelError(f"{what}; put the proxy's user and password into its address")
        if error.code == 404:
            return ModelError(f"{what}; it has been renamed or removed")
        return ModelError(f"{what}; try again later")


class _Proxies(urllib.request.ProxyHandler):
    """Refuses SOCKS, which the standard library doesn't speak: it would send HTTP there."""

    def proxy_open(
        self,
        req: urllib.request.Request,
        proxy: str,
        type: str,
    ) -> Any:
        bypassed = bool(req.host) and urllib.request.proxy_bypass(req.host)
        if not bypassed and urlsplit(proxy).scheme.lower().startswith("socks"):
            raise NetworkError(
                f"the proxy {_without_password(proxy)} speaks SOCKS, which csearch doesn't: set"
                " HTTPS_PROXY to an HTTP proxy, or NO_PROXY to the hub's host to do without"
            )
        return super().proxy_open(req, proxy, type)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, leaving out the token where they lead away from the hub."""

    def __init__(self, hub: str) -> None:
        self._hub = _origin(hub)

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        before, after = _origin(req.full_url), _origin(urljoin(req.full_url, newurl))
        if after[0] not in ("http", "https") or (before[0] == "https" and after[0] == "http"):
            raise NetworkError(f"{req.full_url} leads to {newurl}, which isn't encrypted")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if request is not None and after != self._hub:
            request.remove_header("Authorization")
        return request


def _origin(url: str) -> tuple[str, str, int | None]:
    """What tells a host's service apart from others: scheme, host and port."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _proxies() -> dict[str, str]:
    """The proxies that the environment names, by scheme; all_proxy is for those without one."""
    proxies = urllib.request.getproxies()
    every = proxies.pop("all", None)
    if every:
        proxies = {"http": every, "https": every, **proxies}
    return proxies


def _proxy_for(url: str) -> str | None:
    """The proxy that requests for `url` take, without its user and password; None without one."""
    parts = urlsplit(url)
    proxy = _proxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return _without_password(proxy)


def _without_password(proxy: str) -> str:
    return re.sub(r"^(\w+://)?.*@", r"\1", proxy)


def _asked_wait(headers: Message) -> float:
    """Seconds that the answer asks to wait, by Retry-After (seconds or a date) or by the hub's
    RateLimit (`"api";r=0;t=55`); 0 if it doesn't."""
    asked = str(headers.get("Retry-After", "")).strip()
    if asked.isdecimal():
        return float(asked)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    limit = re.search(r"\br=0\b.*?\bt=(\d+)", str(headers.get("RateLimit", "")))
    return float(limit[1]) if limit else 0.0
