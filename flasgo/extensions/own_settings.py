"""Settings of an extension: a Struct of its own, read from those of the application."""

from collections.abc import Callable, Collection
from typing import TypeVar

from msgspec import Struct

from flasgo.errors import RegistrationError, SettingsError
from flasgo.settings import Settings
from flasgo.settings_sources import Misfit, default_of, expected, fields_of, fit, near_miss, shown

K = TypeVar("K", bound=Struct)


def read_own(kind: type[K], settings: Settings, extension: str) -> K:
    """A `kind` of the settings of these names: those of a subclass of Settings, else what EXTRA has, else the defaults.

    Raises RegistrationError for a class that is no Struct with UPPERCASE fields, SettingsError with every problem.
    """
    if not isinstance(kind, type) or not issubclass(kind, Struct):
        raise RegistrationError(f"Extension {extension!r}: {kind!r} is no msgspec.Struct; its settings are one.")
    values: dict[str, object] = {}
    problems: list[str] = []
    for info in fields_of(kind):
        name = info.name
        if name != name.upper():
            raise RegistrationError(
                f"Extension {extension!r}: {kind.__name__}.{name} is a setting; write {name.upper()}."
            )
        given = name in settings.__struct_fields__ or name in settings.EXTRA
        if not given and info.required:
            problems.append(f"{name}, of extension {extension!r}, is required; give it {expected(info.type)}")
            continue
        try:
            values[name] = fit(name, settings.get(name) if given else default_of(info), info.type)
        except Misfit as misfit:
            problems.append(f"{name}, of extension {extension!r}, {misfit}")
    if problems:
        raise SettingsError(problems)
    make: Callable[..., K] = kind
    try:
        return make(**values)
    except (TypeError, ValueError) as error:  # what it refuses in its own __post_init__
        raise SettingsError([f"{kind.__name__}, of extension {extension!r}: {error}"]) from error


def check_spelling(settings: Settings, known: Collection[str]) -> None:
    """Raise SettingsError for keys of EXTRA that are nearly settings of extensions."""
    near = {key: near_miss(key, known) for key in settings.EXTRA if key not in known}
    problems = [
        f"{shown(key)} is no setting of an extension; did you mean {meant}?" for key, meant in near.items() if meant
    ]
    if problems:
        raise SettingsError(problems)
