def fetch(url):
    return get(url)


fetch("a")
fetch("b")
