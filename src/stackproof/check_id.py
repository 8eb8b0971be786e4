"""The id of a check, such as `containers.running[api]`."""

from collections.abc import Mapping


def check_id(properties: Mapping[str, object]) -> str:
    """Return `suite.check[subject]`, from the properties of a check's item or report."""
    return f"{properties['suite']}.{properties['check']}[{properties['subject']}]"
