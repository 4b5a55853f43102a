"""Types as msgspec describes them."""

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import TypeVar

from msgspec import inspect

T = TypeVar("T")


def once_for_each(make: Callable[[object], T]) -> Callable[[object], T]:
    """The same function of an annotation, which remembers what it has made: many handlers use the same types."""
    known = lru_cache(maxsize=1024)(make)

    @wraps(make)
    def made(annotation: object) -> T:
        try:
            return known(annotation)
        except TypeError:  # metadata that cannot be hashed; or, once more, what `make` refuses
            return make(annotation)

    return made


@once_for_each
def nodes(annotation: object) -> tuple[inspect.Type, ...]:
    """Every type inside a type, itself first, each record once. Raises TypeError for what msgspec does not know."""
    return tuple(_walk(inspect.type_info(annotation), set()))


type_info = once_for_each(inspect.type_info)


def _walk(node: object, seen: set[int]) -> Iterator[inspect.Type]:
    if isinstance(node, tuple):
        for item in node:
            yield from _walk(item, seen)
    elif isinstance(node, inspect.Field):
        yield from _walk(node.type, seen)
    elif isinstance(node, inspect.Type) and id(node) not in seen:
        seen.add(id(node))
        yield node
        for name in node.__struct_fields__:
            yield from _walk(getattr(node, name), seen)


def counts_apart(shape: inspect.Type) -> bool:
    """Is it a set whose length is bounded? Its items are to be sent once each, or nobody could say how many there are."""
    if not isinstance(shape, (inspect.SetType, inspect.FrozenSetType)):
        return False
    return (shape.min_length or 0) > 1 or shape.max_length is not None
