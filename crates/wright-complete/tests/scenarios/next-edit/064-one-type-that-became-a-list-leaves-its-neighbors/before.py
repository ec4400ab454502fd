class Recipe:
    title: str
    step: str
    author: str
