"""A handler's value → Response, by what the handler declares. Compiled once for each route."""

from collections.abc import Callable
from typing import TypeAlias, TypeGuard

from msgspec import ValidationError
from msgspec.json import Decoder, decode

from flasgo.errors import ContractError
from flasgo.plan.checks import exact, narrow
from flasgo.plan.model import HandlerPlan
from flasgo.plan.types import describe
from flasgo.response import JSON, TEXT, Response, encode_json, quick, to_response
from flasgo.validation.issues import collect

new = object.__new__

Render: TypeAlias = Callable[[object], Response]


def compile_render(plan: HandlerPlan, status: int, *, verify: bool) -> Render:
    """The renderer of one route; `status` is that of an answer that names none.

    With `verify` (DEBUG and tests) a JSON answer is decoded again as its declared type, constraints included, and one
    that does not fit raises ContractError. Without it only what could leak is looked at.
    """
    returns = plan.returns
    if returns.kind == "any":
        return lambda value: to_response(value, status)
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
    kinds = plan.returns.plain

    def render(value: object, status: int = status) -> Response:
        if isinstance(value, (*kinds, Response)):
            return to_response(value, status)
        if isinstance(value, tuple):
            return _with_status(plan, render, value)
        raise _broken(plan, value)

    return render


def _json(plan: HandlerPlan, status: int, *, verify: bool) -> Render:
    declared, plain = plan.returns.annotation, (*plan.returns.plain, Response)
    may_go_out = exact(declared)
    agrees = _verifier(plan) if verify else None

    def render(value: object, status: int = status) -> Response:
        if not may_go_out(value):
            if isinstance(value, plain):
                return to_response(value, status)
            if _carries_status(value):
                return _with_status(plan, render, value)
            value = narrow(value, declared)
        response = quick(encode_json(value), JSON, status)
        if agrees is not None:
            agrees(response.body)
        return response

    return render


def _carries_status(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple) and len(value) in {2, 3} and type(value[1]) is int


def _with_status(plan: HandlerPlan, render: Callable[[object, int], Response], value: tuple[object, ...]) -> Response:
    """`(body, status)` or `(body, status, headers)`, whose body is of the declared type, or None."""
    if not _carries_status(value):
        raise _broken(plan, value)
    body, *rest = value
    shell = to_response((None, *rest))
    if body is None:
        return shell
    response = render(body, shell.status_code)
    response.status_code = shell.status_code
    if shell.written is not None:
        for name, field in shell.written.items():
            response.headers[name] = field
    return response


def _broken(plan: HandlerPlan, value: object) -> ContractError:
    return ContractError(
        f"{plan.source} answered with {type(value).__qualname__}, which is not what it declares. "
        "Return what is declared, or declare what is returned."
    )


def _verifier(plan: HandlerPlan) -> Callable[[bytes], None]:
    decoder = Decoder(plan.returns.annotation)

    def agrees(body: bytes) -> None:
        try:
            decoder.decode(body)
        except ValidationError:
            issues = collect(decode(body), plan.returns.annotation, location="body", strict=True)
            problems = "; ".join(f"{issue.pointer or 'the value'} {issue.message}" for issue in issues)
            raise ContractError(
                f"{plan.source} declares {describe(plan.returns.annotation)}, but its answer does not fit: {problems}."
            ) from None

    return agrees
