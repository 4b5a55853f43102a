"""The lines that read a request's body for its handler: JSON, a form, or whichever of both was sent.

What is right and here already is taken without awaiting anything; everything else goes to a coroutine, `later`, that reads
however long that takes. 415 names what would have been accepted.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from copy import deepcopy
from functools import partial
from itertools import islice
from typing import TypeAlias

from msgspec import Struct, ValidationError
from msgspec.structs import replace

from flasgo.binding.forms import FormReader
from flasgo.binding.pages import page_sent
from flasgo.binding.records import record_of
from flasgo.errors import UnsupportedMediaType, ValidationFailed
from flasgo.http.forms import FormData
from flasgo.http.media import essence, is_json
from flasgo.plan.forms import form_fields
from flasgo.plan.model import JSON, MULTIPART_FORM, URLENCODED_FORM, HandlerPlan, Input
from flasgo.plan.types import is_record, without_none
from flasgo.request import Request
from flasgo.validation.codecs import Codecs
from flasgo.validation.decode import json_source

Later: TypeAlias = Callable[[Request], Awaitable[object]]

MAX_ISSUES = 100

JSON_TYPE = JSON.encode()
FORM_TYPES = frozenset({URLENCODED_FORM.encode(), MULTIPART_FORM.encode()})

WORDS = {
    (JSON, URLENCODED_FORM, MULTIPART_FORM): "as JSON or as a form, with Content-Type: {0}, {1} or {2}",
    (URLENCODED_FORM, MULTIPART_FORM): "as a form, with Content-Type: {0} or {1}",
    (MULTIPART_FORM,): "as a form with files, with Content-Type: {0}",
}


class Content(Struct, frozen=True):
    """The lines that set `body`, `form` and `submitted`, and the names that they use.

    `later` reads the same without them, for its issues alone: it raises ValidationFailed.
    """

    lines: tuple[str, ...]
    names: Mapping[str, object]
    later: Later


def compile_content(plan: HandlerPlan) -> Content | None:
    """How the body of this handler's requests is read; None where it takes nothing from the body."""
    if plan.takes_form:
        return _form(plan)
    body = plan.body
    if body is None:
        return None
    return _json(body, plan.codecs) if body.fields is None else _either(body, plan.codecs)


# ── JSON alone

IS_JSON = 'fields.get(b"content-type") == b"application/json"'
"""Is the body JSON, by the only words that most clients have for it?"""

TAKE_BODY = ("body = request.body_ready()", "if body is None:", "    body = await request.body()")
"""Mostly the body is here already: then nothing is awaited."""

LATER = ("body = await body_later(request)",)


def _json(body: Input, codecs: Codecs) -> Content:
    source = json_source(body.annotation, codecs)

    async def later(request: Request) -> object:
        if not body.required and not await request.body():
            return fresh(body.default)
        request.require_json()
        return source.decode(await request.body())

    if not body.required:
        return Content(LATER, {"body_later": later}, later)
    lines = (f"if not {IS_JSON}:", "    request.require_json()", *TAKE_BODY, *source.lines)
    return Content(lines, source.names, later)


# ── JSON or a form


def _either(body: Input, codecs: Codecs) -> Content:
    source = json_source(body.annotation, codecs)
    (record,), _ = without_none(body.annotation)
    reader = FormReader(record, body.fields or (), codecs=codecs)
    check = media_check((JSON, URLENCODED_FORM, MULTIPART_FORM))

    async def later(request: Request) -> object:
        as_form = essence(request.fields.get(b"content-type", b"")) in FORM_TYPES
        if not body.required and not as_form and not await request.body():
            return fresh(body.default)
        if check(request) != JSON_TYPE:
            return _read(reader, await request.read_form())
        return source.decode(await request.body())

    if not body.required:
        return Content(LATER, {"body_later": later}, later)
    at_once = (f"    {line}" for line in (*TAKE_BODY, *source.lines))
    lines = (f"if {IS_JSON}:", *at_once, "else:", *(f"    {line}" for line in LATER))
    return Content(lines, {**source.names, "body_later": later}, later)


def _read(reader: FormReader, form: FormData) -> object:
    try:
        return reader.read(form)
    except ValidationError:
        raise _refused([reader], form) from None


# ── a form

READY = ("submitted = form_ready(request)", "if submitted is None:", "    submitted = await form_later(request)")


