"""RabbitMQ that is stopped or hangs, lets nobody in, or blocks whoever publishes."""

from lab.faults.fault import Fault, checks

_OF_TOOLS = tuple(
    f"rabbitmq.{check}[rabbitmq]" for check in ("login", "listens", "alarms", "memory_free")
)


def _rabbitmq(command: str) -> str:
    return f"docker exec kinds-rabbitmq {command}"


FAULTS = (
    Fault(
        "rabbitmq-stopped",
        "an operator stopped the broker to repair it; its process runs",
        inject=_rabbitmq("rabbitmqctl stop_app"),
        heal=_rabbitmq("rabbitmqctl start_app"),
        red=checks("rabbitmq.answers[rabbitmq]"),
        unknown=_OF_TOOLS,
        says="rabbitmq AMQP: expected a greeting, observed connection refused",
        shape="kinds",
    ),
    Fault(
        "rabbitmq-hung",
        "RabbitMQ hangs: its port is open, and nothing is answered",
        inject=_rabbitmq("pkill -STOP beam.smp"),
        heal=_rabbitmq("pkill -CONT beam.smp"),
        red=checks("rabbitmq.answers[rabbitmq]",
                   "containers.processes[rabbitmq]"),
        unknown=_OF_TOOLS,
        says="rabbitmq AMQP: expected a greeting, observed no answer in time",
        shape="kinds",
    ),
    Fault(
        "rabbitmq-password-other",
        "the secret was changed, and the data keeps the password that it was created with",
        inject=_rabbitmq("rabbitmqctl change_password app other"),
        heal=_rabbitmq("sh -c 'rabbitmqctl change_password app < /run/secrets/rabbitmq_password'"),
        red=checks("rabbitmq.login[rabbitmq]"),
        says="rabbitmq login: expected accepted for user app, observed failed to authenticate user",
        shape="kinds",
    ),
    Fault(
        "rabbitmq-memory-short",
        "messages pile up because nobody consumes them, and RabbitMQ blocks whoever publishes",
        inject=_rabbitmq("rabbitmqctl set_vm_memory_high_watermark absolute 40MB"),
        until=_rabbitmq("rabbitmq-diagnostics -q alarms") + " | grep -qi memory",
        heal=_rabbitmq("rabbitmqctl set_vm_memory_high_watermark 0.4"),
        red=checks("rabbitmq.alarms[rabbitmq]", "rabbitmq.memory_free[rabbitmq]"),
        says="rabbitmq alarms: expected none, observed memory",
        shape="kinds",
    ),
    Fault(
        "rabbitmq-disk-short",
        "the disk is nearly full, and RabbitMQ blocks whoever publishes",
        inject=_rabbitmq("rabbitmqctl set_disk_free_limit 100000GB"),
        until=_rabbitmq("rabbitmq-diagnostics -q alarms") + " | grep -qi disk",
        heal=_rabbitmq("rabbitmqctl set_disk_free_limit 50MB"),
        red=checks("rabbitmq.alarms[rabbitmq]"),
        says="rabbitmq alarms: expected none, observed disk",
        shape="kinds",
    ),
    Fault(
        "rabbitmq-in-maintenance",
        "RabbitMQ was drained for an upgrade, and not revived",
        inject=_rabbitmq("rabbitmq-upgrade drain"),
        heal=_rabbitmq("rabbitmq-upgrade revive"),
        red=checks("rabbitmq.listens[rabbitmq]", "rabbitmq.answers[rabbitmq]"),
        says="rabbitmq AMQP listeners: expected one for clients in other containers, observed none",
        shape="kinds",
    ),
)  # fmt: skip
