"""What a route answers: its declared types by status, and the errors of its stages, its binding and its handler."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TypeAlias

from msgspec import to_builtins

from flasgo.errors import (
    ContentTooLarge,
    HTTPException,
    InternalServerError,
    Issue,
    MalformedBody,
    MalformedRequest,
    NotFound,
    RegistrationError,
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    UnsupportedMediaType,
    ValidationFailed,
    code_of,
    phrase_of,
)
from flasgo.openapi.schemas import Schema, Schemas, as_name
from flasgo.pipeline.errors import ErrorHandlers, LimitNotice, ProblemDocument
from flasgo.pipeline.hooks import Hook
from flasgo.plan.documents import Described
from flasgo.plan.headers import EntityTag
from flasgo.plan.model import Answer, Endpoint, HandlerPlan, Returns, Route
from flasgo.plan.produces import ERRORS, Produces
from flasgo.plan.returns import ANYTHING, plan_returns
from flasgo.plan.signature import signature_of, source_of
from flasgo.plan.types import peel
from flasgo.problems import Problem
from flasgo.response import BODILESS, Response
from flasgo.routing.converters import PathConverter, StrConverter
from flasgo.routing.rule import Rule
from flasgo.validation.codecs import Codecs

PROBLEM = "application/problem+json"
OK = int(HTTPStatus.OK)

HEADERS: dict[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "How to say who you are (RFC 9110 §11.6.1)."),
    429: ("Retry-After", "Seconds to wait before the next try."),
    503: ("Retry-After", "Seconds to wait before the next try."),
}
"""Fields that come with an error of a status."""

_ISSUE = Issue("query", "/limit", "too_large", "must be at most 100")

Kinds: TypeAlias = Mapping[type[HTTPException], Hook | None]
"""Errors of one status, each with the handler of the user's that answers it, if any."""


class Lines:
    """Stands for a stream whose items are JSON, each on a line of its own."""


