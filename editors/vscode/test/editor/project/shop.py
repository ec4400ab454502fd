def total(pric):
    """Returns what a customer pays.

    A tax is part of it.
    """

    taxed = cost * 1.2
    rounded = round(taxed, 2)
    return taxed + cost
