"""The one place where exceptions become responses.

An HTTPException is an answer; anything else is a mistake, logged with its traceback and answered with 500. A handler that the
user registered, by class or by status, comes first; when it fails itself, that is logged and the built-in answer is given.

The form of the built-in answer (SPEC §1): problem+json (RFC 9457) for clients that ask for JSON and for routes that
speak typed JSON; a small page for browsers; text for everyone else.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import quote

from msgspec import Struct

from flasgo.errors import (
    ClientDisconnected,
    HTTPException,
    InternalServerError,
    Issue,
    TooManyRequests,
    ValidationFailed,
)
from flasgo.events import log_failure
from flasgo.http.media import preferred_format
from flasgo.http.url import PATH_SAFE
from flasgo.pipeline.hooks import Hook
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.model import Endpoint
from flasgo.problems import Problem
from flasgo.request import Request
from flasgo.response import HTML, JSON, TEXT, Response, encode_json, quick, to_response

PROBLEM = (b"content-type", b"application/problem+json")
MAX_INSTANCE = 512
"""Characters of the path that a problem document repeats."""


class LimitNotice(Struct, frozen=True):
    """What a rate limit answers to programs that do not say what they read."""

    error: str
    detail: str


class ProblemDocument(Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457 §3), with flasgo's `code` and, for what does not validate, `errors`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: tuple[Issue, ...] = ()


class ErrorHandlers(Struct, frozen=True):
    """What the user registered: by class of exception, and by status; `outer` is asked where nothing here fits."""

    by_class: Mapping[type[Exception], Hook]
    by_status: Mapping[int, Hook]
    outer: "ErrorHandlers | None" = None

    def find(self, error: Exception) -> Hook | None:
        """The nearest handler, of the blueprint before the application's: for the exception's own class, its status, then its base classes."""
        return self.nearest(type(error), error.status_code if isinstance(error, HTTPException) else None)

    def of_kind(self, kind: type[HTTPException]) -> Hook | None:
        """The handler of a class of errors, for the document."""
        return self.nearest(kind, kind.default_status)

    def nearest(self, kind: type[Exception], status: int | None) -> Hook | None:
        hook = self._own(kind, status)
        return self.outer.nearest(kind, status) if hook is None and self.outer is not None else hook

    def functions(self) -> Iterator[Endpoint]:
        """All of them, for the document: whatever is raised, one of these may answer."""
        yield from (hook.function for hook in (*self.by_class.values(), *self.by_status.values()))
        if self.outer is not None:
            yield from self.outer.functions()

    def _own(self, kind: type[Exception], status: int | None) -> Hook | None:
        own = self.by_class.get(kind)
        if own is not None:
            return own
        if status is not None and status in self.by_status:
            return self.by_status[status]
        bases = (base for base in kind.__mro__ if issubclass(base, Exception))
        return next((hook for base in bases if (hook := self.by_class.get(base)) is not None), None)


Explain: TypeAlias = Callable[[Request, Exception], Response | InternalServerError | None]
"""What a developer is told of an unhandled exception: a page, or an error with more detail; None for everybody else."""


class ErrorNet:
    """Exceptions → responses, by the user's handlers and the built-in forms.

    `judge` may say that another is answered; in DEBUG `explain` stands before all but handlers by class.
    """

    def __init__(
        self,
        handlers: ErrorHandlers,
        pool: ThreadPool,
        judge: Callable[[Request, Exception], Exception] = lambda _, error: error,
        explain: Explain | None = None,
    ) -> None:
        self.handlers = handlers
        self.pool = pool
        self.judge = judge
        self.explain = explain

    async def answer(self, request: Request, error: Exception) -> Response:
        """The response for an exception. Raises only ClientDisconnected, for which there is nobody to answer."""
        if isinstance(error, ClientDisconnected):
            try:
                raise error
            finally:
                del error  # else it holds this frame, which holds it, and with them what the request has read so far
        if request.tasks is not None:
            request.tasks.clear()  # they were meant to follow another answer
        error = self.judge(request, error)
        handler = self.handlers.find(error)
        if handler is None and not isinstance(error, HTTPException):
            told = self._unhandled(request, error)
            if isinstance(told, Response):
                return told
            error = told
            handler = self.handlers.find(error)
        if handler is None:
            return self.built_in(request, error)
        try:
            return await self._by_user(handler, request, error)
        except ClientDisconnected:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it raises, the client gets an answer
            return self.built_in(request, failure)

    async def _by_user(self, handler: Hook, request: Request, error: Exception) -> Response:
        value = await handler.on_loop_or_thread(self.pool, request, error)
        if not isinstance(error, HTTPException):
            response = to_response(value, InternalServerError.default_status)
            response.error_code = InternalServerError.default_code
            return response
        response = to_response(value, error.status_code)
        response.error_code = error.code
        for name, field in error.headers.items():
            response.headers.setdefault(name, field)  # Allow, Retry-After and the like belong to the status
        return response

    def built_in(self, request: Request, error: Exception) -> Response:
        """The response for an exception when the user has nothing to say of it, or failed to. Never raises."""
        if isinstance(error, HTTPException):
            try:
                return built_in_answer(request, error)
            except Exception as failure:  # noqa: BLE001 - detail and headers are the user's, and may be anything
                error = failure
        told = self._unhandled(request, error)
        return told if isinstance(told, Response) else built_in_answer(request, told)

    def _unhandled(self, request: Request, error: Exception) -> Response | InternalServerError:
        """What becomes of an exception that nobody handled, once it is logged."""
        told = note_unhandled(request, error)
        try:
            shown = None if self.explain is None else self.explain(request, error)
        except Exception as failure:  # noqa: BLE001 - it is shown things of the user's, which may do anything
            log_failure("debug-page-failed", failure, request)
            return told
        return told if shown is None else shown

    async def last_answer(self, request: Request, error: Exception) -> Response:
        """The built-in answer for a response that cannot be sent: what the user's handlers had to say could not be, either."""
        return self.built_in(request, error)


