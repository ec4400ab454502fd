from collections import Counter


def tally(words):
    counts = Counter(words)
    return counts
