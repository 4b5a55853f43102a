"""Settings: what each source gives, what is refused, and that no secret is ever shown."""

# ruff: noqa: SIM300 - settings are upper-case names, which are no constants here
# ruff: noqa: SIM905 - a list of names reads best as names

import copy
import dataclasses
import datetime as dt
import enum
import pickle
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from flasgo.errors import SettingsError
from flasgo.settings import DEFAULT_SECURITY_HEADERS, Settings, load_settings
from flasgo.settings_sources import expected, near_miss, shown

KEY = "k3y-for-the-tests-0123456789-abcdef"
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"

KNOWN_TO_0_5_1 = """
DEBUG SECRET_KEY ALLOWED_HOSTS ENFORCE_ALLOWED_HOSTS CSRF_ENABLED CSRF_COOKIE_NAME CSRF_HEADER_NAME CSRF_TRUSTED_ORIGINS
CSRF_CHECK_ORIGIN CSRF_REQUIRE_ORIGIN CSRF_COOKIE_SECURE SESSION_COOKIE_NAME SESSION_COOKIE_MAX_AGE SESSION_COOKIE_SECURE
SESSION_COOKIE_HTTP_ONLY SESSION_COOKIE_SAME_SITE ENFORCE_NO_STORE_CACHE MAX_REQUEST_BODY_BYTES MAX_REQUEST_HEAD_BYTES
REQUEST_READ_TIMEOUT_SECONDS SECURITY_FAILURE_RATE_LIMIT SECURITY_FAILURE_WINDOW_SECONDS LOG_SECURITY_EVENTS ENABLE_DOCS
DOCS_PATH OPENAPI_PATH API_TITLE API_VERSION API_DESCRIPTION SSRF_ENABLED SSRF_ALLOWED_SCHEMES SSRF_ALLOWED_HOSTS
SSRF_ALLOW_PRIVATE_NETWORKS SSRF_ALLOW_USERINFO SSRF_ALLOW_UNRESOLVABLE_HOSTS SECURITY_HEADERS EXTRA
""".split()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mail(Struct, frozen=True):
    host: str
    password: str = ""


@dataclasses.dataclass(frozen=True)
class Bank:
    iban: str
    token: str = ""


class ShopSettings(Settings, frozen=True):
    STRIPE_KEY: str = ""
    PAGE_SIZE: Annotated[int, Meta(ge=1, le=100)] = 20
    RATIO: float = 1.0
    COLOUR: Colour = Colour.RED
    OPENED: dt.date | None = None
    NUMBERS: tuple[int, ...] = ()
    MAIL: Mail | None = None
    VERBOSE: bool | None = None
    LABELS: Mapping[str, int] = types.MappingProxyType({})
    mode: Literal["fast", "slow"] = "fast"


class NeedySettings(Settings, frozen=True):
    DATABASE_URL: str


