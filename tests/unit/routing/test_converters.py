"""Each converter takes what its docstring says and nothing else; the registry refuses what could not work."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from flasgo.errors import RegistrationError
from flasgo.routing.converters import (
    PATH,
    RANK_ANY,
    RANK_CUSTOM,
    RANK_DATE,
    RANK_FLOAT,
    RANK_INT,
    RANK_PATH,
    RANK_STR,
    RANK_UUID,
    STR,
    AnyConverter,
    Converter,
    Converters,
    text_of,
)

ID = UUID("12345678-90ab-cdef-1234-567890abcdef")


class Colour(Enum):
    RED = "red"
    NESTED = 7


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    A = "a"


class Slug(Converter):
    """Lower-case text of at most `longest` characters."""

    def __init__(self, longest: str = "10") -> None:
        self.longest = int(longest)

    def to_python(self, text: str) -> str:
        if text.islower() and len(text) <= self.longest:
            return text
        raise ValueError("not a slug")


class Structural:
    """Of the shape of a converter without being its subclass."""

    python_type = bytes
    rank = 40
    least = 2
    run = None

    def to_python(self, text: str) -> bytes:
        return text.encode()

    def to_url(self, value: object) -> str:
        return str(value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("str", "a b\n;é", "a b\n;é"),
        ("path", "a/b//c", "a/b//c"),
        ("int", "0", 0),
        ("int", "007", 7),
        ("int", "9" * 19, int("9" * 19)),
        ("float", "1", 1.0),
        ("float", "01.50", 1.5),
        ("float", "9" * 32, float("9" * 32)),
        ("uuid", str(ID), ID),
        ("uuid", str(ID).upper(), ID),
        ("date", "2024-02-29", date(2024, 2, 29)),
    ],
)
def test_takes(name, text, expected):
    value = Converters().bind(name).to_python(text)

    assert expected == value
    assert type(expected) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("int", text) for text in ("", "-1", "+1", "1.0", "1_0", " 1", "1\n", "٣", "²", "9" * 20, "0x1", "x")),
        *(
            ("float", text)
            for text in ("", "1.", ".5", "-1", "1e5", "nan", "inf", "1_0", "1.5\n", "٣", "1" * 33, "1.2.3")
        ),
        *(
            ("uuid", text)
            for text in ("", ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}\n", str(ID)[:-1] + "g", "1" * 36)
        ),
        *(
            ("date", text)
            for text in ("", "2024-02-30", "20240229", "2024-W09-4", "2024-2-1", "٢٠٢٤-٠١-٠١", "0000-01-01")
        ),
    ],
)
def test_refuses(name, text):
    with pytest.raises(ValueError):
        Converters().bind(name).to_python(text)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("str", "a/b", "a/b"),
        ("str", Decimal("1.50"), "1.50"),
        ("path", "a/b", "a/b"),
        ("int", 7, "7"),
        ("int", Number.ONE, "1"),
        ("float", 1.5, "1.5"),
        ("float", 1, "1"),
        ("float", 1e-7, "0.0000001"),
        ("float", 1e22, "1" + "0" * 22),
        ("uuid", ID, str(ID)),
        ("date", date(2024, 2, 29), "2024-02-29"),
    ],
)
def test_writes(name, value, expected):
    assert expected == Converters().bind(name).to_url(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("str", None),
        ("int", "7"),
        ("int", True),
        ("int", 7.0),
        ("float", "1"),
        ("float", False),
        ("uuid", str(ID)),
        ("date", "2024-02-29"),
        ("date", datetime(2024, 2, 29)),
    ],
)
def test_does_not_write_values_of_another_type(name, value):
    with pytest.raises(TypeError):
        Converters().bind(name).to_url(value)


def test_any_takes_its_choices_only_and_shows_them():
    converter = Converters().bind("any", ("en", "de-at"))

    assert isinstance(converter, AnyConverter)
    assert converter.choices == ("en", "de-at")
    assert converter.to_python("en") == "en"
    assert converter.to_url("de-at") == "de-at"
    assert converter.least == 2
    found = converter.run.match("de-atx")
    assert found is not None
    assert found[0] == "de-at"
    with pytest.raises(ValueError, match="does not fit"):
        converter.to_python("fr")
    with pytest.raises(ValueError, match="does not fit"):
        converter.to_url("fr")


def test_any_reads_characters_that_mean_something_in_a_regular_expression_as_they_are():
    converter = AnyConverter("^", "]", "a-z", "\\d")

    assert converter.run.match("]^-\\d")
    assert not converter.run.match("b")


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ((), "list the choices"),
        (("en", ""), "not empty"),
        (("'en'",), "without quotes"),
        (('"en"',), "without quotes"),
        (("en", "en"), "twice"),
        (("..",), "never sent"),
    ],
)
def test_any_refuses_choices_that_cannot_work(arguments, cure):
    with pytest.raises(RegistrationError, match=cure):
        Converters().bind("any", arguments)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("é", "é"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.50"),
        (ID, str(ID)),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2), "2024-02-29T01:02:00"),
        (time(1, 2), "01:02:00"),
        (Colour.RED, "red"),
        (Colour.NESTED, "7"),
        (Number.ONE, "1"),
        (Word.A, "a"),
    ],
)
def test_text_of_scalars(value, expected):
    assert expected == text_of(value)


@pytest.mark.parametrize("value", [None, b"x", ["x"], {"x": 1}, object()])
def test_text_of_refuses_what_it_would_have_to_guess(value):
    with pytest.raises(TypeError, match="no text in a URL"):
        text_of(value)


def test_ranks_are_in_the_order_of_specificity():
    converters = Converters()
    ranks = [converters.bind("any", ("x",)).rank]
    ranks += [converters.bind(name).rank for name in ("int", "date", "uuid", "float")]
    ranks += [Slug().rank, STR.rank, PATH.rank]

    assert ranks == sorted(set(ranks))
    assert ranks == [RANK_ANY, RANK_INT, RANK_DATE, RANK_UUID, RANK_FLOAT, RANK_CUSTOM, RANK_STR, RANK_PATH]


def test_built_in_types():
    converters = Converters()
    types = {name: converters.bind(name).python_type for name in converters.names if name != "any"}

    assert types == {"str": str, "int": int, "float": float, "path": str, "uuid": UUID, "date": date}
    assert AnyConverter("x").python_type is str


@pytest.mark.parametrize(("annotation", "name"), [(int, "int"), (float, "float"), (UUID, "uuid"), (date, "date")])
def test_an_annotation_gives_a_bare_placeholder_its_converter(annotation, name):
    converters = Converters()

    assert converters.bind(name) is converters.for_type(annotation)


@pytest.mark.parametrize("annotation", [str, bool, datetime, Decimal, int | None, "int", None, [int]])
def test_other_annotations_leave_it_a_str(annotation):
    assert Converters().for_type(annotation) is None


def test_the_same_words_always_give_the_same_converter():
    converters = Converters()
    converters.register("slug", Slug)
    slug = converters.bind("slug", ("3",))
    converters.register("other", Slug)

    assert slug is converters.bind("slug", ("3",))
    assert slug is not converters.bind("slug", ("4",))


def test_a_custom_class_gets_its_arguments_and_the_defaults_of_converter():
    converters = Converters()
    converters.register("slug", Slug)
    slug = converters.bind("slug", ("3",))

    assert slug.to_python("abc") == "abc"
    assert slug.to_url("abc") == "abc"
    assert (str, 1, None) == (slug.python_type, slug.least, slug.run)
    with pytest.raises(ValueError, match="not a slug"):
        slug.to_python("abcd")


def test_an_instance_may_be_registered_and_need_not_be_a_subclass():
    converters = Converters()
    converters.register("raw", Structural())

    assert converters.bind("raw").to_python("x") == b"x"
    with pytest.raises(RegistrationError, match="'raw' takes no arguments"):
        converters.bind("raw", ("1",))


@pytest.mark.parametrize("arguments", [("x",), ("1", "2")])
def test_arguments_that_the_class_refuses_are_a_registration_error(arguments):
    converters = Converters()
    converters.register("slug", Slug)

    with pytest.raises(RegistrationError, match="'slug' refuses its arguments"):
        converters.bind("slug", arguments)


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "class", "é", "<x>"])
def test_bad_names_are_refused(name):
    with pytest.raises(RegistrationError, match="cannot name a converter"):
        Converters().register(name, Slug)


def test_a_taken_name_needs_override():
    converters = Converters()
    with pytest.raises(RegistrationError, match="override=True"):
        converters.register("int", Slug)
    converters.bind("int")
    converters.register("int", Slug, override=True)

    assert isinstance(converters.bind("int"), Slug)


def test_path_cannot_be_replaced():
    with pytest.raises(RegistrationError, match="cannot be replaced"):
        Converters().register("path", Slug, override=True)


class HalfConverter:
    def to_python(self, text):
        return text


class WithoutRank(HalfConverter):
    def to_url(self, value):
        return str(value)


def test_what_is_no_converter_is_refused():
    converters: Any = Converters()  # its types would refuse these too
    with pytest.raises(RegistrationError, match="HalfConverter is no converter"):
        converters.register("half", HalfConverter())
    with pytest.raises(RegistrationError, match="HalfConverter needs to_python and to_url"):
        converters.register("half", HalfConverter)
    converters.register("rankless", WithoutRank)
    with pytest.raises(RegistrationError, match=r"subclass flasgo\.Converter"):
        converters.bind("rankless")


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(RegistrationError, match="no converter 'itn'; did you mean 'int'"):
        Converters().bind("itn")
    with pytest.raises(RegistrationError, match="there are str, int, float, path, uuid, date, any"):
        Converters().bind("zzzzzz")


def test_a_copy_is_its_own_registry():
    mine = Converters()
    mine.register("slug", Slug)
    theirs = mine.copy()
    theirs.register("more", Slug)

    assert "slug" in theirs.names
    assert "more" not in mine.names
