"""JSON text becomes a value, or every reason why not."""

from decimal import Decimal
from enum import IntFlag
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from flasgo import Issue, MalformedBody, ValidationFailed
from flasgo.validation.decode import MAX_JSON_DEPTH, decoder_for, json_decoder, malformed


class Price(Struct):
    amount: Decimal
    name: str = ""


def test_a_value():
    assert json_decoder(Price)(b'{"amount": "1.50"}') == Price(Decimal("1.50"))
    assert json_decoder(Any)(b"[1, null]") == [1, None]


def test_the_decoder_of_a_type_is_made_once():
    assert decoder_for(Price) is decoder_for(Price)
    assert decoder_for(Price) is not decoder_for(int)


@pytest.mark.parametrize("text", ["NaN", "nan", "-sNaN1", "Infinity", "-inf"])
def test_a_decimal_is_finite(text: str):
    with pytest.raises(ValidationFailed) as caught:
        json_decoder(Price)(f'{{"amount": "{text}"}}'.encode())
    assert [(issue.pointer, issue.code) for issue in caught.value.issues] == [("/amount", "not_finite")]
    assert json_decoder(Price)(f'{{"amount": "1", "name": "{text}"}}'.encode()).name == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it is empty"),
        (b" ", "it is empty"),
        (b'"\xff"', "it is not UTF-8 at byte 1"),
        (b'{"amount": 1.5, "unknown": "\xff"}', "it is not UTF-8 at byte 28"),
        (b"{", "Input data was truncated"),
        (b"{]", "object keys must be strings (byte 1)"),
        (b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1), "it is nested more than 64 levels deep"),
        (b'{"amount": 1.5, "name": 5, ', "Input data was truncated"),
    ],
    ids=["nothing", "blank", "bytes", "unknown", "cut", "wrong", "deep", "late"],
)
@pytest.mark.parametrize("kind", [Any, Price], ids=["any", "price"])
def test_what_is_not_json(kind: type[object], text: bytes, reason: str):
    with pytest.raises(MalformedBody) as caught:
        json_decoder(kind)(text)
    assert str(malformed(reason)) == str(caught.value)


def test_as_deep_as_allowed():
    text = b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH
    json_decoder(Any)(text)
    json_decoder(Any)(b"[[]," + text[1:])  # more brackets than levels: they are followed
    with pytest.raises(MalformedBody):
        json_decoder(Any)(b"[" + text + b"]")
    with pytest.raises(ValidationFailed):
        json_decoder(int)(text)


def test_recursion_is_malformed_too(monkeypatch: pytest.MonkeyPatch):
    """Where the caller stands deep in the stack, the decoder may come to its end before the limit does."""
    monkeypatch.setattr("flasgo.validation.decode.MAX_JSON_DEPTH", 10**9)
    with pytest.raises(MalformedBody, match="it is nested too deep"):
        json_decoder(Any)(b"[" * 200_000)
    with pytest.raises(MalformedBody, match="it is nested too deep"):
        json_decoder(Price)(b'{"name": 5, "other": ' + b"[" * 200_000)


def issues(kind: type[object], text: bytes) -> list[Issue]:
    with pytest.raises(ValidationFailed) as caught:
        json_decoder(kind)(text)
    return list(caught.value.issues)


def test_every_problem_is_found():
    assert [(i.location, i.pointer, i.code) for i in issues(Price, b'{"amount": "x", "name": 5}')] == [
        ("body", "/amount", "invalid_format"),
        ("body", "/name", "type_error"),
    ]


def test_a_member_twice_of_which_the_first_does_not_fit():
    found = issues(Price, b'{"amount": 1, "name": 5, "name": "n"}')
    assert found == [Issue("body", "", "repeated", "must not hold an object with two members of one name")]
    assert json_decoder(Price)(b'{"amount": 1, "name": "m", "name": "n"}').name == "n"


@pytest.mark.parametrize("text", [b"1e999", b"9" * 5000])
def test_a_number_that_is_out_of_range(text: bytes):
    assert issues(float, text) == [Issue("body", "", "too_large", "must not hold a number that is out of range")]


class Right(IntFlag):
    READ = 1


class Grant(Struct):
    right: Right


def test_an_integer_beyond_64_bits_is_out_of_range_and_not_there_twice():
    found = issues(Grant, b'{"right": 18446744073709551616}')
    assert found == [Issue("body", "", "too_large", "must not hold a number that is out of range")]
    assert json_decoder(Grant)(b'{"right": 18446744073709551615}').right & Right.READ


class Few(Struct):
    at: Annotated[set[int], Meta(min_length=2)]


def test_the_items_of_a_set_with_a_bound_are_counted_once():
    assert [(i.pointer, i.code) for i in issues(Few, b'{"at": [1, 1]}')] == [("/at", "repeated")]
    assert [(i.pointer, i.code) for i in issues(Few, b'{"at": [1, 2, 1]}')] == [("/at", "repeated")]
    assert [(i.pointer, i.code) for i in issues(Few, b'{"at": [1, "a"]}')] == [("/at/1", "type_error")]
    assert [(i.pointer, i.code) for i in issues(Few, b'{"at": [1]}')] == [("/at", "too_short")]
    assert json_decoder(Few)(b'{"at": [1, 2]}').at == {1, 2}