def problems(load: Callable[[], object]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.problems


def problem(values: Mapping[str, object], kind: type[Settings] = Settings) -> str:
    """The single problem of these values."""
    found = problems(lambda: kind.from_mapping(values))
    assert len(found) == 1, found
    return found[0]


def env(kind: type[Settings] = Settings, /, **variables: str) -> Settings:
    return kind.from_env(variables)


class TestDefaults:
    def test_every_key_of_0_5_1_is_there(self) -> None:
        assert set(KNOWN_TO_0_5_1) <= set(Settings.__struct_fields__)

    def test_the_new_ones_are_these(self) -> None:
        assert set(Settings.__struct_fields__) - set(KNOWN_TO_0_5_1) == {
            "SECRET_KEY_FALLBACKS",
            "SESSION_COOKIE_PREFIX",
            "SESSION_ABSOLUTE_MAX_AGE",
            "SESSION_STORE",
            "TRUSTED_PROXIES",
            "PROXY_HEADERS",
            "CREDENTIAL_FAILURE_LIMIT",
            "CREDENTIAL_FAILURE_WINDOW_SECONDS",
            "RATE_LIMIT_DEFAULT",
            "RATE_LIMIT_STORE",
            "SYNC_THREADS",
            "ALLOWED_REDIRECT_HOSTS",
            "STRICT_SLASHES",
            "API_TAGS",
            "API_SERVERS",
            "DOCS_AUTH_BACKEND",
            "DEFAULT_PERMISSIONS",
            "REMEMBER_COOKIE_NAME",
            "REMEMBER_COOKIE_MAX_AGE",
            "SSRF_ALLOWED_PORTS",
            "SSRF_MAX_REDIRECTS",
            "CORS_ORIGINS",
            "CORS_METHODS",
            "CORS_HEADERS",
            "CORS_EXPOSE_HEADERS",
            "CORS_CREDENTIALS",
            "CORS_MAX_AGE",
            "CORS_PRIVATE_NETWORK",
        }

    def test_every_protection_is_on(self) -> None:
        settings = load_settings()
        assert not settings.DEBUG
        assert not settings.ENABLE_DOCS
        for name in (
            "ENFORCE_ALLOWED_HOSTS CSRF_ENABLED CSRF_CHECK_ORIGIN CSRF_REQUIRE_ORIGIN CSRF_COOKIE_SECURE SSRF_ENABLED "
            "SESSION_COOKIE_SECURE SESSION_COOKIE_HTTP_ONLY ENFORCE_NO_STORE_CACHE LOG_SECURITY_EVENTS STRICT_SLASHES"
        ).split():
            assert getattr(settings, name) is True
        for name in ("SSRF_ALLOW_PRIVATE_NETWORKS", "SSRF_ALLOW_USERINFO", "SSRF_ALLOW_UNRESOLVABLE_HOSTS"):
            assert getattr(settings, name) is False

    def test_the_header_set(self) -> None:
        headers = load_settings().SECURITY_HEADERS
        assert headers == DEFAULT_SECURITY_HEADERS
        assert sorted(headers) == [
            "content-security-policy",
            "cross-origin-opener-policy",
            "cross-origin-resource-policy",
            "permissions-policy",
            "referrer-policy",
            "strict-transport-security",
            "x-content-type-options",
            "x-frame-options",
            "x-xss-protection",
        ]
        assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"

    def test_keywords_only(self) -> None:
        with pytest.raises(TypeError):
            Settings(True)  # ty: ignore[too-many-positional-arguments] # the point of the test

    def test_the_constructor_does_not_check_and_load_does(self) -> None:
        wrong = Settings(SYNC_THREADS=0)
        assert wrong.SYNC_THREADS == 0
        assert problems(lambda: load_settings(wrong)) == (
            "SYNC_THREADS must be a whole number from 1 to 1000 (threads)",
        )

    def test_the_constructor_leaves_what_is_no_mapping_to_load(self) -> None:
        wrong = Settings(SECURITY_HEADERS=None, EXTRA=3)  # ty: ignore[invalid-argument-type] # the point of the test
        assert [text.split()[0] for text in problems(lambda: load_settings(wrong))] == ["SECURITY_HEADERS", "EXTRA"]


class TestFrozen:
    def test_attributes(self) -> None:
        with pytest.raises(AttributeError):
            Settings().DEBUG = True  # ty: ignore[invalid-assignment] # the point of the test

    @pytest.mark.parametrize("settings", [Settings(), load_settings(), Settings(SECURITY_HEADERS={}, EXTRA={})])
    def test_mappings(self, settings: Settings) -> None:
        for mapping in (settings.SECURITY_HEADERS, settings.EXTRA):
            with pytest.raises(TypeError):
                mapping["x"] = "y"  # ty: ignore[invalid-assignment] # the point of the test

    def test_the_source_is_copied(self) -> None:
        headers, extra, hosts = {"x-a": "1"}, {"OWN": 1}, {"a.example"}
        settings = load_settings({"SECURITY_HEADERS": headers, "EXTRA": extra, "ALLOWED_HOSTS": hosts})
        headers["x-b"] = "2"
        extra["MORE"] = 2
        hosts.add("b.example")
        assert settings.SECURITY_HEADERS == {"x-a": "1"}
        assert settings.EXTRA == {"OWN": 1}
        assert settings.ALLOWED_HOSTS == {"a.example"}

    def test_sets_become_frozensets(self) -> None:
        for hosts in (["a"], ("a",), {"a"}, frozenset({"a"})):
            assert type(load_settings({"ALLOWED_HOSTS": hosts}).ALLOWED_HOSTS) is frozenset


class TestLoad:
    def test_none_gives_the_defaults(self) -> None:
        assert type(load_settings(None)) is Settings

    def test_a_class_gives_its_defaults(self) -> None:
        assert load_settings(ShopSettings).PAGE_SIZE == 20
        assert problems(lambda: load_settings(NeedySettings)) == ("DATABASE_URL is required; give it a string",)

    @pytest.mark.parametrize(
        "settings",
        [
            Settings(),
            Settings(SECRET_KEY=KEY, DEBUG=True, EXTRA={"OWN": object()}, SECURITY_HEADERS={"X-Own": "1"}),
            ShopSettings(STRIPE_KEY="sk", MAIL=Mail("m.example"), NUMBERS=(1, 2), OPENED=dt.date(2026, 1, 2)),
        ],
    )
    def test_an_instance_gives_an_equal_one_of_its_own_class(self, settings: Settings) -> None:
        loaded = load_settings(settings)
        assert loaded == settings
        assert type(loaded) is type(settings)

    def test_a_mapping(self) -> None:
        settings = load_settings(
            {"DEBUG": True, "SECRET_KEY": KEY, "ALLOWED_HOSTS": {"api.example.com"}, "MAIL_HOST": "m"}
        )
        assert settings.DEBUG
        assert settings.SECRET_KEY == KEY
        assert settings.ALLOWED_HOSTS == frozenset({"api.example.com"})
        assert settings.EXTRA == {"MAIL_HOST": "m"}

    def test_any_mapping(self) -> None:
        assert load_settings(types.MappingProxyType({"DEBUG": True})).DEBUG

    def test_the_class_of_a_factory_decides_what_is_made(self) -> None:
        shop = ShopSettings.from_mapping({"STRIPE_KEY": "sk", "COLOUR": "blue", "NUMBERS": [1, 2], "mode": "slow"})
        assert (shop.STRIPE_KEY, shop.COLOUR, shop.NUMBERS, shop.mode) == ("sk", Colour.BLUE, (1, 2), "slow")
        assert shop.EXTRA == {}

    def test_an_object(self) -> None:
        class Base:
            DEBUG = True
            OWN = 1

        class Config(Base):
            API_TITLE = "Shop"
            _PRIVATE = 1
            ignored = 2

            @property
            def COMPUTED(self) -> int:
                return 3

        of_class, of_instance = load_settings(Config), load_settings(Config())
        assert of_class.DEBUG
        assert of_class.API_TITLE == "Shop"
        assert of_class.EXTRA == {"OWN": 1}
        assert of_instance.EXTRA == {"OWN": 1, "COMPUTED": 3}

    def test_an_object_may_set_a_field_that_is_not_upper_case(self) -> None:
        assert ShopSettings.from_object(types.SimpleNamespace(mode="slow")).mode == "slow"

    def test_settings_as_an_object_for_another_class(self) -> None:
        base = load_settings({"DEBUG": True, "OWN": 1})
        shop = ShopSettings.from_object(base)
        assert shop.DEBUG
        assert shop.EXTRA == {"OWN": 1}
        assert shop.SECRET_KEY == base.SECRET_KEY

    @pytest.mark.parametrize("source", [["DEBUG"], 5, print, lambda: 1, b"DEBUG", {"DEBUG"}, True])
    def test_what_cannot_be_a_source(self, source: object) -> None:
        (only,) = problems(lambda: load_settings(source))
        assert only.startswith(f"Settings cannot be read from a {type(source).__name__};")

    def test_a_mapping_is_no_object(self) -> None:
        assert "from a dict" in problems(lambda: Settings.from_object({"DEBUG": True}))[0]


class TestModule:
    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        package = tmp_path / "a_shop"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "settings.py").write_text("DEBUG = True\nOWN = 1\nlower = 2\n")
        (package / "broken.py").write_text("1 / 0\n")
        (package / "needy.py").write_text("import a_module_that_is_not_there\n")
        (package / "bare.py").write_text("raise ModuleNotFoundError('no name')\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        yield
        for name in [name for name in sys.modules if name.split(".")[0] == "a_shop"]:
            del sys.modules[name]

    def test_a_dotted_path(self) -> None:
        settings = load_settings("a_shop.settings")
        assert settings.DEBUG
        assert settings.EXTRA == {"OWN": 1}
        assert type(ShopSettings.from_object("a_shop.settings")) is ShopSettings

    def test_a_module(self) -> None:
        assert load_settings(import_module("a_shop.settings")).DEBUG

    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("a_shop.setings", "The settings module a_shop.setings was not found; check its spelling"),
            ("nowhere_at_all.settings", "The settings module nowhere_at_all.settings was not found"),
            (
                "a_shop.needy",
                "The settings module a_shop.needy imports a_module_that_is_not_there, which was not found",
            ),
            ("a_shop.bare", "The settings module a_shop.bare imports None, which was not found"),
            ("a_shop.broken", "The settings module a_shop.broken raised ZeroDivisionError while it was imported"),
            ("", "'' is not a dotted module path"),
            (".settings", "'.settings' is not a dotted module path; write it like 'shop.settings'"),
            ("shop/settings.py", "'shop/settings.py' is not a dotted module path"),
            ("a\nb", "'a\\nb' is not a dotted module path"),
        ],
    )
    def test_what_cannot_be_imported_is_one_clear_sentence(self, path: str, says: str) -> None:
        (only,) = problems(lambda: load_settings(path))
        assert only.startswith(says)


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "meant"),
        [
            ("ALOWED_HOSTS", "ALLOWED_HOSTS"),
            ("ALLOWED_HOST", "ALLOWED_HOSTS"),
            ("ALLOW_HOSTS", "ALLOWED_HOSTS"),
            ("ALLOWEDHOSTS", "ALLOWED_HOSTS"),
            ("DEUBG", "DEBUG"),
            ("DEBUGG", "DEBUG"),
            ("debug", "DEBUG"),
            ("Debug", "DEBUG"),
            ("secret_key", "SECRET_KEY"),
            ("SECRETKEY", "SECRET_KEY"),
            ("SCERET_KEY", "SECRET_KEY"),
            ("CSRF_ENABLE", "CSRF_ENABLED"),
            ("CSFR_ENABLED", "CSRF_ENABLED"),
            ("SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_HTTP_ONLY"),
            ("SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SAME_SITE"),
            ("OPEN_API_PATH", "OPENAPI_PATH"),
            ("API_TITEL", "API_TITLE"),
            ("SECURITY_HEADER", "SECURITY_HEADERS"),
            ("extra", "EXTRA"),
        ],
    )
    def test_a_slip_of_the_pen_is_a_problem_with_a_suggestion(self, key: str, meant: str) -> None:
        assert problem({key: True}).startswith(f"{key!r} is not a setting; did you mean {meant}?")

    @pytest.mark.parametrize(
        "key",
        "STRIPE_KEY MAIL_HOST DATABASE_URL OBJECT_STORE API_KEY API_URL APP_TITLE APP_VERSION REDIS_URL LOG_LEVEL DEBUG_SQL "
        "DEBUGGER ADMIN_EMAIL SESSION_COOKIE_DOMAIN SESSION_COOKIE_PATH CSRF_COOKIE_AGE ALLOWED_ORIGINS TRUSTED_HOSTS SECRET "
        "SECRET_TOKEN SECRET_SALT JWT_SECRET_KEY CORS_ENABLED HSTS_ENABLED SSL_ENABLED MEDIA_PATH DATA_PATH SITE_TITLE ENV "
        "RUN_MAIN SERVER_NAME ENABLE_CORS MAX_CONTENT_LENGTH BLOCKED_HOSTS stripe_key own _ X".split(),
    )
    def test_an_ordinary_own_key_goes_to_extra(self, key: str) -> None:
        assert load_settings({key: 1}).EXTRA == {key: 1}

    def test_the_nearest_name_is_suggested(self) -> None:
        assert near_miss("SRF_ENABLED", ["CSRF_ENABLED", "CSRF_ENABLE", "SSRF_ENABLED"]) == "CSRF_ENABLED"
        assert near_miss("CSRF_ENABLES", ["XSRF_ENABLED", "CSRF_ENABLED"]) == "CSRF_ENABLED"

    def test_own_fields_of_a_subclass_are_known(self) -> None:
        assert "did you mean STRIPE_KEY?" in problem({"STRIP_KEY": "x"}, ShopSettings)

    def test_a_name_that_is_no_string(self) -> None:
        assert problem({1: True}) == "A setting's name must be a string, not int"  # ty: ignore[invalid-argument-type] # the point

    def test_a_long_or_hostile_name_is_shown_bounded_and_escaped(self) -> None:
        assert problem({"DEBUG" + "_" * 1000: 1}).startswith(f"'DEBUG{'_' * 55}…' is not a setting")
        assert problem({"DE\nBUG": 1}).startswith(r"'DE\nBUG' is not a setting")

    def test_extra_is_kept_and_merged(self) -> None:
        settings = load_settings({"EXTRA": {"A": 1, "ALOWED_HOSTS": 2, "B": 0}, "B": 3})
        assert settings.EXTRA == {"A": 1, "ALOWED_HOSTS": 2, "B": 3}

    def test_extra_must_be_a_mapping_of_names(self) -> None:
        assert problem({"EXTRA": 3, "OWN": 1}).startswith("EXTRA must be a mapping of strings")
        assert problem({"EXTRA": {1: 2}}).startswith("EXTRA must be a mapping of strings")

    def test_a_setting_inside_extra_is_not_lost_in_silence(self) -> None:
        assert problem({"EXTRA": {"DEBUG": True}}) == "EXTRA holds DEBUG, known as a setting; give it outside EXTRA"


