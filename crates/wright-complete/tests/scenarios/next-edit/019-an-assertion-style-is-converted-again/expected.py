class TestMath(TestCase):
    def test_sum(self):
        assert add(1, 2) == 3
        assert add(2, 2) == 4
        assert add(0, 0) == 0
