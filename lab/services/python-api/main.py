"""The Python API of the lab: a FastAPI service that says who it is."""

import socket
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

app = FastAPI(title="ChatBuilds Python API")


@app.middleware("http")
async def sign(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Put the service's name on every answer."""
    response = await call_next(request)
    response.headers["X-Served-By"] = "python-api"
    return response


@app.get("/")
@app.get("/health")
def health() -> dict[str, str]:
    """Say who answers and how it fares."""
    return {"service": "python-api", "status": "ok", "instance": socket.gethostname()}
