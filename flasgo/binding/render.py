"""A handler's value → Response, by what the handler declares. Compiled once for each route."""

from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol, TypeAlias, TypeGuard, cast

from msgspec import Struct, ValidationError
from msgspec.json import Decoder, decode
from msgspec.structs import replace

from flasgo.current import current
from flasgo.errors import ContractError
from flasgo.plan.checks import exact, exact_source, narrow
from flasgo.plan.model import Answer, HandlerPlan, Returns, Route
from flasgo.plan.produces import ERRORS, Produces, Representation
from flasgo.plan.returns import by_status, classes_of, json_of
from flasgo.plan.types import describe, union
from flasgo.request import Request
from flasgo.response import JSON, TEXT, WITH_BODY, Response, SupportsHTML, checked_status, quick, to_response
from flasgo.streaming_response import StreamingResponse, as_piece
from flasgo.validation.issues import collect

Render: TypeAlias = Callable[[object], Response]


class Renderer(Protocol):
    """A Render that may be told another status than the route's."""

    def __call__(self, value: object, status: int = ..., /) -> Response: ...


Carrier: TypeAlias = tuple[object, int] | tuple[object, int, Mapping[str, str] | None]
"""An answer with a status, and perhaps with headers."""


def compile_render(plan: HandlerPlan, status: int, *, verify: bool, form: Representation | None = None) -> Render:
    """The renderer of one route; `status` is that of an answer that names none.

    With `verify` (DEBUG and tests) a JSON answer is decoded again as its declared type, constraints included, and one
    that does not fit raises ContractError. Without it only what could leak is looked at. What would be JSON and is no error is
    written in `form`, if there is one.
    """
    returns = plan.returns
    if returns.kind == "any":
        return to_response if status == 200 else lambda value: to_response(value, status)  # noqa: PLR2004 - its own default
    if returns.kind == "stream":
        return compile_stream(plan, status, verify=verify)
    groups = by_status(returns.answers)
    if len(groups) > 1:
        return _told_apart(plan, groups, status, verify=verify, form=form)
    if groups and groups[0][0].statuses and groups[0][0].by_type:
        (status,) = groups[0][0].statuses
    render = _one(plan, status, verify=verify, form=form)
    return _declared_status(plan, render) if verify and groups and groups[0][0].statuses else render


class Quiet(Struct, frozen=True):
    """When no stage has more to do with an answer than to add `fields`: the source of an expression, and of the rest of a list."""

    when: str
    fields: str


class Usual(Struct, frozen=True):
    """The answer that a route mostly gives, as source: where `test` of a `value` holds, its body is `body`.

    It says the same as the route's renderer and `quick`, without a call. `names` are those of the test, `common` the others,
    which many routes have alike.
    """

    test: str
    body: str
    status: int
    names: Mapping[str, object]
    common: Mapping[str, object]

    def lines(self, quiet: Quiet | None) -> tuple[str, ...]:
        """The lines that make `response` of `value`; what the test does not fit is left to `render`.

        Where nothing but header fields is to be added, as `quiet` says, they return the Plain answer instead.
        """
        plain: tuple[str, ...] = ()
        if quiet is not None:
            plain = (
                f"    if {quiet.when}:",
                f"        return {self.status}, [content_type{quiet.fields}], {self.body}",
            )
        return (
            f"if {self.test}:",
            *plain,
            "    response = new(Response)",
            f"    response.body = {self.body}",
            "    response.raw = [content_type]",
            f"    response.status_code = {self.status}",
            "    response.written = None",
            "    response.allow_public_cache = False",
            "else:",
            "    response = render(value)",
        )


def usual_answer(route: Route, *, verify: bool) -> Usual | None:
    """What a route mostly answers; None where there is more to it than a body: a choice of forms or statuses, or verification."""
    plan, status, returns = route.plan, route.status_code, route.plan.returns
    if (
        verify
        or status not in WITH_BODY
        or route.option(Produces)
        or any(answer.statuses for answer in returns.answers)
    ):
        return None
    if returns.kind == "json":
        test, names = exact_source(returns.annotation)
        return Usual(
            test, "encode(value)", status, names, {**COMMON, "content_type": JSON, "encode": plan.codecs.to_json}
        )
    if returns.plain == (str,) and returns.kind == "plain":
        return Usual("type(value) is str", "value.encode()", status, {}, {**COMMON, "content_type": TEXT})
    return None


