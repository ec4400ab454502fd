class Index:
    def __init__(self):
        self.places: dict[str, list[int]] = {}

    def add(self, word, place):
        self.places.setdefault(word, []).append(place)