def _form(plan: HandlerPlan) -> Content:
    readers: list[FormReader] = []
    ready, opened = _opening(plan)

    async def later(request: Request) -> object:
        form = await opened(request)
        error = _refused(readers, form)
        if error.issues:
            raise error
        return form

    names: dict[str, object] = {"form_ready": ready, "form_later": opened}
    lines = _reading(plan, readers, names)
    if lines:
        names |= {"refuse_form": partial(_refused, readers), "ValidationError": ValidationError}
        lines = ["try:", *(f"    {line}" for line in lines)]
        lines += ["except ValidationError:", "    raise refuse_form(submitted) from None"]
    for whole in plan.form:
        if whole.page:
            names |= {"page_sent": page_sent, "page_record": whole.annotation}
            lines.append("body = page_sent(request, submitted, page_record)")
    return Content((*READY, *lines), names, later)


def _opening(
    plan: HandlerPlan,
) -> tuple[Callable[[Request], FormData | None], Callable[[Request], Awaitable[FormData]]]:
    """What gives the form if it is here already, and what waits for it. A form of which nothing is required may stay away."""
    check, required = media_check(plan.media_types), plan.needs_body

    def ready(request: Request) -> FormData | None:
        if not required and b"content-type" not in request.fields:
            return None
        return request.form_ready(check(request))

    async def opened(request: Request) -> FormData:
        if b"content-type" in request.fields or required or await request.body():
            check(request)
        return await request.read_form()

    return ready, opened


def _reading(plan: HandlerPlan, readers: list[FormReader], names: dict[str, object]) -> list[str]:
    """The lines that set `form`, with the single fields and files, and `body`, the record of the whole form."""
    lines: list[str] = []
    single = tuple(i for i in plan.form if i.fields is None)
    if single:
        names["read_form"] = _added(readers, _reader_of(plan, single)).read
        lines.append("form = read_form(submitted)")
    for whole in plan.form:
        if whole.fields is not None and not whole.page:
            (record,), _ = without_none(whole.annotation)
            others = frozenset(i.name for i in single)
            names["read_whole"] = _added(readers, FormReader(record, whole.fields, others, plan.codecs)).read
            read = "read_whole(submitted)"
            if not whole.required:
                names |= {"fresh": fresh, "default": whole.default}
                read += ' if b"content-type" in request.fields else fresh(default)'
            lines.append(f"body = {read}")
    return lines


def _reader_of(plan: HandlerPlan, inputs: tuple[Input, ...]) -> FormReader:
    """The reader of single fields and files. A collection that may stay away is checked as the empty one."""
    record = record_of(plan, "form", inputs)
    pairs = zip(form_fields(record, plan.codecs), inputs, strict=True)
    fields = [replace(f, unsent=[]) if _may_be_empty(i) else f for f, i in pairs]
    return FormReader(record, fields, codecs=plan.codecs)


def _may_be_empty(one: Input) -> bool:
    return one.many and isinstance(one.default, Collection) and not one.default


def _added(readers: list[FormReader], reader: FormReader) -> FormReader:
    readers.append(reader)
    return reader


def _refused(readers: Iterable[FormReader], form: FormData) -> ValidationFailed:
    issues = (issue for reader in readers for issue in reader.issues(form))
    return ValidationFailed(tuple(islice(issues, MAX_ISSUES)))


def media_check(accepted: tuple[str, ...]) -> Callable[[Request], bytes]:
    """What gives the media type of a request's body, one of `accepted`, and raises UnsupportedMediaType for any other.

    A JSON type of another name (RFC 6839 §3.1) is JSON.
    """
    advice = WORDS[accepted].format(*accepted)
    known = frozenset(kind.encode() for kind in accepted)

    def check(request: Request) -> bytes:
        fields = request.fields
        sent = fields[b"content-type"] if b"content-type" in fields else b""  # noqa: SIM401 - a call less
        kind = sent.partition(b";")[0]
        if kind not in known:
            kind = essence(sent)
            if kind not in known and JSON in accepted and is_json(kind):
                kind = JSON_TYPE
            if kind not in known:
                raise UnsupportedMediaType(f"Send the body {advice}.", headers={"accept": ", ".join(accepted)})
        return kind

    return check


def fresh(default: object) -> object:
    """A default as its handler may have it: a copy of what may change."""
    return deepcopy(default) if isinstance(default, (list, set, dict)) or is_record(type(default)) else default
