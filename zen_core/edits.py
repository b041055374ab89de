"""Edits: a component with one setting changed, found by its path; and what differs between two components.

A path is names and indices joined by dots: `"optimizer.lr"`, `"layers.0.hidden_dim"`, `"curve.letters.a"`. Files, the
command line, the window and replays all use the same ones.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, cast

from zen_core.component import C, Component, Numbers, Setting, SpecError, accepted, declared, shown, within


def edited(component: C, path: str, value: Any) -> C:
    """Return a copy in which the setting at `path` has `value`.

    A path is names and indices joined by dots: `"optimizer.lr"`, `"layers.0.hidden_dim"`, `"curve.letters.a"`.
    Raises SpecError for a path that is not there, or a value that does not fit.
    """
    return cast(C, _replaced(component, path.split("."), value))


def _replaced(component: Component, steps: list[str], value: Any) -> Component:
    first, rest = steps[0], steps[1:]
    if rest:
        within(first, declared, type(component), first)
        value = within(first, _inside, getattr(component, first), rest, value)
    value = within(first, accepted, type(component), first, value)
    return cast(Component, dataclasses.replace(cast(Any, component), **{first: value}))


def _inside(target: Any, steps: list[str], value: Any) -> Any:
    """Put `value` into what stands in a setting: a component, an entry of a stack, or a table of numbers."""
    first, rest = steps[0], steps[1:]
    if isinstance(target, Component):
        return _replaced(target, steps, value)
    if isinstance(target, Numbers):
        if rest or first not in target:
            known = ", ".join(target) or "none"
            raise SpecError(f"There is no {shown('.'.join(steps))} here. Known: {known}.", path=".".join(steps))
        return {**target, first: value}
    if isinstance(target, tuple):
        index = within(first, _index, target, first)
        new = within(first, _inside, target[index], rest, value) if rest else value
        return (*target[:index], new, *target[index + 1 :])
    raise SpecError(f"There is nothing inside this setting to be called {shown(first)}.", path=".".join(steps))


def _index(items: tuple[Any, ...], text: str) -> int:
    if text not in map(str, range(len(items))):
        raise SpecError(f"There is no entry {shown(text)}. There are {len(items)}, counted from 0.")
    return int(text)


def edited_text(component: C, path: str, text: str) -> C:
    """Like `edited`, with the value as typed on a command line: `0.01`, `true`, `SGD`, `RNN,Linear`, or JSON."""
    if setting_at(component, path).type is str:
        return edited(component, path, text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    return edited(component, path, value)


def value_at(component: Component, path: str) -> Any:
    """Return what stands at `path`; raises SpecError where nothing does."""
    target: Any = component
    for step in path.split("."):
        if isinstance(target, Component):
            target = getattr(target, declared(type(target), step).name)
        elif isinstance(target, Numbers) and step in target:
            target = target[step]
        elif isinstance(target, tuple):
            target = target[_index(target, step)]
        else:
            raise SpecError(f"There is no setting {path[:80]!r}.", path=path)
    return target


def setting_at(component: Component, path: str) -> Setting:
    """Return the declaration of the setting at `path`; an entry of a stack answers with the stack's, an entry of a
    table of numbers with its own."""
    owner, found = component, None
    steps = path.split(".")
    for depth, step in enumerate(steps, start=1):
        value = value_at(component, ".".join(steps[:depth]))
        if isinstance(owner, Component) and step in owner.settings:
            found = owner.settings[step]
        elif found is not None and found.type is Numbers:
            found = found.entry(step)
        if isinstance(value, Component):
            owner = value
    assert found is not None
    return found


def differences(old: Component, new: Component, prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Return (path, old value, new value) for each setting in which two components of one kind differ.

    Where a chosen kind or the length of a stack differs, the whole choice is one difference.
    """
    assert type(old) is type(new)
    found: list[tuple[str, Any, Any]] = []
    for name in old.settings:
        found += _value_differences(getattr(old, name), getattr(new, name), prefix + name)
    return found


def _value_differences(old: Any, new: Any, path: str) -> list[tuple[str, Any, Any]]:
    if old == new:
        return []
    if isinstance(old, Component) and type(old) is type(new):
        return differences(old, new, path + ".")
    if isinstance(old, tuple) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [change for index, (a, b) in pairs for change in _value_differences(a, b, f"{path}.{index}")]
    if isinstance(old, Numbers) and old.keys() == new.keys():
        return [change for key in old for change in _value_differences(old[key], new[key], f"{path}.{key}")]
    return [(path, old, new)]
