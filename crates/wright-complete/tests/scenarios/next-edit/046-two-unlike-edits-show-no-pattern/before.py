def stats(values):
    low = min(values)
    high = max(values)
    mean = sum(values) / len(values)
    return low, high, mean
