def first(value):
    return value + 1


def second(value):
    return value + 2
