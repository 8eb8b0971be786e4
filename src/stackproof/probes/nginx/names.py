"""The names of nginx's upstreams, as its container resolves them."""

from ipaddress import ip_address

from stackproof import shell
from stackproof.environment.model import Environment
from stackproof.shell import Line

# One process resolves all names. An engine takes seconds for an unknown name, so names without an
# address are then resolved again, concurrently.
_NAMES = r"""
set -f; found=$(timeout 1 getent hosts <names>); echo "$found"; set -- $found
for name in <names>; do
  case " $* " in *" $name "*) ;; *) echo "$name = "$(timeout 2 getent hosts $name) & ;; esac
done
wait
"""


def script(environment: Environment) -> Line:
    """Return the shell lines that resolve the names of all upstreams."""
    return shell.line(_NAMES, names=[shell.name(name) for name in names_of(environment)])


def names_of(environment: Environment) -> list[str]:
    """Return the names of all upstreams and of their containers."""
    names = [
        name for each in environment.upstreams.values() for name in (each.name, each.container)
    ]
    return list(filter(None, dict.fromkeys(names)))


def parse_addresses(output: str) -> dict[str, tuple[str, ...]]:
    """Parse the addresses of each name."""
    found: dict[str, tuple[str, ...]] = {}
    for line in output.splitlines():
        name, alone, answer = line.rpartition(" =")
        addresses = [word for word in answer.split() if _is_address(word)]
        # Resolved together, each line has an address and all of its names.
        for each in [name] if alone else answer.split()[1:]:
            found[each] = (*found.get(each, ()), *addresses)
    return found


def _is_address(word: str) -> bool:
    try:
        ip_address(word.partition("%")[0])
    except ValueError:
        return False
    return True
