"""Problem types of the user's own (RFC 9457 §3.2): exceptions whose annotated attributes are members of the problem document.

class OutOfStock(Problem, status=409, title="Out of stock"):
    sku: str
    left: int = 0

raise OutOfStock(sku="B-7", detail="Two more come on Monday.")
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, cast, dataclass_transform, get_origin, get_type_hints

from msgspec import Struct, defstruct

from flasgo.errors import HTTPException, RegistrationError
from flasgo.patterns import regex

RESERVED = frozenset({"type", "title", "status", "code", "errors", "status_code", "headers", "args"})
"""Members that every problem document has, and attributes that every exception has."""

_WORD = regex(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass_transform(kw_only_default=True)
class _Typed(HTTPException):
    """Tells type checkers that subclasses are built from their annotated attributes, by name."""


class Problem(_Typed):
    """An error of a kind of your own; a subclass names its `status`, and annotates its members, of types that JSON can carry.

    `code` is its stable name (default: the class's name in snake case), `title` says it in words (default: the status's
    phrase), `type` is a URI that identifies it (default: "about:blank"). `detail` explains this occurrence to the client;
    `instance` is a URI of it (default: the request's path). Members without a default are required.

    Raises RegistrationError for a member that no document can have, and ValueError for a status that is no error.
    """

    detail: str = ""
    instance: str = ""

    default_status: ClassVar[int] = 0
    problem_type: ClassVar[str] = "about:blank"
    problem_title: ClassVar[str] = ""
    _document: ClassVar[type[Struct] | None] = None

    def __init_subclass__(cls, *, status: int = 0, code: str = "", title: str = "", type: str = "") -> None:  # noqa: A002 - RFC 9457's own word
        super().__init_subclass__()
        if not isinstance(status, int) or (status and not 400 <= status <= 599):  # noqa: PLR2004 - the error statuses, RFC 9110 §15
            raise ValueError(f"{cls.__name__}: {status!r} is not the status of an error; use 400 to 599.")
        cls.default_status = status or cls.default_status
        cls.default_code = code or _WORD.sub("_", cls.__name__).lower()
        cls.problem_title = title or cls.problem_title
        cls.problem_type = type or cls.problem_type
        cls._document = None

    def __init__(self, **members: object) -> None:
        fields = self.members()
        missing = [name for name, default in fields.items() if default is ... and name not in members]
        strange = members.keys() - fields.keys()
        if missing or strange:
            said = f"needs {missing[0]!r}" if missing else f"has no member {min(strange)!r}"
            raise TypeError(f"{type(self).__name__} {said}.")
        values = {name: members.get(name, default) for name, default in fields.items()}
        super().__init__(self.default_status, str(values.pop("detail")))
        self.instance = str(values.pop("instance"))
        self._names = tuple(values)
        for name, value in values.items():
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]  # as of every HTTPException

    def __reduce__(self) -> tuple[Callable[..., "Problem"], tuple[type["Problem"], dict[str, object]]]:
        members = {name: getattr(self, name) for name in ("detail", "instance", *self._names)}
        return _rebuilt, (type(self), members)

    @property
    def title(self) -> str:
        return self.problem_title or super().title

    @classmethod
    def members(cls) -> Mapping[str, object]:
        """The names of what it is built from, with their defaults; `...` where there is none."""
        names = [name for name in _annotations(cls) if name not in {"detail", "instance"}]
        return {name: getattr(cls, name, ...) for name in ("detail", "instance", *names)}

    @classmethod
    def document_type(cls) -> type[Struct]:
        """The type of its problem document: what is sent, and what the OpenAPI document describes."""
        if cls._document is None:
            cls._document = _document_of(cls)
        return cls._document

    def document(self, instance: str) -> Struct:
        """Its problem document; `instance` is said where it has none of its own."""
        make = cast("Callable[..., Struct]", self.document_type())
        return make(
            type=self.problem_type,
            title=self.title,
            status=self.status_code,
            detail=self.detail or self.title,
            instance=self.instance or instance,
            code=self.code,
            **{name: getattr(self, name) for name in self._names},
        )


def _rebuilt(kind: type[Problem], members: Mapping[str, object]) -> Problem:
    return kind(**members)


def _annotations(kind: type[Problem]) -> dict[str, object]:
    """The annotated attributes of a problem and its bases, the outermost base's first."""
    if not kind.default_status:
        raise RegistrationError(
            f"{kind.__name__} has no status: write `class {kind.__name__}(Problem, status=409)`, or raise a subclass that has one."
        )
    try:
        hints = get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise RegistrationError(
            f"{kind.__qualname__} has a member whose type names {error.name!r}, which its module does not have; define it there."
        ) from None
    bases = [base for base in reversed(kind.__mro__) if issubclass(base, Problem)]
    names = dict.fromkeys(name for base in bases for name in getattr(base, "__annotations__", ()))
    found: dict[str, object] = {
        name: hints[name] for name in names if get_origin(hints[name]) is not ClassVar and hints[name] is not ClassVar
    }
    if wrong := sorted(RESERVED & found.keys()) or [name for name in found if name.startswith("_")]:
        raise RegistrationError(
            f"{kind.__qualname__}: {wrong[0]!r} cannot be a member of its own; give the attribute another name."
        )
    return found


def _document_of(kind: type[Problem]) -> type[Struct]:
    literal = cast("Any", Literal)
    fields = {
        "type": literal[kind.problem_type],
        "title": str,
        "status": literal[kind.default_status],
        "detail": str,
        "instance": str,
        "code": literal[kind.default_code],
    }
    return defstruct(
        kind.__name__,
        [*fields.items(), *((name, hint) for name, hint in _annotations(kind).items() if name not in fields)],
        namespace={"__doc__": kind.__doc__},
        module=kind.__module__,
        frozen=True,
        kw_only=True,
    )
