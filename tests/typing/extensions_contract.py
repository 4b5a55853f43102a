"""What checkers see of extensions."""

from typing import assert_type

from msgspec import Struct

from flasgo import Flasgo, Settings
from flasgo.errors import HTTPException
from flasgo.extensions import Extension, Installation, Part, Route, Stage
from flasgo.extensions.installation import Host


class Own(Struct, frozen=True):
    SWITCH: bool = False


class Silent:
    def compile(self, _route: Route | None, /) -> Part | None:
        return None

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()


class Small:
    name = "small"

    def register(self, installation: Installation, /) -> None:
        assert_type(installation.settings(Own), Own)
        assert_type(installation.app_settings, Settings)
        installation.add_stage("before-auth", Silent())


stage: Stage = Silent()
extension: Extension = Small()
app = Flasgo()
host: Host = app  # what `install` relies on
assert_type(app.install(Small()), Small)