class TestTypes:
    @pytest.mark.parametrize("value", ["false", "true", 1, 0, None])
    def test_booleans_are_strict(self, value: object) -> None:
        assert problem({"DEBUG": value}) == f"DEBUG must be True or False, not {type(value).__name__}"

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("ALLOWED_HOSTS", "localhost", "must be a set, each item a string, not str"),
            ("ALLOWED_HOSTS", None, "must be a set, each item a string, not NoneType"),
            ("ALLOWED_HOSTS", ["a", 1], "must be a set, each item a string; Expected `str`, got `int` - at `$[1]`"),
            ("SYNC_THREADS", True, "must be a whole number from 1 to 1000 (threads), not bool"),
            ("SYNC_THREADS", 0, "must be a whole number from 1 to 1000 (threads)"),
            ("SYNC_THREADS", 1001, "must be a whole number from 1 to 1000 (threads)"),
            ("SYNC_THREADS", 4.0, "must be a whole number from 1 to 1000 (threads), not float"),
            ("SYNC_THREADS", 10**400, "must be a whole number from 1 to 1000 (threads)"),
            ("MAX_REQUEST_BODY_BYTES", 0, "must be a whole number from 1 to 1099511627776 (bytes)"),
            ("MAX_REQUEST_BODY_BYTES", 2**40 + 1, "must be a whole number from 1 to 1099511627776 (bytes)"),
            ("MAX_REQUEST_HEAD_BYTES", -1, "must be a whole number from 1 to 1048576 (bytes)"),
            ("REQUEST_READ_TIMEOUT_SECONDS", 0, "must be a number, more than 0 and at most 3600 (seconds)"),
            ("REQUEST_READ_TIMEOUT_SECONDS", float("nan"), "must be a number, more than 0 and at most 3600 (seconds)"),
            ("REQUEST_READ_TIMEOUT_SECONDS", float("inf"), "must be a number, more than 0 and at most 3600 (seconds)"),
            ("SECURITY_FAILURE_RATE_LIMIT", -1, "must be a whole number from 0 to 1000000 (failures)"),
            ("SECURITY_FAILURE_WINDOW_SECONDS", 0, "must be a whole number from 1 to 86400 (seconds)"),
            ("SESSION_COOKIE_MAX_AGE", 604_800_000, "must be a whole number from 1 to 315360000 (seconds)"),
            ("SESSION_COOKIE_SAME_SITE", "lax", "must be one of 'Lax', 'None', 'Strict'"),
            ("SESSION_COOKIE_SAME_SITE", None, "must be one of 'Lax', 'None', 'Strict'"),
            ("API_TITLE", "x" * 201, "must be a string of at most 200 characters"),
            ("API_TITLE", 3, "must be a string of at most 200 characters, not int"),
            ("API_TITLE", "\ud800", "holds a lone surrogate, which is no text"),
            ("SYNC_THREADS", "\ud800", "holds a lone surrogate, which is no text"),
            (
                "SECURITY_HEADERS",
                {"x-a": 1},
                "must be a mapping of strings, each value a string; Expected `str`, got `int` - at `$[...]`",
            ),
            ("SECURITY_HEADERS", [("x-a", "1")], "must be a mapping of strings, each value a string, not list"),
        ],
    )
    def test_what_is_wrong_and_what_would_be_right(self, name: str, value: object, says: str) -> None:
        assert problem({name: value}).startswith(f"{name} {says}")

    def test_an_integer_is_a_number(self) -> None:
        assert load_settings({"REQUEST_READ_TIMEOUT_SECONDS": 3}).REQUEST_READ_TIMEOUT_SECONDS == 3.0

    def test_zero_turns_the_failure_limit_off(self) -> None:
        assert load_settings({"SECURITY_FAILURE_RATE_LIMIT": 0}).SECURITY_FAILURE_RATE_LIMIT == 0

    def test_all_problems_at_once_one_for_each_setting(self) -> None:
        found = problems(
            lambda: load_settings(
                {
                    "DEBUG": 1,
                    "SECRET_KEY": "short",
                    "ALOWED_HOSTS": [],
                    "DOCS_PATH": "docs",
                    "SSRF_ALLOWED_SCHEMES": ["a b"],
                }
            )
        )
        assert [text.split()[0] for text in found] == [
            "'ALOWED_HOSTS'",
            "DEBUG",
            "DOCS_PATH",
            "SSRF_ALLOWED_SCHEMES",
            "SECRET_KEY",
        ]


