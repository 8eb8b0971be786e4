"""Compares where the reader says that a request leads with where a real nginx sent it."""

from stackproof.facts.proxy import Destination
from stackproof.probes.nginx.configuration.model import parse
from stackproof.probes.nginx.routing.reader import Reader
from stackproof.probes.nginx.routing.request import request_to
from stackproof.unobserved import UnobservedError
from tests.probes.nginx.corpus.case import FILES, ROOT, Case

_DIRECTORIES = {ROOT, f"{ROOT}/static", f"{ROOT}/docs"}


def read(case: Case, url: str) -> Destination | str:
    """Return where a request leads; a text if that cannot be decided."""
    dump = f"# configuration file /etc/nginx/nginx.conf:\n{case.text}"
    port = int(url.split("/")[2].partition(":")[2] or 80)
    try:
        return Reader(parse(dump), _exists).destination(
            request_to(url, port, headers={"User-Agent": "corpus"})
        )
    except UnobservedError as reason:
        return str(reason)


def contradicts(read: Destination | str, observed: list[str]) -> bool:
    """Return whether a real nginx sent a request elsewhere; nothing stands for nginx itself."""
    return not (isinstance(read, str) or set(observed) <= set(read.leads_to))


def is_undecided(read: Destination | str) -> bool:
    return isinstance(read, str) or bool(read.depends_on)


def _exists(path: str) -> str:
    path = path.rstrip("/")
    if path in _DIRECTORIES:
        return "directory"
    return "file" if path.removeprefix(f"{ROOT}/") in FILES and path != ROOT else ""
