def test_load():
    assert load("a")


def test_save():
    assert save("a")


def test_sync():
    assert sync("a", "b")
