"""The declared datastores and proxies, by kind: one key for each kind in `stackproof.kinds`."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model, model_validator

from stackproof.kinds.registry import DATASTORES, PROXIES, D, P, Proxy, Server
from stackproof.schema.declared import Declared, empty_mapping, name_by_key
from stackproof.schema.values import Table

OTHER = "other"
"""The key of proxies of which only their routes are verified, such as HAProxy and Envoy."""


class _Servers(Declared):
    """Servers by kind and then by service."""

    @model_validator(mode="before")
    @classmethod
    def _name_by_key(cls, data: Any) -> Any:
        return name_by_key(data, *cls.model_fields)


class _Datastores(_Servers):
    """The datastores of the stack, by kind and then by service."""

    def of(self, kind: type[D]) -> Mapping[str, D]:
        """Return the declared datastores of a kind, and of those derived from it, by service."""
        return {
            name: server
            for key, declaration in DATASTORES.items()
            if issubclass(declaration, kind)
            for name, server in getattr(self, key).items()
        }


class _Proxies(_Servers):
    """The reverse proxies of the stack other than nginx, by kind and then by service."""

    def of(self, kind: type[P]) -> Mapping[str, P]:
        """Return the declared proxies of a kind, by service."""
        servers: Mapping[str, P] = getattr(self, kind.kind)
        return servers

    @property
    def names(self) -> Iterator[str]:
        """The services of all of them."""
        return (name for _, servers in self for name in servers)


def _fields(kinds: Mapping[str, type[Server]]) -> dict[str, Any]:
    return {
        kind: (Table[declaration], Field(default_factory=empty_mapping))  # type: ignore[valid-type]
        for kind, declaration in kinds.items()
    }


if TYPE_CHECKING:
    Datastores = _Datastores
    Proxies = _Proxies
else:
    Datastores = create_model(
        "Datastores", __base__=_Datastores, __doc__=_Datastores.__doc__, **_fields(DATASTORES)
    )
    Proxies = create_model(
        "Proxies", __base__=_Proxies, __doc__=_Proxies.__doc__, **_fields({**PROXIES, OTHER: Proxy})
    )
