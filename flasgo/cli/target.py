"""Targets: how the command line names an application, and how it is found.

    app.py   folder/app.py   package/web/app.py        a file: imported under its own name, from the folder that holds its package
    package.module                                     a module: imported as Python finds it, the working directory first
    app.py:api   package.module:site.api               the same, with the (dotted) name of the application
    app.py:create_app   app.py:create_app()            a function that returns the application, called without arguments

Whatever goes wrong is a ConfigurationError: one sentence with its cure. Its cause is set when the user's own code raised.
"""

import importlib
import re
import sys
from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TypeGuard

from msgspec import Struct

from flasgo.cli.failures import IMPORTABLE, users_code
from flasgo.errors import ConfigurationError, RegistrationError
from flasgo.http.asgi import ASGIApp
from flasgo.plan.signature import arity, call_of
from flasgo.server.run import importing

_NAME = r"[^\W\d]\w*"
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_APPLICATIONS = ("app", "application")
_FACTORIES = ("create_app", "make_app")
_CHOOSE = "pass `--app` with the correct variable name"


class Target(Struct, frozen=True, kw_only=True):
    """Where an application is. `place` is the user's word for it, `path` the file if it names one.

    `root` is the folder that `module` is imported from; `attribute` is dotted, empty when the module is to be searched.
    """

    place: str
    module: str
    root: Path
    path: Path | None = None
    attribute: str = ""
    called: bool = False

    def load(self) -> ASGIApp:
        """Import the module and find the application; the working directory and `root` come first on sys.path.

        Raises ConfigurationError.
        """
        for folder in (Path.cwd(), self.root):
            if sys.path[0] != str(folder):
                sys.path.insert(0, str(folder))
        with importing():
            module = self._import()
            if not self.attribute:
                return _search(module, self.place)
            found, label = self._follow(module), f"{self.attribute!r} in {self.place!r}"
            return _called(found, label) if self.called else _application(found, label)

    def _import(self) -> ModuleType:
        importlib.invalidate_caches()
        with users_code(f"{self.place!r} failed while it was imported"):
            try:
                module = importlib.import_module(self.module)
            except ModuleNotFoundError as error:
                if not f"{self.module}.".startswith(f"{error.name}."):
                    raise
                raise ConfigurationError(
                    f"There is no module {error.name!r}. {IMPORTABLE}.{_near(error.name, self.root)}"
                ) from None
        if self.path is not None and (module.__spec__ is None or module.__spec__.origin != str(self.path)):
            raise ConfigurationError(  # a file is imported under its own name, for its neighbours may import it too
                f"{self.place!r} cannot be imported: Python has another module named {self.module!r}. Rename the file."
            )
        return module

    def _follow(self, module: ModuleType) -> object:
        found: object = module
        for name in self.attribute.split("."):
            if not hasattr(found, name):
                near = get_close_matches(name, dir(found), n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ConfigurationError(f"{self.place!r} has no attribute {self.attribute!r}: {_CHOOSE}.{hint}")
            found = getattr(found, name)
        return found


def locate(target: str, *, app_name: str | None = None) -> Target:
    """Read a target, without importing anything. Raises ConfigurationError when it is malformed or its file is missing."""
    place, colon, attribute = target.rpartition(":")
    if not colon or "/" in attribute or "\\" in attribute:  # no colon, or that of a Windows drive
        place, colon, attribute = target, "", ""
    elif not attribute:
        raise ConfigurationError(
            f"{target!r} ends with a colon: write the application's name after it, or leave it out."
        )
    if app_name and attribute and app_name != attribute:
        raise ConfigurationError(
            f"The application is named twice, {attribute!r} and {app_name!r}: leave out one of them."
        )
    attribute = attribute or app_name or ""
    called = attribute.endswith("()")
    attribute = attribute.removesuffix("()")
    if (attribute or called) and not _DOTTED.fullmatch(attribute):
        raise ConfigurationError(
            f"{attribute!r} is not the name of an application or of a function without arguments: {_CHOOSE}."
        )
    try:
        if place.endswith(".py") or "/" in place or "\\" in place or _is_plain_folder(place):
            return _locate_file(place, attribute, called=called)
    except OSError as error:
        raise ConfigurationError(f"{place!r} cannot be read: {error.strerror}. Check its permissions.") from None
    if not _DOTTED.fullmatch(place):
        raise ConfigurationError(
            f"{place!r} is neither a file nor a module: name one, such as app.py or package.module."
        )
    return Target(place=place, module=place, root=Path.cwd(), attribute=attribute, called=called)


def load_target(target: str, *, app_name: str | None = None) -> ASGIApp:
    """The application that `target` names; `app_name` names it instead of a colon. Raises ConfigurationError."""
    return locate(target, app_name=app_name).load()


def load_app(target: str, *, app_name: str = "app") -> ASGIApp:
    """`load_target` as release 0.5.1 had it: what goes wrong is SystemExit with the sentence."""
    try:
        return load_target(target, app_name=None if app_name == "app" else app_name)
    except ConfigurationError as error:
        raise SystemExit(str(error)) from error


def _near(module: str | None, root: Path) -> str:
    """A module of the user's whose name is like that of a missing one, as the end of a sentence."""
    *parents, name = (module or "").split(".")
    folder = root.joinpath(*parents)
    names = [*(path.stem for path in folder.glob("*.py")), *(path.parent.name for path in folder.glob("*/__init__.py"))]
    near = get_close_matches(name, names, n=1)
    return f" Did you mean {'.'.join((*parents, near[0]))!r}?" if near else ""


def _is_plain_folder(place: str) -> bool:
    """Whether it is a folder that Python would not import as a package."""
    return Path(place).is_dir() and not (Path(place, "__init__.py").exists() or Path(f"{place}.py").exists())


def _locate_file(place: str, attribute: str, *, called: bool) -> Target:
    path = _source_file(place)
    names = [] if path.stem == "__init__" else [path.stem]
    root = path.parent
    while (root / "__init__.py").is_file() and root != root.parent:
        names.insert(0, root.name)
        root = root.parent
    if any("." in name for name in names):
        raise ConfigurationError(f"{place!r} cannot be imported: rename what has a dot in its name before '.py'.")
    return Target(place=place, module=".".join(names), root=root, path=path, attribute=attribute, called=called)


def _source_file(place: str) -> Path:
    path = Path(place).resolve()
    if path.is_dir():
        example = min(
            (file.name for file in path.glob("[!_]*.py")), key=lambda name: (name != "app.py", name), default="app.py"
        )
        raise ConfigurationError(
            f"{place!r} is a folder: name the file in it, such as {Path(place, example).as_posix()}."
        )
    if path.suffix != ".py" or not path.is_file():
        near = get_close_matches(f"{path.stem}.py", [file.name for file in path.parent.glob("*.py")], n=1)
        like = Path(place).with_name(near[0]).as_posix() if near else ""
        cure = f"Did you mean {like!r}?" if like else "Check its name and the working directory."
        raise ConfigurationError(f"There is no Python file {place!r}. {cure}")
    path.open("rb").close()  # whoever may not read it is told so, rather than that the module does not exist
    return path


def _search(module: ModuleType, place: str) -> ASGIApp:
    names = vars(module)
    for name in _APPLICATIONS:
        if name in names and not isinstance(names[name], ModuleType):
            return _application(names[name], f"{name!r} in {place!r}")
    applications = {id(value): name for name, value in names.items() if _is_instance(value)}
    if len(applications) > 1:
        found = ", ".join(sorted(applications.values()))
        raise ConfigurationError(f"{place!r} has several applications ({found}): {_CHOOSE}.")
    for name in (*applications.values(), *_FACTORIES):
        if name in names:
            return _application(names[name], f"{name!r} in {place!r}")
    raise ConfigurationError(f"{place!r} has no application named app or application: {_CHOOSE}.")


def _application(found: object, label: str) -> ASGIApp:
    """`found`, or what it returns when it is a factory."""
    if _is_asgi(found):
        return found
    return _called(found, label)


def _is_asgi(found: object) -> TypeGuard[ASGIApp]:
    """Whether it takes scope, receive and send; what may also be called without arguments must be async, a class awaitable."""
    if not callable(found) or not _takes(found, 3):
        return False
    if isinstance(found, type):
        return hasattr(found, "__await__")
    return not _takes(found, 0) or call_of(found) == "async"


def _is_instance(value: object) -> bool:
    """Whether it is an application for certain: no function or class, which may take three arguments for other reasons."""
    return not isinstance(value, type | FunctionType) and _is_asgi(value) and call_of(value) == "async"


def _called(factory: object, label: str) -> ASGIApp:
    if not callable(factory):
        raise ConfigurationError(f"{label} is not an ASGI application but of type {type(factory).__name__}: {_CHOOSE}.")
    if not _takes(factory, 0):
        raise ConfigurationError(
            f"{label} needs arguments that nobody gives: an application takes scope, receive and send, and a factory takes none."
        )
    with users_code(f"{label} failed while it was called"):
        made = factory()
    if isinstance(made, Coroutine):
        made.close()
        raise ConfigurationError(
            f"{label} is an async factory: make it a plain function, and do what must be awaited at start-up."
        )
    if not _is_asgi(made):
        raise ConfigurationError(
            f"{label} did not return an ASGI application but a value of type {type(made).__name__}."
        )
    return made


def _takes(function: Callable[..., object], count: int) -> bool:
    try:
        arity(function, allowed=range(count, count + 1), role="An application")
    except RegistrationError:
        return False
    return True
