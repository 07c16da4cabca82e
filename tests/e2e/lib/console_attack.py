"""Requests as no browser makes them, to a console: console_attack.py HOST:PORT COOKIE TOKEN. COOKIE is a session's,
NAME=VALUE; TOKEN is one that counts still. Ends with 1 and what went wrong."""
import concurrent.futures
import socket
import sys
import time

host, port = sys.argv[1].rsplit(":", 1)
cookie, token = sys.argv[2:]
SECONDS = 30
POLICY = b"content-security-policy: default-src 'none'"


def dial():
    return socket.create_connection((host, int(port)), SECONDS)


def read(connection):
    """What comes until the other side closes."""
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionError:
        pass
    return got


def ask(raw, close=False):
    with dial() as connection:
        try:
            connection.sendall(raw)
            if close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # it closed before all was said
            pass
        return read(connection)


def request(method, path, *headers, body=b"", cookies=(cookie,)):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", *(f"Cookie: {one}" for one in cookies), *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def must(condition, what, answer=b""):
    if not condition:
        sys.exit(f"{what}: {answer[:400]!r}")


def expect(code, raw, what):
    answer = ask(raw)
    must(status(answer) == code, f"{what} is answered with {status(answer)}, not {code}", answer)
    must(POLICY in answer.lower(), f"{what} is answered without the policy", answer)
    return answer


def paths():
    run = "0" * 64
    for path in ("/../state/secrets.db", "/%2e%2e/identity.key", "/api/runs/../../node.key", f"/api/runs/{run}/../model",
                 f"/api/runs/{run}%2fmodel", f"/api/runs/{run}/%2e%2e%2fplan", f"/api/runs/{run}/plan%00.cfd", "//", "/api/",
                 "/api//session", "/api/session/", f"/api/runs/{run}/model", f"/api/runs/{run.replace('0', 'A')}", "/%", "/console.js/"):
        expect(404, request("GET", path), path)
    expect(200, request("GET", "/api/session?token=x"), "a path with a query")


def names():
    for name in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "[::1", "127.0.0.1@evil.example"):
        raw = request("GET", "/api/session").replace(f"Host: {host}:{port}".encode(), f"Host: {name}".encode())
        expect(403, raw, f"the name {name!r}")
    for site in ("cross-site", "same-site", "SAME-ORIGIN", ""):
        expect(403, request("GET", "/api/session", f"Sec-Fetch-Site: {site}"), f"Sec-Fetch-Site: {site}")
        expect(403, request("POST", "/logout", f"Sec-Fetch-Site: {site}", "Content-Length: 0"), f"a logout by {site}")
    expect(403, request("POST", "/logout", "Origin: http://localhost:1", "Content-Length: 0"), "a logout by another origin")
    must(status(ask(b"GET /api/session HTTP/1.0\r\n\r\n")) == 403, "no name at all is answered")


def sessions():
    name, value = cookie.split("=")
    expect(401, request("GET", "/api/session", cookies=()), "no cookie")
    expect(401, request("GET", "/api/session", cookies=(f"{name}=",)), "an empty cookie")
    expect(401, request("GET", "/api/session", cookies=(f"{name}={value[:-1]}",)), "a short cookie")
    expect(401, request("GET", "/api/session", cookies=(f"{name}={value}0",)), "a long cookie")
    expect(401, request("GET", "/api/session", cookies=(f"{name}={token}",)), "a token as a cookie")
    expect(403, request("POST", "/login", "Content-Length: 64", body=value.encode()), "a session as a token")
    for second in (f"{name}=1", f"{name}="):  # one of two is taken, and never a mixture
        must(status(ask(request("GET", "/api/session", cookies=(f"{cookie}; {second}",)))) in (200, 401), "two cookies")
    expect(401, request("GET", "/api/events", cookies=()), "events without a session")


def methods():
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "GETT"):
        expect(405, request(method, "/api/session"), method)
    expect(405, request("POST", "/api/session", "Content-Length: 0"), "a POST to what is shown")
    expect(405, request("POST", "/api/session"), "a POST without a length")
    for path in ("/", "/api/session", "/api/events"):
        answer = ask(request("HEAD", path))
        must(status(answer) == 200 and answer.endswith(b"\r\n\r\n"), f"HEAD {path}", answer)


def bodies():
    big = b"a" * 100000
    expect(403, request("POST", "/login", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), "a token in chunks")
    expect(403, request("POST", "/login", "Content-Length: 0"), "no token")
    for what, raw in (("a large body", request("POST", "/login", f"Content-Length: {len(big)}", body=big)),
                      ("large chunks", request("POST", "/login", "Transfer-Encoding: chunked", body=b"186a0\r\n" + big + b"\r\n0\r\n\r\n")),
                      ("a length below none", request("POST", "/login", "Content-Length: -1")),
                      ("a length past counting", request("POST", "/login", "Content-Length: 99999999999999999999")),
                      ("two lengths", request("POST", "/login", "Content-Length: 3", "Content-Length: 64", body=big[:64])),
                      ("a huge header", request("GET", "/", f"X: {big.decode()}")),
                      ("many headers", request("GET", "/", *(f"X{i}: y" for i in range(5000)))),
                      ("a huge path", request("GET", "/" + big.decode())),
                      ("no HTTP", bytes(range(256)) * 8 + b"\r\n\r\n"),
                      ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506))):
        answer = ask(raw, close=True)
        must(status(answer) in (0, 400, 411, 413, 414, 431, 403), what, answer)
        must(b"204" not in answer[:20], f"{what} lets somebody in", answer)


def pipeline():
    answer = ask(request("GET", "/api/session") * 3)
    must(answer.count(b"HTTP/1.1 ") == 1, "more than one answer on a connection", answer)


def race():
    """One token, many at once: one of them gets a session."""
    raw = request("POST", "/login", f"Content-Length: {len(token)}", body=token.encode(), cookies=())
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        got = sorted(status(answer) for answer in pool.map(lambda _: ask(raw), range(12)))
    must(got == [204] + 11 * [403], f"a token that many bring at once: {got}")


def crowd():
    """More connections than there is room for, which say nothing: they go, and then others are answered."""
    idle = [dial() for _ in range(40)]
    for connection in idle:
        connection.settimeout(SECONDS)
    begun = time.monotonic()
    for connection in idle:
        read(connection)
        connection.close()
    must(time.monotonic() - begun < SECONDS, "who says nothing stays")
    expect(200, request("GET", "/api/session"), "a request after a crowd")


for attack in (paths, names, sessions, methods, bodies, pipeline, race, crowd):
    attack()
