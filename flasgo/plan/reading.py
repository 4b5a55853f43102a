"""One parameter of a handler while it is read: its type, its marker, its default, and what is wrong with them."""

import enum
from typing import Any, cast

import msgspec

from flasgo.errors import Location, RegistrationError
from flasgo.plan.checks import outermost
from flasgo.plan.markers import Depends, Marker
from flasgo.plan.model import MISSING, Input, Source
from flasgo.plan.signature import Taken
from flasgo.plan.types import (
    COLLECTIONS,
    SCALARS,
    constrained,
    describe,
    inside,
    is_collection,
    json_problem,
    peel,
    resolve,
    text_problem,
    textual,
    without_none,
)
from flasgo.validation.codecs import NO_CODECS, Codecs


class Reading:
    """What is known of one parameter before its place is found."""

    def __init__(self, source: Source, taken: Taken, codecs: Codecs = NO_CODECS) -> None:
        self.source = source
        self.codecs = codecs
        self.name = taken.name
        self.default = taken.default
        self.bare = taken.annotation is MISSING
        written = _inferred(taken.default) if self.bare else taken.annotation
        try:
            self.annotation = resolve(written)
        except RecursionError:
            raise self.mistake("its annotation is an alias that contains itself; write a Struct instead.") from None
        self.kind, _ = peel(self.annotation)
        self.marker, self.depends = self._marked_by(written)

    def _marked_by(self, written: object) -> tuple[Marker | None, Depends | None]:
        if type(written) is type and not _marks(written) and not _marks(self.default):
            return None, None  # a class by itself, as most are
        kind, metadata = peel(written)
        markers = [m for m in metadata if _marks(m)]
        nested = [m for _, found in inside(kind) for m in found if _marks(m)]
        alone = next((one for one, _ in inside(kind) if _marks(one)), None)
        if alone is not None:
            raise self.mistake(f"{spelled(alone)} is no type; write `{self.name}: Annotated[str, {spelled(alone)}]`.")
        if nested:
            whole = f"Annotated[{describe(self.kind)}, {spelled(nested[0])}]"
            raise self.mistake(f"its marker stands inside the type; put it around the whole: `{whole}`.")
        if len(markers) > 1:
            raise self.mistake("it has several markers; keep the one that says where it comes from.")
        if _marks(self.default):
            marked = spelled(self.default)
            raise self.mistake(
                f"{marked} is no default; write `{self.name}: Annotated[{describe(self.kind)}, {marked}]`."
            )
        marker = markers[0] if markers else None
        if marker is None or isinstance(marker, Marker):
            return marker, None
        if isinstance(marker, Depends):
            return None, marker
        raise self.mistake(f"write {spelled(marker)} instead of {spelled(marker).removesuffix('()')}.")

    def mistake(self, problem: str) -> RegistrationError:
        return self.source.mistake(problem, parameter=self.name)

    def text(self, location: Location, wire: str) -> Input:
        annotation = textual(self.annotation)
        kind, metadata = peel(annotation)
        if kind is Any:
            annotation = constrained(str, metadata)
        problem = text_problem(annotation, self.codecs)
        if problem is not None:
            raise self.mistake(f"{problem}.")
        self.check_json(annotation)
        return Input(self.name, location, wire, annotation, self.default_of(annotation), is_collection(annotation))

    def check_json(self, annotation: object, *, besides: type = object) -> None:
        """Raise for what only msgspec knows: constraints that do not go with their type, mixed Enums and the like."""
        problem = json_problem(annotation, besides=besides, codecs=self.codecs)
        if problem is not None:
            raise self.mistake(f"{problem}.")

    def default_of(self, annotation: object) -> object:
        """The default; `T | None` alone makes a parameter optional."""
        default, written = self.default, describe(self.kind)
        _, optional = without_none(self.annotation)
        if default is MISSING:
            return None if optional else MISSING
        if default is ...:
            raise self.mistake("`...` is no default; leave it out, and the parameter is required.")
        problem = _unsayable(default, self.codecs)
        if problem is not None:
            raise self.mistake(f"its default {problem}.")
        if self.bare or self.kind is Any or (default is None and optional):
            return default
        if default is None:
            raise self.mistake(f"its default is None, but its type is not; write `{written} | None = None`.")
        fits = isinstance(default, tuple(COLLECTIONS)) if is_collection(annotation) else outermost(annotation)(default)
        if not fits:
            raise self.mistake(
                f"its default is of type {type(default).__name__}, but the annotation says {written}; "
                "make one of them agree with the other."
            )
        problem = _unfit(default, annotation, self.codecs)
        if problem is not None:
            raise self.mistake(
                f"its default is not what it asks of a client ({problem}); change one of them, or write `{written} | None = None`."
            )
        return default


def _unsayable(default: object, codecs: Codecs) -> str | None:
    """Why neither a client nor the OpenAPI document can say this default; None where they can, or where it is no JSON at all."""
    try:
        codecs.to_json(default)
    except TypeError:
        return None
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which no UTF-8 has a form for; write the whole character"
    except Exception as error:  # noqa: BLE001 - a codec is code of the user's: it may raise anything
        return f"cannot be written as JSON ({type(error).__name__}); correct the codec, or the default"
    return None


def _unfit(default: object, annotation: object, codecs: Codecs) -> str | None:
    """What a default has against its own type: constraints, alternatives, the types of its items; None where nothing."""
    try:
        plain = msgspec.to_builtins(default, str_keys=True, enc_hook=codecs.encode)
    except TypeError:
        plain = default  # it holds what JSON has no form for
    try:
        msgspec.convert(plain, cast("Any", annotation), str_keys=True, dec_hook=codecs.decode)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _marks(value: object) -> bool:
    return isinstance(value, (Marker, Depends)) or (isinstance(value, type) and issubclass(value, (Marker, Depends)))


def spelled(marker: object) -> str:
    if isinstance(marker, Depends) and marker.provider is not None:
        return f"Depends({getattr(marker.provider, '__name__', '…')})"
    kind = marker if isinstance(marker, type) else type(marker)
    return f"{kind.__name__}()"


def _inferred(default: object) -> object:
    """What a parameter without an annotation is: of the type of its default, if text can be that; else text."""
    kind = type(default)
    return kind if kind in SCALARS | COLLECTIONS or isinstance(default, enum.Enum) else str
