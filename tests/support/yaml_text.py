"""Writes settings files: dicts, lists and scalars as YAML that a person can read."""

import json


def yaml_text(value, indent=0):
    """`value` as YAML. Dicts keep their order; texts are quoted; None is left out of dicts."""
    margin = " " * indent
    if isinstance(value, dict):
        return "".join(_entry(f"{margin}{name}:", part, indent)
                       for name, part in value.items() if part is not None)
    if isinstance(value, (list, tuple)):
        return "".join(_item(margin, part, indent) for part in value)
    return f"{margin}{_scalar(value)}\n"


def _entry(name, part, indent):
    if isinstance(part, (dict, list, tuple)):
        if not part:
            return f"{name} {'{}' if isinstance(part, dict) else '[]'}\n"
        return f"{name}\n{yaml_text(part, indent + 2)}"
    return f"{name} {_scalar(part)}\n"


def _item(margin, part, indent):
    if isinstance(part, dict):
        if all(not isinstance(one, dict) for one in part.values()):
            pairs = ", ".join(f"{name}: {_flow(one)}" for name, one in part.items()
                              if one is not None)
            return f"{margin}- {{{pairs}}}\n"
        return f"{margin}-\n{yaml_text(part, indent + 2)}"
    return f"{margin}- {_flow(part)}\n"


def _flow(part):
    if isinstance(part, (list, tuple)):
        return f"[{', '.join(map(_flow, part))}]"
    return _scalar(part)


def _scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else json.dumps(str(value))
