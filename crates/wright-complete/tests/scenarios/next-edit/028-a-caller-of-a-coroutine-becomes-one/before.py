async def main():
    total = load_total()
    print(total)


def load_total():
    return 3
