"""JinjaTemplates: Jinja2, sandboxed, strict, autoescaped, and confined to its folders. Jinja2 is loaded when one is made."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from markupsafe import Markup

from flasgo.response import Response
from flasgo.routing.furniture import Furniture
from flasgo.templating.lookup import Folder, Folders
from flasgo.templating.names import NAMES, variables

if TYPE_CHECKING:  # what is loaded at its first use: the names are for checkers alone
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from flasgo.templating.loader import SecureTemplateLoader

MAX_TEMPLATE_BYTES = 262_144


class EnvironmentOptions(TypedDict, total=False):
    """What an environment takes besides its folders.

    `globals`, `filters` and `tests` come on top of the built-in ones. `enable_async` lets templates await (render_async).
    `max_template_bytes` bounds one template's source. `auto_reload` looks at every use whether the file has changed.
    """

    globals: Mapping[str, object] | None
    filters: Mapping[str, Callable[..., object]] | None
    tests: Mapping[str, Callable[..., object]] | None
    enable_async: bool
    max_template_bytes: int
    auto_reload: bool


def create_template_environment(
    template_dirs: Folder | Sequence[Folder], **options: Unpack[EnvironmentOptions]
) -> "ImmutableSandboxedEnvironment":
    """A Jinja2 environment: immutable sandbox, StrictUndefined, autoescaping for every name, loader confined to the folders.

    Raises ValueError for folders that are none.
    """
    # Not an import statement: `import flasgo` must not load Jinja2, which this module is made of.
    jinja = import_module("flasgo.templating.loader")
    loader = jinja.SecureTemplateLoader(
        template_dirs, max_template_bytes=options.get("max_template_bytes", MAX_TEMPLATE_BYTES)
    )
    environment: ImmutableSandboxedEnvironment = jinja.environment_for(
        loader, enable_async=options.get("enable_async", False), auto_reload=options.get("auto_reload", False)
    )
    filters, tests, names = _tables(environment)
    names.update(NAMES)
    names.update(options.get("globals") or {})
    filters.update(options.get("filters") or {})
    tests.update(options.get("tests") or {})
    return environment


def _tables(environment: "ImmutableSandboxedEnvironment") -> tuple[dict[str, object], ...]:
    """Filters, tests and globals, as what they are: dictionaries of anything."""
    return tuple(
        cast("dict[str, object]", table) for table in (environment.filters, environment.tests, environment.globals)
    )


class JinjaTemplates:
    """Templates of some folders: the same parameters as `create_template_environment`, and its ValueErrors.

    What it renders is Markup: HTML in which the variables are escaped.
    """

    environment: "ImmutableSandboxedEnvironment"

    def __init__(self, template_dirs: Folder | Sequence[Folder], **options: Unpack[EnvironmentOptions]) -> None:
        self.environment = create_template_environment(template_dirs, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {', '.join(self._folders.roots)}>"

    @property
    def _folders(self) -> Folders:
        return cast("SecureTemplateLoader", self.environment.loader).folders

    def add_folder(self, folder: Folder) -> None:
        """Look for templates there, too, after all other folders. Raises ValueError where it is none."""
        self._folders.add(folder)

    def furnish(self, furniture: Furniture, *, replacing: bool) -> None:
        """Take filters, tests and globals; with `replacing` over those of the same name that are there, else beside them."""
        given: tuple[Mapping[str, object], ...] = (furniture.filters, furniture.tests, furniture.globals)
        for table, new in zip(_tables(self.environment), given, strict=True):
            for name, value in new.items():
                if replacing or name not in table:
                    table[name] = value

    def get_template(self, name: str) -> "Template":
        """Raises TemplateNotFound, saying why, and TemplateSyntaxError."""
        return self.environment.get_template(name)

    def render(self, name: str, context: Mapping[str, object] | None = None) -> Markup:
        """Render a template with the context, over what context processors give.

        Raises RuntimeError with `enable_async` on an event loop: await `render_async` there.
        """
        if self.environment.is_async and _on_a_loop():
            raise RuntimeError(
                f"{name!r} belongs to an environment with enable_async=True, and this is an event loop: "
                "await render_template_async(…), or leave enable_async out."
            )
        return Markup(self.get_template(name).render(variables(context)))  # noqa: S704 - escaped by Jinja2

    async def render_async(self, name: str, context: Mapping[str, object] | None = None) -> Markup:
        """`render`, for templates that await. Raises RuntimeError without `enable_async`."""
        if not self.environment.is_async:
            raise RuntimeError("Rendering asynchronously needs configure_templates(…, enable_async=True).")
        return Markup(await self.get_template(name).render_async(variables(context)))  # noqa: S704 - escaped by Jinja2


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


Response.renderer = JinjaTemplates
