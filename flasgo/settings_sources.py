"""The mechanics of settings: where they come from, how a value is fitted to its annotation, what of it may be shown.

A reader sorts what it finds into values and problems, both by name; it neither judges values nor stops at a problem:

    mapping       every key; unknown ones go to EXTRA, unless they are a slip of the pen in a known name
    object        the UPPERCASE attributes of a class, an instance or a module, read as a mapping
    environment   FLASGO_<NAME>, text that is decoded for the annotation of the setting

No problem found here shows the value of a setting: it may be a secret, whatever its name.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from importlib import import_module
from pathlib import Path
from types import MemberDescriptorType, ModuleType
from typing import Any, NamedTuple, cast

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec import inspect as shapes
from msgspec.structs import FieldInfo, fields

from flasgo.errors import SettingsError
from flasgo.patterns import regex

ENV_PREFIX = "FLASGO_"
SECRET_KEY_FILE = "SECRET_KEY_FILE"  # noqa: S105 - the name of a variable that holds a path
_SECRET_FILE_BYTES = 16_384  # far above the longest key: a path to an endless device is read no further
_SHOWN_CHARACTERS = 60
_DETAIL_CHARACTERS = 200

_TRUTH = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
_BRACKETED_ADDRESS = regex(r"\s*\[[0-9A-Fa-f.]*:")  # "[::1],localhost" is a list of hosts, and no JSON begins so
_ARRAYS = (shapes.ListType, shapes.SetType, shapes.FrozenSetType, shapes.VarTupleType, shapes.TupleType)


class Gathered(NamedTuple):
    """What a source holds: `values` by setting, EXTRA among them, and a sentence for each name that cannot be used."""

    values: dict[str, object]
    problems: dict[str, str]


class Misfit(ValueError):
    """A value that its annotation does not allow. The text is the end of a sentence that begins with the setting's name."""


# --- readers ---------------------------------------------------------------------------------------------------------


def read_mapping(items: Iterable[tuple[object, object]], known: Collection[str]) -> Gathered:
    """Known keys are values, the others are EXTRA, beside what stands under the key EXTRA itself."""
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    extra: dict[str, object] = {}
    for key, value in items:
        if not isinstance(key, str):
            problems[str(type(key))] = f"A setting's name must be a string, not {type(key).__name__}"
        elif key in known:
            values[key] = value
        elif near := near_miss(key, known):
            problems[key] = (
                f"{shown(key)} is not a setting; did you mean {near}? "
                "A key of your own that is so named on purpose belongs in EXTRA, or in a subclass of Settings"
            )
        else:
            extra[key] = value
    given = values.get("EXTRA", {})
    if isinstance(given, Mapping):  # anything else is refused when it is fitted
        values["EXTRA"] = {**given, **extra}
    return Gathered(values, problems)


def read_object(source: object, known: Collection[str]) -> Gathered:
    """Every attribute whose name is upper-case or a known setting's; names with a leading underscore stay private.

    Raises SettingsError for a value such as a list, a function or a number, which cannot be meant.
    """
    if type(source).__module__ == "builtins" and not isinstance(source, (type, ModuleType)):
        kind = type(source).__name__
        raise SettingsError(
            [f"Settings cannot be read from a {kind}; give a mapping, a module, or an object with UPPERCASE attributes"]
        )
    found: dict[str, object] = {}
    for name in dir(source):
        if name in known or (name.isupper() and not name.startswith("_")):
            value: object = getattr(source, name)
            if not isinstance(value, (property, MemberDescriptorType)):  # a class's own description of its instances
                found[name] = value
    return read_mapping(found.items(), known)