class TestSubclasses:
    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("PAGE_SIZE", 0, "must be a whole number from 1 to 100"),
            ("RATIO", float("inf"), "must be a finite number"),
            ("COLOUR", "green", "must be one of 'red', 'blue'"),
            ("OPENED", "soon", "must be date or none"),
            ("MAIL", {"host": 1}, "must be a Mail or none; Expected `str`, got `int` - at `$.host`"),
            ("MAIL", {}, "must be a Mail or none; Object missing required field `host`"),
            ("NUMBERS", 1, "must be a list, each item a whole number, not int"),
        ],
    )
    def test_problems_of_own_fields(self, name: str, value: object, says: str) -> None:
        assert problem({name: value}, ShopSettings) == f"{name} {says}"

    def test_a_required_field(self) -> None:
        assert problem({}, NeedySettings) == "DATABASE_URL is required; give it a string"
        assert NeedySettings.from_mapping({"DATABASE_URL": "sqlite://"}).DATABASE_URL == "sqlite://"

    def test_a_default_of_its_own_is_checked_too(self) -> None:
        class Wrong(Settings, frozen=True):
            PAGE_SIZE: Annotated[int, Meta(ge=1)] = 0

        assert problem({}, Wrong) == "PAGE_SIZE must be a whole number, at least 1"

    def test_what_settings_allow_cannot_be_widened(self) -> None:
        class Wide(Settings, frozen=True):
            SYNC_THREADS: int = 0
            SECRET_KEY: str = "short"

        first, second = problems(lambda: load_settings(Wide()))
        assert first == "SYNC_THREADS must be a whole number from 1 to 1000 (threads)"
        assert second.startswith("SECRET_KEY must have 32 to 4096 characters")

    def test_what_settings_allow_may_be_narrowed(self) -> None:
        class Narrow(Settings, frozen=True):
            SYNC_THREADS: Annotated[int, Meta(ge=2, le=4)] = 2

        assert problem({"SYNC_THREADS": 5}, Narrow) == "SYNC_THREADS must be a whole number from 2 to 4"

    def test_what_its_post_init_refuses_is_a_problem(self) -> None:
        class Picky(Settings, frozen=True):
            PAGE_SIZE: int = 1

            def __post_init__(self) -> None:
                super().__post_init__()
                if self.PAGE_SIZE > 1:
                    raise ValueError("PAGE_SIZE is too large for this shop")

        assert problem({"PAGE_SIZE": 2}, Picky) == "Picky: PAGE_SIZE is too large for this shop"
        assert Picky.from_mapping({"OWN": 1}).EXTRA == {"OWN": 1}

    def test_an_annotation_that_cannot_be_resolved(self) -> None:
        class Lost(Settings, frozen=True):
            OWN: "NobodyKnowsThis" = 1  # ty: ignore[unresolved-reference]  # noqa: F821 - the point of the test

        assert "'NobodyKnowsThis'" in problems(lambda: load_settings(Lost))[0]

    def test_an_annotation_that_msgspec_cannot_check(self) -> None:
        class Odd(Settings, frozen=True):
            OWN: list[int] | tuple[str, ...] = ()

        assert problem({}, Odd).startswith("OWN has an annotation that cannot be checked: ")
        assert problems(lambda: env(Odd, FLASGO_OWN="1"))[0].startswith("FLASGO_OWN has an annotation that cannot")

    def test_an_annotation_may_be_any_class(self) -> None:
        class Handy(Settings, frozen=True):
            FOLDER: Path = Path()

        assert Handy.from_mapping({"FOLDER": Path("a")}).FOLDER == Path("a")
        assert problem({"FOLDER": "a"}, Handy) == "FOLDER must be a Path, not str"


class TestSecretKey:
    @pytest.mark.parametrize(
        ("key", "says"),
        [
            ("", "must have 32 to 4096 characters"),
            ("k" * 31, "must have 32 to 4096 characters"),
            (KEY * 200, "must have 32 to 4096 characters"),
            ("abcd" * 8, "must have at least 5 different characters"),
            ("replace-in-production", "is a placeholder"),
            ("dev-insecure-secret-change-this", "is a placeholder"),
            ("dev-insecure-secret-change-this-now-please", "is a placeholder"),
            ("changeme" * 4, "is a placeholder"),
            ("CHANGE_ME-change-me-CHANGE-ME-1234567890", "is a placeholder"),
            ("your-secret-key-here-0123456789-0123456789", "is a placeholder"),
        ],
    )
    def test_weak_keys_are_refused_with_a_cure(self, key: str, says: str) -> None:
        for debug in (True, False):
            text = problem({"SECRET_KEY": key, "DEBUG": debug})
            assert text.startswith(f"SECRET_KEY {says}")
            assert "secrets.token_urlsafe(48)" in text
            assert not key or key not in text

    @pytest.mark.parametrize("key", [None, b"k" * 32, 5])
    def test_a_key_that_is_no_string_is_refused_and_not_shown(self, key: object) -> None:
        assert problem({"SECRET_KEY": key}) == "SECRET_KEY must be a string"

    def test_a_lone_surrogate_cannot_sign(self) -> None:
        assert problem({"SECRET_KEY": KEY + "\ud800"}) == "SECRET_KEY holds a lone surrogate, which is no text"

    @pytest.mark.parametrize(
        "key",
        [KEY, "ключ-из-тридцати-двух-букв-и-ещё-пара", "9f86d081884c7d659a2feaa0c55ad015", "0123456789abcde " * 2],
    )
    def test_good_keys_are_taken_as_they_are(self, key: str) -> None:
        settings = load_settings({"SECRET_KEY": key})
        assert settings.SECRET_KEY == key
        assert not settings.secret_key_is_random

    def test_a_missing_key_is_random_and_says_so(self) -> None:
        one, other = load_settings(), load_settings()
        assert len(one.SECRET_KEY) == 64
        assert one.SECRET_KEY != other.SECRET_KEY
        assert one.secret_key_is_random

    def test_that_it_is_random_survives(self) -> None:
        first = ShopSettings()
        for settings in (
            load_settings(first),
            load_settings(load_settings(first)),
            copy.copy(first),
            copy.deepcopy(first),
            pickle.loads(pickle.dumps(first)),
            msgspec.structs.replace(first, DEBUG=True),
            Settings.from_mapping({"SECRET_KEY": first.SECRET_KEY}),
        ):
            assert settings.SECRET_KEY == first.SECRET_KEY
            assert settings.secret_key_is_random
        assert not msgspec.structs.replace(first, SECRET_KEY=KEY).secret_key_is_random


