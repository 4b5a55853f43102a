"""What is known of a handler once it is registered: data only, read by binding, by OpenAPI and by `flasgo routes`."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Literal, TypeAlias, TypeVar

from msgspec import Struct
from msgspec import inspect as shapes

from flasgo.errors import Location, RegistrationError
from flasgo.http.forms import FormData
from flasgo.validation.codecs import NO_CODECS, Codecs

Endpoint: TypeAlias = Callable[..., object]
"""Any callable: its signature is read once, at registration."""

JSON = "application/json"
URLENCODED_FORM = "application/x-www-form-urlencoded"
MULTIPART_FORM = "multipart/form-data"

Call = Literal["async", "either", "sync"]
"""How a handler is called: a coroutine function; one that may return an awaitable; a plain one."""

O = TypeVar("O", bound=Struct)  # noqa: E741 - an option


class Missing(Struct, frozen=True):
    """No default: the parameter is required."""


MISSING = Missing()


class Source(Struct, frozen=True):
    """Where a handler is written."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.name}()"

    def mistake(self, problem: str, *, parameter: str | None = None) -> RegistrationError:
        """The error that says what is wrong with this handler; `problem` ends with the cure."""
        where = f" parameter `{parameter}`" if parameter else ""
        return RegistrationError(f"{self}{where}: {problem}")


class FormField(Struct, frozen=True):
    """One field of a form, as a browser sends it.

    `name` is its name on the wire, `attribute` that in the record, `shape` its type as msgspec describes it. `file` says that
    it takes files and not text, `many` that a repeated name is collected, `required` that a form must have it. `unsent` is
    what stands for it when it is not sent, because a form has no null and a browser does not send what is not ticked or
    chosen: False for a `bool`; without a default, None for `T | None` and an empty list for a collection; else MISSING.
    """

    name: str
    attribute: str
    shape: shapes.Type
    file: bool = False
    many: bool = False
    required: bool = True
    unsent: object = MISSING


class Input(Struct, frozen=True):
    """One parameter that is decoded from the request.

    `name` is its name on the wire, `annotation` its type without markers, `default` the value when it is not sent.
    `many` says that it collects every value of a repeated name, `ready` that the path's converter makes its type already.

    A "body" is the whole body and JSON; where it has `fields`, it may as well be sent as a form with these. A "form" with
    `fields` is the whole form, read into the record that is its annotation; without, it is one field of text. `page` says of
    the whole form that its handler shows it again, and gets a PageForm of the record. A "file" is one file field: UploadedFile, or a collection of them.
    """

    parameter: str
    location: Location
    name: str
    annotation: object
    default: object
    many: bool = False
    ready: bool = False
    fields: tuple[FormField, ...] | None = None
    page: bool = False

    @property
    def required(self) -> bool:
        return self.default is MISSING

    @property
    def whole(self) -> bool:
        """Is it all of the body?"""
        return self.location == "body" or self.fields is not None


class Injected(Struct, frozen=True):
    """One parameter that the framework itself provides, by its type."""

    parameter: str
    kind: type
    optional: bool = False


class Provider(Struct, frozen=True, eq=False):
    """A function or class that makes a value for parameters, and what it takes itself.

    `form`: what calling it gives is the "value"; or a "generator" that yields it once; or a "context" manager that gives it when
    it is entered. `on_loop` says of a generator or context manager that it is an asynchronous one. `key` is the same for two
    mentions of one callable.
    """

    source: Source
    function: Endpoint
    key: object
    call: Call
    form: Literal["value", "generator", "context"]
    on_loop: bool
    scope: Literal["request", "app"]
    arguments: "tuple[Argument, ...]"


class Dependency(Struct, frozen=True, eq=False):
    """One parameter that a provider gives its value. `cached`: it shares the value with others of the same provider."""

    parameter: str
    provider: Provider
    cached: bool = True


class Argument(Struct, frozen=True):
    """One argument of the call, in the order of the signature."""

    parameter: str
    positional: bool
    value: Input | Injected | Dependency


class Answer(Struct, frozen=True):
    """One form of what a handler answers: `annotation` as JSON, or where `plain` says so, that class in a form of its own.

    `statuses` are those that its annotation names; without any it is the route's. `by_type`: the type decides, not the value of
    the handler's; `open`: the value carries a status that no annotation names.
    """

    annotation: object
    plain: type | None = None
    statuses: tuple[int, ...] = ()
    by_type: bool = True
    open: bool = False


class Returns(Struct, frozen=True):
    """What a handler says that it answers.

    `kind`: "any" says nothing; "plain" is one of the `plain` types alone, each with a form of its own (text, HTML, bytes,
    nothing); "json" is `annotation`, or one of the `plain` types beside it; "stream" is an iterator of `annotation`, sent as it
    comes: as text or bytes where `plain` says so, else each as a line of JSON. `answers` tells the forms apart where their statuses differ.
    """

    kind: Literal["any", "plain", "json", "stream"]
    annotation: object = None
    plain: tuple[type, ...] = ()
    answers: tuple[Answer, ...] = ()


