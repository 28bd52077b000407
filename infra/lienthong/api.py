"""The HTTP API as commands ask it: one question, one answer, every failure in sentences.

What is guaranteed: a sign-in is sent to the API's own address alone and never over an unprotected
connection to another machine; redirects are not followed. A 503, and a 429 that is over within
seconds, is asked again a few times; nothing else is, since every question leaves a trace.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener
from urllib.request import Request as UrlRequest

from infra.lienthong.console import visible
from infra.lienthong.context import HOW_TO_START, Stack
from infra.lienthong.errand import Errand
from infra.lienthong.problems import Misuse, Problem, Refused, Unreachable

TIMEOUT: Final = 30.0
"""Seconds without a sign of life; the gateway itself gives up after 30 s."""
LARGEST_ANSWER: Final = 16 * 1024 * 1024
"""Bytes; the gateway's own limit is 10 MB."""
MOST_TRIES: Final = 3
LONGEST_PAUSE: Final = 5.0
"""Seconds that a command waits by itself before it asks again."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_WRONG_USE: Final = frozenset({400, 405, 406, 413, 415, 422})
_SIGN_IN: Final = "Sign in again with `lienthong login`."

Document = dict[str, Any]


class Request(NamedTuple):
    """One request as it goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Response(NamedTuple):
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire(Protocol):
    """Carries one request; raises `Unreachable` where no whole answer came back."""

    def __call__(self, request: Request, /) -> Response: ...


class _NoRedirects(HTTPRedirectHandler):
    """A sign-in is for one address: an answer that points elsewhere is an answer, not a way."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True)
class UrlWire:
    """The wire of the standard library; proxies of the environment are used, never for this
    machine's own addresses."""

    timeout: float = TIMEOUT
    largest: int = LARGEST_ANSWER

    def __call__(self, request: Request) -> Response:
        """Send it and read the answer whole."""
        host = urlsplit(request.url).netloc
        handlers: list[Any] = [_NoRedirects()]
        if urlsplit(request.url).hostname in _LOOPBACK:
            handlers.append(ProxyHandler({}))
        asked = UrlRequest(
            request.url, data=request.body, headers=dict(request.headers), method=request.method
        )
        try:
            try:
                answer = build_opener(*handlers).open(asked, timeout=self.timeout)
            except HTTPError as error:
                answer = error
            with answer:
                body = answer.read(self.largest + 1)
                headers = {name.lower(): text for name, text in answer.headers.items()}
                status = int(answer.status)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error, host) from None
        # Asked for so many bytes, the library takes an end that comes too early for the end.
        if len(body) < min(int(headers.get("content-length") or 0), self.largest):
            raise self._unreachable(http.client.IncompleteRead(b""), host)
        if len(body) > self.largest:
            raise Unreachable(
                f"{host} answered with more than {self.largest:,} bytes. Ask for less at once."
            )
        return Response(status, headers, body)

    def _unreachable(self, error: Exception, host: str) -> Unreachable:
        reason = error.reason if isinstance(error, URLError) else error
        match reason:
            case TimeoutError():
                return Unreachable(
                    f"The API at {host} did not answer within {self.timeout:g} s. Try again in a "
                    "moment; whatever was asked may stand in the access log."
                )
            case ssl.SSLError():
                return Unreachable(
                    f"The certificate of {host} is not accepted, so nothing was sent. Check the "
                    "stack's ApiUrl, and this machine's certificates and clock."
                )
            case socket.gaierror():
                return Unreachable(f"There is no host {host}. Check the stack's ApiUrl.")
            case ConnectionRefusedError():
                return Unreachable(f"Nothing answers at {host}. {HOW_TO_START}")
            case _:
                return Unreachable(
                    f"The connection to the API at {host} broke off ({type(reason).__name__}). "
                    "Try again; `make status` tells what is running on this machine."
                )


@dataclass(frozen=True)
class Answer:
    """What the API said: any status, and its JSON object."""

    status: int
    document: Document
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """The request's id, under which the access log and the service's log have it."""
        found = self.headers.get("x-request-id") or self.document.get("request_id")
        return str(found) if found else None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the API asks to wait."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() else None


class SignedIn(NamedTuple):
    """Who a sign-in says one is, as far as it can be read here; only the API verifies it."""

    name: str
    agency: str | None
    roles: tuple[str, ...]


