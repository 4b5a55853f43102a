"""How types of the user's own are written and read: each by way of a type that JSON and text have.

That type does it all: what is sent is checked against it first, and it is what the OpenAPI document says.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Final, Generic, TypeVar, cast, get_origin

import msgspec
from msgspec import Meta, Struct, convert
from msgspec import inspect as shapes
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from flasgo.errors import RegistrationError
from flasgo.validation.numbers import finite
from flasgo.validation.shapes import nodes
from flasgo.validation.spellings import is_well_spelled

T = TypeVar("T")
W = TypeVar("W")

WRITTEN_BY_MSGSPEC: Final = (list, tuple, set, frozenset, dict)
"""Subclasses of these are written as what they are, whatever a codec says."""

REFUSALS: Final = (ValueError, TypeError, ArithmeticError, LookupError)
"""What `decode` raises for a value that is none of the type; anything else is a fault."""


class Codec(Struct, Generic[T, W], frozen=True, eq=False):
    """How values of the class `kind` are written in JSON and text, and read: by way of `via`, a type that JSON has.

    `encode` makes a `via` of a value, `decode` a value of a `via` that is valid already, constraints of `meta` included; it raises
    ValueError, TypeError, ArithmeticError or LookupError for what is none. `noun` says what was expected, after "must be".

    Raises RegistrationError for a class that needs no codec, or can have none.
    """

    kind: type[T]
    via: type[W]
    encode: Callable[[T], W]
    decode: Callable[[W], T]
    meta: Meta | None = None
    noun: str = ""

    def __post_init__(self) -> None:
        name = getattr(self.kind, "__name__", repr(self.kind))
        if not isinstance(self.kind, type) or not isinstance(shapes.type_info(self.kind), shapes.CustomType):
            raise RegistrationError(f"Codec({name}): it has a form of its own in JSON; a codec is for other classes.")
        if issubclass(self.kind, WRITTEN_BY_MSGSPEC):
            raise RegistrationError(
                f"Codec({name}): a subclass of {self.kind.__mro__[1].__name__} is written as one; hold it in a class that is none."
            )
        try:
            Decoder(self.wire)
            custom = any(isinstance(node, shapes.CustomType) for node in nodes(self.wire))
        except TypeError as error:
            raise RegistrationError(f"Codec({name}): via: {error}.") from None
        if custom:
            raise RegistrationError(f"Codec({name}): via has to be a type that JSON can carry without a codec.")

    @property
    def wire(self) -> Any:  # an annotation
        """`via` with its constraints."""
        return self.via if self.meta is None else cast("Any", Annotated)[self.via, self.meta]

    @property
    def expected(self) -> str:
        return self.noun or f"a valid {self.kind.__name__}"


def plainly(value: object) -> object:
    """What msgspec does not know, but JSON does: mappings that are no dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} cannot be written as JSON")


class Codecs:
    """The codecs of an application."""

    def __init__(self, codecs: Iterable[Codec[Any, Any]] = ()) -> None:
        self._by_kind: dict[type, Codec[Any, Any]] = {}
        for codec in codecs:
            if self._by_kind.setdefault(codec.kind, codec) is not codec:
                raise RegistrationError(f"{codec.kind.__name__} has two codecs; keep one of them.")
        self.kinds = frozenset(self._by_kind)
        self.to_json = Encoder(enc_hook=self.encode if self.kinds else plainly).encode

    def of(self, kind: object) -> Codec[Any, Any] | None:
        """The codec of a class that an annotation names."""
        return self._by_kind.get(cast("type", get_origin(kind) or kind)) if self.kinds else None

    def within(self, annotation: object) -> bool:
        """Is there a type with a codec inside this one?"""
        return bool(self.kinds) and any(self.of(n.cls) for n in nodes(annotation) if isinstance(n, shapes.CustomType))

    def encode(self, value: object) -> object:
        """A value as its codec writes it; that of its nearest base class counts. Raises TypeError where there is none."""
        codec = next((self._by_kind[kind] for kind in type(value).__mro__ if kind in self._by_kind), None)
        return plainly(value) if codec is None else codec.encode(value)

    def decode(self, kind: type, value: object) -> object:
        """A value of JSON as this class. Raises ValueError for what is none."""
        return self._made(kind, value, strict=True)

    def read(self, kind: type, value: object) -> object:
        """A text, or what became of it, as this class. Raises ValueError for what is none."""
        return self._made(kind, value, strict=False)

    def _made(self, kind: type, value: object, *, strict: bool) -> object:
        codec = self.of(kind)
        if codec is None or isinstance(value, codec.kind):
            return value
        wire = convert(value, codec.wire, strict=strict)
        if not finite(wire) or (isinstance(value, str) and not is_well_spelled(value, codec.via)):
            raise ValueError
        try:
            made: object = codec.decode(wire)
        except REFUSALS:
            raise ValueError from None  # its words may repeat what the client sent
        return made

    def on_wire(self, shape: shapes.Type, *, but_text: bool = False) -> shapes.Type:
        """A type, as msgspec describes it, with those that have codecs as they are sent; `but_text`: not those sent as text."""
        result, inner = shape, partial(self.on_wire, but_text=but_text)
        if not self.kinds:
            return result
        match shape:
            case shapes.CustomType() if (codec := self.of(shape.cls)) is not None:
                sent = msgspec.inspect.type_info(codec.wire)
                text = isinstance(sent.type if isinstance(sent, shapes.Metadata) else sent, shapes.StrType)
                result = shape if text and but_text else sent
            case shapes.Metadata():
                result = inner(shape.type)
            case shapes.UnionType():
                result = shapes.UnionType(tuple(map(inner, shape.types)))
            case shapes.CollectionType():
                result = replace(shape, item_type=inner(shape.item_type))
            case shapes.TupleType():
                result = shapes.TupleType(tuple(map(inner, shape.item_types)))
        return result


NO_CODECS: Final = Codecs()
