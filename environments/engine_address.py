"""Where the engine is: the address of the environment file, else the one that Docker would use.

Docker's own order is `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context, the default socket.
"""

import json
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from environments.document import described
from environments.machine import DEFAULT_ENGINE, Engine, EngineTls
from environments.problem import InvalidEnvironment
from environments.values import ENGINE_EXPECTED, is_engine
from stackproof.printable import one_line
from stackproof.regular_file import read_regular_file

# Docker's ports, where a tcp address names none.
_PORT, _TLS_PORT = 2375, 2376
_INVALID = object()


def resolve(engine: Engine, variables: Mapping[str, str]) -> Engine:
    """Return the engine with its address, what named the address, and the TLS files for it.

    Raises:
        InvalidEnvironment: a variable, a context or Docker's configuration is wrong; one line that
            names it.
    """
    directory = _directory(variables)
    file = directory / "config.json"
    if _is_special(file):  # the Docker SDK reads it, whatever the address
        _refuse("Docker's configuration", f"{file} cannot be read: not a regular file")
    host = variables.get("DOCKER_HOST", "").strip()
    if "address" in engine.model_fields_set:
        source, address = "", engine.address
    elif host:
        source, address = "DOCKER_HOST", _of_variable(host)
    else:
        name, named_by = _context(variables, directory)
        if name in ("", "default"):
            return engine
        return _in_context(engine, directory / "contexts", name, named_by)
    tls = _tls_of_variables(variables, directory) if address.startswith("tcp:") else None
    return engine.at(_with_port(address, tls), source, tls)


def _directory(variables: Mapping[str, str]) -> Path:
    if configured := variables.get("DOCKER_CONFIG"):
        return Path(configured)
    try:
        home = Path(variables.get("HOME") or Path.home())
    except RuntimeError:  # a user without a home, for whom Docker takes the working directory
        home = Path()
    return home / ".docker"


def _of_variable(host: str) -> str:
    if host == "unix://":
        return DEFAULT_ENGINE
    # As Docker reads it: `127.0.0.1:2375` is a tcp address.
    address = host if "://" in host or ":" not in host else f"tcp://{host}"
    if not is_engine(address):
        _refuse("DOCKER_HOST", f"expected {ENGINE_EXPECTED}")
    return address


def _with_port(address: str, tls: EngineTls | None) -> str:
    parts = urlsplit(address)
    if parts.scheme != "tcp" or parts.port:
        return address
    return f"tcp://{parts.netloc.rstrip(':')}:{_TLS_PORT if tls else _PORT}{parts.path}"


def _tls_of_variables(variables: Mapping[str, str], directory: Path) -> EngineTls | None:
    verify = bool(variables.get("DOCKER_TLS_VERIFY"))
    if not verify and not variables.get("DOCKER_TLS"):
        return None
    if configured := variables.get("DOCKER_CERT_PATH"):
        directory = Path(configured)
    named_by = "DOCKER_TLS_VERIFY" if verify else "DOCKER_TLS"
    ca = directory / "ca.pem"
    if verify:
        _read(ca, named_by)
    return EngineTls(verify, ca if verify else None, _client(directory, named_by))


def _client(directory: Path, named_by: str) -> tuple[Path, Path] | None:
    certificate, key = directory / "cert.pem", directory / "key.pem"
    if not _exists(certificate) and not _exists(key):
        return None
    _read(certificate, named_by)
    _read(key, named_by)
    return certificate, key


def _context(variables: Mapping[str, str], directory: Path) -> tuple[str, str]:
    """Return the name of the current context, empty without one, and what names it."""
    if name := variables.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    file = directory / "config.json"
    if not _exists(file):
        return "", ""
    name = _json(file, "Docker's configuration").get("currentContext", "")
    if not isinstance(name, str):
        message = f"{file}: currentContext: expected the name of a context"
        _refuse("Docker's configuration", message)
    return name, str(file)


def _in_context(engine: Engine, contexts: Path, name: str, named_by: str) -> Engine:
    context = f"context {one_line(name)[:60]}"
    of = f"{context} ({named_by})"
    identity = sha256(name.encode(errors="replace")).hexdigest()
    file = contexts / "meta" / identity / "meta.json"
    if not _exists(file):
        _refuse(of, "there is no such context")
    endpoints = _json(file, of).get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict):
        endpoint = {}
    address = endpoint.get("Host")
    if not isinstance(address, str) or not is_engine(address):
        got = f", got {described(address)}" if isinstance(address, str) else ""
        _refuse(of, f"expected {ENGINE_EXPECTED}{got}")
    tls = None
    if address.startswith("tcp:"):
        directory = contexts / "tls" / identity / "docker"
        verify, client = not endpoint.get("SkipTLSVerify"), _client(directory, of)
        ca = directory / "ca.pem" if _exists(directory / "ca.pem") else None
        if ca:
            _read(ca, of)
        if ca or client or not verify:
            tls = EngineTls(verify, ca, client)
    return engine.at(_with_port(address, tls), context, tls)


def _exists(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # whoever reads it meets the same error
        pass
    return True


def _is_special(file: Path) -> bool:
    try:
        mode = file.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _json(file: Path, named_by: str) -> dict[str, Any]:
    content = _read(file, named_by)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = _INVALID
    if value is _INVALID:
        _refuse(named_by, f"{file} is not valid JSON")
    if not isinstance(value, dict):
        _refuse(named_by, f"{file} holds no JSON object")
    return value


def _read(file: Path, named_by: str) -> bytes:
    try:
        return read_regular_file(file)
    except OSError as error:
        reason = error.strerror
    return _refuse(named_by, f"{file} cannot be read: {reason}")


def _refuse(named_by: str, message: str) -> NoReturn:
    raise InvalidEnvironment(one_line(f"{named_by}: {message}"))
