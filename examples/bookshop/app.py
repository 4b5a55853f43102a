"""The bookshop, put together. Serve it with `flasgo run app.py`, and see /docs."""

from flasgo import Flasgo, Response, bearer_token_backend, redirect

from .authors import authors
from .books import books
from .covers import covers
from .orders import orders
from .people import reader_of
from .reviews import reviews
from .settings import ShopSettings


def create_app(settings: ShopSettings | None = None) -> Flasgo[ShopSettings]:
    """A shop with these settings, or with those of the environment."""
    shop = Flasgo(settings=ShopSettings.from_env() if settings is None else settings)
    shop.register_auth_backend("bearer", bearer_token_backend(reader_of))
    for part in (books, covers, authors, reviews, orders):
        shop.register_blueprint(part)

    @shop.get("/", include_in_schema=False)
    async def index() -> Response:
        return redirect(shop.settings.DOCS_PATH)

    return shop


app = create_app()

if __name__ == "__main__":
    app.run()