class TestRules:
    @pytest.mark.parametrize(
        "pattern",
        "* localhost LOCALHOST localhost:8000 a.example. 127.0.0.1 127.0.0.1:80 .example.com *.example.com .example.com:80 ::1 "
        "[::1] [::1]:8000 fe80::1 under_score.x xn--bcher-kva.example a:65535".split(),
    )
    def test_host_patterns(self, pattern: str) -> None:
        for name in ("ALLOWED_HOSTS", "SSRF_ALLOWED_HOSTS"):
            assert load_settings({name: [pattern]}).get(name) == frozenset({pattern})

    @pytest.mark.parametrize(
        "pattern",
        [
            "",
            " ",
            "a b",
            "http://a",
            "a/b",
            "a/",
            ".",
            "*.",
            "**",
            "*x",
            "a.*",
            "..a",
            "a..b",
            "a:0",
            "a:65536",
            "a:",
            "a:b",
            "bücher.example",
            "[::1",
            "::1]",
            "[a]",
            ".[::1]",
            "*.[::1]",
            "[fe80::1%eth0]",
            "1:2:3",
            ":80",
            "a\n",
            "u@a",
            "[]",
            "a" * 64,
            ("a" * 63 + ".") * 5,
        ],
    )
    def test_what_is_no_host_pattern(self, pattern: str) -> None:
        for name in ("ALLOWED_HOSTS", "SSRF_ALLOWED_HOSTS"):
            assert problem({name: [pattern]}).startswith(f"{name} holds ")

    @pytest.mark.parametrize(
        ("settings", "blamed"),
        [
            ({"CORS_ORIGINS": ["*"]}, "CORS_ORIGINS"),
            ({"CORS_ORIGINS": ["https://a.example"], "CORS_HEADERS": ["*"]}, "CORS_HEADERS"),
            ({"CORS_ORIGINS": ["https://a.example"], "CORS_EXPOSE_HEADERS": ["*"]}, "CORS_EXPOSE_HEADERS"),
        ],
    )
    def test_credentials_are_not_for_every_origin(self, settings: dict[str, object], blamed: str) -> None:
        assert problem({**settings, "CORS_CREDENTIALS": True}).startswith(f'{blamed} "*" with CORS_CREDENTIALS')
        assert not load_settings(settings).CORS_CREDENTIALS

    @pytest.mark.parametrize(
        "origin", ["a.example", "null", "https://a.example/", "ftp://a.example", ".a.example", "https://*", "**", ""]
    )
    def test_what_is_no_origin_to_share_with(self, origin: str) -> None:
        assert problem({"CORS_ORIGINS": [origin]}).startswith("CORS_ORIGINS holds ")

    def test_every_origin_stands_alone(self) -> None:
        assert problem({"CORS_ORIGINS": ["*", "https://a.example"]}).startswith('CORS_ORIGINS holds "*" and others')

    def test_the_longest_label(self) -> None:
        assert load_settings({"ALLOWED_HOSTS": ["a" * 63]}).ALLOWED_HOSTS == {"a" * 63}

    def test_the_wrong_entries_are_named_and_bounded(self) -> None:
        text = problem({"ALLOWED_HOSTS": [f"{n} {'x' * 100}" for n in range(5)] + ["good.example"]})
        assert "'0 xxx" in text
        assert " and 2 more; write a host as in 'example.com'" in text
        assert "good.example" not in text
        assert len(text) < 500

    @pytest.mark.parametrize(
        "origin",
        [
            "https://a.example",
            "http://a:8000",
            "https://[::1]:1",
            "a.example",
            "a.example:8000",
            ".a.example",
            "*.a.example",
            "https://*.a.example:8443",
            "[::1]:80",
        ],
    )
    def test_origins(self, origin: str) -> None:
        assert load_settings({"CSRF_TRUSTED_ORIGINS": [origin]}).CSRF_TRUSTED_ORIGINS == {origin}

    @pytest.mark.parametrize(
        "origin",
        [
            "https://a.example/",
            "ftp://a",
            "https://",
            "*",
            "https://*a",
            "https://.a",
            "null",
            "",
            "a/b",
            "::1",
            "a b",
            "https://a?b",
            "HTTPS://a",
            "//a",
            "https://https://a",
            ".[::1]",
        ],
    )
    def test_what_is_no_origin(self, origin: str) -> None:
        assert problem({"CSRF_TRUSTED_ORIGINS": [origin]}).startswith("CSRF_TRUSTED_ORIGINS holds ")

    def test_userinfo_of_an_entry_is_not_shown(self) -> None:
        text = problem({"CSRF_TRUSTED_ORIGINS": ["https://me:hunter2@a.example"], "SECRET_KEY": KEY})
        assert "hunter2" not in text
        assert "'***@a.example'" in text
        assert shown("@a") == "'@a'"

    @pytest.mark.parametrize("scheme", ["https://", "", "1http", "a b", "ht:tp"])
    def test_what_is_no_scheme(self, scheme: str) -> None:
        assert problem({"SSRF_ALLOWED_SCHEMES": [scheme]}).startswith("SSRF_ALLOWED_SCHEMES holds ")

    def test_no_scheme_at_all_only_without_the_guard(self) -> None:
        assert problem({"SSRF_ALLOWED_SCHEMES": []}).startswith("SSRF_ALLOWED_SCHEMES must not be empty")
        assert load_settings({"SSRF_ALLOWED_SCHEMES": [], "SSRF_ENABLED": False}).SSRF_ALLOWED_SCHEMES == frozenset()

    @pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/docs/", "/dôcs", "/openapi.json/x", "/" + "a" * 255])
    def test_paths(self, path: str) -> None:
        assert load_settings({"DOCS_PATH": path}).DOCS_PATH == path

    @pytest.mark.parametrize(
        "path",
        ["", "docs", "//docs", "/a b", "/a?b", "/a#b", "/<x>", "/a\\b", "/a\n", "/\x00", "/\ud800", "/" + "a" * 256],
    )
    def test_what_is_no_path(self, path: str) -> None:
        for name in ("DOCS_PATH", "OPENAPI_PATH"):
            assert problem({name: path}).startswith(f"{name} ")

    def test_the_two_paths_differ(self) -> None:
        text = problem({"DOCS_PATH": "/x", "OPENAPI_PATH": "/x"})
        assert text == "DOCS_PATH and OPENAPI_PATH must differ; move one of them"

    def test_a_rule_keeps_silent_about_a_setting_that_is_wrong_already(self) -> None:
        assert problem({"DOCS_PATH": "x", "OPENAPI_PATH": "/docs"}).startswith("DOCS_PATH must be a path")

    def test_same_site_none_needs_secure(self) -> None:
        assert load_settings({"SESSION_COOKIE_SAME_SITE": "None"}).SESSION_COOKIE_SAME_SITE == "None"
        text = problem({"SESSION_COOKIE_SAME_SITE": "None", "SESSION_COOKIE_SECURE": False})
        assert text.startswith('SESSION_COOKIE_SAME_SITE "None" needs SESSION_COOKIE_SECURE')

    @pytest.mark.parametrize("other", ["CSRF_COOKIE_NAME", "SESSION_COOKIE_NAME"])
    def test_the_cookie_that_remembers_has_a_name_of_its_own(self, other: str) -> None:
        assert problem({"REMEMBER_COOKIE_NAME": "same", other: "same"}).startswith(
            "REMEMBER_COOKIE_NAME is that of another cookie"
        )

    @pytest.mark.parametrize("name", ["CSRF_COOKIE_NAME", "SESSION_COOKIE_NAME", "CSRF_HEADER_NAME"])
    @pytest.mark.parametrize("value", ["", "a b", "a;b", "a=b", "a\r\nb", "ä", "a\n", "x" * 129])
    def test_names_are_tokens(self, name: str, value: str) -> None:
        assert problem({name: value}).startswith(f"{name} must be an RFC 9110 token")

    def test_cookie_names_differ(self) -> None:
        assert problem({"CSRF_COOKIE_NAME": "a", "SESSION_COOKIE_NAME": "a"}).startswith(
            "CSRF_COOKIE_NAME and SESSION_"
        )

    @pytest.mark.parametrize("owner", ["CSRF", "SESSION"])
    @pytest.mark.parametrize("prefix", ["__Host-", "__secure-"])
    def test_cookie_prefixes_need_secure(self, owner: str, prefix: str) -> None:
        values = {f"{owner}_COOKIE_NAME": f"{prefix}x"}
        assert load_settings(values).get(f"{owner}_COOKIE_NAME") == f"{prefix}x"
        assert f"set {owner}_COOKIE_SECURE" in problem({**values, f"{owner}_COOKIE_SECURE": False})

    def test_a_header_with_an_underscore_would_never_arrive(self) -> None:
        assert problem({"CSRF_HEADER_NAME": "x_csrf"}).startswith("CSRF_HEADER_NAME must not hold an underscore")

    def test_header_names_become_lower_case(self) -> None:
        headers = {"X-Frame-Options": "DENY", "X-Empty": "", "x-latin": "caf\xe9 au lait"}
        for source in (Settings(SECURITY_HEADERS=headers), {"SECURITY_HEADERS": headers}):
            assert dict(load_settings(source).SECURITY_HEADERS) == {
                "x-frame-options": "DENY",
                "x-empty": "",
                "x-latin": "caf\xe9 au lait",
            }

    @pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "\x00", "a\tb", "\x7f", "\x80", " a", "a ", "€", "\ud800"])
    def test_header_values_cannot_break_out(self, value: str) -> None:
        for source in (Settings(SECURITY_HEADERS={"x-a": value}), {"SECURITY_HEADERS": {"x-a": value}}):
            (only,) = problems(partial(load_settings, source))
            assert only.startswith("SECURITY_HEADERS holds a value of x-a ")

    @pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "ä", "x" * 129])
    def test_header_names_are_tokens(self, name: str) -> None:
        assert "which is no header name" in problem({"SECURITY_HEADERS": {name: "1"}})

    @pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "connection", "set-cookie"])
    def test_headers_of_the_single_answer_are_refused(self, name: str) -> None:
        assert f"{name.lower()}, which belongs to the single answer" in problem({"SECURITY_HEADERS": {name: "1"}})

    def test_one_header_in_two_cases(self) -> None:
        headers = {"X-A": "1", "B": "3", "x-a": "2"}
        for source in (Settings(SECURITY_HEADERS=headers), {"SECURITY_HEADERS": headers}):
            (only,) = problems(partial(load_settings, source))
            assert only.startswith("SECURITY_HEADERS holds a header more than once;")

    def test_no_headers_at_all(self) -> None:
        assert load_settings({"SECURITY_HEADERS": {}}).SECURITY_HEADERS == {}


