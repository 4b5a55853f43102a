"""From a URL to a store, and what an application does with the stores that it has."""

import logging
import sys

import pytest

from flasgo import ConfigurationError, MemoryStore, SQLiteStore
from flasgo.contrib.redis import RedisStore
from flasgo.storage.urls import Stores, open_store


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///a.db", "a.db"), ("sqlite:////srv/a.db", "/srv/a.db"), ("sqlite:///with%20space.db", "with space.db")],
)
def test_a_path_is_relative_with_three_slashes_and_absolute_with_four(url, path):
    store = open_store(url)
    assert isinstance(store, SQLiteStore)
    assert store.path == path


@pytest.mark.parametrize("url", ["redis://localhost:6379/0", "rediss://user:pass@h:6380", "unix:///run/redis.sock"])
def test_redis_is_loaded_for_its_urls(url):
    assert isinstance(open_store(url), RedisStore)


@pytest.mark.parametrize("url", ["", "sqlite:///", "sqlite://a.db", "postgres://h", "MEMORY"])
def test_other_texts_are_no_stores(url):
    with pytest.raises(ConfigurationError, match="no URL of a store"):
        open_store(url)


def test_a_url_that_redis_does_not_know_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigurationError, match="does not fit"):
        open_store("redis://localhost:port/0")
    with pytest.raises(ValueError, match="begins with redis://"):
        RedisStore("http://localhost")


def test_without_redis_the_cure_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "flasgo.contrib.redis")
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"Install flasgo\[redis\]"):
        open_store("redis://localhost")


def test_what_is_missing_otherwise_is_not_taken_for_redis(monkeypatch):
    monkeypatch.setattr("flasgo.storage.urls.REDIS_STORE", "flasgo.contrib.nothing")
    with pytest.raises(ModuleNotFoundError, match="nothing"):
        open_store("redis://localhost")


async def test_one_url_is_one_store_and_all_are_closed(caplog):
    class Counted(MemoryStore):
        closed = 0

        async def aclose(self):
            self.closed += 1
            raise OSError("broken pipe")

    stores = Stores()
    assert stores.open("memory") is stores.open("memory")
    given = [Counted(), Counted()]
    for store in given:
        assert stores.add(store) is store
    with caplog.at_level(logging.ERROR, "flasgo.errors"):
        async with stores.kept():
            assert [store.closed for store in given] == [0, 0]
    assert [store.closed for store in given] == [1, 1]
    assert caplog.text.count("store-not-closed") == 2
