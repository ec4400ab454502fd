class Job:
    def __init__(self, name, queue, priority):
        self.name = name
        self.queue = queue
        self.priority = priority

    def run(self):
        return self.name
