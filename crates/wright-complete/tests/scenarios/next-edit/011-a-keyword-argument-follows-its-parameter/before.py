def connect(host, timeout=10):
    return host, timeout


connect("a.example", timeout=5)
connect("b.example", timeout=7)
