"""Types of texts in reports. Validation makes each text safe to print, wherever it comes from."""

from typing import Annotated

from pydantic import AfterValidator

from stackproof.printable import lines, one_line

LONGEST_TITLE = 200

Line = Annotated[str, AfterValidator(one_line)]
"""A field on one line."""
Title = Annotated[str, AfterValidator(lambda text: one_line(text, LONGEST_TITLE))]
"""The title of a piece of evidence."""
Lines = Annotated[str, AfterValidator(lines)]
"""A text of several lines, such as a log."""
