"""The databases answer through their own clients."""

from environments.model import Postgresql, Redis
from fixtures.collection import critical
from fixtures.facts import CommandResult
from reports.finding import finding


@critical
def test_accepts_connections(postgresql: Postgresql, pg_isready: CommandResult) -> None:
    """PostgreSQL can run and still refuse everyone: in start-up, in shutdown, out of slots."""
    assert pg_isready.exit_code == 0, finding(
        postgresql,
        "connections",
        expected="accepting connections",
        observed=pg_isready.observed,
        evidence={"command": pg_isready.command, "output": pg_isready.output},
        hint=f"docker compose logs --tail 50 {postgresql.name}",
    )


@critical
def test_ping(redis: Redis, redis_ping: CommandResult) -> None:
    """A Redis that hangs keeps its port open, so that only an answer proves that it serves."""
    assert redis_ping.output == "PONG", finding(
        redis,
        "PING",
        expected="PONG",
        observed=redis_ping.observed,
        evidence={"command": redis_ping.command, "output": redis_ping.output},
        hint=f"docker compose logs --tail 50 {redis.name}",
    )
