"""Regular expressions that are compiled when they are first used: most of them a program never needs, and `import flasgo` has dozens."""

import re
from typing import AnyStr, cast

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, but later. A mistake in `pattern` raises re.error at the first use."""
    return cast("re.Pattern[AnyStr]", _late(pattern, flags))


def _late(pattern: str | bytes, flags: int) -> object:
    """Not said to be what it is: a Pattern is final, and what is used of one this has."""
    return _Late(pattern, flags)


class _Compiled:
    """Has the methods of a compiled pattern as its own attributes, which are looked up as fast as those of a pattern."""

    def __init__(self, pattern: object, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags


class _Late(_Compiled):
    """Not compiled yet."""

    def __getattr__(self, name: str) -> object:
        if name not in _METHODS:
            raise AttributeError(f"a pattern that is compiled late has no attribute {name!r}")
        compiled = re.compile(cast("str", self.pattern), self.flags)
        vars(self).update({each: getattr(compiled, each) for each in _METHODS})
        object.__setattr__(self, "__class__", _Compiled)
        return getattr(compiled, name)
