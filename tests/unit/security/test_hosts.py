import pytest

from flasgo.errors import HostNotAllowed
from flasgo.events import SecurityLog
from flasgo.http.hosts import AllowedHosts, host_name, host_port
from flasgo.request import Request
from flasgo.security import hosts
from flasgo.security.hosts import HostCheck


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (b"example.com", "example.com"),
        (b"EXAMPLE.com:8000", "example.com"),
        (b"example.com.", "example.com"),
        (b"a_b-c.1", "a_b-c.1"),
        (b"10.0.0.1:1", "10.0.0.1"),
        (b"[::1]", "::1"),
        (b"[0:0::1]:80", "::1"),
        (b"[2001:DB8::A]", "2001:db8::a"),
        (b"x" * 63, "x" * 63),
        (b".".join([b"x"] * 127), ".".join(["x"] * 127)),
        (b".".join([b"x"] * 128), ".".join(["x"] * 128)),
    ],
)
def test_a_well_formed_host_has_a_name(host, name):
    assert host_name(host) == name


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b".",
        b"..",
        b"a..b",
        b".a",
        b"a..",
        b"x" * 64,
        b"x" * 256,
        b".".join([b"xx", *[b"x"] * 127]),
        b".".join([b"x"] * 129),
        b":80",
        b"a:",
        b"a:0",
        b"a:65536",
        b"a:-1",
        b"a:80 ",
        b"a:8\n",
        b"a\n",
        b"a b",
        b"a/b",
        b"a@b",
        b"a,b",
        b"a\x00",
        b"\xc3\xbc",
        b"[",
        b"[]",
        b"[::1",
        b"[::1]80",
        b"[::1]:",
        b"[::1]]",
        b"[::1%eth0]",
        b"[::1\n]",
        b"[\xff]",
        b"[10.0.0.1]",
        b"[a]",
        b"::1",
    ],
)
def test_what_breaks_the_grammar_has_none(host):
    assert host_name(host) is None


@pytest.mark.parametrize(
    ("host", "port"),
    [(b"a", None), (b"a:80", 80), (b"[::1]", None), (b"[::1]:8000", 8000), (b"10.0.0.1:1", 1)],
)
def test_the_port_of_a_host(host, port):
    assert host_port(host) == port


def test_patterns_are_read_once_and_asked_by_name():
    allowed = AllowedHosts(["Shop.Example", ".sub.example", "*.wild.example:80", "::1", "localhost:8000", "  spaced  "])
    for name in ("shop.example", "a.sub.example", "a.b.wild.example", "::1", "localhost", "spaced"):
        assert name in allowed
    for name in ("sub.example", "wild.example", "xsub.example", "", None, 5, b"localhost"):
        assert name not in allowed
    assert "::1" in AllowedHosts(["0:0::1"])
    assert "2001:db8::a" in AllowedHosts(["2001:DB8:0::A"])
    assert "::1" in AllowedHosts(["::01"])
    assert "a.upper.example" in AllowedHosts([".UPPER.example."])
    assert "?" not in AllowedHosts(["中"])
    assert "anything" in AllowedHosts(["*"])
    assert "anything" not in AllowedHosts([])
    assert None not in AllowedHosts(["*"])


def test_the_stage_refuses_with_one_kind_of_error():
    stage = HostCheck(["localhost"], log=SecurityLog(enabled=False))
    assert [kind.__name__ for kind in stage.rejections(None)] == ["HostNotAllowed"]
    assert stage.compile(None) is stage.compile(None)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", True),
        (" Example.com:8000 ", True),
        ("www.example.org", True),
        ("example.org", False),
        ("evil.com", False),
        ("exämple.com", False),
        ("", False),
        (None, False),
    ],
)
def test_host_is_allowed_judges_a_host_as_the_stage_does(host: str | None, allowed: bool):
    from flasgo.security import host_is_allowed

    assert host_is_allowed(host, allowed_hosts={"example.com", ".example.org"}) is allowed


def asking(*headers):
    async def receive():
        raise AssertionError

    return Request.of({"type": "http", "method": "GET", "path": "/", "headers": list(headers)}, receive)


def test_a_host_that_was_found_right_is_judged_once_and_so_many_are_remembered(monkeypatch):
    stage = HostCheck([".shop.example"], log=SecurityLog(enabled=False))
    judged = []
    monkeypatch.setattr(hosts, "host_name", lambda host: judged.append(host) or host_name(host))
    for _ in range(2):
        for number in range(hosts.MAX_REMEMBERED + 5):
            stage.check(asking((b"host", b"a%d.shop.example" % number)))
    assert len(stage._accepted) == hosts.MAX_REMEMBERED == 1_024
    assert len(judged) == 1_024 + 5 + 5


def test_a_refusal_says_how_to_mend_it_and_what_was_asked_for(caplog):
    stage = HostCheck(["localhost"], log=SecurityLog(enabled=True))
    with pytest.raises(HostNotAllowed) as refused:
        stage.check(asking())
    assert refused.value.detail == "This host is not served here. If it is yours, add it to ALLOWED_HOSTS."
    with pytest.raises(HostNotAllowed):
        stage.check(asking((b"host", b"evil.example")))
    assert [record.fields["host"] for record in caplog.records] == ["", "evil.example"]


def test_a_host_that_comes_twice_is_refused_and_other_fields_may():
    stage = HostCheck(["localhost"], log=SecurityLog(enabled=False))
    stage.check(asking((b"accept", b"a"), (b"host", b"localhost"), (b"accept", b"b")))
    with pytest.raises(HostNotAllowed):
        stage.check(asking((b"host", b"localhost"), (b"host", b"localhost")))


# Of the mutants of hosts.py these live, and may: False for None where only truth is asked, looking for a second Host where no field
# comes twice, and, in the patterns, the text of one that is no host (it is nobody's name) and a name that is None (it is in no set).


# Of the mutants of security/hosts.py and http/hosts.py these live, and may: looking for a second Host where no field is repeated; a
# port looked for from the left, since a well-formed host has one colon outside its brackets; a pattern that is no host kept as it is
# written, or not at all: no host is ever equal to it; None asked for among names.
