"""RabbitMQ: what can be declared, its commands, and its state."""

import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from pydantic import ValidationError

from stackproof.facts.command import CommandResult
from stackproof.facts.reply import Reply
from stackproof.frozen import Frozen
from stackproof.kinds.password import PasswordDatastore, require_password, with_password
from stackproof.kinds.registry import (
    DeclaredContainer,
    Request,
    command,
    datastore,
    exchange,
    invalid_fields,
    state,
)
from stackproof.schema.values import Name, Port, Ratio
from stackproof.shell import Line, line, lines, name, script_line
from stackproof.sizes import Bytes
from stackproof.unobserved import UnobservedError

_ERROR = re.compile(r"^Error(?: \([^)]*\))?: +(\S.*)$", re.MULTILINE)
_ENDED = re.compile(r"^exit code (\d+)\n?", re.MULTILINE)
# An error of the tools ends with a hash of the secret that they share with the server.
_ASK = """\
ask() {
answer=$(timeout -s KILL 3 "$@" 2>&1); code=$?
printf '%s\\n' "$answer" | grep -v 'cookie hash'; echo "exit code $code"
}"""
_STATUS = "ask rabbitmq-diagnostics -q status --formatter=json"
# Each tool takes a second to start, so both run at the same time. The login reads the password from
# its standard input, and `printf` is no process of its own.
_LOGIN_AND_STATUS = f"""\
printf '%s\\n' "$login" | ask rabbitmqctl -q authenticate_user <user> |
{{ {_STATUS} </dev/null; cat; }}"""
_AMQP = ("amqp", "amqp/ssl")
_AMQP_HEADER, _FRAME_END = b"AMQP\x00\x00\x09\x01", b"\xce"
_GREETING = "\x01\x00\x00"
_KILLED = 137
_REFUSED = 65
"""The exit code of a login that the broker refuses."""
_TLS_ALERT = "\x15\x03"


@datastore("rabbitmq")
class Rabbitmq(PasswordDatastore):
    """A declared RabbitMQ server."""

    port: Port = 5672
    """The port that it listens on for AMQP."""
    user: Name = "guest"
    """The user that the stack uses. Its login is verified if the source of its password is
    declared."""
    memory_used: Ratio = 0.9
    """Share of its memory limit that may be in use. At the limit it blocks whoever publishes."""

    images = frozenset({"rabbitmq"})
    programs = frozenset({"rabbitmq-server"})

    @classmethod
    def of_container(cls, container: DeclaredContainer) -> Mapping[str, str]:
        """Return the user that the image creates, and the source of its password."""
        fields = {}
        if user := container.variable("RABBITMQ_DEFAULT_USER"):
            fields["user"] = user
        if "RABBITMQ_DEFAULT_PASS" in container.environment:
            fields["password_variable"] = "RABBITMQ_DEFAULT_PASS"  # noqa: S105 - a name
        return fields


@exchange(Rabbitmq)
def rabbitmq_greeting(rabbitmq: Rabbitmq) -> Request:
    """Reply to the first bytes of an AMQP client, at the container's address."""
    return Request(rabbitmq.port, _AMQP_HEADER, _FRAME_END, "the header of AMQP 0-9-1")


@command(Rabbitmq)
def rabbitmq_tools(rabbitmq: Rabbitmq) -> Line:
    """Result of `rabbitmq-diagnostics status`, and of a login if a password is declared."""
    ask = Line(_ASK)
    if rabbitmq.has_password:
        then = lines(ask, line(_LOGIN_AND_STATUS, user=name(rabbitmq.user)))
        inner = with_password(rabbitmq, then)
    else:
        inner = lines(ask, Line(_STATUS))
    return script_line(inner, "rabbitmq-diagnostics status")


def _result_of(tool: int, result: CommandResult) -> CommandResult:
    """Return the result of one of the tools.

    Raises:
        UnobservedError: it got no answer of the broker. That it took too long says nothing about
            the broker: on a busy machine the tool itself takes seconds to start.
    """
    require_password(result)
    outputs = _ENDED.split(result.output)
    if len(outputs) <= 2 * tool + 1:
        raise UnobservedError(f"RabbitMQ's command line tool got no answer: {result.observed}")
    code = int(outputs[2 * tool + 1])
    if code == _KILLED:
        raise UnobservedError("RabbitMQ's command line tool did not end in time")
    found = result.model_copy(update={"exit_code": code, "output": outputs[2 * tool].strip()})
    if code not in (0, _REFUSED):
        raise UnobservedError(f"RabbitMQ's command line tool got no answer: {error_of(found)}")
    return found


def error_of(result: CommandResult) -> str:
    """Return the first error that a tool printed, or else the result in one line."""
    found = _ERROR.search(result.output)
    return found[1] if found else result.observed


def greets(reply: Reply) -> bool:
    """Return whether a server replied as an AMQP server does.

    Raises:
        UnobservedError: it expects TLS at this port.
    """
    if reply.text.startswith(_TLS_ALERT):
        raise UnobservedError(f"{reply.address} expects TLS: declare the port without it")
    return not reply.error and reply.text.startswith(_GREETING)


class RabbitmqState(Frozen):
    """State of a RabbitMQ server: the fields of `rabbitmq-diagnostics status` and what they say."""

    listeners: tuple[str, ...]
    """The addresses and ports at which it accepts AMQP clients: `[::]:5672`."""
    is_under_maintenance: bool
    """Whether it accepts no clients because an operator said so."""
    alarms: tuple[str, ...]
    """The resources that it is short of: `memory` or `disk`."""
    memory_used: Bytes
    memory_limit: Bytes
    """The limit at which it blocks whoever publishes."""
    disk_free: Bytes
    disk_free_limit: Bytes

    @property
    def is_on_loopback(self) -> bool:
        """Return whether it accepts clients from its own container only."""
        hosts = [each.rpartition(":")[0].strip("[]") for each in self.listeners]
        return bool(hosts) and all(map(_is_loopback, hosts))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@state(rabbitmq_tools)
def rabbitmq_login(result: CommandResult) -> CommandResult:
    """Result of a login by the declared user with its password.

    Raises:
        UnobservedError: the server did not answer.
    """
    return _result_of(1, result)


@state(rabbitmq_tools)
def rabbitmq_state(result: CommandResult) -> RabbitmqState:
    """State of the server.

    Raises:
        UnobservedError: the server did not answer, or not with its status.
    """
    result = _result_of(0, result)
    try:
        return _parse(json.loads(result.output[result.output.index("{") :]))
    except ValidationError as error:
        raise UnobservedError(f"RabbitMQ's status cannot be read{invalid_fields(error)}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UnobservedError("RabbitMQ's status cannot be read") from None


def _parse(status: Any) -> RabbitmqState:
    used = status["memory"]["total"]
    if isinstance(used, dict):
        used = used[status["vm_memory_calculation_strategy"]]
    return RabbitmqState.model_validate(
        {
            "listeners": tuple(
                f"{each['interface']}:{each['port']}"
                for each in status["listeners"]
                if each["protocol"] in _AMQP
            ),
            "is_under_maintenance": status["is_under_maintenance"],
            "alarms": tuple(map(_resource, status["alarms"])),
            "memory_used": used,
            "memory_limit": status["vm_memory_high_watermark_limit"],
            "disk_free": status["disk_free"],
            "disk_free_limit": status["disk_free_limit"],
        }
    )


def _resource(alarm: Any) -> str:
    """Return what an alarm is about; RabbitMQ's tools print some alarms as plain text."""
    return str(alarm["resource"] if isinstance(alarm, dict) else alarm)
