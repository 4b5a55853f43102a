"""What the type checkers know of settings: `ty check` and `mypy --strict` read this file, nothing runs it."""

from collections.abc import Mapping
from typing import Annotated, Generic, Literal, TypeVar, assert_type

from msgspec import Meta

from flasgo.settings import Settings, load_settings

S_co = TypeVar("S_co", bound=Settings, covariant=True)


class ShopSettings(Settings, frozen=True):
    STRIPE_KEY: str = ""
    PAGE_SIZE: Annotated[int, Meta(ge=1)] = 20


class NeedySettings(Settings, frozen=True):
    DATABASE_URL: str


class Holder(Generic[S_co]):
    """Knows the class of its settings, as an application does."""

    def __init__(self, settings: S_co) -> None:
        self.settings = settings


def every_field_has_its_type(settings: Settings) -> None:
    assert_type(settings.DEBUG, bool)
    assert_type(settings.SECRET_KEY, str)
    assert_type(settings.secret_key_is_random, bool)
    assert_type(settings.ALLOWED_HOSTS, frozenset[str])
    assert_type(settings.SESSION_COOKIE_SAME_SITE, Literal["Lax", "Strict", "None"])
    assert_type(settings.SESSION_COOKIE_MAX_AGE, int)
    assert_type(settings.REQUEST_READ_TIMEOUT_SECONDS, float)
    assert_type(settings.DOCS_PATH, str)
    assert_type(settings.SECURITY_HEADERS, Mapping[str, str])
    assert_type(settings.EXTRA, Mapping[str, object])
    assert_type(settings.get("OWN"), object)
    assert_type(settings.get("OWN", 1), object)
    assert_type(settings.redacted(), dict[str, object])


def factories_give_their_own_class() -> None:
    assert_type(Settings.from_mapping({"DEBUG": True, "ALLOWED_HOSTS": {"a"}}), Settings)
    assert_type(ShopSettings.from_mapping({}), ShopSettings)
    assert_type(ShopSettings.from_object("shop.settings"), ShopSettings)
    assert_type(ShopSettings.from_env(), ShopSettings)
    assert_type(ShopSettings.from_env({"FLASGO_DEBUG": "1"}).PAGE_SIZE, int)


def load_keeps_the_class(shop: ShopSettings, anything: object) -> None:
    assert_type(load_settings(shop), ShopSettings)
    assert_type(load_settings(ShopSettings), ShopSettings)
    assert_type(load_settings(), Settings)
    assert_type(load_settings(None), Settings)
    assert_type(load_settings({"DEBUG": True}), Settings)
    assert_type(load_settings("shop.settings"), Settings)
    assert_type(load_settings(anything), Settings)
    assert_type(Holder(load_settings(shop)).settings.STRIPE_KEY, str)


def constructors_are_checked() -> None:
    assert_type(ShopSettings(DEBUG=True, STRIPE_KEY="sk", ALLOWED_HOSTS=frozenset({"a"})), ShopSettings)
    assert_type(NeedySettings(DATABASE_URL="sqlite://"), NeedySettings)
    Settings(SECURITY_HEADERS={"x-frame-options": "DENY"}, EXTRA={"OWN": 1})
    Settings(True)  # type: ignore[call-arg] # ty: ignore[too-many-positional-arguments] # keywords only
    Settings(DEBUG="false")  # type: ignore[arg-type] # ty: ignore[invalid-argument-type] # no string is a boolean
    Settings(ALOWED_HOSTS=frozenset())  # type: ignore[call-arg] # ty: ignore[unknown-argument] # no such setting
    NeedySettings()  # type: ignore[call-arg] # ty: ignore[missing-argument] # DATABASE_URL is required


def nothing_can_be_written(settings: Settings) -> None:
    settings.DEBUG = True  # type: ignore[misc] # ty: ignore[invalid-assignment] # frozen
    settings.EXTRA["OWN"] = 1  # type: ignore[index] # ty: ignore[invalid-assignment] # a Mapping is for reading
