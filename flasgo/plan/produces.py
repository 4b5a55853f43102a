"""In which forms a route answers: its JSON, and what `produces=` makes of the same value (RFC 9110 §12)."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, Final, TypeAlias

from msgspec import Struct

from flasgo.errors import RegistrationError
from flasgo.http.media import MediaType, negotiate, parse_media_type
from flasgo.plan.model import JSON, HandlerPlan, Returns, Source
from flasgo.plan.returns import plan_returns
from flasgo.plan.signature import arity, call_of, is_generator, signature_of, source_of
from flasgo.response import Response
from flasgo.validation.codecs import Codecs

Writer: TypeAlias = Callable[[Any], object]
"""Makes text, bytes or, for a JSON type, what JSON can carry, of the value that a handler returns."""


ERRORS: Final = 400
"""The first of the statuses that say that something is wrong: such answers are always JSON."""


class Representation(Struct, frozen=True):
    """One more form of a route's answers: its media type, and that as it is sent; `write`, and what that declares to give."""

    media_type: str
    content_type: str
    write: Writer
    returns: Returns
    is_json: bool = False

    @property
    def is_text(self) -> bool:
        """Does it say that it gives text, or is its media type one of text?"""
        said = self.returns.plain if self.returns.kind == "plain" else ()
        if said:
            return not any(issubclass(kind, (bytes, bytearray, memoryview)) for kind in said)
        return self.media_type.lower().startswith("text/")


class Produces(Struct, frozen=True, dict=True):
    """The forms of a route's answers besides JSON, which is preferred where a client likes several alike."""

    representations: tuple[Representation, ...]

    @cached_property
    def offers(self) -> tuple[str, ...]:
        return (JSON, *(one.media_type for one in self.representations))

    @cached_property
    def chosen(self) -> Callable[[str | None], str | None]:
        """Which of the offers a client with this Accept likes best; None where it takes none of them."""
        return lru_cache(maxsize=256)(partial(negotiate, offers=self.offers))


def checked_produces(
    produces: Mapping[str, Writer], plan: HandlerPlan, source: Source, codecs: Codecs
) -> tuple[Produces, ...]:
    """The option of a route with this `produces=`; none where it is empty. Raises RegistrationError with the cure."""
    if not isinstance(produces, Mapping):
        raise source.mistake('produces is a mapping of media types to functions: produces={"text/csv": as_csv}.')
    if not produces:
        return ()
    if plan.returns.kind != "json":
        raise source.mistake(
            "produces makes other forms of the JSON that a handler answers; annotate its return type with one that is JSON."
        )
    found = tuple(_representation(name, write, source, codecs) for name, write in produces.items())
    names = [one.media_type.lower() for one in found]
    twice = next((name for name in names if names.count(name) > 1 or name == JSON), None)
    if twice is not None:
        raise source.mistake(f"produces has {twice!r} twice; JSON is always among the forms.")
    return (Produces(found),)


def _representation(name: str, write: Writer, source: Source, codecs: Codecs) -> Representation:
    try:
        media = parse_media_type(name)
    except ValueError as error:
        raise source.mistake(f"produces[{name!r}]: {error}.") from None
    if "*" in {media.type, media.subtype} or media.parameter("q") is not None:
        raise source.mistake(f"produces[{name!r}] is what a client asks for; name one media type.")
    if not callable(write):
        raise source.mistake(f"produces[{name!r}] is no function; give one that takes what the handler returns.")
    if call_of(write) != "sync" or is_generator(write):
        raise source.mistake(
            f"produces[{name!r}] would have to be awaited; give a plain function, and do what must be awaited in the handler."
        )
    try:
        arity(write, allowed=range(1, 2), role=f"what produces[{name!r}] names")
        of = source_of(write)
        returns = plan_returns(signature_of(write, of).returns, of, codecs)
    except RegistrationError as error:
        raise source.mistake(f"produces[{name!r}]: {error}") from None
    if not _fits(returns, media):
        raise source.mistake(
            f"produces[{name!r}] is to give str or bytes; what JSON carries is for JSON media types alone."
        )
    text = media.type == "text" and media.charset is None
    return Representation(name, f"{name}; charset=utf-8" if text else name, write, returns, media.is_json)


def _fits(returns: Returns, media: MediaType) -> bool:
    if returns.kind == "plain":
        return not any(issubclass(kind, (Response, type(None))) for kind in returns.plain)
    return returns.kind == "any" or (returns.kind == "json" and media.is_json and not returns.plain)