class TestEnvironment:
    def test_nothing_set_gives_the_defaults(self) -> None:
        assert env().ALLOWED_HOSTS == {"127.0.0.1", "localhost"}
        assert env().secret_key_is_random

    def test_the_process_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLASGO_API_TITLE", "from outside")
        assert Settings.from_env().API_TITLE == "from outside"

    @pytest.mark.parametrize("word", ["true", "1", "on", "yes", "TRUE", "On"])
    def test_words_for_true(self, word: str) -> None:
        assert env(FLASGO_DEBUG=word).DEBUG is True

    @pytest.mark.parametrize("word", ["false", "0", "off", "no", "No"])
    def test_words_for_false(self, word: str) -> None:
        assert env(FLASGO_CSRF_ENABLED=word).CSRF_ENABLED is False

    @pytest.mark.parametrize("word", ["", "y", "t", " true", "2", "truee", "null", "[true]"])
    def test_no_other_words(self, word: str) -> None:
        assert problems(lambda: env(FLASGO_DEBUG=word)) == (
            "FLASGO_DEBUG must be True or False: true, false, 1, 0, on, off, yes or no",
        )

    @pytest.mark.parametrize(
        ("text", "hosts"),
        [
            ("a.example", {"a.example"}),
            (" a.example , b.example,", {"a.example", "b.example"}),
            ('["a.example", "b.example"]', {"a.example", "b.example"}),
            (' ["a.example"]', {"a.example"}),
            ("[::1],localhost", {"[::1]", "localhost"}),
            ("[::1]:8000", {"[::1]:8000"}),
            ("::1,localhost", {"::1", "localhost"}),
            ("", set()),
            ("[]", set()),
        ],
    )
    def test_lists(self, text: str, hosts: set[str]) -> None:
        assert env(FLASGO_ALLOWED_HOSTS=text).ALLOWED_HOSTS == hosts

    @pytest.mark.parametrize("text", ['["a"', "[1]", "{}", '{"a": 1}', "[" * 100_000])
    def test_what_is_no_list(self, text: str) -> None:
        assert problems(lambda: env(FLASGO_ALLOWED_HOSTS=text)) == (
            "FLASGO_ALLOWED_HOSTS must be a set, each item a string: separated by commas, or a JSON list",
        )

    def test_mappings_are_json(self) -> None:
        settings = env(FLASGO_SECURITY_HEADERS='{"X-A": "1"}', FLASGO_EXTRA='{"OWN": [1]}')
        assert settings.SECURITY_HEADERS == {"x-a": "1"}
        assert settings.EXTRA == {"OWN": [1]}
        assert problems(lambda: env(FLASGO_SECURITY_HEADERS="x-a: 1")) == (
            "FLASGO_SECURITY_HEADERS must be a mapping of strings, each value a string: a JSON object",
        )

    @pytest.mark.parametrize("text", ["", "x", "1.5", " 5", "0", "1_0", "9" * 5000, "[5]", "\u0663"])
    def test_what_is_no_number_of_threads(self, text: str) -> None:
        assert problems(lambda: env(FLASGO_SYNC_THREADS=text)) == (
            "FLASGO_SYNC_THREADS must be a whole number from 1 to 1000 (threads)",
        )

    @pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "-1"])
    def test_what_is_no_number_of_seconds(self, text: str) -> None:
        (only,) = problems(lambda: env(FLASGO_REQUEST_READ_TIMEOUT_SECONDS=text))
        assert "REQUEST_READ_TIMEOUT_SECONDS must be a number, more than 0" in only

    def test_text_is_taken_as_it_is(self) -> None:
        assert env(FLASGO_API_TITLE="[x], null ").API_TITLE == "[x], null "

    def test_text_that_is_not_utf8(self) -> None:
        assert problems(lambda: env(FLASGO_API_TITLE="a\udc80")) == ("FLASGO_API_TITLE is not UTF-8 text",)

    def test_fields_of_a_subclass(self) -> None:
        shop = env(
            ShopSettings,
            FLASGO_STRIPE_KEY="sk",
            FLASGO_PAGE_SIZE="5",
            FLASGO_RATIO="0.5",
            FLASGO_COLOUR="blue",
            FLASGO_OPENED="2026-01-02",
            FLASGO_NUMBERS="1, 2",
            FLASGO_MAIL='{"host": "m.example"}',
            FLASGO_VERBOSE="on",
            FLASGO_LABELS='{"a": 1}',
            FLASGO_MODE="slow",
        )
        assert isinstance(shop, ShopSettings)
        assert (shop.STRIPE_KEY, shop.PAGE_SIZE, shop.RATIO, shop.COLOUR) == ("sk", 5, 0.5, Colour.BLUE)
        assert (shop.OPENED, shop.NUMBERS, shop.MAIL) == (dt.date(2026, 1, 2), (1, 2), Mail("m.example"))
        assert (shop.VERBOSE, shop.LABELS, shop.mode) == (True, {"a": 1}, "slow")
        assert env(ShopSettings, FLASGO_VERBOSE="null").get("VERBOSE") is None

    def test_problems_of_a_subclass(self) -> None:
        found = problems(lambda: env(ShopSettings, FLASGO_OPENED="soon", FLASGO_MAIL="x", FLASGO_NUMBERS="a"))
        assert sorted(found) == [
            "FLASGO_MAIL must be a Mail or none: a JSON object",
            "FLASGO_NUMBERS must be a list, each item a whole number: separated by commas, or a JSON list",
            "FLASGO_OPENED must be date or none",
        ]

    def test_other_variables_are_left_alone(self) -> None:
        settings = env(
            FLASGO_ENV="production", FLASGO_RUN_MAIN="true", FLASGO_="x", PATH="/bin", DEBUG="x", flasgo_debug="x"
        )
        assert settings == msgspec.structs.replace(Settings(), SECRET_KEY=settings.SECRET_KEY)
        assert settings.EXTRA == {}

    def test_a_slip_of_the_pen(self) -> None:
        found = problems(lambda: env(FLASGO_ALOWED_HOSTS="a", FLASGO_debug="1", FLASGO_SECRET_KEY_FLIE="/x"))
        assert found == (
            "'FLASGO_ALOWED_HOSTS' is not a setting; did you mean FLASGO_ALLOWED_HOSTS?",
            "'FLASGO_debug' is not a setting; did you mean FLASGO_DEBUG?",
            "'FLASGO_SECRET_KEY_FLIE' is not a setting; did you mean FLASGO_SECRET_KEY_FILE?",
        )


