"""Runs in a container with nginx: starts it with each configuration, and sends the requests.

Reads `/cases.json`, and prints for each request where it was answered.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# The address of each service is its place here.
HTTP = {"api": 5000, "web": 3000, "admin": 8080, "docs": 4000, "grafana": 3000, "app": 8000}
OTHERS = {"php": 9000, "uwsgi": 3031, "scgi": 4001}
GRPC = {"grpc": 50051}
TIMES = 4
"""Enough for each server of a group to answer."""
NGINX = "/usr/sbin/nginx"


def addresses(names: Iterable[str]) -> dict[str, str]:
    return {name: f"127.0.1.{number}" for number, name in enumerate(dict.fromkeys(names), 1)}


def serve(address: str, port: int, reply: bytes) -> None:
    listener = socket.create_server((address, port), backlog=128)

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(2)
            try:
                connection.recv(65536)
                connection.sendall(reply)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def http(name: str, port: int) -> bytes:
    place = f"{name}:{port}"
    return (
        f"HTTP/1.1 200 OK\r\nX-Place: {place}\r\nContent-Length: {len(place)}\r\n"
        f"Connection: close\r\n\r\n{place}"
    ).encode()


def fastcgi(name: str, port: int) -> bytes:
    body = f"X-Place: {name}:{port}\r\nContent-Type: text/plain\r\n\r\nx".encode()
    record = b"\x01\x06\x00\x01" + len(body).to_bytes(2, "big") + b"\0\0" + body
    return record + b"\x01\x06\x00\x01\0\0\0\0" + b"\x01\x03\x00\x01\x00\x08\0\0" + b"\0" * 8


def scgi(name: str, port: int) -> bytes:
    return f"Status: 200 OK\r\nX-Place: {name}:{port}\r\n\r\nx".encode()


def resolve(names: Mapping[str, str]) -> None:
    """Answer questions for addresses, as the engine's resolver does."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.53", 53))
    while True:
        question, client = listener.recvfrom(512)
        labels, at = list[str](), 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        address = names.get(".".join(labels).lower())
        is_a = question[at + 1 : at + 3] == b"\0\x01"
        found = address if is_a else None
        head = question[:2] + (b"\x81\x80" if address else b"\x81\x83")
        head += b"\0\x01" + (b"\0\x01" if found else b"\0\0") + b"\0\0\0\0"
        record = b""
        if found:
            record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton(found)
        listener.sendto(head + question[12 : at + 5] + record, client)


def request(url: str) -> str:
    """Return who answered: a service, or nothing for nginx itself."""
    authority, _, path = url.removeprefix("http://").partition("/")
    _, _, port = authority.partition(":")
    try:
        with socket.create_connection(("127.0.0.1", int(port or 80)), timeout=5) as connection:
            connection.sendall(
                f"GET /{path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: corpus\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            received = b""
            while part := connection.recv(65536):
                received += part
    except OSError as error:
        return f"error: {error}"
    head = received.partition(b"\r\n\r\n")[0].decode()
    places = [line[9:] for line in head.split("\r\n") if line.lower().startswith("x-place: ")]
    status = head.split(" ")[1] if " " in head else ""
    if not places and status in ("502", "504"):
        return f"error: {status}"
    return places[0] if places else ""


def run(case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    conf = folder / "nginx.conf"
    conf.write_text(case["text"])
    tested = subprocess.run(
        [NGINX, "-t", "-c", str(conf)], capture_output=True, text=True, check=False
    )
    if tested.returncode:
        return {"invalid": tested.stderr.strip().splitlines()[0]}
    process = subprocess.Popen(
        [NGINX, "-c", str(conf), "-g", "daemon off; master_process off;"], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", 80), timeout=1).close()
                break
            except OSError:
                time.sleep(0.005)
        answers = {url: sorted({request(url) for _ in range(TIMES)}) for url in case["requests"]}
        if process.poll() is not None:
            return {"invalid": "nginx crashed"}
        return answers
    finally:
        process.kill()
        process.wait()


def main() -> None:
    given = json.loads(Path("/cases.json").read_text(encoding="utf-8"))
    names = addresses([*HTTP, *OTHERS, *GRPC])
    with Path("/etc/hosts").open("a") as hosts:
        hosts.writelines(f"{address} {name}\n" for name, address in names.items())
    for name, port in HTTP.items():
        serve(names[name], port, http(name, port))
    for name, port in OTHERS.items():
        reply = {"php": fastcgi, "uwsgi": http, "scgi": scgi}[name](name, port)
        serve(names[name], port, reply)
    threading.Thread(target=resolve, args=(names,), daemon=True).start()
    folder = Path("/run/corpus")
    folder.mkdir(exist_ok=True)
    grpc = folder / "grpc.conf"
    grpc.write_text(
        "pid /run/grpc.pid; error_log stderr emerg; events {} http { access_log off; server { "
        f"listen {names['grpc']}:50051 http2; add_header X-Place grpc:50051; "
        "location / { return 200 x; } } }"
    )
    behind = subprocess.Popen([NGINX, "-c", str(grpc), "-g", "daemon off;"])
    site = Path("/srv/site")
    for name in given["files"]:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("file")
    try:
        json.dump({case["name"]: run(case, folder) for case in given["cases"]}, sys.stdout)
    finally:
        behind.terminate()


if __name__ == "__main__":
    main()
