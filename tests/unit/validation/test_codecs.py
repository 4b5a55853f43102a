from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from msgspec import inspect as shapes

from flasgo.errors import RegistrationError
from flasgo.validation.codecs import Codec, Codecs


class Word:
    def __init__(self, text: str) -> None:
        self.text = text


class Words(list[str]):
    pass


def codec(kind: Any = Word, via: Any = str, **more: Any) -> Codec[Any, Any]:
    return Codec(kind, via, encode=str, decode=kind, **more)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: codec(date), r"Codec\(date\): it has a form of its own"),
        (lambda: codec("Word"), r"Codec\('Word'\): it has a form of its own"),
        (lambda: codec(Words), r"Codec\(Words\): a subclass of list is written as one"),
        (lambda: codec(via=Word), r"Codec\(Word\): via has to be a type"),
        (lambda: codec(via=list[int] | set[int]), r"Codec\(Word\): via: Type unions"),
        (lambda: codec(via=int, meta=msgspec.Meta(pattern="a")), r"Codec\(Word\): via: Can only set `pattern`"),
        (lambda: Codecs([codec(), codec()]), "Word has two codecs"),
    ],
)
def test_a_codec_that_could_not_work_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(RegistrationError, match=message):
        make()


def test_without_any_what_is_known_is_written_as_ever() -> None:
    with pytest.raises(TypeError, match=r"test_codecs\.Word cannot be written as JSON"):
        Codecs().to_json(Word("a"))
    with pytest.raises(TypeError, match="Word cannot be written"):
        Codecs([codec(Exception)]).to_json(Word("a"))


@pytest.mark.parametrize("error", [ValueError("secret"), TypeError, ZeroDivisionError, KeyError("secret")])
def test_a_refusal_has_no_words(error: Any) -> None:
    def refuse(_: str) -> Word:
        raise error

    codecs = Codecs([Codec(Word, str, encode=str, decode=refuse)])
    with pytest.raises(ValueError, match=r"\A\Z"):
        codecs.decode(Word, "a")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_never_decoded(text: str) -> None:
    codecs = Codecs([Codec(Word, float, encode=lambda word: float(word.text), decode=str)])
    assert codecs.read(Word, "1.5") == "1.5"
    with pytest.raises(ValueError, match=r"\A\Z"):
        codecs.read(Word, text)


def test_a_fault_is_none() -> None:
    def fail(_: str) -> Word:
        raise OSError

    with pytest.raises(OSError):
        msgspec.convert("a", Word, dec_hook=Codecs([Codec(Word, str, encode=str, decode=fail)]).decode)


def test_what_is_of_the_class_passes() -> None:
    word, codecs = Word("a"), Codecs([codec()])
    assert codecs.read(Word, word) is word
    assert codecs.decode(Exception, word) is word


def test_types_are_seen_as_they_are_sent() -> None:
    codecs = Codecs([codec(), codec(Exception, int)])
    seen = codecs.on_wire(shapes.type_info(tuple[Word, list[Exception | None]]))
    assert seen == shapes.type_info(tuple[str, list[int | None]])
    kept = codecs.on_wire(shapes.type_info(tuple[Word, Exception]), but_text=True)
    assert kept == shapes.type_info(tuple[Word, int])
    constrained = Codecs([codec(meta=msgspec.Meta(description="A word."))])
    assert constrained.on_wire(shapes.type_info(list[Word]), but_text=True) == shapes.type_info(list[Word])
    described = shapes.Metadata(shapes.CustomType(Word), extra={})
    assert codecs.on_wire(described) == shapes.StrType()
    assert Codecs().on_wire(described) is described
