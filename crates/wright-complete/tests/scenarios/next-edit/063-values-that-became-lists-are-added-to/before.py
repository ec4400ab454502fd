class Index:
    def __init__(self):
        self.places: dict[str, int] = {}

    def add(self, word, place):
        self.places[word] = place
