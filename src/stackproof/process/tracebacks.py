"""What an exception was raised by, and where in some of the code that it passed."""

from pathlib import Path


def root_cause(error: BaseException) -> BaseException:
    """Return the exception that an exception was raised from in the end; itself if from none."""
    while error.__cause__:
        error = error.__cause__
    return error


def last_line_in(folder: Path, error: BaseException) -> tuple[Path, int] | None:
    """Return the file and line of the innermost call in a folder; None if there is none."""
    found, entry = None, error.__traceback__
    while entry:
        path = Path(entry.tb_frame.f_code.co_filename)
        if path.is_relative_to(folder):
            found = path, entry.tb_lineno
        entry = entry.tb_next
    return found
