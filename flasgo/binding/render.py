"""A handler's value → Response, by what the handler declares. Compiled once for each route."""

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeGuard, cast

from msgspec import ValidationError
from msgspec.json import Decoder, decode

from flasgo.errors import ContractError
from flasgo.plan.checks import exact, narrow
from flasgo.plan.model import HandlerPlan
from flasgo.plan.types import describe
from flasgo.response import JSON, TEXT, Response, checked_status, encode_json, quick, to_response
from flasgo.validation.issues import collect

new = object.__new__

Render: TypeAlias = Callable[[object], Response]

Carrier: TypeAlias = tuple[object, int] | tuple[object, int, Mapping[str, str] | None]
"""An answer with a status, and perhaps with headers."""


def compile_render(plan: HandlerPlan, status: int, *, verify: bool) -> Render:
    """The renderer of one route; `status` is that of an answer that names none.

    With `verify` (DEBUG and tests) a JSON answer is decoded again as its declared type, constraints included, and one
    that does not fit raises ContractError. Without it only what could leak is looked at.
    """
    returns = plan.returns
    if returns.kind == "any":
        return to_response if status == 200 else lambda value: to_response(value, status)  # noqa: PLR2004 - its own default
    render = _plain(plan, status) if returns.kind == "plain" else _json(plan, status, verify=verify)
    return _text_first(render, status) if returns.plain == (str,) else render


def _text_first(render: Render, status: int) -> Render:
    def text(value: object) -> Response:
        if type(value) is not str:
            return render(value)
        response = new(Response)
        response.body = value.encode()
        response.raw = [TEXT]
        response.status_code = status
        return response

    return text


def _plain(plan: HandlerPlan, status: int) -> Render:
    kinds = (*plan.returns.plain, Response)

    def render(value: object, status: int = status) -> Response:
        if isinstance(value, kinds):
            return to_response(value, status)
        if _carries_status(value):
            return _with_status(render, value)
        raise _broken(plan, f"it is of type {type(value).__qualname__}")

    return render


def _json(plan: HandlerPlan, status: int, *, verify: bool) -> Render:
    declared, plain = plan.returns.annotation, (*plan.returns.plain, Response)
    may_go_out, narrowed = exact(declared), narrow(declared)
    agrees = _verifier(plan) if verify else None

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
        response = new(Response)
        response.body = encode_json(value)
        response.raw = [JSON]
        response.status_code = status
        if agrees is not None:
            agrees(response.body)
        return response

    return render


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
    declared = (*([returns.annotation] if returns.kind == "json" else []), *returns.plain)
    return ContractError(
        f"{plan.source} does not answer what it declares, {' | '.join(map(describe, declared))}: {problem}. "
        "Return what is declared, or declare what is returned."
    )


def _verifier(plan: HandlerPlan) -> Callable[[bytes], None]:
    declared = plan.returns.annotation
    decoder: Decoder[object] = Decoder(cast("type[object]", declared))

    def agrees(body: bytes) -> None:
        try:
            decoder.decode(body)
        except ValidationError:
            issues = collect(decode(body), declared, location="body", strict=True)
            problems = "; ".join(f"{issue.pointer or 'the value'} {issue.message}" for issue in issues)
            raise _broken(plan, problems) from None

    return agrees