class Answers:
    """Describes the responses of one document; errors that many routes share are written once. `finish` is called last."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.shared: Schema = {}
        self._joined: list[Schema] = []
        self._examples: list[tuple[Schema, list[object]]] = []
        self._names: dict[tuple[object, ...], str] = {}

    def of(self, rule: Rule, rejections: Sequence[type[HTTPException]], handlers: ErrorHandlers) -> Schema:
        """The responses of a route by status; `default` is every other one."""
        route = rule.route
        described = route.option(Described) or Described()
        answers = answers_of(route.plan.returns)
        found: dict[str, Schema] = {}
        self._add_declared(found, route, answers)
        for more in described.responses:
            if more.typed:
                self._add(found, more.status, Answer(more.annotation))
            else:
                found.setdefault(str(more.status), {})
            found[str(more.status)]["description"] = more.description or phrase_of(more.status)
        if route.option(EntityTag) is not None:
            _add_conditional(found)
        kinds = (*rejections, *bound_errors(rule), *described.raises)
        speaks = route.plan.speaks_json
        nowhere = {MalformedRequest.default_status, *([NotFound.default_status] if _may_refuse(rule) else ())}
        for status in sorted({kind.default_status for kind in kinds}):
            of_status = {kind: handlers.of_kind(kind) for kind in kinds if kind.default_status == status}
            as_json = speaks and status not in nowhere  # a path that is none belongs to no route
            if str(status) not in found:
                found[str(status)] = self._error(status, of_status, speaks_json=as_json)
            elif forms := self._forms(of_status, speaks_json=as_json):
                self._merge(found[str(status)].setdefault("content", {}), forms)
        opened = any(answer.open or _is_response(answer) for answer in answers)
        found["default"] = (
            {"description": "Whatever else the handler answers."} if opened else self._default(speaks, handlers)
        )
        return found

    def _add_declared(self, found: dict[str, Schema], route: Route, answers: tuple[Answer, ...]) -> None:
        """What the handler declares, each form of each status once."""
        produces = route.option(Produces)
        said: list[tuple[int, object, type | None]] = []
        for answer in answers:
            for status in answer.statuses or (route.status_code,):
                if (status, answer.annotation, answer.plain) in said:
                    continue
                said.append((status, answer.annotation, answer.plain))
                self._add(found, _final(status, answer), answer)
                if produces is not None and answer.plain is None and status < ERRORS:
                    found[str(status)]["content"] |= self._other_forms(produces)

    def _add(self, found: dict[str, Schema], status: int, answer: Answer) -> None:
        response = found.setdefault(str(status), {"description": phrase_of(status)})
        if status not in BODILESS:
            self._merge(response.setdefault("content", {}), self._content(answer))
            if not response["content"]:
                del response["content"]

    def _content(self, answer: Answer) -> Schema:
        plain = answer.plain
        if plain is None:
            kind, _ = peel(answer.annotation)
            if kind is Lines:
                return {"application/x-ndjson": {"schema": {"type": "string"}}}
            return {} if kind is object else {"application/json": {"schema": self.schemas.of(answer.annotation)}}
        if hasattr(plain, "__html__"):
            return {"text/html": {"schema": {"type": "string"}}}
        if issubclass(plain, str):
            return {"text/plain": {"schema": {"type": "string"}}}
        if issubclass(plain, (bytes, bytearray, memoryview)):
            return {"application/octet-stream": {}}
        return {}

    def _other_forms(self, produces: Produces) -> Schema:
        content: Schema = {}
        for one in produces.representations:
            if one.returns.kind == "json":
                media: Schema = {"schema": self.schemas.of(one.returns.annotation)}
            else:
                media = {"schema": {"type": "string"}} if one.is_text else {}
            content[one.media_type] = media
        return content

    def _merge(self, content: Schema, more: Schema) -> None:
        """One media type that has several schemas is any of them."""
        for kind, media in more.items():
            if kind not in content:
                content[kind] = media
            elif "schema" in media and "schema" in content[kind]:
                known = content[kind]["schema"]
                joined = {"anyOf": [*(known["anyOf"] if known in self._joined else [known]), media["schema"]]}
                self._joined.append(joined)
                content[kind] = {"schema": joined}

    def finish(self) -> None:
        """Say each alternative once, and beside them what errors look like: that two are the same is known when all schemas are."""
        for joined in self._joined:
            alternatives: list[Schema] = []
            for one in joined["anyOf"]:
                if one not in alternatives:
                    alternatives.append(one)
            joined.clear()
            joined.update(alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives})
        for content, examples in self._examples:
            if PROBLEM in content and examples:
                content[PROBLEM]["schema"]["examples"] = examples

    # ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _error(self, status: int, kinds: Kinds, *, speaks_json: bool) -> Schema:
        key = (status, *kinds.items(), speaks_json)
        name = self._names.get(key)
        if name is None:
            codes = ", ".join(f"`{code}`" for code in dict.fromkeys(map(_code, kinds)))
            text = " ".join(
                doc for kind in kinds if issubclass(kind, Problem) and (doc := (kind.__doc__ or "").strip())
            )
            response: Schema = {"description": f"{phrase_of(status)}: {codes}." + (f" {text}" if text else "")}
            if status in HEADERS:
                field, meaning = HEADERS[status]
                response["headers"] = {field: {"description": meaning, "schema": {"type": "string"}}}
            content = self._forms(kinds, speaks_json=speaks_json)
            if content:
                response["content"] = content
                if not any(issubclass(kind, Problem) for kind in kinds):  # the user's own are told by their members
                    built_in = (kind for kind, own in kinds.items() if own is None)
                    self._examples.append((content, [*map(_example, built_in)]))
            name = self._name(key, as_name(phrase_of(status)), response)
        return {"$ref": f"#/components/responses/{name}"}

    def _default(self, speaks_json: bool, handlers: ErrorHandlers) -> Schema:
        own = tuple(dict.fromkeys(handlers.functions()))
        key = ("default", speaks_json, own)
        name = self._names.get(key)
        if name is None:
            content = self._told(Problem, ProblemDocument, speaks_json=speaks_json)
            response: Schema = {"description": "Any other error: `status` and `code` say which."}
            if self._merge_answers_of(own, content):
                response["content"] = content
                self._examples.append((content, [_example(InternalServerError)]))
            name = self._name(key, "Error", response)
        return {"$ref": f"#/components/responses/{name}"}

    def _name(self, key: tuple[object, ...], base: str, response: Schema) -> str:
        name, number = base, 2
        while name in self.shared:
            name, number = f"{base}{number}", number + 1
        self.shared[name] = response
        self._names[key] = name
        return name

    def _forms(self, kinds: Kinds, *, speaks_json: bool) -> Schema:
        """The content of errors of these kinds: the user's own, where a handler of the user's answers them."""
        content: Schema = {}
        for kind, handler in kinds.items():
            if handler is None:
                document = kind.document_type() if issubclass(kind, Problem) else ProblemDocument
                self._merge(content, self._told(kind, document, speaks_json=speaks_json))
            elif not self._merge_answers_of([handler.function], content):
                return {}
        return content

    def _merge_answers_of(self, functions: Iterable[Endpoint], content: Schema) -> bool:
        """Add what handlers of the user's declare. False where one may answer anything, so that nothing can be said."""
        for function in functions:
            for answer in answers_of(_returned_by(function, self.schemas.codecs)):
                if answer.open or _is_response(answer):
                    return False
                self._merge(content, self._content(answer))
        return True

    def _told(self, kind: type[HTTPException], document: type, *, speaks_json: bool) -> Schema:
        """The built-in forms: which one it is, is said by the request (pipeline/errors.py)."""
        content: Schema = {PROBLEM: {"schema": self.schemas.of(document)}}
        if not speaks_json:
            content["text/html"] = {"schema": {"type": "string"}}
            if not issubclass(kind, Problem) or kind is Problem:
                content["text/plain"] = {"schema": {"type": "string"}}
            if kind is TooManyRequests:
                content["application/json"] = {"schema": self.schemas.of(LimitNotice)}
        return content


