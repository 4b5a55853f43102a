"""What a handler declares to answer.

`tuple[T, int]` and `tuple[T, int, Mapping]` are the forms that carry a status, but for two numbers; `Annotated[T, Status(201)]` gives the type one;
what is awaited is what is answered.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Literal, Never, NoReturn, get_args, get_origin

from msgspec.inspect import DataclassType
from msgspec.structs import replace

from flasgo.plan.answers import Status
from flasgo.plan.checks import classes
from flasgo.plan.model import MISSING, Answer, Returns, Source
from flasgo.plan.types import UNIONS, describe, json_problem, members, peel, resolve, union, without_none
from flasgo.response import BODILESS, Response, SupportsHTML, checked_status
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.shapes import nodes

ANYTHING = Returns("any")

PLAIN = (str, bytes, bytearray, memoryview, type(None), Response)
"""What has a form of its own, other than JSON."""


def _is_never(kind: object) -> bool:
    """Does it say that the handler never returns? `kind` may be what no set can hold."""
    return kind is Never or kind is NoReturn


def plan_returns(annotation: object, source: Source, codecs: Codecs = NO_CODECS) -> Returns:
    """Read a return annotation. Raises RegistrationError for a type that has no form as a response."""
    if annotation is MISSING:
        return ANYTHING
    if type(annotation) is type and annotation in PLAIN:
        return Returns("plain", plain=(annotation,))
    key = annotation, codecs
    try:
        known = _known.get(key)
    except TypeError:  # metadata that cannot be hashed
        return _planned(annotation, source, codecs)
    if known is None:
        known = _planned(annotation, source, codecs)
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[key] = known
    return known


MAX_KNOWN = 1024
_known: dict[tuple[object, Codecs], Returns] = {}  # many handlers declare the same


def _planned(annotation: object, source: Source, codecs: Codecs) -> Returns:
    try:
        answers = tuple(_answers(annotation, Answer(None), codecs))
    except RecursionError:
        raise source.mistake("its return type is an alias that contains itself; write a Struct instead.") from None
    streams = [item for answer in answers if (item := _streamed(answer.annotation)) is not None]
    if streams:
        return _stream(streams[0][0], answers, source, codecs)
    if any(peel(answer.annotation)[0] is Any for answer in answers):
        if any(answer.statuses and answer.by_type for answer in answers):
            raise source.mistake("its return type has a Status, but no type; annotate what it answers.")
        return ANYTHING
    answers = tuple(answer for answer in answers if not _is_never(peel(answer.annotation)[0]))
    plain = tuple(answer.plain for answer in answers if answer.plain is not None)
    declared = tuple(answer.annotation for answer in answers if answer.plain is None)
    told = answers if any(answer.statuses or answer.open for answer in answers) else ()
    if not declared:
        returns = Returns("plain", plain=plain, answers=told) if plain else ANYTHING
    else:
        json = union(declared)
        problems = (json_problem(one, codecs=codecs) or _unwritten(one) for one in _checked_apart(json, answers))
        problem = next((found for found in problems if found is not None), None)
        if problem is not None:
            raise source.mistake(
                f"its return type has no form as a response: {problem}. "
                "Declare a type that JSON can carry, or str, bytes, None or Response."
            )
        returns = Returns("json", json, plain, told)
    _check_statuses(told, source)
    return returns


def _checked_apart(json: object, answers: tuple[Answer, ...]) -> Iterator[object]:
    """What is declared, in pieces if they have statuses of their own: only inside each are the alternatives told apart."""
    groups = by_status(answers)
    if len(groups) == 1:
        yield json
    else:
        for group in groups:
            yield from ([union(alternatives)] if (alternatives := json_of(group)) else ())


def by_status(answers: tuple[Answer, ...]) -> tuple[tuple[Answer, ...], ...]:
    """The answers in groups of the same statuses."""
    return tuple(tuple(a for a in answers if a.statuses == key) for key in dict.fromkeys(a.statuses for a in answers))


def json_of(answers: tuple[Answer, ...]) -> tuple[object, ...]:
    """The types of those that are JSON."""
    return tuple(answer.annotation for answer in answers if answer.plain is None)


def _check_statuses(answers: tuple[Answer, ...], source: Source) -> None:
    """Where the type of a value decides its status, two alternatives of one class cannot be told apart."""
    seen: dict[type, Answer] = {}
    for answer in answers:
        for status in answer.statuses:
            try:
                checked_status(status)
            except ValueError as error:
                raise source.mistake(f"its return type: {error}") from None
        if not answer.by_type and answer.statuses and BODILESS.issuperset(answer.statuses):
            _check_bodiless(answer.statuses, [a.plain for a in answers if not a.by_type], source)
        if answer.by_type and BODILESS.intersection(answer.statuses) and answer.plain not in {type(None), Response}:
            raise source.mistake(f"an answer with status {answer.statuses[0]} has no body; annotate None.")
        for kind in classes_of(answer) if answer.by_type else ():
            other = seen.setdefault(kind, answer)
            if other.statuses != answer.statuses:
                raise source.mistake(
                    f"its return type gives {kind.__name__} more than one status, and a value cannot say which; "
                    "declare types of their own, or return `(body, status)` and declare tuple[T, Literal[200, 201]]."
                )


def check_route_status(returns: Returns, status: int, source: Source) -> None:
    """Raise where the route's own status leaves no place for what its handler answers."""
    own = [answer for answer in returns.answers if not answer.statuses and not answer.open]
    if status in BODILESS and returns.kind != "any" and (own or not returns.answers):
        _check_bodiless((status,), returns.plain, source)


