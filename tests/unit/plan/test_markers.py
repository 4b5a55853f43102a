"""Markers are values: equal by what they say, never changed, and each of one location."""

import pytest

from flasgo.plan.markers import LOCATIONS, Body, Cookie, File, Form, Header, Marker, Path, Query


def test_every_marker_has_its_location():
    expected = {
        Path: "path",
        Query: "query",
        Header: "header",
        Cookie: "cookie",
        Body: "body",
        Form: "form",
        File: "file",
    }
    assert expected == LOCATIONS
    assert set(Marker.__subclasses__()) == set(LOCATIONS)


@pytest.mark.parametrize("kind", LOCATIONS)
def test_an_alias_is_all_it_holds(kind: type[Marker]):
    assert kind() == kind(alias=None)
    assert kind(alias="a") != kind(alias="b")
    with pytest.raises(TypeError):
        kind("a")  # ty: ignore[too-many-positional-arguments] - by name alone
    with pytest.raises(AttributeError):
        kind().alias = "a"  # ty: ignore[invalid-assignment] - it is frozen