class Api:
    """The API of one stack, asked with one sign-in on one errand."""

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        errand: Errand | None,
        wire: Wire,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`token` gives the access token; it is asked for with every question."""
        self.url = url.rstrip("/")
        self.errand = errand
        self._token = token
        self._wire = wire
        self._pause = pause

    @cached_property
    def signed_in(self) -> SignedIn:
        """Who asks, by the sign-in's own words."""
        return read_token(self._token())

    def get(self, path: str, **query: str | int | None) -> Answer:
        """Ask for `path`; what is None is left out. Raises a `Problem` unless it is granted."""
        return granted(self.ask("GET", path, query=query))

    def post(self, path: str, body: Any, **query: str | int | None) -> Answer:
        """Send `body` as JSON to `path`. Raises a `Problem` unless it is granted."""
        return granted(self.ask("POST", path, body=body, query=query))

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str | int | None] | None = None,
    ) -> Answer:
        """The answer, refused or not. Raises `Unreachable` where none came back."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urlencode(given)}" if given else "")
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {
            "Accept": "application/json, application/problem+json",
            "User-Agent": "lienthong",
            **({"Content-Type": "application/json"} if content is not None else {}),
        }
        if self.errand is not None:
            headers["X-Purpose"] = self.errand.purpose
            if self.errand.case is not None:
                headers["X-Case"] = self.errand.case
        for tries in range(1, MOST_TRIES + 1):
            headers["Authorization"] = f"Bearer {self._token()}"
            answer = _answer(self._wire(Request(method, url, headers, content)))
            wait = _pause_before_next(answer, tries)
            if wait is None:
                return answer
            self._pause(wait)
        raise AssertionError("The last try gives its answer.")


def _pause_before_next(answer: Answer, tries: int) -> float | None:
    """Seconds until the same is asked again; None where the answer stands."""
    if tries == MOST_TRIES or answer.status not in (429, 503):
        return None
    wait = answer.retry_after
    if wait is None:
        return 0.2 * 4**tries if answer.status == 503 else None
    return wait if wait <= LONGEST_PAUSE else None


def url_of(stack: Stack) -> str:
    """The API's address; `Unreachable` if the stack has none or it is not protected."""
    url = stack.output("ApiUrl")
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and (stack.emulated or parts.hostname in _LOOPBACK):
        return url
    raise Unreachable(
        f"The ApiUrl of {stack.described_by} is not an https address, so no sign-in is sent to it."
        " Correct the outputs, or deploy again."
    )


def in_path(text: str) -> str:
    """An opaque id as one segment of a path."""
    return quote(text, safe="")


def read_token(token: str) -> SignedIn:
    """What an access token says of its holder, unverified."""
    parts = token.split(".")
    try:
        payload = parts[1] if len(parts) == 3 else ""
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        claims = {}
    if not isinstance(claims, dict):
        claims = {}
    name = claims.get("username") or claims.get("client_id") or "you"
    roles = tuple(str(claims.get("roles") or "").split())
    if not roles and "username" not in claims and "client_id" in claims:
        roles = ("agency-system",)
    return SignedIn(str(name), claims.get("agency"), roles)


def _answer(response: Response) -> Answer:
    try:
        document = json.loads(response.body) if response.body.strip() else {}
    except ValueError:
        document = None
    if isinstance(document, dict):
        return Answer(response.status, document, response.headers)
    if response.status < 400:
        raise Unreachable(
            f"The API's address answered {response.status} with something that is not a JSON "
            "object, so it is not this service. Check the stack's ApiUrl."
        )
    return Answer(response.status, {}, response.headers)


# Refusals in sentences --------------------------------------------------------------------


def granted(answer: Answer) -> Answer:
    """The answer, if it grants what was asked; else raises the `Problem` that it is."""
    if answer.ok:
        return answer
    raise problem_of(answer)


def problem_of(answer: Answer) -> Problem:
    """A refusal as a problem with its sentence, its findings and an exit code."""
    said, details = _said(answer), _findings(answer)
    match answer.status:
        case 401:
            return Unreachable(
                "The API does not accept this sign-in: it has expired, or it is another stack's. "
                + _SIGN_IN
            )
        case 403:
            return Refused(said or f"The API does not let you do this. {_SIGN_IN}", details)
        case 404 if said is None:
            return Unreachable(
                "The API has no such route: the stack is older than this command. Deploy the "
                "present template again (`make up` on this machine)."
            )
        case 429:
            return Unreachable(f"{said or 'Too many questions at once.'}{_when(answer)}", details)
        case status if status >= 500:
            return Unreachable(
                f"{said or f'The API failed ({status}).'}{_when(answer)}"
                + ("" if said else " Nothing was shown."),
                details,
            )
        case status if status in _WRONG_USE:
            return Misuse(said or f"The API does not take this request ({status}).", details)
        case status if status < 400:
            return Unreachable(
                f"The API's address points elsewhere ({status}), and a sign-in is for one address. "
                "Check the stack's ApiUrl."
            )
        case status:
            return Refused(said or f"The API refused this ({status}).", details)


def _said(answer: Answer) -> str | None:
    """The sentence of a problem document; None where the gateway answered by itself."""
    if "code" not in answer.document and "title" not in answer.document:
        return None
    text = answer.document.get("detail") or answer.document.get("title")
    return visible(str(text)) if text else None


def _findings(answer: Answer) -> tuple[str, ...]:
    errors = answer.document.get("errors")
    found = [
        visible(": ".join(filter(None, (str(e.get("path") or ""), str(e.get("text") or "")))))
        for e in (errors if isinstance(errors, list) else ())
        if isinstance(e, dict)
    ]
    if answer.request_id is not None:
        found.append(f"Request {visible(answer.request_id)}.")
    return tuple(found)


def _when(answer: Answer) -> str:
    """When to try again."""
    seconds = answer.retry_after
    if seconds is None:
        return " Try again in a moment."
    if seconds < 120:
        return f" Try again in {seconds:.0f} s."
    if seconds < 7200:
        return f" Try again in {seconds / 60:.0f} minutes."
    return f" Try again in {seconds / 3600:.0f} hours."
