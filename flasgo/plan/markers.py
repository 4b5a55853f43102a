"""Where a parameter comes from, said in its annotation: `tenant: Annotated[str, Header()]`."""

from msgspec import Struct

from flasgo.errors import Location


class Marker(Struct, frozen=True, kw_only=True):
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
    """The request body as a whole."""


LOCATIONS: dict[type[Marker], Location] = {
    Path: "path",
    Query: "query",
    Header: "header",
    Cookie: "cookie",
    Body: "body",
}