def note_unhandled(request: Request, error: Exception) -> InternalServerError:
    """Log an exception that nobody handled, with its traceback, and give the error that the client is told instead.

    A test client that asked for it gets the exception itself.
    """
    log_failure("unhandled-exception", error, request)
    request.fail(error)
    witness = (request.scope.get("extensions") or {}).get("flasgo.exceptions")
    if isinstance(witness, list):
        witness.append(error)
    told = InternalServerError()
    told.__cause__ = error
    return told


def built_in_answer(request: Request, error: HTTPException) -> Response:
    """The response of an HTTPException when the user says nothing else. Raises ValueError where its headers cannot be sent."""
    form = "json" if request.terms.speaks_json else preferred_format(request.headers.get("accept"))
    if isinstance(error, Problem) and form != "html":
        form = "json"  # its members are what its clients read
    if form == "json":
        response = _problem(request, error)
    elif form == "html":
        response = _page(error)
    elif request.rate_limit is not None and not request.rate_limit.allowed and isinstance(error, TooManyRequests):
        told = LimitNotice(error.code, _detail(error))  # as 0.5.1 does, and its clients read
        response = quick(encode_json(told), JSON, error.status_code)
    else:
        response = quick(_sendable("\n".join([_detail(error), *_reasons(error)])), TEXT, error.status_code)
    if error.headers:
        response.headers.update(error.headers)
    response.error_code = error.code
    return response


def _detail(error: HTTPException) -> str:
    return error.detail or error.title


def _reasons(error: HTTPException) -> list[str]:
    """What does not validate, one line for each."""
    issues = error.issues if isinstance(error, ValidationFailed) else ()
    return [f"{issue.location} {issue.pointer}: {issue.message}" for issue in issues]


def _sendable(text: str) -> bytes:
    """As UTF-8; a lone surrogate, which UTF-8 cannot say, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _problem(request: Request, error: HTTPException) -> Response:
    instance = quote(request.path[:MAX_INSTANCE], safe=PATH_SAFE, errors="replace")
    if isinstance(error, Problem):
        return quick(request.terms.codecs.to_json(error.document(instance)), PROBLEM, error.status_code)
    problem = ProblemDocument(
        type="about:blank",
        title=error.title,
        status=error.status_code,
        detail=_sendable(_detail(error)).decode(),
        instance=instance,
        code=error.code,
        errors=error.issues if isinstance(error, ValidationFailed) else (),
    )
    return quick(encode_json(problem), PROBLEM, error.status_code)


def _page(error: HTTPException) -> Response:
    from html import escape  # noqa: PLC0415 - it loads the names of 2,231 characters, and only browsers are answered so

    title = escape(f"{error.status_code} {error.title}")
    items = "".join(f"<li>{escape(reason)}</li>" for reason in _reasons(error))
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><h1>{title}</h1><p>{escape(_detail(error))}</p>{f'<ul>{items}</ul>' if items else ''}</body></html>\n"
    )
    return quick(_sendable(page), HTML, error.status_code)
