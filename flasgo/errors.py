"""Every exception of flasgo, and the one vocabulary of error codes.

    FlasgoError
    ├─ ConfigurationError (ValueError)      the programmer's mistake, found before the first request
    │  ├─ SettingsError                       settings that do not fit; all of them at once
    │  └─ RegistrationError                   a route, hook or handler that cannot work
    ├─ FrozenError (RuntimeError)           registration after the first request
    ├─ BuildError (LookupError)             url_for cannot build this URL
    ├─ ContractError (TypeError)            a handler answered something other than it declares
    ├─ ClientDisconnected                   the peer left before its request was read
    └─ HTTPException                        an answer with a status; raise it or call abort()
       ├─ BadRequest 400
       │  ├─ MalformedRequest                 path, query, header or cookie that breaks its grammar
       │  ├─ MalformedBody                    a body that is not what its media type says
       │  ├─ HostNotAllowed                   Host missing, malformed, repeated or not in ALLOWED_HOSTS
       │  └─ UnsafeRedirect (ValueError)      a redirect that would lead away from this site
       ├─ Unauthorized 401
       ├─ Forbidden 403
       │  └─ CSRFFailed                       an unsafe request that no page of ours is known to have sent
       ├─ NotFound 404
       ├─ MethodNotAllowed 405
       ├─ NotAcceptable 406
       ├─ RequestTimeout 408
       ├─ Conflict 409
       ├─ ContentTooLarge 413
       ├─ UnsupportedMediaType 415
       ├─ ValidationFailed 422               well formed, but not valid: carries every Issue
       ├─ TooManyRequests 429
       ├─ HeadersTooLarge 431
       ├─ InternalServerError 500
       ├─ ServiceUnavailable 503
       └─ Problem                            (problems.py) kinds of the user's own, with typed members
          └─ StoreUnavailable                 a store of sessions or limits that does not answer

`code` is the stable name of a kind of error: the same in the problem document, the log event, the metric label and OpenAPI.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import ClassVar, Literal, NoReturn

from msgspec import Struct


class FlasgoError(Exception):
    """The root: everything that flasgo raises on its own account."""


class ConfigurationError(FlasgoError, ValueError):
    """Something that the programmer has to mend; the message names the cure."""


class SettingsError(ConfigurationError):
    """Settings that do not fit.

    `problems` holds one sentence for each, every one naming its setting and the cure.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(("Settings do not fit:", *(f"  - {problem}" for problem in self.problems))))


class RegistrationError(ConfigurationError):
    """A route, hook, converter or handler that could never work."""


class FrozenError(FlasgoError, RuntimeError):
    """A registration that came after the application had begun to answer requests."""


class BuildError(FlasgoError, LookupError):
    """No URL can be built for this endpoint from these values."""


class ContractError(FlasgoError, TypeError):
    """A handler answered with a value that is not of its declared return type."""


class ClientDisconnected(FlasgoError):
    """The client closed the connection before its request was complete; there is nobody to answer."""


Location = Literal["path", "query", "header", "cookie", "body", "form", "file"]


class Issue(Struct, frozen=True, omit_defaults=True):
    """One reason why an input is not valid. It never holds the value that was refused.

    `location` says where the input was sent, `pointer` where inside it (RFC 6901), `code` is stable, `message` is for people.
    """

    location: Location
    pointer: str
    code: str
    message: str


PHRASES = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
"""The names of RFC 9110 §15.5 where older Pythons still have those of RFC 7231."""


def phrase_of(status: int) -> str:
    """The phrase of a status (RFC 9110 §15), the same under every Python; "Error" where it has none."""
    try:
        return PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def code_of(status: int) -> str:
    """The code of errors of a status that have none of their own: its phrase as a name."""
    phrase = phrase_of(status)
    return "http_error" if phrase == "Error" else phrase.lower().replace("'", "").replace("-", "_").replace(" ", "_")


