from collections import Counter, defaultdict


def tally(words):
    counts = Counter(words)
    groups = defaultdict(list)
    return counts, groups
