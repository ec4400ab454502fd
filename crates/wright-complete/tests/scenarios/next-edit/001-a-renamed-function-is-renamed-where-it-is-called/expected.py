def read_lines(path):
    with open(path) as source:
        return source.read().splitlines()


def count_rows(path):
    return len(read_lines(path))


if __name__ == "__main__":
    print(read_lines("data.csv"))
