import numpy as np


def mean(values):
    return np.array(values).mean()


def zeros(count):
    return np.zeros(count)
