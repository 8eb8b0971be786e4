"""Faults of the kinds shape, one module for each server. Every module here is imported."""

from importlib import import_module
from pkgutil import iter_modules

from lab.faults.fault import Fault

FAULTS: tuple[Fault, ...] = tuple(
    fault
    for module in iter_modules(__path__)
    for fault in import_module(f"{__name__}.{module.name}").FAULTS
)
