"""What is wrong with a submitted form, as sentences for the person who fills it in.

    required                              a field that was left empty
    choice  file  ticked                  nothing, or nothing that there is, was chosen; a box that has to be ticked
    too_short  too_long                   a text of fewer or more characters than `bound`
    too_few  too_many                     fewer or more choices, or files, than `bound`
    at_least  more_than  at_most  less_than  multiple       a number and its `bound`
    integer  number  date  datetime  time  duration         not what it should spell
    pattern  invalid                      of another form; refused by the type's own check, in its words
    repeated  unknown                     sent more than once; sent, but nobody's field

They are found from msgspec's description of the field's type, which `issues` were found with.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import inspect as shapes
from msgspec.structs import replace

from flasgo.errors import Issue
from flasgo.http.forms import FormData
from flasgo.pageform import FormProblem, FormWords
from flasgo.plan.forms import alternatives_of, is_file, items_of
from flasgo.plan.model import FormField

SENTENCES: Final[Mapping[str, str]] = MappingProxyType({
    "required": "Fill in this field.",
    "choice": "Choose one of these.",
    "file": "Choose a file.",
    "ticked": "Tick this box.",
    "too_short": "At least {} characters.",
    "too_long": "At most {} characters.",
    "too_few": "Choose at least {}.",
    "too_many": "Choose at most {}.",
    "at_least": "{} or more.",
    "more_than": "More than {}.",
    "at_most": "{} or less.",
    "less_than": "Less than {}.",
    "multiple": "A multiple of {}.",
    "integer": "A whole number, such as 12.",
    "number": "A number, such as 12.5.",
    "date": "A date, such as 2024-01-31.",
    "datetime": "A date and time, such as 2024-01-31T12:30.",
    "time": "A time, such as 12:30.",
    "duration": "A duration, such as PT1H30M.",
    "pattern": "This does not have the right form.",
    "invalid": "This is not valid.",
    "repeated": "Only one, please.",
    "unknown": "The form has a field too many: load the page again.",
})  # fmt: skip

KINDS: Final[Mapping[type[shapes.Type], str]] = MappingProxyType({
    shapes.IntType: "integer",
    shapes.FloatType: "number",
    shapes.DecimalType: "number",
    shapes.DateType: "date",
    shapes.DateTimeType: "datetime",
    shapes.TimeType: "time",
    shapes.TimeDeltaType: "duration",
    shapes.BoolType: "choice",
    shapes.LiteralType: "choice",
    shapes.EnumType: "choice",
})  # fmt: skip

BOUNDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "too_small": {"ge": "at_least", "gt": "more_than"},
    "too_large": {"le": "at_most", "lt": "less_than"},
    "not_multiple": {"multiple_of": "multiple"},
    "too_short": {"min_length": "too_short"},
    "too_long": {"max_length": "too_long"},
})  # fmt: skip
"""For an issue's code the bounds that it may be about, and what each is called here."""

OTHERS: Final[Mapping[str, str]] = MappingProxyType({
    "pattern_mismatch": "pattern", "not_finite": "number", "repeated": "repeated",
})  # fmt: skip
COUNTED: Final[Mapping[str, str]] = MappingProxyType({"too_short": "too_few", "too_long": "too_many"})
"""What the length of a collection is called, where that of a text is called so."""

SPELLED: Final = frozenset({
    "integer", "number", "date", "datetime", "time", "duration", "pattern", "invalid",
})  # fmt: skip
"""The codes of what was filled in, and is not what it should be: `Meta(extra={"message": …})` of the field says what that is."""


def problems_of(
    issues: Iterable[Issue], fields: Iterable[FormField], form: FormData, words: FormWords | None
) -> Iterator[FormProblem]:
    """The issues for people, in the application's own words where it has some."""
    by_name = {field.name: field for field in fields}
    for issue in issues:
        name, _, rest = issue.pointer[1:].partition("/")
        name = name.replace("~1", "/").replace("~0", "~")
        field = by_name.get(name)
        problem = _in_form(issue, name) if field is None else _in_field(issue, field, form, rest)
        own = None if words is None else words(problem)
        yield problem if own is None else replace(problem, message=own)