class TestSecretKeyFile:
    @pytest.mark.parametrize(
        ("content", "key"),
        [(KEY, KEY), (KEY + "\n", KEY), (KEY + "\r\n", KEY), (KEY + "\n\n", KEY + "\n"), (KEY + "\r", KEY + "\r")],
    )
    def test_one_trailing_newline_is_not_part_of_the_key(self, tmp_path: Path, content: str, key: str) -> None:
        file = tmp_path / "key"
        file.write_bytes(content.encode())
        settings = env(FLASGO_SECRET_KEY_FILE=str(file))
        assert settings.SECRET_KEY == key
        assert not settings.secret_key_is_random

    def test_a_key_in_a_file_is_judged_like_any_other(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_text("hunter2\n")
        (only,) = problems(lambda: env(FLASGO_SECRET_KEY_FILE=str(file)))
        assert only.startswith("SECRET_KEY must have 32 to 4096 characters")
        assert "hunter2" not in only

    @pytest.mark.parametrize(
        ("path", "reason"),
        [("/nowhere/at/all", "No such file or directory"), ("", "Is a directory"), ("a\0b", "not a path")],
    )
    def test_unreadable(self, path: str, reason: str) -> None:
        assert problems(lambda: env(FLASGO_SECRET_KEY_FILE=path)) == (
            f"FLASGO_SECRET_KEY_FILE names a file that cannot be read ({reason}); check path and permissions",
        )

    def test_not_text(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_bytes(b"\xff" * 40)
        assert "that is not UTF-8 text" in problems(lambda: env(FLASGO_SECRET_KEY_FILE=str(file)))[0]

    def test_an_endless_file_is_not_read_to_its_end(self) -> None:
        (only,) = problems(lambda: env(FLASGO_SECRET_KEY_FILE="/dev/zero"))
        assert only.startswith("SECRET_KEY must have 32 to 4096 characters")

    @pytest.mark.parametrize("key", [KEY, "", "\udc80"])
    def test_both_given(self, tmp_path: Path, key: str) -> None:
        file = tmp_path / "key"
        file.write_text(KEY)
        assert problems(lambda: env(FLASGO_SECRET_KEY=key, FLASGO_SECRET_KEY_FILE=str(file))) == (
            "FLASGO_SECRET_KEY and FLASGO_SECRET_KEY_FILE are both set; keep one of them",
        )


class TestGet:
    def test_setting_then_extra_then_default(self) -> None:
        settings = load_settings({"OWN": 1, "nothing": None})
        assert settings.get("DEBUG") is False
        assert settings.get("OWN") == 1
        assert settings.get("nothing", 5) is None
        assert settings.get("OTHER") is None
        assert settings.get("OTHER", "fallback") == "fallback"

    @pytest.mark.parametrize("name", ["get", "redacted", "from_env", "secret_key_is_random", "__class__", "__doc__"])
    def test_never_a_method_or_property(self, name: str) -> None:
        assert load_settings().get(name) is None
        assert load_settings({"EXTRA": {name: 1}}).get(name) == 1


class TestShowing:
    HIDDEN = "hunter2-hunter2-hunter2-hunter2-hunter2"

    def settings(self) -> Settings:
        class Loud(ShopSettings, frozen=True):
            BANK: Bank = Bank("DE00")
            KIND: type[Bank] = Bank

        loop: dict[str, object] = {}
        loop["again"] = loop
        return Loud.from_mapping(
            {
                "SECRET_KEY": self.HIDDEN,
                "STRIPE_KEY": self.HIDDEN,
                "MAIL": Mail("m.example", self.HIDDEN),
                "BANK": Bank("DE00", self.HIDDEN),
                "DATABASE_URL": f"postgres://me:{self.HIDDEN}@db/shop",
                "stripe_token": self.HIDDEN,
                "SERVICES": [{"Credentials": self.HIDDEN, "name": "x"}, ({"passphrase": self.HIDDEN},)],
                "AUTHORIZATION": {"header": self.HIDDEN},
                "LOOP": loop,
                "RAW": b"bytes",
                "HOSTS": {"b", "a"},
            }
        )

    def test_repr_and_rich_and_redacted_hide_every_secret(self) -> None:
        settings = self.settings()
        for text in (repr(settings), str(settings), repr(settings.__rich_repr__()), repr(settings.redacted())):
            assert "hunter2" not in text
            assert "m.example" in text

    def test_redacted_keeps_what_is_no_secret(self) -> None:
        seen = self.settings().redacted()
        assert seen["SECRET_KEY"] == seen["STRIPE_KEY"] == "[redacted]"
        assert seen["MAIL"] == {"host": "m.example", "password": "[redacted]"}
        assert seen["BANK"] == {"iban": "DE00", "token": "[redacted]"}
        assert seen["KIND"] is Bank
        assert seen["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost"]
        extra = seen["EXTRA"]
        assert isinstance(extra, dict)
        assert extra["DATABASE_URL"] == "postgres://[redacted]@db/shop"
        assert extra["SERVICES"] == [{"Credentials": "[redacted]", "name": "x"}, [{"passphrase": "[redacted]"}]]
        assert extra["RAW"] == b"bytes"
        assert extra["HOSTS"] == ["a", "b"]
        assert "…" in repr(extra["LOOP"])

    def test_a_random_key_is_hidden_too(self) -> None:
        settings = load_settings()
        assert settings.SECRET_KEY not in repr(settings)
        assert repr(settings).startswith("Settings(DEBUG=False, SECRET_KEY='[redacted]', ")

    @pytest.mark.parametrize(
        ("kind", "name", "value"),
        [
            (ShopSettings, "STRIPE_KEY", ["hunter2"]),
            (Settings, "SECRET_KEY", ["hunter2"]),
            (Settings, "SESSION_COOKIE_SAME_SITE", "hunter2"),
            (ShopSettings, "COLOUR", "hunter2"),
            (ShopSettings, "COLOUR", "hunter2` - at `"),
            (ShopSettings, "mode", "hunter2"),
            (ShopSettings, "MAIL", {"host": ["hunter2"]}),
            (Settings, "API_TITLE", "hunter2" * 100),
            (Settings, "CSRF_COOKIE_NAME", "hunter2 "),
            (Settings, "DOCS_PATH", "hunter2"),
            (Settings, "SECURITY_HEADERS", {"x-key": "hunter2\n"}),
        ],
    )
    def test_problems_do_not_show_values(self, kind: type[Settings], name: str, value: object) -> None:
        assert "hunter2" not in problem({name: value}, kind)

    def test_a_secret_that_does_not_fit_is_not_even_described(self) -> None:
        class Vault(Settings, frozen=True):
            VAULT_TOKENS: dict[str, Literal["a"]] = {}

        assert (
            problem({"VAULT_TOKENS": {"k": 5}}, Vault)
            == "VAULT_TOKENS must be a mapping of strings, each value one of 'a'"
        )


class TestCopies:
    @pytest.mark.parametrize(
        "settings",
        [load_settings(), load_settings({"OWN": [1], "SECURITY_HEADERS": {"x-a": "1"}}), ShopSettings(STRIPE_KEY="k")],
    )
    def test_equal_frozen_and_of_the_same_class(self, settings: Settings) -> None:
        for other in (copy.copy(settings), copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
            assert other == settings
            assert type(other) is type(settings)
            assert isinstance(other.EXTRA, types.MappingProxyType)
            assert isinstance(other.SECURITY_HEADERS, types.MappingProxyType)

    def test_a_deep_copy_is_deep(self) -> None:
        settings = load_settings({"OWN": [1]})
        assert copy.deepcopy(settings).get("OWN") is not settings.get("OWN")


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "True or False"),
        (int, "a whole number"),
        (Annotated[int, Meta(lt=5)], "a whole number, less than 5"),
        (Annotated[float, Meta(ge=0, lt=1, extra={"unit": "parts"})], "a number, at least 0 and less than 1 (parts)"),
        (str, "a string"),
        (Annotated[str, Meta(min_length=1)], "a string of at least 1 characters"),
        (Annotated[str, Meta(min_length=1, max_length=2)], "a string of 1 to 2 characters"),
        (Annotated[str, Meta(description="a colour")], "a colour"),
        (frozenset[Annotated[str, Meta(description="x")]], "a set, each item a string"),
        (set[int], "a set, each item a whole number"),
        (list[int], "a list, each item a whole number"),
        (dict[str, int], "a mapping of strings, each value a whole number"),
        (int | None, "a whole number or none"),
        (Mail, "a Mail"),
        (Bank, "a Bank"),
        (Path, "a Path"),
        (Colour, "one of 'red', 'blue'"),
        (Literal["b", "a"], "one of 'a', 'b'"),
        (dt.timedelta, "timedelta"),
    ],
)
def test_annotations_in_words(annotation: object, words: str) -> None:
    assert expected(annotation) == words


