"""Kinds of datastores and proxies, one module each: declaration, commands and parsers. No I/O.

Importing this package imports all of its modules, so that adding a kind adds one module.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