COMMON: Mapping[str, object] = MappingProxyType({"new": object.__new__, "Response": Response})


def compile_answer(route: Route, *, verify: bool) -> Render:
    """The renderer of one route; where it answers in several forms, the client's Accept chooses, whom a gate has let in."""
    plan, status, produces = route.plan, route.status_code, route.option(Produces)
    as_json = compile_render(plan, status, verify=verify)
    if produces is None:
        return as_json
    renders = {
        one.media_type: compile_render(plan, status, verify=verify, form=one) for one in produces.representations
    }

    def render(value: object) -> Response:
        if _carries_status(value) and value[1] >= ERRORS:
            return as_json(value)
        headers = cast("Request", current.get()).headers
        return renders.get(produces.chosen(headers.get("accept")) or "", as_json)(value)

    return render


def _one(plan: HandlerPlan, status: int, *, verify: bool, form: Representation | None) -> Renderer:
    if plan.returns.kind == "plain":
        return _plain(plan, status)
    return _json(plan, status, verify=verify, form=form if status < ERRORS else None)


def _told_apart(
    plan: HandlerPlan, groups: tuple[tuple[Answer, ...], ...], status: int, *, verify: bool, form: Representation | None
) -> Render:
    """The renderer of a route whose answers have the statuses of their types: a value's class chooses its group."""
    known: dict[type, Renderer] = {}
    rest: list[Renderer] = []
    for group in groups:
        json, plain = json_of(group), tuple(answer.plain for answer in group if answer.plain is not None)
        returns = Returns("json" if json else "plain", union(json) if json else None, plain)
        own = group[0].statuses[0] if group[0].statuses else status
        render = _one(replace(plan, returns=returns), own, verify=verify, form=form)
        rest += [render] if json else []
        for kind in (kind for answer in group for kind in classes_of(answer)):
            known.setdefault(kind, render)

    def chosen(value: object) -> Response:
        body = value[0] if _carries_status(value) else value
        nearest = (known[kind] for kind in type(body).__mro__ if kind in known)
        render = next(nearest, None) or next((known[kind] for kind in known if isinstance(body, kind)), None)
        if render is None and (len(rest) == 1 or isinstance(body, Response) or body is None):
            render = rest[0] if rest else next(iter(known.values()))
        if render is None:
            kind = type(body).__qualname__
            raise _broken(plan, f"a value of type {kind} says nothing of its status, which is that of a declared type")
        return render(value)

    return _declared_status(plan, chosen) if verify else chosen


def _declared_status(plan: HandlerPlan, render: Render) -> Render:
    """The renderer that raises ContractError for a status that the return type does not name."""
    answers = plan.returns.answers
    statuses = {status for answer in answers for status in answer.statuses}

    def checked(value: object) -> Response:
        response = render(value)
        if _carries_status(value) and response.status_code not in statuses:
            raise _broken(plan, f"its status is {response.status_code}, and none but {sorted(statuses)} are declared")
        return response

    return checked if all(answer.statuses for answer in answers if not answer.by_type) else render


def _plain(plan: HandlerPlan, status: int) -> Renderer:
    kinds = (*plan.returns.plain, Response)

    def render(value: object, status: int = status) -> Response:
        if isinstance(value, kinds):
            return to_response(value, status)
        if _carries_status(value):
            return _with_status(render, value)
        raise _broken(plan, f"it is of type {type(value).__qualname__}")

    return render


def _json(plan: HandlerPlan, status: int, *, verify: bool, form: Representation | None) -> Renderer:
    declared, plain = plan.returns.annotation, (*plan.returns.plain, Response)
    may_go_out, narrowed = exact(declared), narrow(declared)
    agrees = _verifier(plan) if verify else None
    encode, content_type = plan.codecs.to_json, JSON
    if form is not None:
        encode, content_type = _writer(plan, form, agrees), (b"content-type", form.content_type.encode("latin-1"))
        agrees = None

    def render(value: object, status: int = status) -> Response:
        if not may_go_out(value):
            if isinstance(value, plain):
                return to_response(value, status)
            if _carries_status(value):
                return _with_status(render, value)
            try:
                value = narrowed(value)
            except ValidationError as error:
                raise _broken(plan, str(error)) from None
        response = quick(encode(value), content_type, status)
        if agrees is not None:
            agrees(response.body)
        return response

    return render