class TestReference:
    """docs/reference/settings.md says of every setting what the code says."""

    ROW = re.compile(
        r"^\| `(?P<name>[A-Z_]+)` \| (?P<type>[^|]+) \| (?P<default>[^|]+) \| (?P<allowed>[^|]+) \| [^|]+ \|$", re.M
    )

    def rows(self) -> dict[str, re.Match[str]]:
        return {row["name"]: row for row in self.ROW.finditer(DOCS.read_text(encoding="utf-8"))}

    def test_every_setting_has_its_row(self) -> None:
        assert sorted(self.rows()) == sorted(Settings.__struct_fields__)

    @pytest.mark.parametrize("info", msgspec.structs.fields(Settings), ids=lambda info: info.name)
    def test_default_and_bounds(self, info: msgspec.structs.FieldInfo) -> None:
        row = self.rows()[info.name]
        shown_default = {
            "SECRET_KEY": "random",
            "SECURITY_HEADERS": "[see below](#default-security-headers)",
        }.get(info.name, f"`{self.literal(info.default)}`")
        assert row["default"] == shown_default
        shape = msgspec.inspect.type_info(info.type)
        bounds = [getattr(getattr(shape, "type", shape), name, None) for name in ("ge", "gt", "le", "max_length")]
        for bound in bounds:
            assert bound is None or str(bound) in row["allowed"]
        unit = (getattr(shape, "extra", None) or {}).get("unit", "")
        assert unit in row["allowed"]

    @staticmethod
    def literal(value: object) -> str:
        if isinstance(value, frozenset):
            return "{" + ", ".join(f'"{item}"' for item in sorted(value)) + "}"
        if isinstance(value, Mapping):
            return repr(dict(value))
        return f'"{value}"' if isinstance(value, str) else repr(value)

    def test_every_default_header_is_named(self) -> None:
        text = DOCS.read_text(encoding="utf-8")
        for name, value in DEFAULT_SECURITY_HEADERS.items():
            assert f"| `{name}` | `{value}` |" in text


class TestKeysAndProxies:
    KEY = "first-key-0123456789abcdefghijklmnopq"
    OLD = "older-key-0123456789abcdefghijklmnopq"

    def test_older_keys_are_kept_in_their_order(self) -> None:
        settings = Settings.from_mapping({"SECRET_KEY": self.KEY, "SECRET_KEY_FALLBACKS": [self.OLD]})
        assert settings.SECRET_KEY_FALLBACKS == (self.OLD,)

    def test_an_older_key_is_held_to_the_same_rules(self) -> None:
        said = problem({"SECRET_KEY": self.KEY, "SECRET_KEY_FALLBACKS": ["short"]})
        assert said.startswith("SECRET_KEY_FALLBACKS holds a key that must have 32")

    def test_the_key_is_not_among_those_before_it(self) -> None:
        said = problem({"SECRET_KEY": self.KEY, "SECRET_KEY_FALLBACKS": [self.KEY]})
        assert "holds the SECRET_KEY itself" in said

    @pytest.mark.parametrize("network", ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"])
    def test_a_proxy_is_an_address_or_a_network(self, network: str) -> None:
        assert Settings.from_mapping({"TRUSTED_PROXIES": [network]}).TRUSTED_PROXIES == {network}

    @pytest.mark.parametrize("network", ["10.0.0.1/8", "proxy.internal", "10.0.0.0/40"])
    def test_anything_else_is_no_proxy(self, network: str) -> None:
        assert problem({"TRUSTED_PROXIES": [network]}).startswith("TRUSTED_PROXIES holds")


class TestStores:
    @pytest.mark.parametrize(
        "url", [None, "memory", "sqlite:///a.db", "sqlite:////a/b.db", "redis://h:1/0", "rediss://u:p@h", "unix:///s"]
    )
    def test_these_are_stores(self, url):
        assert Settings.from_mapping({"SESSION_STORE": url}).SESSION_STORE == url

    @pytest.mark.parametrize(
        "url", ["", "Memory", "sqlite:///", "sqlite://a.db", "postgres://h", "redis://", "memory\n", "sqlite:///a\0"]
    )
    def test_these_are_not(self, url):
        with pytest.raises(SettingsError, match='SESSION_STORE must be None for the signed cookie, "memory"'):
            Settings.from_mapping({"SESSION_STORE": url})

    def test_a_password_is_not_shown(self):
        assert "secret" not in repr(Settings.from_mapping({"SESSION_STORE": "redis://user:secret@h/0"}))
