"""Values between a judge and a candidate: as literals, so that nothing but plain values ever crosses.

A candidate's answer is what its literal says. An object that claims to be equal to everything, or that does something when it
is compared, has none and never reaches the judge.
"""

from typing import Any

_CONTAINERS: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


def encode(value: Any) -> Any:
    """A value as a tree of literals, of which `repr` makes one line; TypeError for what has no plain value.

    Iterators become what they yield. Subclasses of plain types become those.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, int):
        # Python does not spell integers of more than 4,300 digits.
        return int(value) if -(2**64) < value < 2**64 else ("int", hex(value))
    if isinstance(value, float):
        return ("float", float.hex(value))
    if isinstance(value, complex):
        return ("complex", float.hex(value.real), float.hex(value.imag))
    if isinstance(value, dict):
        return ("dict", [(encode(key), encode(item)) for key, item in value.items()])
    for name, kind in _CONTAINERS.items():
        if isinstance(value, kind):
            return (name, [encode(item) for item in value])
    if type(value).__module__ in ("decimal", "fractions"):
        return (type(value).__module__, str(value))
    if hasattr(value, "__next__") or type(value) is range or type(value).__name__ in ("dict_keys", "dict_values", "dict_items"):
        return ("iterator", [encode(item) for item in value])
    raise TypeError(f"{type(value).__name__} is no plain value")


def decode(tree: Any) -> Any:
    """The value of such a tree; ValueError for what is none."""
    if not isinstance(tree, tuple):
        return tree
    match tree:
        case ("int", str(digits)):
            return int(digits, 16)
        case ("float", str(digits)):
            return float.fromhex(digits)
        case ("complex", str(real), str(imaginary)):
            return complex(float.fromhex(real), float.fromhex(imaginary))
        case ("dict", list(items)):
            return {decode(key): decode(item) for key, item in items}
        case ("iterator", list(items)):
            return iter([decode(item) for item in items])
        case ("decimal", str(digits)):
            import decimal

            return decimal.Decimal(digits)
        case ("fractions", str(digits)):
            import fractions

            return fractions.Fraction(digits)
        case (str(name), list(items)) if name in _CONTAINERS:
            return _CONTAINERS[name](decode(item) for item in items)
    raise ValueError("no value")