def _check_bodiless(statuses: Iterable[int], plain: Iterable[type | None], source: Source) -> None:
    if not {type(None), Response}.intersection(plain):
        raise source.mistake(
            f"an answer with status {min(BODILESS.intersection(statuses))} has no body; annotate None."
        )


def classes_of(answer: Answer) -> tuple[type, ...]:
    """The classes of the values that are answered in this form."""
    return classes(answer.annotation) if answer.plain is None else (answer.plain,)


def _stream(item: object, answers: tuple[Answer, ...], source: Source, codecs: Codecs) -> Returns:
    """What a stream of these items is: text, bytes, or a line of JSON for each."""
    if any(_streamed(answer.annotation) is None and answer.plain is not Response for answer in answers):
        raise source.mistake(
            "its return type is a stream or something else; declare the stream alone, or with Response."
        )
    if any(answer.statuses for answer in answers):
        raise source.mistake("its return type gives a stream a status; give the route status_code= instead.")
    kinds = {_plain_form(peel(member)[0], codecs) for member in members(item)}
    if kinds and kinds <= {str, bytes}:
        return Returns("stream", item, (str,) if kinds == {str} else (bytes,))
    if item is Any:
        return ANYTHING
    problem: str | None = "bytes and JSON cannot be in one stream"
    if bytes not in kinds:
        problem = json_problem(item, codecs=codecs) or _unwritten(item)
    if problem is not None:
        raise source.mistake(
            f"its return type is a stream of what has no form: {problem}. Stream str, bytes, or a type that JSON can carry."
        )
    return Returns("stream", item)


STREAMS = (AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterator)


def _streamed(annotation: object) -> tuple[object] | None:
    """T of `AsyncIterator[T]`, `Generator[T, …]` and their like."""
    kind, _ = peel(annotation)
    if not any((get_origin(kind) or kind) is stream for stream in STREAMS):  # what may not be hashable
        return None
    arguments = get_args(kind)
    return (arguments[0] if arguments else Any,)


def _unwritten(annotation: object) -> str | None:
    """Of dataclasses and attrs classes msgspec never writes private fields, and the answer would not be what is declared."""
    records = (node for node in nodes(annotation) if isinstance(node, DataclassType))
    private = ((r.cls, f.name) for r in records for f in r.fields if f.required and f.name.startswith("_"))
    return next(
        (
            f"`{name}` of {describe(kind)} begins with an underscore, so it is never written; rename it"
            for kind, name in private
        ),
        None,
    )


def declares_awaitable(annotation: object) -> bool:
    """Does a plain function say that it gives something to await?"""
    return any(_awaited(peel(member)[0]) is not None for member in members(annotation))


def _answers(annotation: object, outer: Answer, codecs: Codecs) -> Iterator[Answer]:
    """The forms of the bodies that a handler may answer, each with what is said of its status, here or further out."""
    kind, metadata = peel(annotation)
    codes = tuple(marker.code for marker in metadata if isinstance(marker, Status))
    if codes:
        outer = replace(outer, statuses=codes[-1:])
    if get_origin(kind) in UNIONS:
        for member in get_args(kind):
            yield from _answers(member, outer, codecs)
        return
    awaited, carried = _awaited(kind), _carried(kind)
    if awaited is not None:
        yield from _answers(awaited[0], outer, codecs)
    elif carried is not None:
        body, status = carried
        named = get_args(peel(status)[0]) if get_origin(peel(status)[0]) is Literal else ()
        yield from _answers(body, Answer(None, statuses=named, by_type=False, open=not named), codecs)
    else:
        resolved = resolve(annotation)
        yield replace(outer, annotation=resolved, plain=_plain_form(peel(resolved)[0], codecs))


def _awaited(kind: object) -> tuple[object] | None:
    """T of `Awaitable[T]`, `Coroutine[…, T]` and their like."""
    origin = get_origin(kind) or kind
    if not isinstance(origin, type) or not issubclass(origin, Awaitable):
        return None
    arguments = get_args(kind)
    return (arguments[-1] if arguments else Any,)


def _carried(kind: object) -> tuple[object, object] | None:
    """T and the status of the forms that carry one."""
    match get_args(kind) if get_origin(kind) is tuple else ():
        case (body, status) if _is_status(status) and not _is_number(body):
            return (body, status)
        case (body, status, headers) if _is_status(status) and _is_headers(headers):
            return (body, status)
        case _:
            return None


def _is_status(annotation: object) -> bool:
    """An int, HTTPStatus, or a Literal of ints; an enum of one's own is the second value of a pair."""
    kind, _ = peel(annotation)
    if get_origin(kind) is Literal:
        return all(type(value) is int for value in get_args(kind))
    return kind is int or kind is HTTPStatus


def _is_number(annotation: object) -> bool:
    """Two numbers are a pair, such as a place or a range; hardly anybody answers a number alone, and says its status."""
    return peel(annotation)[0] in {int, float, bool, Decimal}


def _is_headers(annotation: object) -> bool:
    kinds = [peel(member)[0] for member in without_none(annotation)[0]]
    return all(isinstance(origin := get_origin(kind) or kind, type) and issubclass(origin, Mapping) for kind in kinds)


def _plain_form(kind: object, codecs: Codecs) -> type | None:
    """The class by which a plain answer is known; None for what is JSON, as everything that has a codec."""
    if kind is None:
        return type(None)
    if get_origin(kind) is Literal:
        return str if all(isinstance(value, str) for value in get_args(kind)) else None
    if not isinstance(kind, type) or codecs.of(kind) is not None:
        return None
    if hasattr(kind, "__html__"):
        return SupportsHTML if getattr(kind, "_is_protocol", False) else kind
    return kind if issubclass(kind, PLAIN) else None
