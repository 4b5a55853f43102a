"""What the blog can be told: FLASGO_BLOG_DATA, beside the settings of flasgo."""

from pathlib import Path

from flasgo import Settings


class BlogSettings(Settings, frozen=True):
    """`BLOG_DATA` is the folder of database and pictures; a relative one is seen from the working directory."""

    BLOG_DATA: str = "blog-data"
    POSTS_PER_PAGE: int = 5

    @property
    def data(self) -> Path:
        return Path(self.BLOG_DATA)

    @property
    def pictures(self) -> Path:
        return self.data / "pictures"