def _in_form(issue: Issue, name: str) -> FormProblem:
    """What is wrong with no field that there is: one too many, or what the type's own check says of the whole."""
    if issue.code == "unknown_field":
        return FormProblem("", "unknown", SENTENCES["unknown"])
    return FormProblem(name, "invalid", _said(issue))


def _in_field(issue: Issue, field: FormField, form: FormData, place: str) -> FormProblem:
    """What is wrong with a field or, where a `place` in it is named, with one of several values."""
    kinds = [one for one in alternatives_of(field.shape) if not isinstance(one, shapes.NoneType)]
    if place:
        items = [items_of(kind) for kind in kinds]
        kinds = [one for each in items for one in alternatives_of(each[int(place) if len(each) > 1 else 0])]
    empty = not field.file and not form.get(field.name)
    code, bound = _told(issue, kinds, empty=empty)
    own = _own_message(field.shape) if code in SPELLED else None
    message = _said(issue) if issue.code == "invalid" else SENTENCES[code].format(bound)
    if bound == 1:
        message = message.replace("characters", "character")
    return FormProblem(field.name, code, own or message, bound)


def _told(issue: Issue, kinds: list[shapes.Type], *, empty: bool) -> tuple[str, object]:
    """What an issue is called here, and the bound that it is about."""
    code: str
    bound: object = None
    match issue.code:
        case "missing" | "invalid_choice" | "invalid_tag":
            code = _nothing(kinds)
        case "too_small" | "too_large" | "not_multiple" | "too_short" | "too_long":
            code, bound = _bound(BOUNDS[issue.code], kinds)
        case "type_error" | "invalid_format":
            code = _spelled(kinds)
        case other:
            code = OTHERS.get(other, "invalid")
    if any(map(items_of, kinds)):
        code = COUNTED.get(code, code)
        return (_nothing(kinds), None) if (code, bound) == ("too_few", 1) else (code, bound)
    return ("required", None) if empty and code in {"too_short", "pattern"} else (code, bound)


def _nothing(kinds: list[shapes.Type]) -> str:
    """What is to be done where nothing was given."""
    leaves = [leaf for kind in kinds for leaf in (items_of(kind) or (kind,))]
    if any(map(is_file, leaves)):
        return "file"
    if all(isinstance(kind, shapes.LiteralType) and kind.values == (True,) for kind in kinds):
        return "ticked"
    chosen = any(items_of(kind) or isinstance(kind, (shapes.LiteralType, shapes.EnumType)) for kind in kinds)
    return "choice" if chosen else "required"


def _bound(names: Mapping[str, str], kinds: list[shapes.Type]) -> tuple[str, object]:
    """Which of these bounds the type has, and what it is: the issue is about one."""
    has = ((code, getattr(kind, name, None)) for name, code in names.items() for kind in kinds)
    return next(((code, bound) for code, bound in has if bound is not None), ("invalid", None))


def _spelled(kinds: list[shapes.Type]) -> str:
    """What was to be spelled, where that is one thing."""
    found = {KINDS.get(type(kind), "invalid") for kind in kinds}
    return found.pop() if len(found) == 1 else "invalid"


def _own_message(shape: shapes.Type) -> str | None:
    """What the field's own Meta says."""
    while isinstance(shape, shapes.Metadata):
        message = (shape.extra or {}).get("message")
        if isinstance(message, str):
            return message
        shape = shape.type
    return None


def _said(issue: Issue) -> str:
    """The words of a type's own check; what else there is to say is said of the field."""
    words = issue.message
    return f"This {words}." if words.startswith(("must ", "is ")) else words
