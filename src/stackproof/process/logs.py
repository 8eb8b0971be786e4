"""Log records of the libraries that observe a stack, without secrets."""

import logging
from collections.abc import Callable

from stackproof.secrets import redact


def redact_records() -> Callable[[], None]:
    """Redact every log record of this process. Return what restores the previous state.

    With `--log-cli-level=DEBUG` and `--log-file`, pytest writes records as they are created, and
    HTTP libraries log URLs and headers.
    """
    previous = logging.getLogRecordFactory()
    formatter = logging.Formatter()

    def create(*args: object, **kwargs: object) -> logging.LogRecord:
        record = previous(*args, **kwargs)
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redact(formatter.formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(create)
    return lambda: logging.setLogRecordFactory(previous)
