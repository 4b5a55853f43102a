"""From the URL in a setting to the store: "memory", "sqlite:///relative.db", "sqlite:////absolute.db", "redis://…", "rediss://…"."""

from collections.abc import Callable
from importlib import import_module
from typing import cast
from urllib.parse import unquote

from flasgo.errors import ConfigurationError
from flasgo.storage.memory import MemoryStore
from flasgo.storage.model import Store
from flasgo.storage.sqlite import SQLiteStore

FORMS = '"memory", "sqlite:///path", "redis://host:6379/0" or "rediss://…"'
SQLITE = "sqlite:///"
REDIS = ("redis://", "rediss://", "unix://")
REDIS_STORE = "flasgo.contrib.redis"
"""Named, not imported: what is optional stands above everything, and is loaded when a URL asks for it."""


def store_fault(url: str) -> str | None:
    """What is wrong with a store's URL, or None: without opening anything, or importing what a store needs."""
    if url == "memory" or (url.startswith(SQLITE) and len(url) > len(SQLITE)):
        return None
    if url.startswith(REDIS) and len(url) > len(url.partition("://")[0]) + 3:
        return None
    return f"is no store; write {FORMS}"


def open_store(url: str) -> Store:
    """The store of a URL; nothing is opened before it is used.

    Raises ConfigurationError for another text, and where redis is not installed.
    """
    fault = store_fault(url)
    if fault:
        raise ConfigurationError(f"This URL {fault}.")
    if url == "memory":
        return MemoryStore()
    if url.startswith(SQLITE):
        return SQLiteStore(unquote(url.removeprefix(SQLITE)))
    return _redis_store(url)


def _redis_store(url: str) -> Store:
    try:
        module = import_module(REDIS_STORE)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise ConfigurationError(
            "A store in Redis needs redis-py, which is not installed. Install flasgo[redis]."
        ) from error
    make = cast("Callable[[str], Store]", module.RedisStore)
    try:
        return make(url)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"The URL of the Redis store does not fit: {error}") from error
