"""What the dashboard can be told: FLASGO_BOARD_DATA, beside the settings of flasgo."""

from pathlib import Path

from flasgo import Settings


class BoardSettings(Settings, frozen=True):
    """`BOARD_DATA` is the file of the database; a relative one is seen from the working directory."""

    BOARD_DATA: str = "board.db"
    ROWS_PER_PAGE: int = 10

    @property
    def data(self) -> Path:
        return Path(self.BOARD_DATA)
