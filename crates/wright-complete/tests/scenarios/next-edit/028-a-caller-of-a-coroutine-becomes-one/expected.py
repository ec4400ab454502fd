async def main():
    total = await load_total()
    print(total)


async def load_total():
    return 3
