@pytest.mark.slow
def test_load():
    assert load("a")


@pytest.mark.slow
def test_save():
    assert save("a")


@pytest.mark.slow
def test_sync():
    assert sync("a", "b")
