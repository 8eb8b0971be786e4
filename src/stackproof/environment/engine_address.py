"""The address of the engine: the environment file's, or else the one that Docker would use.

Docker's order is `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context, the default socket.
"""

import json
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from stackproof.environment.document.problem import InvalidEnvironment, describe
from stackproof.environment.machine import DEFAULT_ENGINE, Engine, EngineTls
from stackproof.files.regular_file import read_regular_file
from stackproof.printable import one_line
from stackproof.schema.addresses import ENGINE_EXPECTED, is_engine

# Docker's default ports of a tcp address.
_PORT, _TLS_PORT = 2375, 2376
_INVALID = object()


def resolve(engine: Engine, variables: Mapping[str, str]) -> Engine:
    """Return the engine with its address, the source of the address, and its TLS files.

    Raises:
        InvalidEnvironment: a variable, a context or Docker's configuration is invalid. The message
            is one line that names it.
    """
    directory = _directory(variables)
    file = directory / "config.json"
    if _is_special(file):  # the Docker SDK reads it for every address
        _reject("Docker's configuration", f"{file} cannot be read: not a regular file")
    host = variables.get("DOCKER_HOST", "").strip()
    if "address" in engine.model_fields_set:
        source, address = "", engine.address
    elif host:
        source, address = "DOCKER_HOST", _from_variable(host)
    else:
        name, source = _context(variables, directory)
        if name in ("", "default"):
            return engine
        return _from_context(engine, directory / "contexts", name, source)
    tls = None
    if address.startswith("tcp:"):
        tls = _declared_tls(engine) or _tls_from_variables(variables, directory)
    return engine.resolved(_with_port(address, tls), source, tls)


def _directory(variables: Mapping[str, str]) -> Path:
    if configured := variables.get("DOCKER_CONFIG"):
        return Path(configured)
    try:
        home = Path(variables.get("HOME") or Path.home())
    except RuntimeError:  # without a home directory, Docker uses the working directory
        home = Path()
    return home / ".docker"


def _from_variable(host: str) -> str:
    if host == "unix://":
        return DEFAULT_ENGINE
    # Docker reads `127.0.0.1:2375` as a tcp address.
    address = host if "://" in host or ":" not in host else f"tcp://{host}"
    if not is_engine(address):
        _reject("DOCKER_HOST", f"expected {ENGINE_EXPECTED}")
    return address


def _with_port(address: str, tls: EngineTls | None) -> str:
    parts = urlsplit(address)
    if parts.scheme != "tcp" or parts.port:
        return address
    return f"tcp://{parts.netloc.rstrip(':')}:{_TLS_PORT if tls else _PORT}{parts.path}"


def _declared_tls(engine: Engine) -> EngineTls | None:
    return _verified(Path(engine.cert_path), "engine.cert_path") if engine.cert_path else None


def _tls_from_variables(variables: Mapping[str, str], directory: Path) -> EngineTls | None:
    verify = bool(variables.get("DOCKER_TLS_VERIFY"))
    if not verify and not variables.get("DOCKER_TLS"):
        return None
    if configured := variables.get("DOCKER_CERT_PATH"):
        directory = Path(configured)
    source = "DOCKER_TLS_VERIFY" if verify else "DOCKER_TLS"
    if verify:
        return _verified(directory, source)
    return EngineTls(verify, None, _client(directory, source))


def _verified(directory: Path, source: str) -> EngineTls:
    ca = directory / "ca.pem"
    _read(ca, source)
    return EngineTls(verify=True, ca=ca, client=_client(directory, source))


def _client(directory: Path, source: str) -> tuple[Path, Path] | None:
    certificate, key = directory / "cert.pem", directory / "key.pem"
    if not _exists(certificate) and not _exists(key):
        return None
    _read(certificate, source)
    _read(key, source)
    return certificate, key


def _context(variables: Mapping[str, str], directory: Path) -> tuple[str, str]:
    """Return the name of the current context and its source, or empty strings if there is none."""
    if name := variables.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    file = directory / "config.json"
    if not _exists(file):
        return "", ""
    name = _json(file, "Docker's configuration").get("currentContext", "")
    if not isinstance(name, str):
        message = f"{file}: currentContext: expected the name of a context"
        _reject("Docker's configuration", message)
    return name, str(file)


def _from_context(engine: Engine, contexts: Path, name: str, source: str) -> Engine:
    context = f"context {one_line(name)[:60]}"
    label = f"{context} ({source})"
    identity = sha256(name.encode(errors="replace")).hexdigest()
    file = contexts / "meta" / identity / "meta.json"
    if not _exists(file):
        _reject(label, "there is no such context")
    endpoints = _json(file, label).get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict):
        endpoint = {}
    address = endpoint.get("Host")
    if not isinstance(address, str) or not is_engine(address):
        got = f", got {describe(address)}" if isinstance(address, str) else ""
        _reject(label, f"expected {ENGINE_EXPECTED}{got}")
    tls = _declared_tls(engine) if address.startswith("tcp:") else None
    if tls is None and address.startswith("tcp:"):
        directory = contexts / "tls" / identity / "docker"
        verify, client = not endpoint.get("SkipTLSVerify"), _client(directory, label)
        ca = directory / "ca.pem" if _exists(directory / "ca.pem") else None
        if ca:
            _read(ca, label)
        if ca or client or not verify:
            tls = EngineTls(verify, ca, client)
    return engine.resolved(_with_port(address, tls), context, tls)


def _exists(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # reading the file fails with the same error
        pass
    return True


def _is_special(file: Path) -> bool:
    try:
        mode = file.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _json(file: Path, source: str) -> dict[str, Any]:
    content = _read(file, source)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = _INVALID
    if value is _INVALID:
        _reject(source, f"{file} is not valid JSON")
    if not isinstance(value, dict):
        _reject(source, f"{file} holds no JSON object")
    return value


def _read(file: Path, source: str) -> bytes:
    try:
        return read_regular_file(file)
    except OSError as error:
        reason = error.strerror
    return _reject(source, f"{file} cannot be read: {reason}")


def _reject(source: str, message: str) -> NoReturn:
    raise InvalidEnvironment(one_line(f"{source}: {message}"))