def import_settings(path: str) -> ModuleType:
    """The module at a dotted path such as "shop.settings".

    Raises SettingsError when it is no such path, is not found, or fails while it is imported; the cause is chained.
    """
    if not all(part.isidentifier() for part in path.split(".")):
        raise SettingsError([f"{shown(path)} is not a dotted module path; write it like 'shop.settings'"])
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise SettingsError([f"The settings module {path} imports {error.name}, which was not found"]) from error
        raise SettingsError(
            [f"The settings module {path} was not found; check its spelling and that it is on PYTHONPATH"]
        ) from error
    except Exception as error:  # whatever a module may raise, it is the configuration that fails
        raise SettingsError(
            [f"The settings module {path} raised {type(error).__name__} while it was imported; the cause stands above"]
        ) from error


def read_environment(environ: Mapping[str, str], annotations: Mapping[str, object]) -> Gathered:
    """FLASGO_<NAME> for every setting in `annotations`, and FLASGO_SECRET_KEY_FILE; other names are none of our business.

    A name of ours with a slip of the pen is a problem.
    """
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    names = {name.upper(): name for name in annotations}
    known = (*names, SECRET_KEY_FILE)
    for variable, text in environ.items():
        rest = variable.removeprefix(ENV_PREFIX)
        if rest in {variable, SECRET_KEY_FILE}:
            continue
        name = names.get(rest)
        if name is not None:
            try:
                values[name] = _decoded(text, annotations[name])
            except Misfit as misfit:
                problems[name] = f"{variable} {misfit}"
        elif near := near_miss(rest, known):
            problems[variable] = f"{shown(variable)} is not a setting; did you mean {ENV_PREFIX}{near}?"
    if (path := environ.get(ENV_PREFIX + SECRET_KEY_FILE)) is not None:
        _read_secret_key(path, values, problems)
    return Gathered(values, problems)


def _read_secret_key(path: str, values: dict[str, object], problems: dict[str, str]) -> None:
    """One trailing newline, which editors and `echo` leave, is not part of the key."""
    variable = ENV_PREFIX + SECRET_KEY_FILE
    if "SECRET_KEY" in values or "SECRET_KEY" in problems:
        problems["SECRET_KEY"] = f"FLASGO_SECRET_KEY and {variable} are both set; keep one of them"
        return
    try:
        with Path(path).open("rb") as file:
            key = file.read(_SECRET_FILE_BYTES).decode()
    except UnicodeDecodeError:
        problems["SECRET_KEY"] = f"{variable} names a file that is not UTF-8 text; write the key in ASCII"
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "not a path"
        problems["SECRET_KEY"] = f"{variable} names a file that cannot be read ({reason}); check path and permissions"
    else:
        values["SECRET_KEY"] = re.sub(r"\r?\n\Z", "", key)


# --- names -----------------------------------------------------------------------------------------------------------


