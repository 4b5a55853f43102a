"""The part of an application that takes its extensions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar, cast

from flasgo.errors import RegistrationError
from flasgo.extensions.installation import CheckOpen, Extension, Host, Installation
from flasgo.extensions.own_settings import check_spelling
from flasgo.extensions.stages import Placed
from flasgo.plan.documents import Additions
from flasgo.settings import Settings

E = TypeVar("E", bound=Extension)


class Extensions:
    """The extensions of an application, and what they have added that nothing else keeps."""

    def __init__(self) -> None:
        self.additions = Additions()
        self.by_name: dict[str, Extension] = {}
        self._installations: list[Installation] = []
        self._placed: list[Placed] = []

    def install(self, extension: Extension, host: Host, check_open: CheckOpen) -> None:
        """Raises RegistrationError for what is no extension, and for a second of one name."""
        name: object = getattr(extension, "name", None)
        if isinstance(extension, type) or not callable(getattr(extension, "register", None)):
            raise RegistrationError(
                f"{extension!r} is no extension; install an instance with a name and register(installation)."
            )
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise RegistrationError(
                f"{type(extension).__name__} has no name that can be shown; give it one, as 'sitemap'."
            )
        if name in self.by_name:
            other = self.by_name[name]
            same = "It" if other is extension else f"Another, {type(other).__name__},"
            raise RegistrationError(
                f"Extension {name!r} is installed twice. {same} is installed already; leave one out."
            )
        installation = Installation(name, host, check_open, placed=self._placed, additions=self.additions)
        self.by_name[name] = extension
        self._installations.append(installation)
        try:
            extension.register(installation)
        except Exception as error:
            error.add_note(f"This happened while extension {name!r} was installed.")
            raise

    def placed(self, settings: Settings) -> tuple[Placed, ...]:
        """Their stages, in the order of installation. Raises SettingsError for settings of theirs that are misspelt."""
        known = {name for installation in self._installations for name in installation.own_names}
        check_spelling(settings, known)
        return tuple(self._placed)


class Extensible:
    """Takes extensions; whoever owns it is their Host (tests/typing/extensions_contract.py), and says when it is too late."""

    _extensions: Extensions

    def _check_open(self, what: str) -> None:
        """Raise FrozenError when nothing may be registered any more."""
        raise NotImplementedError  # pragma: no cover - every application says it

    def install(self, extension: E) -> E:
        """Let an extension add what it has, at once, and give it back.

        Raises RegistrationError for what is no extension and for a second of one name; FrozenError after the first request; and what
        the extension itself raises, such as SettingsError for its settings.
        """
        self._check_open(f"extension {getattr(extension, 'name', extension)!r}")
        self._extensions.install(extension, cast("Host", self), self._check_open)
        return extension

    @property
    def extensions(self) -> Mapping[str, Extension]:
        """What is installed, by name."""
        return MappingProxyType(self._extensions.by_name)
