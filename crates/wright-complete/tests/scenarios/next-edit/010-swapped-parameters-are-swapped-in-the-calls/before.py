def copy(source, target):
    target.write(source.read())


copy(first, second)
copy(open("a"), open("b", "w"))
