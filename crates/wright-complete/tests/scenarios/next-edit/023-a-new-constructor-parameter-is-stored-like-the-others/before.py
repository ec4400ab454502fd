class Job:
    def __init__(self, name, queue):
        self.name = name
        self.queue = queue

    def run(self):
        return self.name
