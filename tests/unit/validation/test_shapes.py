"""Every type inside a type, once."""

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct, inspect

from flasgo.validation.shapes import counts_apart, nodes


class Node(Struct):
    value: int
    children: "list[Node]"
    extra: dict[str, tuple[bool, Any]] = {}


def test_every_type_once_and_the_outermost_first():
    found = list(nodes(list[Node]))
    assert isinstance(found[0], inspect.ListType)
    assert sum(isinstance(node, inspect.StructType) for node in found) == 1
    kinds = {type(node) for node in found}
    assert kinds >= {
        inspect.IntType,
        inspect.DictType,
        inspect.StrType,
        inspect.TupleType,
        inspect.BoolType,
        inspect.AnyType,
    }


def test_metadata_that_cannot_be_hashed():
    (node,) = nodes(Annotated[int, {"words": []}])
    assert isinstance(node, inspect.IntType)


def test_what_msgspec_does_not_know():
    with pytest.raises(TypeError):
        list(nodes(5))


def test_the_items_of_a_set_count_apart_where_its_length_is_bounded():
    def apart(kind: object) -> bool:
        return counts_apart(nodes(kind)[0])

    assert apart(Annotated[set[int], Meta(min_length=2)])
    assert apart(Annotated[frozenset[int], Meta(max_length=3)])
    assert not apart(Annotated[set[int], Meta(min_length=1)])
    assert not apart(Annotated[list[int], Meta(max_length=3)])
    assert not apart(set[int])
