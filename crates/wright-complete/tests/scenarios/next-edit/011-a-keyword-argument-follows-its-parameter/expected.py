def connect(host, timeout_seconds=10):
    return host, timeout_seconds


connect("a.example", timeout_seconds=5)
connect("b.example", timeout_seconds=7)
