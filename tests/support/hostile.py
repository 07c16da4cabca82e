#!/usr/bin/env python3
"""Strangers at the coordinator's door, until told to stop: hostile.py PORT CONNECTIONS

They hold connections and say nothing, or a byte now and then, or half a handshake, or garbage; they ask for TLS 1.2, or
for TLS 1.3 without a certificate. Prints how many of each it made, and how many of the TLS ones got a byte of ours.
"""
import random
import resource
import signal
import socket
import ssl
import sys
import time

HELLO = bytes.fromhex("16030100f8010000f40303")  # how a ClientHello begins


def plain(port):
    peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    peer.setblocking(False)
    return peer


def say(peer, data):
    try:
        peer.send(data)
        return True
    except BlockingIOError:
        return True
    except OSError:
        return False


def asks_through(port, highest):
    """Whether a client without a certificate hears our greeting inside TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = highest
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            with context.wrap_socket(peer) as inside:
                return b"cofferdam" in inside.recv(64)
    except OSError:
        return False


def main():
    port, wanted = int(sys.argv[1]), int(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * wanted + 100), hard))
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    dice, peers, made, through = random.Random(1), [], 0, 0
    print("begun", flush=True)
    while not stopping:
        while len(peers) < wanted and not stopping:
            try:
                peer = plain(port)
            except OSError:
                break
            made += 1
            kind = made % 4
            if kind == 1:
                say(peer, HELLO)
            elif kind == 2:
                say(peer, dice.randbytes(200))
            peers.append((peer, kind))
            if made == wanted:
                print("all there", flush=True)
        through += asks_through(port, ssl.TLSVersion.TLSv1_2) + asks_through(port, ssl.TLSVersion.TLSv1_3)
        left = []
        for peer, kind in peers:
            alive = kind != 3 or say(peer, HELLO[:1])
            try:
                alive = alive and peer.recv(4096) != b""
            except BlockingIOError:
                pass
            except OSError:
                alive = False
            if alive:
                left.append((peer, kind))
            else:
                peer.close()
        peers = left
        time.sleep(0.05)
    print(f"{made} connections, {through} let in")
    return 1 if through else 0


sys.exit(main())
