import pkgutil
import re
from importlib import import_module

import pytest

import flasgo
from flasgo.patterns import _Compiled, _Late, regex


@pytest.mark.parametrize("first", ["fullmatch", "match", "search", "sub", "split", "findall", "finditer", "subn"])
def test_the_first_use_compiles_and_every_method_is_that_of_the_pattern(first: str):
    late = regex("(a)(b)", re.IGNORECASE)
    assert type(late) is _Late
    getattr(late, first)
    assert type(late) is _Compiled
    compiled = re.compile("(a)(b)", re.IGNORECASE)
    for text in ("ab", "xABx", ""):
        for method in ("fullmatch", "match", "search"):
            expected, found = getattr(compiled, method)(text), getattr(late, method)(text)
            assert (found and (found.span(), found.groups())) == (expected and (expected.span(), expected.groups()))
        assert late.sub(r"\2\1", text) == compiled.sub(r"\2\1", text)
        assert late.subn("", text) == compiled.subn("", text)
        assert late.split(text) == compiled.split(text)
        assert late.findall(text) == compiled.findall(text)
        assert [m.span() for m in late.finditer(text)] == [m.span() for m in compiled.finditer(text)]
    assert late.pattern == compiled.pattern


def test_bytes_are_patterns_too():
    assert regex(rb"\d+").fullmatch(b"12")


def test_what_a_pattern_has_besides_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'groupindex'"):
        regex("a").groupindex  # noqa: B018 - it is read


def test_a_mistake_is_told_at_the_first_use():
    late = regex("(")
    with pytest.raises(re.error, match="unterminated"):
        late.match("")


def test_every_pattern_of_the_package_can_be_compiled():
    found = 0
    for module in pkgutil.walk_packages(flasgo.__path__, "flasgo."):
        if not module.name.endswith("__main__"):
            for value in vars(import_module(module.name)).values():
                if isinstance(value, _Compiled):
                    found += 1
                    re.compile(value.pattern, value.flags)
    assert found > 50
