"""The types of texts in what is reported: whatever made them, they are safe to print."""

from typing import Annotated

from pydantic import AfterValidator

from stackproof.printable import lines, one_line

LONGEST_TITLE = 200

Line = Annotated[str, AfterValidator(one_line)]
"""A field: it stays on its line, whichever output it is printed in."""
Title = Annotated[str, AfterValidator(lambda text: one_line(text, LONGEST_TITLE))]
"""Of a piece of evidence."""
Lines = Annotated[str, AfterValidator(lines)]
"""A text of several lines, such as a log."""
