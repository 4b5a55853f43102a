"""Where a parameter comes from, said in its annotation: `tenant: Annotated[str, Header()]`."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct, StructMeta

from flasgo.errors import Location


class MarkerMeta(StructMeta):
    """The metaclass of markers: flasgo/advice.py has it say where other arguments went, for FastAPI's take defaults and constraints."""


class Marker(Struct, frozen=True, kw_only=True, metaclass=MarkerMeta):
    """`alias` is the name on the wire where it is not the parameter's own."""

    alias: str | None = None


class Path(Marker, frozen=True, kw_only=True):
    """A placeholder of the route's path."""


class Query(Marker, frozen=True, kw_only=True):
    """A query parameter."""


class Header(Marker, frozen=True, kw_only=True):
    """A header field; `user_agent` is `User-Agent` on the wire."""


class Cookie(Marker, frozen=True, kw_only=True):
    """A cookie."""


class Body(Marker, frozen=True, kw_only=True):
    """The request body as a whole: JSON, or a form where its type can be read from one."""


class Form(Marker, frozen=True, kw_only=True):
    """A field of a submitted form; for a record, the form as a whole."""


class File(Marker, frozen=True, kw_only=True):
    """A file of a submitted form, or a list of them."""


class Depends(Struct, frozen=True):
    """What a provider gives: `db: Annotated[Database, Depends(open_database)]`.

    `provider` is a function, plain or async, a generator function that yields once, a function that gives a context manager, or
    a class; None stands for the annotated type itself. Its parameters are bound like a handler's. A "request" value is made
    once for each request, or for each parameter without `use_cache`; an "app" value once for the application.
    """

    provider: Callable[..., object] | None = None
    scope: Literal["request", "app"] = "request"
    use_cache: bool = True


LOCATIONS: dict[type[Marker], Location] = {
    Path: "path",
    Query: "query",
    Header: "header",
    Cookie: "cookie",
    Body: "body",
    Form: "form",
    File: "file",
}
