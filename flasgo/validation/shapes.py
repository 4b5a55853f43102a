"""Types as msgspec describes them."""

from collections.abc import Iterator

from msgspec import inspect


def nodes(annotation: object) -> Iterator[inspect.Type]:
    """Every type inside a type, itself first, each record once. Raises TypeError for what msgspec does not know."""
    return _walk(inspect.type_info(annotation), set())


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
