def report(rows):
    print("start")
    for row in rows:
        print(row)
    print("done", len(rows))
    return rows
