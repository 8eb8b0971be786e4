"""RabbitMQ answers, lets its clients in, accepts what they publish, and has memory left.

The commands run in the server's container. All commands of a container share 4 seconds.
"""

import pytest

from stackproof.facts.command import CommandResult
from stackproof.facts.reply import Reply
from stackproof.finding import finding, subject_name
from stackproof.fixtures.session.collection import critical, declares
from stackproof.hint import in_container, log_of
from stackproof.kinds.rabbitmq import (
    Rabbitmq,
    RabbitmqState,
    error_of,
    greets,
)

pytestmark = pytest.mark.datastores


@critical
def test_answers(rabbitmq: Rabbitmq, rabbitmq_greeting: Reply) -> None:
    """RabbitMQ's process and its port can be there while the broker is stopped or hangs."""
    assert greets(rabbitmq_greeting), finding(
        rabbitmq,
        "AMQP",
        expected="a greeting",
        observed=rabbitmq_greeting.error or "another protocol",
        hint=log_of(subject_name(rabbitmq)),
    )


@critical
@declares("has_password")
def test_login(rabbitmq: Rabbitmq, rabbitmq_login: CommandResult) -> None:
    """Its data keeps the password that the user was created with, whatever the secret is now."""
    assert rabbitmq_login.exit_code == 0, finding(
        rabbitmq,
        "login",
        expected=f"accepted for user {rabbitmq.user}",
        observed=error_of(rabbitmq_login),
        evidence={"output": rabbitmq_login.output},
        hint=log_of(subject_name(rabbitmq)),
    )


@critical
def test_listens(rabbitmq: Rabbitmq, rabbitmq_state: RabbitmqState) -> None:
    """A broker in maintenance, or one that listens on loopback, runs and accepts no clients."""
    problem = ""
    if rabbitmq_state.is_under_maintenance:
        problem = "none, because it is in maintenance"
    elif not rabbitmq_state.listeners:
        problem = "none"
    elif rabbitmq.over_tcp and rabbitmq_state.is_on_loopback:
        problem = ", ".join(rabbitmq_state.listeners)
    assert not problem, finding(
        rabbitmq,
        "AMQP listeners",
        expected="one for clients in other containers",
        observed=problem,
        hint=in_container(subject_name(rabbitmq), "rabbitmq-diagnostics listeners"),
    )


@critical
def test_alarms(rabbitmq: Rabbitmq, rabbitmq_state: RabbitmqState) -> None:
    """Short of memory or disk, RabbitMQ accepts connections and blocks whoever publishes."""
    assert not rabbitmq_state.alarms, finding(
        rabbitmq,
        "alarms",
        expected="none",
        observed=", ".join(rabbitmq_state.alarms),
        evidence={
            "memory": f"{rabbitmq_state.memory_used} in use, limit {rabbitmq_state.memory_limit}",
            "disk": f"{rabbitmq_state.disk_free} free, limit {rabbitmq_state.disk_free_limit}",
        },
        hint=in_container(subject_name(rabbitmq), "rabbitmqctl list_queues name messages"),
    )


def test_memory_free(rabbitmq: Rabbitmq, rabbitmq_state: RabbitmqState) -> None:
    """At its memory limit, RabbitMQ blocks whoever publishes."""
    used, most = rabbitmq_state.memory_used, rabbitmq_state.memory_limit
    assert used < rabbitmq.memory_used * most, finding(
        rabbitmq,
        "memory in use",
        expected=f"under {rabbitmq.memory_used:.0%} of its limit {most}",
        observed=f"{used} ({used / max(most, 1):.0%})",
        hint=in_container(subject_name(rabbitmq), "rabbitmq-diagnostics memory_breakdown"),
    )
