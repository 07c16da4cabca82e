#!/usr/bin/env python3
"""A wire that remembers.

tap.py keep LISTEN TO FILE: passes connections on from one port of this machine to another until it is told to stop, then
writes what each client sent. tap.py again PORT FILE: sends all of it again, each connection's bytes over a new one; prints
how many connections and bytes, and exits with 1 when one gets more of an answer than a handshake that fails.
"""
import pickle
import signal
import socket
import sys
import threading

HANDSHAKE = 4096  # more than our hello, certificate and alert take; a greeting inside TLS would still be below it


def pump(source, sink, kept):
    try:
        while data := source.recv(65536):
            kept.append(data)
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def keep(listen, to, path):
    kept = []

    def stop(*_):
        with open(path, "wb") as file:
            pickle.dump([b"".join(said) for said in kept], file)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    door = socket.create_server(("127.0.0.1", listen))
    while True:
        client, _ = door.accept()
        server = socket.create_connection(("127.0.0.1", to))
        said = []
        kept.append(said)
        threading.Thread(target=pump, args=(client, server, said), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, []), daemon=True).start()


def again(port, path):
    with open(path, "rb") as file:
        kept = pickle.load(file)
    for said in kept:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
            answer = 0
            try:
                peer.sendall(said)
                while data := peer.recv(65536):
                    answer += len(data)
            except ConnectionError:
                pass
            if answer > HANDSHAKE:
                sys.exit(f"a replayed connection got {answer} bytes")
    print(f"{len(kept)} connections, {sum(map(len, kept))} bytes")


if sys.argv[1] == "keep":
    keep(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
else:
    again(int(sys.argv[2]), sys.argv[3])
