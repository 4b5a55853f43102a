"""From the URL in a setting to the store: "memory", "sqlite:///relative.db", "sqlite:////absolute.db", "redis://…", "rediss://…", "redis+cluster://…"."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import cast
from urllib.parse import unquote

from flasgo.errors import ConfigurationError
from flasgo.events import log_failure
from flasgo.storage.memory import MemoryStore
from flasgo.storage.model import Store

FORMS = '"memory", "sqlite:///path", "redis://host:6379/0", "rediss://…" or "redis+cluster://…"'
SQLITE = "sqlite:///"
REDIS = ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://")
SQLITE_STORE = "flasgo.storage.sqlite"
REDIS_STORE = "flasgo.contrib.redis"
"""Named, not imported: they are loaded when a URL asks for them, and what is optional stands above everything."""


def open_store(url: str) -> Store:
    """The store of a URL; nothing is opened before it is used.

    Raises ConfigurationError for another text, and where redis is not installed.
    """
    if url == "memory":
        return MemoryStore()
    if url.startswith(SQLITE) and url != SQLITE:
        return cast("Store", import_module(SQLITE_STORE).SQLiteStore(unquote(url.removeprefix(SQLITE))))
    if url.startswith(REDIS):
        return _redis_store(url)
    raise ConfigurationError(f"This is no URL of a store; write {FORMS}.")


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


class Stores:
    """The stores of one application: one for each URL, and those that it was given. Each worker has its own."""

    def __init__(self) -> None:
        self._by_url: dict[str, Store] = {}
        self._given: list[Store] = []

    def open(self, url: str) -> Store:
        """The store of a URL, the same for everybody who asks. Raises ConfigurationError as `open_store`."""
        store = self._by_url.get(url)
        if store is None:
            store = self._by_url[url] = open_store(url)
        return store

    def add(self, store: Store) -> Store:
        """Close this store with the application."""
        self._given.append(store)
        return store

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Around the application's life: a store opens itself when it is first used, and all are closed at the end."""
        try:
            yield
        finally:
            for store in (*self._by_url.values(), *self._given):
                try:
                    await store.aclose()
                except Exception as error:  # noqa: BLE001 - the others are closed all the same
                    log_failure("store-not-closed", error)
