from dataclasses import dataclass


@dataclass
class Window:
    start: int
    end: int


def clip(samples, start, end):
    return samples[start:end]


clip([1, 2, 3], 0, 2)
