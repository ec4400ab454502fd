class TestMath(TestCase):
    def test_sum(self):
        self.assertEqual(add(1, 2), 3)
        self.assertEqual(add(2, 2), 4)
        self.assertEqual(add(0, 0), 0)