def _writer(
    plan: HandlerPlan, form: Representation, agrees: Callable[[bytes], None] | None
) -> Callable[[object], bytes]:
    """What writes a declared value in this form."""
    encode, write = plan.codecs.to_json, form.write
    narrowed = narrow(form.returns.annotation) if form.returns.kind == "json" else None

    def written(value: object) -> bytes:
        if agrees is not None:
            agrees(encode(value))
        made = write(value)
        if narrowed is not None:
            return encode(narrowed(made))
        if isinstance(made, SupportsHTML):
            made = made.__html__()
        if isinstance(made, str):
            return made.encode()
        if isinstance(made, (bytes, bytearray, memoryview)):
            return bytes(made)
        if form.returns.kind == "any" and form.is_json:
            return encode(made)
        raise _broken(
            plan, f"what produces[{form.media_type!r}] names gave {type(made).__qualname__}, not str or bytes"
        )

    return written


LINES = "application/x-ndjson"
"""JSON, one value on each line (https://github.com/ndjson/ndjson-spec)."""


def compile_stream(plan: HandlerPlan, status: int, *, verify: bool) -> Render:
    """The renderer of a route that declares an iterator: of text, of bytes, or of values that become lines of JSON."""
    returns = plan.returns
    kind = LINES
    if returns.plain:
        kind = "text/plain; charset=utf-8" if returns.plain == (str,) else "application/octet-stream"
    encode = as_piece if returns.plain else _line(plan, verify=verify)

    def render(value: object) -> Response:
        if isinstance(value, Response):
            return to_response(value, status)
        if not isinstance(value, (AsyncIterable, Iterator)):
            raise _broken(plan, f"it is of type {type(value).__qualname__}")
        response = StreamingResponse(value, status, content_type=kind)
        response.encode = encode
        return response

    return render


def _line(plan: HandlerPlan, *, verify: bool) -> Callable[[object], bytes]:
    declared = plan.returns.annotation
    may_go_out, narrowed = exact(declared), narrow(declared)
    agrees = _verifier(plan) if verify else None
    encode = plan.codecs.to_json

    def line(value: object) -> bytes:
        if not may_go_out(value):
            try:
                value = narrowed(value)
            except ValidationError as error:
                raise _broken(plan, str(error)) from None
        body = encode(value)
        if agrees is not None:
            agrees(body)
        return body + b"\n"

    return line


def _carries_status(value: object) -> TypeGuard[Carrier]:
    """Is it `(body, status)` or `(body, status, headers)`?"""
    match value:
        case (_, int() as status) | (_, int() as status, Mapping() | None) if type(value) is tuple:
            return not isinstance(status, bool)
        case _:
            return False


def _with_status(render: Callable[[object, int], Response], value: Carrier) -> Response:
    """The answer of a body that is of the declared type, or None, with the status and the headers that go with it."""
    body, status, headers = value if len(value) == 3 else (*value, None)  # noqa: PLR2004 - the longer form
    status = checked_status(status)
    response = quick(b"", TEXT, status) if body is None else render(body, status)
    response.status_code = status
    if headers:
        response.headers.update(headers)
    return response


def _broken(plan: HandlerPlan, problem: str) -> ContractError:
    returns = plan.returns
    declared = (*([returns.annotation] if returns.kind in {"json", "stream"} else []), *returns.plain)
    return ContractError(
        f"{plan.source} does not answer what it declares, {' | '.join(map(describe, declared))}: {problem}. "
        "Return what is declared, or declare what is returned."
    )


def _verifier(plan: HandlerPlan) -> Callable[[bytes], None]:
    declared = plan.returns.annotation
    codecs = plan.codecs
    hook = codecs.decode if codecs.within(declared) else None
    decoder: Decoder[object] = Decoder(cast("type[object]", declared), dec_hook=hook)

    def agrees(body: bytes) -> None:
        try:
            decoder.decode(body)
        except ValidationError:
            issues = collect(decode(body), declared, location="body", strict=True, codecs=codecs)
            problems = "; ".join(f"{issue.pointer or 'the value'} {issue.message}" for issue in issues)
            raise _broken(plan, problems) from None

    return agrees
