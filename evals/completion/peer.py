#!/usr/bin/env python3
"""Starts llama.cpp's own server as the peer that `wright eval typing` compares with.

The server is the one in the Python package `xllamacpp`, which is llama.cpp's C++ server with its HTTP API and needs no
compiler. The package goes into a folder of its own (--packages), with `pip install --no-deps --target`. The server listens
on a loopback port; its address is the only line on stdout. It ends on SIGTERM, SIGINT, or when stdin is closed.

    python3 evals/completion/peer.py --model MODEL.gguf --threads 2
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading

VERSION = "2026.10.11549"


def main():
    options = parse()
    install(options)
    sys.path.insert(0, options.packages)
    import xllamacpp

    server = xllamacpp.Server(params(xllamacpp, options))
    print(server.listening_address, flush=True)
    wait_for_end()
    # The server's own threads end with the process; there is nothing to save.
    sys.stdout.flush()
    os._exit(0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the GGUF file, the same one that wright uses")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads that compute")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--context", type=int, default=8192, help="tokens for each of the two slots")
    parser.add_argument("--cache-reuse", type=int, default=256, help="as llama.vim recommends")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser.add_argument("--packages", default=os.path.join(cache, "codewright-peer", VERSION), help="where it is installed")
    parser.add_argument("--wheels", help="a folder that holds the wheel, for machines without network")
    return parser.parse_args()


def install(options):
    if os.path.isdir(os.path.join(options.packages, "xllamacpp")):
        return
    source = ["--no-index", "--find-links", options.wheels] if options.wheels else []
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", options.packages]
    subprocess.run([*command, *source, f"xllamacpp=={VERSION}"], check=True, stdout=sys.stderr)


def params(xllamacpp, options):
    it = xllamacpp.CommonParams()
    it.model.path = options.model
    it.hostnames = ["127.0.0.1"]
    it.port = options.port or free_port()
    it.cpuparams.n_threads = options.threads
    it.cpuparams_batch.n_threads = options.threads
    # Slot 0 is driven prefix first, slot 1 suffix first, so that the two do not throw each other's cache away.
    it.n_parallel = 2
    it.n_ctx = 2 * options.context
    # /infill cuts a prefix to three quarters and a suffix to one quarter of this; nothing is to be cut.
    it.n_batch = options.context
    it.n_cache_reuse = options.cache_reuse
    it.endpoint_slots = True
    it.verbosity = 0
    return it


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_end():
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    # A wait without limit would keep Python from handling signals.
    while not ended.wait(0.2):
        pass


if __name__ == "__main__":
    main()
