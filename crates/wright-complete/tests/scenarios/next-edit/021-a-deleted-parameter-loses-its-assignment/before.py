class Client:
    def __init__(self, host, port, debug):
        self.host = host
        self.port = port
        self.debug = debug
