"""The rules of a guard: their defaults, their bounds, and which hosts they name."""

from typing import Any

import pytest

from flasgo.errors import ConfigurationError
from flasgo.outbound.config import AllowedHosts, SSRFConfig, checked
from flasgo.settings import Settings, load_settings


def test_the_defaults_are_the_safe_ones():
    config = SSRFConfig()

    assert config.enabled
    assert config.allowed_schemes == frozenset({"http", "https"})
    assert config.allowed_hosts == config.allowed_ports == frozenset()
    assert (config.allow_private_networks, config.allow_userinfo, config.allow_unresolvable_hosts) == (False,) * 3
    assert config.max_redirects == 0
    assert config.resolve_timeout == 5


def test_settings_make_the_same_rules():
    settings = load_settings(
        {
            "SSRF_ENABLED": False,
            "SSRF_ALLOWED_SCHEMES": {"ftp"},
            "SSRF_ALLOWED_HOSTS": {"api.example.com"},
            "SSRF_ALLOW_PRIVATE_NETWORKS": True,
            "SSRF_ALLOW_USERINFO": True,
            "SSRF_ALLOW_UNRESOLVABLE_HOSTS": True,
            "SSRF_ALLOWED_PORTS": [8443],
            "SSRF_MAX_REDIRECTS": 3,
        }
    )

    assert SSRFConfig.from_settings(Settings()) == SSRFConfig()
    assert SSRFConfig.from_settings(settings) == SSRFConfig(
        False, frozenset({"ftp"}), frozenset({"api.example.com"}), True, True, True, frozenset({8443}), 3
    )


def test_what_fits_is_brought_into_shape():
    loose: dict[str, Any] = {"allowed_schemes": {"HTTPS"}, "allowed_hosts": ["a.example"], "resolve_timeout": 1}

    assert checked(SSRFConfig(**loose)) == SSRFConfig(
        allowed_schemes=frozenset({"https"}), allowed_hosts=frozenset({"a.example"}), resolve_timeout=1.0
    )


def test_a_subclass_stays_one():
    class Stricter(SSRFConfig, frozen=True):
        note: str = ""

    assert checked(Stricter(note="kept")) == Stricter(note="kept")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"allowed_ports": {0}}, "allowed_ports"),
        ({"allowed_ports": {65_536}}, "allowed_ports"),
        ({"allowed_ports": 443}, "allowed_ports"),
        ({"allowed_ports": {"443"}}, "allowed_ports"),
        ({"allowed_hosts": "api.example.com"}, "allowed_hosts"),
        ({"allowed_schemes": "https"}, "allowed_schemes"),
        ({"allowed_schemes": set()}, "allowed_schemes"),
        ({"max_redirects": -1}, "max_redirects"),
        ({"max_redirects": 4}, "max_redirects"),
        ({"resolve_timeout": 0}, "resolve_timeout"),
        ({"resolve_timeout": 5.1}, "resolve_timeout"),
        ({"resolve_timeout": float("nan")}, "resolve_timeout"),
        ({"enabled": "no"}, "enabled"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(values: dict[str, Any], name: str):
    with pytest.raises(ConfigurationError, match=name):
        checked(SSRFConfig(**values))


@pytest.mark.parametrize(
    "values",
    [
        {"allowed_ports": frozenset({1, 65_535})},
        {"max_redirects": 3},
        {"resolve_timeout": 5.0},
        {"enabled": False, "allowed_schemes": frozenset()},
    ],
)
def test_what_is_just_within_bounds_fits(values: dict[str, Any]):
    config = SSRFConfig(**values)

    assert checked(config) == config


@pytest.mark.parametrize(
    ("patterns", "host", "expected"),
    [
        ([], "any.example", True),
        (["*"], "any.example", True),
        (["*", "a.example"], "any.example", True),
        (["api.example.com"], "api.example.com", True),
        (["API.example.com."], "api.example.com", True),
        (["api.example.com"], "x.api.example.com", False),
        (["api.example.com"], "xapi.example.com", False),
        (["api.example.com"], "api.example.com.evil.example", False),
        ([".example.com"], "example.com", True),
        ([".example.com"], "a.example.com", True),
        ([".example.com"], "a.b.example.com", True),
        ([".example.com"], "badexample.com", False),
        (["*.example.com"], "a.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "badexample.com", False),
        (["a.example", ".b.example", "*.c.example"], "x.c.example", True),
        (["a.example", ".b.example", "*.c.example"], "c.example", False),
        (["münchen.de"], "xn--mnchen-3ya.de", True),
        ([".münchen.de"], "www.xn--mnchen-3ya.de", True),
        (["1.1.1.1"], "1.1.1.1", True),
        (["1.1.1.1"], "1.1.1.2", False),
        (["2606:4700:0:0::1"], "2606:4700::1", True),
        (["[2606:4700:0:0::1]"], "2606:4700::1", True),
    ],
)
def test_a_pattern_names_these_hosts(patterns: list[str], host: str, expected: bool):
    assert (host in AllowedHosts(frozenset(patterns))) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        ".",
        "*.",
        "**",
        "*example.com",
        "*..example.com",
        "..example.com",
        "a.*.com",
        "https://a.example",
        "a.example/",
        "a.example:443",
        "[::1]:443",
        "[::1",
        "a b",
        "127.1",
        "*.127.1",
        "u@a.example",
    ],
)
def test_a_pattern_that_names_no_host_is_a_mistake(pattern: str):
    with pytest.raises(ConfigurationError, match="is no host"):
        AllowedHosts([pattern])
    with pytest.raises(ConfigurationError, match="is no host"):
        AllowedHosts(["*", pattern])
