"""State: an open namespace, of an application or of a request."""

from collections.abc import Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class State:
    """An open namespace: what an application or a request carries from one place to another."""

    def __getattr__(self, name: str) -> Any:  # an open namespace has no types
        raise AttributeError(f"nothing named {name!r} was put here")

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        return f"State({', '.join(self)})"

    def get(self, name: str, default: T | None = None) -> Any | T | None:
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: T | None = None) -> Any | T | None:
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: T) -> Any | T:
        return self.__dict__.setdefault(name, default)