class HandlerPlan(Struct, frozen=True, dict=True):
    """Everything that a handler's signature means.

    `surplus` says that it takes `**kwargs`, which get the path's values that no parameter names. `codecs` read and write the
    classes of the user's own in all of it.
    """

    source: Source
    call: Call
    arguments: tuple[Argument, ...]
    returns: Returns
    surplus: tuple[str, ...] = ()
    codecs: Codecs = NO_CODECS

    @cached_property
    def values(self) -> tuple[Input | Injected, ...]:
        """What the handler takes from a request and from the framework, by itself or through its dependencies."""
        return tuple(_values(self.arguments, set()))

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """All that is decoded from a request, the dependencies' included; each name of a location once, and the body once."""
        found: dict[tuple[str, str | None], Input] = {}
        for one in self.values:
            if isinstance(one, Input):
                found.setdefault((one.location, None if one.whole else one.name), one)
        return tuple(found.values())

    @property
    def provider_keys(self) -> frozenset[object]:
        """The keys of all providers that the handler depends on, by itself or through others."""
        seen: set[object] = set()
        for _ in _values(self.arguments, seen):
            pass
        return frozenset(seen)

    @property
    def body(self) -> Input | None:
        return next((i for i in self.inputs if i.location == "body"), None)

    @property
    def form(self) -> tuple[Input, ...]:
        """What is read from a form and nothing else: single fields, files, and perhaps one record of the whole form."""
        return tuple(i for i in self.inputs if i.location in {"form", "file"})

    @property
    def takes_form(self) -> bool:
        """Must the body be a form? It need not have any declared field: a handler may ask for FormData alone."""
        return any(
            one.location in {"form", "file"} if isinstance(one, Input) else one.kind is FormData for one in self.values
        )

    @property
    def takes_files(self) -> bool:
        """Does it declare a file, so that its form must be multipart? A page says itself what is missing in its form."""
        return any(i.location == "file" or any(f.file and not i.page for f in i.fields or ()) for i in self.inputs)

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types of the body, the preferred first; none where the plan takes nothing from the body."""
        if self.takes_form:
            return (MULTIPART_FORM,) if self.takes_files else (URLENCODED_FORM, MULTIPART_FORM)
        if self.body is None:
            return ()
        return (JSON,) if self.body.fields is None else (JSON, URLENCODED_FORM, MULTIPART_FORM)

    @property
    def needs_body(self) -> bool:
        """Is a request without a body refused?"""
        if self.body is not None and self.body.required:
            return True
        return any(i.required and (i.fields is None or any(f.required for f in i.fields)) for i in self.form)

    @property
    def speaks_json(self) -> bool:
        """Does it take or give typed JSON?"""
        return self.body is not None or self.returns.kind == "json"


def _values(arguments: Iterable[Argument], seen: set[object]) -> Iterator[Input | Injected]:
    for argument in arguments:
        value = argument.value
        if not isinstance(value, Dependency):
            yield value
        elif value.provider.key not in seen:
            seen.add(value.provider.key)
            yield from _values(value.provider.arguments, seen)


SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that ask for nothing to be changed, and whose requests mostly have no body (RFC 9110 §9.2.1, §9.3)."""


class FileLimit(Struct, frozen=True):
    """What each uploaded file of a route may have, in bytes."""

    max_bytes: int


class Route(Struct, frozen=True):
    """A route is the policy, and the policy is data.

    `name` is what `url_for` takes; `named` says that it was given, not taken from the handler. `blueprint` is the full name of
    the blueprint that it belongs to. `status_code` is that of a
    plain answer. `threaded` says whether a sync handler runs in the thread pool. `strict_slashes`: the other form of the
    path, with or without the slash at its end, is redirected (True) or answered itself (False); None leaves it to
    STRICT_SLASHES. `max_body_bytes` replaces MAX_REQUEST_BODY_BYTES. `csrf` says whether
    unsafe methods need a token. `options` hold what features add, one Struct of each type.
    """

    path: str
    methods: frozenset[str]
    endpoint: Endpoint
    name: str
    plan: HandlerPlan
    named: bool = False
    blueprint: str | None = None
    status_code: int = 200
    threaded: bool = True
    strict_slashes: bool | None = None
    max_body_bytes: int | None = None
    csrf: bool = True
    options: tuple[Struct, ...] = ()

    def option(self, kind: type[O]) -> O | None:
        """The option of this type, or None; of several the first, which was declared nearest to the handler."""
        for option in self.options:
            if isinstance(option, kind):
                return option
        return None

    def every(self, kind: type[O]) -> tuple[O, ...]:
        """The options of this type, the one declared nearest to the handler first."""
        return tuple([option for option in self.options if isinstance(option, kind)])
