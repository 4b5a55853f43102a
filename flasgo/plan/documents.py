"""What the OpenAPI document says of a route beyond its plan: data of the route's options and of its stages."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct, field

from flasgo.errors import HTTPException
from flasgo.plan.model import Source
from flasgo.plan.types import json_problem, resolve
from flasgo.problems import Problem
from flasgo.response import checked_status
from flasgo.validation.codecs import NO_CODECS, Codecs


class SecurityScheme(Struct, frozen=True, omit_defaults=True):
    """One way of proving who is asking (OpenAPI 3.1.1 §4.8.27).

    `id` is its key in `components.securitySchemes`. "http" needs a `scheme` as "bearer" or "basic"; "apiKey" needs `location`
    and `name`, those of the header, cookie or query parameter; "oauth2" its `flows`; "openIdConnect" its `open_id_connect_url`.
    """

    id: str
    type: Literal["http", "apiKey", "oauth2", "openIdConnect", "mutualTLS"]
    description: str = ""
    scheme: str = ""
    bearer_format: str = ""
    location: Literal["", "header", "query", "cookie"] = ""
    name: str = ""
    flows: Mapping[str, object] | None = None
    open_id_connect_url: str = ""


class Secured(Struct, frozen=True):
    """What a route asks for: any one of `schemes`, with all of `scopes`; `optional`: a stranger is answered, too."""

    schemes: tuple[SecurityScheme, ...]
    scopes: tuple[str, ...] = ()
    optional: bool = False


class Additions(Struct):
    """What extensions add to the document: schemes by id, descriptions of tags, and what is called with the finished document."""

    schemes: dict[str, SecurityScheme] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    hooks: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.schemes) + len(self.tags) + len(self.hooks)


class Declared(Struct, frozen=True):
    """One more answer that a route declares: its JSON body's type, where it has one, and what it means."""

    status: int
    description: str = ""
    annotation: object = None
    typed: bool = False


class Described(Struct, frozen=True):
    """What a route's registration says for the document.

    Empty `summary` and `description` are taken from the handler's docstring. `included` says that the route is in the document.
    """

    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    operation_id: str | None = None
    included: bool = True
    raises: tuple[type[HTTPException], ...] = ()
    responses: tuple[Declared, ...] = ()


def checked_raises(
    raises: Iterable[type[HTTPException]], source: Source, codecs: Codecs = NO_CODECS
) -> tuple[type[HTTPException], ...]:
    """Raise RegistrationError unless these are exceptions that are answers."""
    if isinstance(raises, type):
        raise source.mistake(f"raises={raises.__name__} is one class; write raises=({raises.__name__},).")
    kinds = tuple(raises)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, HTTPException):
            raise source.mistake(f"raises={kind!r}: name classes of HTTPException, such as NotFound or a Problem.")
        if kind is HTTPException:
            raise source.mistake("raises=HTTPException says no status; name one of its subclasses, such as NotFound.")
        if issubclass(kind, Problem) and (problem := json_problem(kind.document_type(), codecs=codecs)) is not None:
            raise source.mistake(f"raises={kind.__name__}: a member of it has no form in JSON: {problem}.")
    return kinds


def checked_responses(
    responses: Mapping[int, object], source: Source, codecs: Codecs = NO_CODECS
) -> tuple[Declared, ...]:
    """More answers by status: text says what one means, anything else is the type of its JSON body."""
    return tuple(_declared(status, value, source, codecs) for status, value in responses.items())


def _declared(status: int, value: object, source: Source, codecs: Codecs) -> Declared:
    try:
        checked_status(status)
    except ValueError as error:
        raise source.mistake(f"responses: {error}") from None
    if isinstance(value, str):
        return Declared(status, value)
    if value is None:
        return Declared(status)
    if isinstance(value, Mapping):
        raise source.mistake(
            f"responses[{status}]: write the type of its JSON body, or a sentence that says what it means."
        )
    annotation = resolve(value)
    problem = json_problem(annotation, codecs=codecs)
    if problem is not None:
        raise source.mistake(f"responses[{status}]: {problem}.")
    return Declared(status, annotation=annotation, typed=True)
