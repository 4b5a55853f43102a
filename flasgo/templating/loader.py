"""What stands on Jinja2's own classes: the loader, and the sandbox. Importing it loads Jinja2, so it is imported at the first use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flasgo.context import Proxy
from flasgo.request import Request
from flasgo.session import Session
from flasgo.settings import Settings
from flasgo.templating.lookup import Folder, Folders, Refused

__all__ = ["BaseLoader", "SecureTemplateLoader", "Template", "TemplateNotFound", "environment_for"]

MAX_TEMPLATE_BYTES = 262_144

OPEN_TO_TEMPLATES: Mapping[type, frozenset[str]] = {
    Request: frozenset({
        "args", "blueprint", "client_ip", "content_type", "cookies", "csrf_token", "endpoint", "form", "g", "headers", "host", "method", "path",
        "path_params", "query_params", "query_string", "referrer", "root_path", "scheme", "session", "url", "user",
    }),
    Session: frozenset({"data", "get", "is_new", "items", "keys", "modified", "values"}),
}  # fmt: skip
"""What a template may see of these: not the application and its settings, nor anything that changes them."""

SECRETS = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS"})


class SecureTemplateLoader(BaseLoader):
    """Loads templates from folders and from nowhere else.

    Absolute names, `..`, drives and control characters, symlinks that lead out, and files beyond `max_template_bytes` are not found.
    Raises ValueError for folders that are none and for a limit that is not positive.
    """

    def __init__(
        self,
        template_dirs: Folder | Sequence[Folder],
        *,
        encoding: str = "utf-8",
        max_template_bytes: int = MAX_TEMPLATE_BYTES,
    ) -> None:
        self.folders = Folders(template_dirs, encoding=encoding, max_bytes=max_template_bytes)

    def get_source(self, environment: Environment | None, template: str) -> tuple[str, str | None, Callable[[], bool]]:  # noqa: ARG002 - Jinja2's
        try:
            source = self.folders.read(template)
        except Refused as reason:
            raise TemplateNotFound(template, f"There is no template {template[:200]!r}: {reason}.") from None
        return source.text, source.file, source.is_current

    def list_templates(self) -> list[str]:
        return sorted(set(self.folders.names()))


class PageEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox, which also keeps the application and its secrets from templates."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if not super().is_safe_attribute(obj, attr, value):
            return False
        seen = obj() if type(obj) is Proxy else obj
        for kind, names in OPEN_TO_TEMPLATES.items():
            if isinstance(seen, kind):
                return attr in names
        return not (isinstance(seen, Settings) and attr in SECRETS)

    def is_safe_callable(self, obj: Any) -> bool:
        return type(obj) is not Proxy and super().is_safe_callable(obj)


def environment_for(loader: BaseLoader, *, enable_async: bool, auto_reload: bool) -> ImmutableSandboxedEnvironment:
    """Sandboxed, strict and autoescaped, whatever the name of a template ends in."""
    return PageEnvironment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        enable_async=enable_async,
        auto_reload=auto_reload,
    )