def _code(kind: type[HTTPException]) -> str:
    return kind.default_code or code_of(kind.default_status)


def _example(kind: type[HTTPException]) -> object:
    """A problem document of this kind, as a schema's example: with one of a media type, schemathesis tries its members as parameters."""
    phrase = phrase_of(kind.default_status)
    issues = (_ISSUE,) if issubclass(kind, ValidationFailed) else ()
    detail = ValidationFailed(issues).detail if issues else phrase
    return to_builtins(
        ProblemDocument("about:blank", phrase, kind.default_status, detail, "/path", _code(kind), issues)
    )


def _returned_by(function: Endpoint, codecs: Codecs) -> Returns:
    """What an error handler declares; one that declares what cannot be read says nothing."""
    source = source_of(function)
    try:
        return plan_returns(signature_of(function, source).returns, source, codecs)
    except RegistrationError:
        return ANYTHING


def answers_of(returns: Returns) -> tuple[Answer, ...]:
    """The forms that a handler answers in; one that says nothing is open."""
    if returns.answers:
        return returns.answers
    if returns.kind == "any":
        return (Answer(object, open=True),)
    if returns.kind == "stream":
        return tuple(Answer(None, plain=plain) for plain in returns.plain) or (Answer(Lines),)
    json = (Answer(returns.annotation),) if returns.kind == "json" else ()
    return (*json, *(Answer(None, plain=plain) for plain in dict.fromkeys(returns.plain)))


def _add_conditional(found: dict[str, Schema]) -> None:
    """What `etag=True` brings: a tag with the answer, and no body for whoever has it already (RFC 9110 §13.1.2)."""
    if str(OK) in found:
        meaning = "Send it as If-None-Match to be answered 304 while nothing has changed."
        found[str(OK)]["headers"] = {"ETag": {"description": meaning, "schema": {"type": "string"}}}
        found["304"] = {"description": "Not Modified: the client has it already."}


def _final(status: int, answer: Answer) -> int:
    """None is answered with 204 where nothing else is said."""
    return 204 if answer.plain is type(None) and status == OK else status


def _is_response(answer: Answer) -> bool:
    return answer.plain is not None and issubclass(answer.plain, Response)


def bound_errors(rule: Rule) -> Iterator[type[HTTPException]]:
    """The errors that follow from what a handler takes, and from how it is called."""
    plan = rule.route.plan
    yield MalformedRequest  # the path may not be UTF-8
    if _may_refuse(rule):
        yield NotFound
    bound = [one for one in plan.inputs if not one.ready]
    if any(one.location == "path" for one in bound):
        yield NotFound
    if bound:
        yield ValidationFailed
    if any(one.location in {"body", "form", "file"} for one in bound):
        yield from (MalformedBody, RequestTimeout, ContentTooLarge, UnsupportedMediaType)
    if _in_thread(rule.route, plan):
        yield ServiceUnavailable


def _may_refuse(rule: Rule) -> bool:
    """Is there a text that one of the converters of its path does not take?"""
    return any(not isinstance(each.converter, (StrConverter, PathConverter)) for each in rule.pattern.placeholders)


def _in_thread(route: Route, plan: HandlerPlan) -> bool:
    return plan.call != "async" and route.threaded
