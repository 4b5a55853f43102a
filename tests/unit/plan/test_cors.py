import pytest

from flasgo.plan.cors import CORS, NOBODY, cors_of_settings, cors_option
from flasgo.settings import Settings


def test_it_is_data_that_can_be_compared_and_kept():
    cors = CORS(origins={"https://b.example", "https://a.example"}, methods=["get"], headers=["X-Tenant"])
    assert cors == CORS(origins=["https://a.example", "https://b.example"], methods=("GET",), headers=("X-Tenant",))
    assert len({cors, cors}) == 1
    assert (cors.origins, cors.methods) == (("https://a.example", "https://b.example"), ("GET",))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"origins": "https://app.example"}, r"write origins=\['https://app.example'\]"),
        ({"origins": [b"https://app.example"]}, "no string"),
        ({"origins": ["app.example"]}, "write an origin as in"),
        ({"origins": ["https://app.example/"]}, "write an origin as in"),
        ({"origins": ["https://app.example/x"]}, "write an origin as in"),
        ({"origins": ["null"]}, "write an origin as in"),
        ({"origins": ["https://"]}, "write an origin as in"),
        ({"origins": ["https://*"]}, "write an origin as in"),
        ({"origins": ["https://*.*.example"]}, "write an origin as in"),
        ({"origins": ["https://a*.example"]}, "write an origin as in"),
        ({"origins": ["*://app.example"]}, "write an origin as in"),
        ({"origins": ["ftp://app.example"]}, "write an origin as in"),
        ({"origins": ["https://app.example\r\nx: y"]}, "write an origin as in"),
        ({"origins": ["*", "https://app.example"]}, "keep it alone"),
        ({"origins": ["*"], "credentials": True}, "name origins and headers"),
        ({"origins": ["https://app.example"], "headers": ["*"], "credentials": True}, "name origins and headers"),
        ({"origins": ["https://app.example"], "expose": ["*"], "credentials": True}, "name origins and headers"),
        ({"origins": ["*"], "methods": []}, "is empty"),
        ({"origins": ["*"], "methods": ["GET POST"]}, "no name"),
        ({"origins": ["*"], "methods": "GET"}, "one string"),
        ({"origins": ["*"], "headers": ["x-a\r\n"]}, "no name"),
        ({"origins": ["*"], "headers": ["x-é"]}, "no name"),
        ({"origins": ["*"], "expose": ["x a"]}, "no name"),
        ({"origins": ["*"], "max_age": -1}, "0 to 86400"),
        ({"origins": ["*"], "max_age": 86_401}, "0 to 86400"),
        ({"origins": ["*"], "max_age": True}, "0 to 86400"),
        ({"origins": ["*"], "max_age": 1.5}, "0 to 86400"),
        ({"origins": ["https://app.example"], "credentials": 1}, "give True or False"),
        ({"origins": ["*"], "private_network": "yes"}, "give True or False"),
    ],
)
def test_what_could_not_be_meant_is_refused_with_the_cure(given, what):
    with pytest.raises(ValueError, match=what):
        CORS(**given)


@pytest.mark.parametrize(
    "origins",
    [
        ["*"],
        [],
        ["https://app.example:8443"],
        ["http://[::1]:3000"],
        ["https://*.app.example", "http://localhost:5173"],
    ],
)
def test_what_can_be_meant_is_taken(origins):
    assert CORS(origins=origins).origins == tuple(origins)
    assert CORS(origins=origins, max_age=0).max_age == 0
    assert CORS(origins=origins, max_age=86_400).max_age == 86_400


def test_an_option_is_one_or_nobody():
    cors = CORS(origins=["*"], methods=["GET", "HEAD", "OPTIONS"])
    assert cors_option(cors, frozenset({"GET"})) is cors
    assert cors_option(cors) is cors
    assert cors_option(None) is NOBODY
    with pytest.raises(ValueError, match="is no CORS; write cors=CORS"):
        cors_option("*")
    with pytest.raises(ValueError, match="holds DELETE, PUT, which this route does not answer"):
        cors_option(CORS(origins=["*"], methods=["GET", "PUT", "DELETE"]), frozenset({"GET"}))


def test_it_is_shown_as_who_may_read():
    assert str(CORS(origins=["*"])) == "*"
    assert str(CORS(origins=["https://a.example", "https://b.example"], credentials=True)) == (
        "https://a.example https://b.example with credentials"
    )
    assert str(NOBODY) == "nobody"


def test_settings_without_origins_share_nothing():
    assert cors_of_settings(Settings()) is None
    assert cors_of_settings(Settings(CORS_CREDENTIALS=True)) is None
    assert cors_of_settings(
        Settings(
            CORS_ORIGINS=frozenset({"https://app.example"}),
            CORS_METHODS=frozenset({"GET"}),
            CORS_HEADERS=frozenset({"x-tenant"}),
            CORS_EXPOSE_HEADERS=frozenset({"etag"}),
            CORS_CREDENTIALS=True,
            CORS_MAX_AGE=5,
            CORS_PRIVATE_NETWORK=True,
        )
    ) == CORS(
        origins=["https://app.example"],
        methods=["GET"],
        headers=["x-tenant"],
        expose=["etag"],
        credentials=True,
        max_age=5,
        private_network=True,
    )
