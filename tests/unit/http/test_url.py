from flasgo.http.url import URL


def test_a_url_is_written_as_a_client_sends_it():
    assert str(URL("https", "shop.example:8443", "/api", "/bücher/a b", "q=%20&r")) == (
        "https://shop.example:8443/api/b%C3%BCcher/a%20b?q=%20&r"
    )
    assert str(URL("http", "localhost", "", "/", "")) == "http://localhost/"


def test_what_may_stand_in_a_path_stands_there_and_nothing_else():
    assert str(URL("http", "h", "", "/a:@!$&'()*+,;=-._~/", "")) == "http://h/a:@!$&'()*+,;=-._~/"
    assert str(URL("http", "h", "", "/a?b#c%d\\\x00<>", "")) == "http://h/a%3Fb%23c%25d%5C%00%3C%3E"
