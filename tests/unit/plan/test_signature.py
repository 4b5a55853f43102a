"""What a callable takes, read through all its layers; who wrote it and how it is called."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from flasgo import RegistrationError
from flasgo.plan.model import MISSING, Call
from flasgo.plan.signature import (
    Signature,
    Taken,
    _where,
    arity,
    call_of,
    endpoint_name,
    is_generator,
    signature_of,
    source_of,
)


def plain(a: int, /, b: str = "x", *, c: float = 1.0) -> bool:
    raise NotImplementedError


async def coroutine(a: int) -> bool:
    raise NotImplementedError


class View:
    def method(self, a: int) -> bool:
        raise NotImplementedError

    def variadic(*args: int) -> bool:
        raise NotImplementedError

    @classmethod
    def by_class(cls, a: int) -> bool:
        raise NotImplementedError

    def __call__(self, a: int) -> bool:
        raise NotImplementedError


class Later:
    async def __call__(self, a: int) -> bool:
        raise NotImplementedError


class Record(Struct):
    a: int
    b: str = "x"


class Made:
    def __init__(self, a: int) -> None:
        raise NotImplementedError


def read(function: Callable[..., object]) -> Signature:
    return signature_of(function, source_of(function))


def names(function: Callable[..., object]) -> dict[str, str]:
    """Each parameter and how it is given."""
    return {p.name: p.place for p in read(function).parameters}


A = Taken("a", int, MISSING, "either")


class TestSignature:
    def test_a_function(self):
        assert read(plain) == Signature(
            (Taken("a", int, MISSING, "position"), Taken("b", str, "x", "either"), Taken("c", float, 1.0, "name")),
            returns=bool,
        )

    def test_variadics(self):
        assert read(lambda *args, **kwargs: None) == Signature((), rest=True, surplus=True)

    @pytest.mark.parametrize("function", [View().method, View.by_class, View(), Later(), coroutine])
    def test_methods_and_instances(self, function: Callable[..., object]):
        assert read(function) == Signature((A,), returns=bool)

    def test_a_method_with_nothing_but_args(self):
        variadic: Any = View().variadic
        assert read(variadic) == Signature((), rest=True, returns=bool)

    def test_classes_give_themselves(self):
        assert read(Record) == Signature((A, Taken("b", str, "x", "either")), returns=Record)
        assert read(Made) == Signature((A,), returns=Made)
        assert read(object) == Signature((), returns=object)

    def test_builtins(self):
        assert names(len) == {"obj": "position"}

    @pytest.mark.parametrize(
        ("partial", "expected"),
        [
            (functools.partial(plain), {"a": "position", "b": "either", "c": "name"}),
            (functools.partial(plain, 1), {"b": "either", "c": "name"}),
            (functools.partial(plain, 1, "y"), {"c": "name"}),
            (functools.partial(plain, b="y"), {"a": "position", "c": "name"}),
            (functools.partial(plain, 1, c=2.0), {"b": "either"}),
            (functools.partial(functools.partial(plain, 1), c=2.0), {"b": "either"}),
            (functools.partial(lambda a, b, c: None, b=1), {"a": "either", "c": "name"}),
            (functools.partial(lambda a, *args: None, 1, 2, 3), {}),
            (functools.partial(lambda a, **others: None, b=1), {"a": "either"}),
            (functools.partial(lambda a, /, **others: None, a=1), {"a": "position"}),
            (functools.partial(View().method), {"a": "either"}),
        ],
        ids=[str(number) for number in range(11)],
    )
    def test_partials(self, partial: Callable[..., object], expected: dict[str, str]):
        assert names(partial) == expected

    @pytest.mark.parametrize("keywords", [{"d": 1}, {"a": 1}])
    def test_a_partial_that_binds_what_it_cannot(self, keywords: dict[str, int]):
        with pytest.raises(RegistrationError, match="its partial binds"):
            read(functools.partial(plain, **keywords))

    def test_a_partial_with_an_open_place(self, monkeypatch: pytest.MonkeyPatch):
        place: object = getattr(functools, "Placeholder", None)
        if place is None:  # it came with Python 3.14
            place = object()
            monkeypatch.setattr("flasgo.plan.signature.PLACEHOLDER", place)
        assert names(functools.partial(lambda a, b, c: None, place, 2)) == {"a": "position", "c": "either"}
        assert names(functools.partial(lambda a, b, c: None, place, place, 3)) == {"a": "position", "b": "position"}


def around(function: Callable[..., object], **assigned: Any) -> Callable[..., Callable[..., object]]:
    return functools.wraps(function, **assigned)


class TestWrappers:
    def test_what_goes_through(self):
        @around(plain)
        def wrapper(*args, **kwargs): ...

        assert read(wrapper) == read(plain)

    def test_what_it_takes_itself(self):
        @around(plain)
        def wrapper(b, *args, d=1, **kwargs): ...

        found = read(wrapper)
        assert [(p.name, p.annotation, p.default, p.place, p.added) for p in found.parameters] == [
            ("b", str, MISSING, "position", False),
            ("a", int, MISSING, "position", False),
            ("d", MISSING, 1, "name", True),
            ("c", float, 1.0, "name", False),
        ]

    def test_without_variadics_it_takes_only_its_own(self):
        @around(plain)
        def wrapper(b): ...

        assert read(wrapper) == Signature((Taken("b", str, MISSING, "either"),), returns=bool)

    def test_annotations_that_it_did_not_take_over(self):
        @around(plain, assigned=())
        def wrapper(b, *args: int, **kwargs: int) -> str:
            raise NotImplementedError

        found = read(wrapper)
        assert found.returns is str
        assert found.parameters[0] == Taken("b", str, MISSING, "position")

    def test_args_alone(self):
        @around(coroutine)
        def wrapper(*args): ...

        assert names(wrapper) == {"a": "position"}

        @around(plain)
        def wrapper(*args): ...

        assert names(wrapper) == {"a": "position", "b": "position"}

    def test_kwargs_alone(self):
        @around(lambda a=1, /, b=2: None)
        def wrapper(**kwargs): ...

        assert names(wrapper) == {"b": "either"}

    def test_what_both_take_in_surplus(self):
        @around(lambda *args: None)
        def wrapper(**kwargs): ...

        assert read(wrapper) == Signature(())

        @around(lambda **kwargs: None)
        def wrapper(*args, **kwargs): ...

        assert read(wrapper) == Signature((), surplus=True)

    def test_a_given_signature_says_it_all(self):
        @around(plain)
        def wrapper(*args, **kwargs): ...

        vars(wrapper)["__signature__"] = inspect.Signature(
            [inspect.Parameter("d", inspect.Parameter.KEYWORD_ONLY, annotation=int)], return_annotation=str
        )
        assert read(wrapper) == Signature((Taken("d", int, MISSING, "name"),), returns=str)

    def test_a_given_signature_that_is_none(self):
        @around(plain)
        def wrapper(*args, **kwargs): ...

        vars(wrapper)["__signature__"] = "none"
        assert read(wrapper) == read(plain)

    def test_a_given_signature_of_a_method(self):
        class Decorated:
            @around(plain)
            def method(self, *args, **kwargs): ...

            vars(method)["__signature__"] = inspect.signature(lambda self, a: None)

            def words(self, *args, **kwargs): ...

            words.__annotations__ = {"a": "int"}
            vars(words)["__signature__"] = inspect.Signature(
                [
                    inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY),
                    inspect.Parameter("a", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="int"),
                ]
            )

        assert names(Decorated().method) == {"a": "either"}
        assert read(Decorated().words).parameters == (A,)

    def test_something_without_a_signature_of_its_own(self):
        assert read(functools.lru_cache(plain)) == read(plain)

    def test_a_wrapper_whose_wrapped_is_no_callable(self):
        def wrapper(a: int) -> bool:
            raise NotImplementedError

        vars(wrapper)["__wrapped__"] = "words"
        assert read(wrapper) == Signature((A,), returns=bool)


def test_the_parameter_that_names_what_is_not_there():
    def handler(): ...

    handler.__annotations__ = {"a": "Nowhere", "b": "list[Nowhere]", "return": "Nowhere"}

    assert _where(handler, "Nowhere") == "a"
    assert _where(handler, "list") == "b"
    assert _where(handler, "Now") is None


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated late since Python 3.14")
def test_the_parameter_that_names_what_is_not_there_is_known_without_strings():
    names: dict[str, Callable[..., object]] = {}
    exec("def handler(a: int, b: list[Nowhere]) -> Nowhere: ...", names)

    assert _where(names["handler"], "Nowhere") == "b"


class TestSource:
    @pytest.mark.parametrize(
        "endpoint",
        [plain, functools.partial(plain, 1), around(plain)(lambda *a, **k: None), functools.lru_cache(plain)],
        ids=["function", "partial", "wrapper", "cache"],
    )
    def test_the_place_is_that_of_the_function(self, endpoint: Callable[..., object]):
        source = source_of(endpoint)
        assert (source.file, source.line, source.name) == (__file__, plain.__code__.co_firstlineno, "plain")
        assert endpoint_name(endpoint) == "plain"

    def test_methods_instances_and_classes(self):
        assert str(source_of(View().method)).endswith(": View.method()")
        assert str(source_of(View())).endswith(": View.__call__()")
        lines = inspect.getsourcelines(Record)
        assert str(source_of(Record)) == f"{__file__}:{lines[1]}: Record()"
        assert endpoint_name(Record) == "Record"

    def test_local_functions(self):
        def inner(): ...

        assert source_of(inner).name == "TestSource.test_local_functions.inner"

    def test_what_has_no_source(self):
        assert str(source_of(len)) == "builtins:0: len()"
        assert str(source_of(dict)) == "builtins:0: dict()"

        odd: Any = type("Odd", (), {"__call__": len, "__module__": None})()
        assert source_of(odd).name == "Odd"
        assert endpoint_name(odd) == "Odd"


class TestCall:
    @pytest.mark.parametrize(
        ("endpoint", "expected"),
        [
            (plain, "sync"),
            (coroutine, "async"),
            (functools.partial(coroutine), "async"),
            (functools.partial(functools.partial(coroutine), 1), "async"),
            (View().method, "sync"),
            (View(), "sync"),
            (Later(), "async"),
            (Later, "sync"),
            (functools.partial(Later()), "async"),
            (Later().__call__, "async"),
            (around(coroutine)(lambda *a, **k: None), "either"),
            (functools.partial(around(coroutine)(lambda *a, **k: None)), "either"),
            (functools.lru_cache(coroutine), "either"),
            (len, "sync"),
            (Record, "sync"),
        ],
        ids=[str(number) for number in range(15)],
    )
    def test_how_it_is_called(self, endpoint: Callable[..., object], expected: Call):
        assert call_of(endpoint) == expected

    def test_an_async_wrapper_around_a_plain_function(self):
        @around(plain)
        async def wrapper(*args, **kwargs): ...

        assert call_of(wrapper) == "async"

    def test_generators(self):
        def rows():
            yield 1

        @around(rows)
        def wrapper(*args, **kwargs): ...

        assert is_generator(rows)
        assert is_generator(functools.partial(rows))
        assert not is_generator(wrapper)
        assert not is_generator(plain)


class TestArity:
    @pytest.mark.parametrize(
        ("function", "expected"),
        [
            (lambda: None, 0),
            (lambda a: None, 1),
            (lambda a, b: None, 2),
            (lambda a, b=1: None, 2),
            (lambda a, b=1, c=2: None, 2),
            (lambda a, *, b=1: None, 1),
            (lambda *args: None, 2),
            (lambda a, *args: None, 2),
            (lambda **kwargs: None, 0),
            (View().method, 1),
            (functools.partial(plain, 1), 1),
            (around(lambda a: None)(lambda *args, **kwargs: None), 1),
            (around(lambda: None)(lambda a, *args, **kwargs: None), 1),
        ],
        ids=[str(number) for number in range(13)],
    )
    def test_how_many_positional_arguments_a_hook_gets(self, function: Callable[..., object], expected: int):
        assert arity(function, allowed=range(3), role="A hook") == expected

    @pytest.mark.parametrize(
        "function",
        [lambda: None, lambda a, b, c: None, lambda a, *, b: None, lambda *, a: None, lambda **kwargs: None],
        ids=["none", "three", "keyword", "keyword alone", "kwargs"],
    )
    def test_too_many_or_too_few(self, function: Callable[..., object]):
        with pytest.raises(RegistrationError) as caught:
            arity(function, allowed=range(1, 3), role="A hook")
        assert "A hook is called with 1 or 2 positional arguments; change its parameters to fit." in str(caught.value)
