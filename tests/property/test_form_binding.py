"""Forms and their types: what a type may hold is read back from its form, and nothing else than its values is ever read."""

import enum
import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct, ValidationError

from flasgo import FormData, UploadedFile
from flasgo.binding.forms import FormReader
from flasgo.http.forms import CSRF_FIELD
from flasgo.plan.forms import form_fields


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Struct, forbid_unknown_fields=True):
    text: str
    number: Annotated[int, Meta(ge=-5, le=1000)]
    price: Decimal
    weight: float
    flag: bool
    colour: Colour
    size: Literal["s", "m"]
    born: date | None
    maybe: int | None
    tags: Annotated[list[str], Meta(max_length=3)]
    numbers: list[int]
    pair: tuple[int, str]
    identity: UUID | None = None
    at: datetime | None = None
    lasting: timedelta | None = None
    label: str | None = None
    limit: int = 7


READER = FormReader(Everything, form_fields(Everything))
NAMES = [*Everything.__struct_fields__, CSRF_FIELD]
WORDS = [
    "",
    "0",
    "1",
    "-5",
    "on",
    "no",
    "nan",
    "inf",
    "1e999",
    "null",
    "red",
    "s",
    "2020-01-31",
    "1.5",
    "x",
    "9" * 30,
    "\x00",
]


def texts(value: object) -> list[str]:
    """A value as a form has it."""
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in texts(item)]
    if value is None or value is False:
        return []
    if value is True:
        return ["on"]
    plain: Any = msgspec.to_builtins(value)
    return [plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()]


VALUES = st.builds(
    Everything,
    text=st.text(),
    number=st.integers(-5, 1000),
    price=st.decimals(allow_nan=False, allow_infinity=False, places=3),
    weight=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    colour=st.sampled_from(Colour),
    size=st.sampled_from(["s", "m"]),
    born=st.none() | st.dates(),
    maybe=st.none() | st.integers(-(2**63), 2**64 - 1),
    tags=st.lists(st.text(), max_size=3),
    numbers=st.lists(st.integers(-(2**63), 2**64 - 1)),
    pair=st.tuples(st.integers(0, 9), st.text()),
    identity=st.none() | st.uuids(),
    at=st.none() | st.datetimes(),
    lasting=st.none() | st.timedeltas(timedelta(0), timedelta(days=1000)),
    label=st.none() | st.text(),
    limit=st.integers(0, 9),
)


@given(VALUES)
def test_every_value_is_read_back_from_its_form(value: Everything):
    sent = {name: texts(getattr(value, name)) for name in Everything.__struct_fields__}
    form = FormData({**sent, CSRF_FIELD: "token"})
    assert READER.read(form) == value
    assert list(READER.issues(form)) == []


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from([*NAMES, "other"]), st.sampled_from(WORDS) | st.text(max_size=5)), max_size=25)
)
def test_whatever_is_sent_is_a_value_of_the_type_or_is_explained(pairs: list[tuple[str, str]]):
    sent: dict[str, list[str]] = {}
    for name, text in pairs:
        sent.setdefault(name, []).append(text)
    form = FormData(sent)
    try:
        value = READER.read(form)
    except ValidationError:
        issues = list(READER.issues(form))
        assert issues
        assert all(issue.location == "form" for issue in issues)
        assert len({(issue.pointer, issue.code) for issue in issues}) == len(issues)
        return
    assert isinstance(value, Everything)
    assert list(READER.issues(form)) == []
    assert math.isfinite(value.weight)
    assert value.price.is_finite()
    # Of this very type: what is written of it as JSON is read again, in strict mode and with every constraint.
    assert msgspec.json.decode(msgspec.json.encode(value), type=Everything) == value


class Files(Struct):
    one: UploadedFile
    many: Annotated[list[UploadedFile], Meta(max_length=2)]
    maybe: UploadedFile | None = None


@given(st.fixed_dictionaries({name: st.integers(0, 3) for name in ("one", "many", "maybe", "other")}))
def test_files_are_counted(counts: dict[str, int]):
    reader = FormReader(Files, form_fields(Files))
    files = {name: [UploadedFile(name, "f", b"x")] * count for name, count in counts.items()}
    form = FormData({}, files)
    problems = {(issue.pointer, issue.code) for issue in reader.issues(form)}
    expected = set()
    if counts["one"] != 1:
        expected.add(("/one", "repeated" if counts["one"] else "missing"))
    if counts["many"] > 2:
        expected.add(("/many", "too_long"))
    if counts["maybe"] > 1:
        expected.add(("/maybe", "repeated"))
    assert problems == expected
    assert all(issue.location == "file" for issue in reader.issues(form))
