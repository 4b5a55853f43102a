import logging

import pytest

from flasgo import Flasgo, Settings


def application(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(settings={"SECRET_KEY": "test-hosts-0123456789abcdefghijklmn", "CSRF_ENABLED": False, **settings})

    @app.route("/", methods=["GET", "POST"])
    async def index():
        return "served"

    return app


async def status(call, host, **settings):
    hosts = [(b"host", each) for each in ([host] if isinstance(host, bytes) else host)]
    return (await call(application(**settings), headers=hosts)).status


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"LocalHost",
        b"localhost.",
        b"localhost:1",
        b"localhost:65535",
        b"localhost:00080",
        b"127.0.0.1:8000",
    ],
)
async def test_allowed_hosts_are_served(call, host):
    assert await status(call, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"localhost.evil.example",
        b"evil.example.localhost",
        b"evillocalhost",
        b"localhost..",
        b".localhost",
        b"localhost:",
        b"localhost:0",
        b"localhost:65536",
        b"localhost:99999",
        b"localhost:123456",
        b"localhost:+80",
        b"localhost:80:80",
        b"localhost: 80",
        b"localhost:\xd9\xa3",
        b"localhost@evil.example",
        b"user@localhost",
        b"user:pass@localhost",
        b"evil.example@localhost",
        b"localhost/",
        b"localhost/evil",
        b"localhost\\evil",
        b"localhost?",
        b"localhost#",
        b"local host",
        b" localhost",
        b"localhost ",
        b"localhost\t",
        b"localhost\r\nx: y",
        b"localhost\n",
        b"localhost\x00",
        b"localhost\x7f",
        b"localhost,evil.example",
        b"l\xc3\xb6calhost",
        b"%6cocalhost",
        b"[localhost]",
        b"[127.0.0.1]",
        b"[::1]",
        b"[",
        b"[]",
        b"]",
        b"::1",
        b"*",
        b"",
        b"a" * 256,
        b"localhost" + b"." * 300,
        b"a." * 200 + b"localhost",
    ],
)
async def test_every_other_host_is_400_before_anything_else(call, host):
    app = application()
    app.before_request(lambda: pytest.fail("reached"))
    exchange = await call(app, headers=[(b"host", host)])
    assert exchange.status == 400
    assert b"ALLOWED_HOSTS" in exchange.body
    assert exchange.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("version", ["1.0", "1.1", "2"])
async def test_a_request_without_host_is_400(call, version):
    app = application()
    assert (await call(app, headers=[], http_version=version)).status == 400
    assert (await call(app, headers=[(b"x-forwarded-host", b"localhost")], http_version=version)).status == 400


async def test_a_request_with_two_hosts_is_400_though_both_are_allowed(call):
    assert await status(call, [b"localhost", b"localhost"]) == 400
    assert await status(call, [b"evil.example", b"localhost"]) == 400
    assert await status(call, [b"localhost", b"evil.example"]) == 400


async def test_other_headers_may_come_twice(call):
    app = application()
    headers = [(b"host", b"localhost"), (b"accept", b"text/html"), (b"accept", b"text/plain")]
    assert (await call(app, headers=headers)).status == 200


async def test_the_check_is_the_same_for_unknown_paths_and_every_method(call):
    app = application()
    for path, method in (("/nowhere", "GET"), ("/", "POST"), ("/", "OPTIONS"), ("/", "TRACE"), ("/", "HEAD")):
        assert (await call(app, path, method=method, headers=[(b"host", b"evil.example")])).status == 400


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        (
            "shop.example",
            [b"shop.example", b"SHOP.example:8000"],
            [b"www.shop.example", b"shop.example.org", b"xshop.example"],
        ),
        ("shop.example:8000", [b"shop.example", b"shop.example:9"], [b"other.example:8000"]),
        (".shop.example", [b"www.shop.example", b"a.b.shop.example:1"], [b"shop.example", b"wwwshop.example"]),
        ("*.shop.example", [b"www.shop.example"], [b"shop.example", b"shop.example.evil.example"]),
        ("*", [b"anything.example", b"[::1]:80", b"1.2.3.4"], [b"", b"a b", b"user@host", b"x:99999"]),
        (
            "[::1]",
            [b"[::1]", b"[0:0:0:0:0:0:0:1]:80", b"[0::1]"],
            [b"[::2]", b"[::1%25eth0]", b"[::1]x", b"[::1]:x", b"[::1"],
        ),
        ("[2001:db8::A]", [b"[2001:DB8:0::a]"], [b"[2001:db8::b]"]),
        ("[::1]:8000", [b"[::1]"], [b"[::]"]),
    ],
)
async def test_patterns(call, pattern, accepted, refused):
    for host in accepted:
        assert await status(call, host, ALLOWED_HOSTS=[pattern]) == 200, host
    for host in refused:
        assert await status(call, host, ALLOWED_HOSTS=[pattern]) == 400, host


async def test_the_check_may_be_turned_off(call):
    assert await status(call, b"evil.example", ENFORCE_ALLOWED_HOSTS=False) == 200
    assert await status(call, [], ENFORCE_ALLOWED_HOSTS=False) == 200


async def test_what_is_remembered_of_clients_words_has_an_end(call, monkeypatch):
    monkeypatch.setattr("flasgo.security.hosts.MAX_REMEMBERED", 3)
    app = application()
    for port in range(1, 10):
        assert (await call(app, headers=[(b"host", b"localhost:%d" % port)])).status == 200
        assert (await call(app, headers=[(b"host", b"evil.example:%d" % port)])).status == 400


async def test_a_refusal_is_one_line_in_the_log_that_cannot_be_forged(call, caplog):
    await call(application(), headers=[(b"host", b"evil\r\nhost-check-failed\x1b[31m" + b"x" * 1000)])
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("flasgo.security", logging.WARNING)
    message = record.getMessage()
    assert message.startswith('host-check-failed method=GET path=/ client=127.0.0.1 host="evil\\r\\n')
    assert "\n" not in message
    assert len(message) < 400


async def test_the_log_may_be_turned_off(call, caplog):
    assert await status(call, b"evil.example", LOG_SECURITY_EVENTS=False) == 400
    assert not caplog.records


@pytest.mark.parametrize(
    ("family", "header", "written"),
    [
        ("x-forwarded", b"x-forwarded-for", True),
        ("forwarded", b"forwarded", True),
        ("forwarded", b"x-forwarded-for", False),
    ],
)
async def test_a_trusted_proxy_whose_words_cannot_be_read_is_told_to_the_log(call, caplog, family, header, written):
    app = application(TRUSTED_PROXIES=["127.0.0.1"], PROXY_HEADERS=family)
    assert (await call(app, headers=[(b"host", b"localhost"), (header, b"\x1b[31m;;")])).status == 200
    expected = f"proxy-headers-malformed client=127.0.0.1 header={header.decode()}"
    assert caplog.messages == ([expected] if written else [])


async def test_nothing_is_told_of_a_peer_without_an_address(call, caplog):
    app = application(TRUSTED_PROXIES=["unix"])
    assert (await call(app, headers=[(b"host", b"localhost"), (b"x-forwarded-for", b";;")], client=None)).status == 200
    assert caplog.messages == ["proxy-headers-malformed client=- header=x-forwarded-for"]
