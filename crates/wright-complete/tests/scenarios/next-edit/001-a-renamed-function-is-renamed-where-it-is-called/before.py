def load_rows(path):
    with open(path) as source:
        return source.read().splitlines()


def count_rows(path):
    return len(load_rows(path))


if __name__ == "__main__":
    print(load_rows("data.csv"))
