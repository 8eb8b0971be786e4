"""The result of `stackproof watch`: how available each route was while a command ran."""