class HTTPException(FlasgoError):
    """An answer with `status_code` (400 to 599, or any status that a client may be sent), text for the client, and headers.

    `detail` is shown to the client; empty means the status's own phrase. Two are equal when status, detail and headers are.

    Raises ValueError for a status outside 200 to 599, TypeError for a detail that is no text.
    """

    default_status: ClassVar[int] = 500
    default_code: ClassVar[str] = ""
    __hash__ = None  # type: ignore[assignment]  # equality is by content, and headers are a dict

    def __init__(self, status_code: int, detail: str = "", headers: Mapping[str, str] | None = None) -> None:
        if not 200 <= status_code <= 599:  # noqa: PLR2004 - the range of final statuses, RFC 9110 §15
            raise ValueError(f"{status_code} is not a final HTTP status: use 200 to 599")
        if not isinstance(detail, str):
            raise TypeError(
                f"the detail of an error is text, not {type(detail).__name__}; members of its own has a Problem: "
                "`class Taken(Problem, status=409): book_id: int`"
            )
        self.status_code = status_code
        self.detail = detail
        self.headers: dict[str, str] = dict(headers or {})
        super().__init__(status_code, detail)

    @property
    def code(self) -> str:
        """The stable name of this kind of error."""
        return self.default_code or code_of(self.status_code)

    @property
    def title(self) -> str:
        """The phrase of the status (RFC 9110 §15), or "Error" where it has none."""
        return phrase_of(self.status_code)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HTTPException):
            return NotImplemented
        return (self.status_code, self.detail, self.headers) == (other.status_code, other.detail, other.headers)

    def __str__(self) -> str:
        return f"{self.status_code} {self.detail or self.title}"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(status_code={self.status_code!r}, detail={self.detail!r}, headers={self.headers!r})"
        )


class _Named(HTTPException):
    """The kinds that know their status: `raise NotFound("no such book")`."""

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.default_status, detail, headers)


class BadRequest(_Named):
    default_status = 400
    default_code = "bad_request"


class MalformedRequest(BadRequest):
    default_code = "malformed_request"


class MalformedBody(BadRequest):
    default_code = "malformed_body"


class HostNotAllowed(BadRequest):
    default_code = "host_not_allowed"


class UnsafeRedirect(BadRequest, ValueError):
    """A redirect that would lead to another site, or that browsers do not read alike: see flasgo/redirects.py.

    Its target nearly always comes from the request (`?next=…`), so the request is what is wrong with it: 400.
    """

    default_code = "unsafe_redirect"


class Unauthorized(_Named):
    default_status = 401
    default_code = "unauthorized"


class Forbidden(_Named):
    default_status = 403
    default_code = "forbidden"


class CSRFFailed(Forbidden):
    default_code = "csrf_failed"


class NotFound(_Named):
    default_status = 404
    default_code = "not_found"


class MethodNotAllowed(_Named):
    """`allow` are the methods that the resource does answer, sent as the Allow header (RFC 9110 §15.5.6)."""

    default_status = 405
    default_code = "method_not_allowed"

    def __init__(self, detail: str = "", *, allow: Iterable[str], headers: Mapping[str, str] | None = None) -> None:
        self.allow = tuple(sorted(allow))
        super().__init__(detail, headers={**(headers or {}), "allow": ", ".join(self.allow)})


class NotAcceptable(_Named):
    default_status = 406
    default_code = "not_acceptable"


class RequestTimeout(_Named):
    default_status = 408
    default_code = "request_timeout"


class Conflict(_Named):
    default_status = 409
    default_code = "conflict"


class ContentTooLarge(_Named):
    default_status = 413
    default_code = "content_too_large"


class UnsupportedMediaType(_Named):
    default_status = 415
    default_code = "unsupported_media_type"


class ValidationFailed(_Named):
    """The request was understood but is not valid; `issues` are all that is wrong with it, bounded."""

    default_status = 422
    default_code = "validation_failed"

    def __init__(self, issues: Iterable[Issue], detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        self.issues = tuple(issues)
        super().__init__(detail or "The request is not valid; see errors.", headers=headers)


class TooManyRequests(_Named):
    default_status = 429
    default_code = "too_many_requests"


class HeadersTooLarge(_Named):
    default_status = 431
    default_code = "headers_too_large"


class InternalServerError(_Named):
    default_status = 500
    default_code = "internal_server_error"


class ServiceUnavailable(_Named):
    default_status = 503
    default_code = "service_unavailable"


class StoreUnavailable(ServiceUnavailable):
    """A store that cannot be reached, does not answer in time, or is damaged.

    Unhandled it is a 503 whose detail says nothing about the store; `reason` is for the log.
    """

    default_code = "store_unavailable"

    def __init__(self, reason: str = "", detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        self.reason = reason
        super().__init__(
            detail or "Something that this service needs does not answer. Try again later.", headers=headers
        )

    def __str__(self) -> str:
        return self.reason or super().__str__()


_BY_STATUS: dict[int, type[_Named]] = {
    kind.default_status: kind
    for kind in _Named.__subclasses__()
    if kind not in {MethodNotAllowed, ValidationFailed}  # these two cannot be built from a detail alone
}


def abort(status_code: int, detail: str = "", headers: Mapping[str, str] | None = None) -> NoReturn:
    """End the request here with this status; never returns.

    Raises the HTTPException of that status, so that `except NotFound` catches `abort(404)`.
    """
    kind = _BY_STATUS.get(status_code)
    if kind is None:
        raise HTTPException(status_code, detail, headers)
    raise kind(detail, headers=headers)
