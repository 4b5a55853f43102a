from flasgo.security.etags import EntityTags


def test_it_refuses_nothing_by_itself():
    assert EntityTags().rejections(None) == ()
    assert EntityTags().compile(None) is None