def near_miss(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` is most likely meant to be; None for a name in its own right.

    Near is the same name in another case or with other underscores, or one in which every word is nearly right. Words are
    compared one by one, because names that merely share some (CSRF_COOKIE_AGE, APP_TITLE, STRIPE_KEY) are no typing errors.
    """
    upper = name.upper()
    squashed = upper.replace("_", "")
    words = upper.split("_")
    best, nearest = 0.0, None
    for candidate in known:
        if squashed == candidate.upper().replace("_", ""):
            return candidate
        theirs = candidate.upper().split("_")
        if len(words) == len(theirs):
            nearness = min(map(_likeness, words, theirs))
            if nearness > best:
                best, nearest = nearness, candidate
    return nearest


def _likeness(word: str, meant: str) -> float:
    """From 0.75, two letters of four in their place and one moved, to 1; 0 for a word that is another one."""
    if word == meant:
        return 1.0
    if abs(len(word) - len(meant)) > 2:  # noqa: PLR2004 - ALLOW and ALLOWED, but not DEBUG and DEBUGGER
        return 0.0
    ratio = SequenceMatcher(None, word, meant, autojunk=False).ratio()
    return ratio if ratio >= 0.75 else 0.0  # noqa: PLR2004 - DOCS and DOSC, but not API and APP


# --- fields ----------------------------------------------------------------------------------------------------------


def fields_of(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    """Raises SettingsError for an annotation that names something nobody knows."""
    try:
        return fields(kind)
    except NameError as error:
        raise SettingsError(
            [f"{kind.__name__} has an annotation that cannot be resolved ({error}); define its types at module level"]
        ) from error


def annotations_of(kind: type[Struct]) -> dict[str, object]:
    return {info.name: info.type for info in fields_of(kind)}


def default_of(info: FieldInfo) -> object:
    value: object = info.default_factory() if info.default is NODEFAULT else info.default
    return value


# --- values ----------------------------------------------------------------------------------------------------------


def fit(name: str, value: object, annotation: object) -> object:
    """`value` as its annotation has it: types are strict, except that a list, tuple or set may stand for one another.

    Raises Misfit.
    """
    try:
        fitted: object = msgspec.convert(value, annotation)
    except UnicodeEncodeError:
        raise Misfit("holds a lone surrogate, which is no text") from None
    except ValueError as error:
        raise Misfit(f"must be {expected(annotation)}{_found(name, value, str(error))}") from None
    except TypeError as error:
        raise Misfit(f"has an annotation that cannot be checked: {error}") from None
    if isinstance(fitted, float) and not math.isfinite(fitted):
        raise Misfit("must be a finite number")
    if isinstance(fitted, str) and not _is_text(fitted):
        raise Misfit("holds a lone surrogate, which is no text")
    return fitted


def _is_text(value: str) -> bool:
    """A lone surrogate stands for a byte that was no UTF-8, and could neither be sent nor signed."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _found(name: str, value: object, error: str) -> str:
    """What is wrong with `value`, without the value: its type, or msgspec's remark on something inside."""
    if looks_secret(name):
        return ""
    if not error.startswith(("Expected `", "Object ")):  # other remarks may repeat the value, or are not msgspec's own
        return ""
    if " - at `" in error or error.startswith("Object "):
        return f"; {error[:_DETAIL_CHARACTERS]}"
    return f", not {type(value).__name__}" if ", got `" in error else ""


def _decoded(text: str, annotation: object) -> object:
    """What text from the environment says, as `annotation` reads it.

    Raises Misfit.
    """
    if not _is_text(text):
        raise Misfit("is not UTF-8 text")
    try:
        kinds = _kinds(annotation)
        if any(isinstance(kind, (shapes.StrType, shapes.AnyType)) for kind in kinds):
            return msgspec.convert(text, annotation, strict=False)
        if text.lstrip().startswith(("[", "{")) and not _BRACKETED_ADDRESS.match(text):
            return msgspec.json.decode(text, type=cast("type[object]", annotation))
        if any(isinstance(kind, _ARRAYS) for kind in kinds):
            items = (item.strip() for item in text.split(","))
            return msgspec.convert([item for item in items if item], annotation, strict=False)
        if any(isinstance(kind, shapes.BoolType) for kind in kinds) and text.lower() in _TRUTH:
            return _TRUTH[text.lower()]
        return msgspec.convert(text, annotation, strict=False)
    except (ValueError, RecursionError):
        raise Misfit(f"must be {expected(annotation)}{_spelling(annotation)}") from None
    except TypeError as error:
        raise Misfit(f"has an annotation that cannot be checked: {error}") from None


def _kinds(annotation: object) -> tuple[shapes.Type, ...]:
    """The shapes that an annotation allows: one, or the members of its union."""
    shape = _bare(shapes.type_info(annotation))
    return tuple(map(_bare, shape.types)) if isinstance(shape, shapes.UnionType) else (shape,)


def _bare(shape: shapes.Type) -> shapes.Type:
    return shape.type if isinstance(shape, shapes.Metadata) else shape


def _spelling(annotation: object) -> str:
    """How an environment variable spells the shapes that text has no single way to spell."""
    kinds = _kinds(annotation)
    if any(isinstance(kind, _ARRAYS) for kind in kinds):
        return ": separated by commas, or a JSON list"
    if any(isinstance(kind, shapes.BoolType) for kind in kinds):
        return ": true, false, 1, 0, on, off, yes or no"
    if any(isinstance(kind, (shapes.DictType, shapes.StructType)) for kind in kinds):
        return ": a JSON object"
    return ""


# --- words -----------------------------------------------------------------------------------------------------------


def expected(annotation: object) -> str:
    """What an annotation allows, in words: its own description, or its type with bounds and unit."""
    shape = shapes.type_info(annotation)
    if not isinstance(shape, shapes.Metadata):
        return _words(shape)
    description: object = (shape.extra_json_schema or {}).get("description")
    unit: object = (shape.extra or {}).get("unit")
    return str(description or f"{_words(shape.type)}{f' ({unit})' if unit else ''}")


def _words(shape: shapes.Type) -> str:  # noqa: C901, PLR0911 - one line for each shape
    match shape:
        case shapes.BoolType():
            return "True or False"
        case shapes.IntType():
            return f"a whole number{_range(shape)}"
        case shapes.FloatType():
            return f"a number{_range(shape)}"
        case shapes.StrType():
            return f"a string{_length(shape)}"
        case shapes.LiteralType(values=choices):
            return f"one of {', '.join(sorted(map(repr, choices)))}"
        case shapes.EnumType(cls=cls):
            return f"one of {', '.join(repr(member.value) for member in cls)}"
        case shapes.SetType(item_type=item) | shapes.FrozenSetType(item_type=item):
            return f"a set, each item {_words(_bare(item))}"
        case shapes.ListType(item_type=item) | shapes.VarTupleType(item_type=item):
            return f"a list, each item {_words(_bare(item))}"
        case shapes.DictType(value_type=item):
            return f"a mapping of strings, each value {_words(_bare(item))}"
        case shapes.UnionType(types=types):
            return " or ".join(_words(_bare(member)) for member in types)
        case shapes.CustomType(cls=cls) | shapes.StructType(cls=cls) | shapes.DataclassType(cls=cls):
            return f"a {cls.__name__}"
        case _:
            return type(shape).__name__.removesuffix("Type").lower()


def _range(number: shapes.IntType | shapes.FloatType) -> str:
    if number.ge is not None and number.le is not None:
        return f" from {number.ge} to {number.le}"
    bounds = (("at least", number.ge), ("more than", number.gt), ("at most", number.le), ("less than", number.lt))
    said = " and ".join(f"{words} {bound}" for words, bound in bounds if bound is not None)
    return f", {said}" if said else ""


def _length(text: shapes.StrType) -> str:
    if text.min_length is not None and text.max_length is not None:
        return f" of {text.min_length} to {text.max_length} characters"
    if text.max_length is not None:
        return f" of at most {text.max_length} characters"
    return f" of at least {text.min_length} characters" if text.min_length is not None else ""


# --- showing ---------------------------------------------------------------------------------------------------------

_SECRET_NAME = regex(r"SECRET|TOKEN|PASS|KEY|AUTH|CREDENTIAL", re.IGNORECASE)


def looks_secret(name: str) -> bool:
    """Whether what stands under this name is better not shown to anybody."""
    return _SECRET_NAME.search(name) is not None


def shown(text: str) -> str:
    """`text` for a message: quoted, its control characters escaped, without userinfo, at most 60 characters."""
    userinfo, at, rest = text.rpartition("@")
    text = f"***@{rest}" if at and userinfo else text
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…")


REDACTED = "[redacted]"
_USERINFO = regex(r"(?<=://)[^/\s]*@")
_SHOWN_DEPTH = 8


def redact(name: str, value: object, depth: int = _SHOWN_DEPTH) -> object:
    if looks_secret(name):
        return REDACTED
    if isinstance(value, str):
        return _USERINFO.sub(f"{REDACTED}@", value)
    if isinstance(value, Struct):
        value = {key: getattr(value, key) for key in value.__struct_fields__}
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        from dataclasses import fields  # noqa: PLC0415 - few settings hold one

        value = {info.name: getattr(value, info.name) for info in fields(cast("Any", value))}
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {key: redact(str(key), item, depth - 1) for key, item in value.items()}
    items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
    return [redact(name, item, depth - 1) for item in items]
