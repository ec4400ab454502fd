def load(path):
    return open(path)


def main():
    return load("x")
