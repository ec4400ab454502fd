def copy(target, source):
    target.write(source.read())


copy(second, first)
copy(open("b", "w"), open("a"))
