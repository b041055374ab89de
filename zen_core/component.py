"""Components: everything a person can choose is a frozen value that describes its own settings.

A setting is declared once, on one line::

    class SGD(Optimizer):
        lr: float = hyper(1e-2, 1e-6, 10.0, log=True, live=True, help="Step size.")

Validation, save files, the command line, the form in the window, tooltips and the reference page all read that line.
Defining the subclass registers it: it can then be named in files and on the command line, and chosen in the window.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar, cast, dataclass_transform, get_args, get_origin, get_type_hints

C = TypeVar("C", bound="Component")

MOST_ENTRIES = 64
"""How many components a stack may hold."""


class Remedy(NamedTuple):
    """An edit that mends an error: the words on its button, the setting's path and the value to give it."""

    label: str
    path: str
    value: Any


class SpecError(ValueError):
    """Something a person asked for cannot be done; the message says what, why, and what to do instead.

    `path` names the setting (`"layers.0.hidden_dim"`), `start` and `end` the wrong characters of a typed text as a
    half-open range, `remedy` an edit that mends it; each where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        start: int | None = None,
        end: int | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        self.start = start
        self.end = end
        self.remedy = remedy


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'sin'?"` for the nearest known name, or an empty string where none is near."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name[:40].lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""


_brief = reprlib.Repr()
_brief.maxlevel = 2
_brief.maxstring = _brief.maxother = 60


def shown(value: Any) -> str:
    """A value as an error names it, whatever it is and however long."""
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of more than 38 digits"
    return _brief.repr(value)


class Numbers(Mapping[str, float]):
    """A frozen, hashable mapping from names to numbers."""

    def __init__(self, items: Mapping[str, float] | Iterable[tuple[str, float]] = ()) -> None:
        self._items = dict(items)

    def __getitem__(self, name: str) -> float:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


@dataclass(frozen=True)
class Setting:
    """One setting of a component, as its line declares it.

    `few` and `many` say what too small and too large a value does; `usual` is the range most people stay in; `when`
    names a boolean setting beside it without which this one has no effect; `live` settings act on a running training,
    the others need a restart; `section` is the heading under which a form shows it.
    """

    name: str
    type: Any
    default: Any
    low: float | None = None
    high: float | None = None
    log: bool = False
    live: bool = False
    choices: tuple[str, ...] = ()
    label: str = ""
    unit: str = ""
    help: str = ""
    usual: str = ""
    few: str = ""
    many: str = ""
    when: str = ""
    section: str = ""

    @property
    def family(self) -> type[Component] | None:
        """The component family this setting chooses from, or None where it is no component."""
        return self.type if isinstance(self.type, type) and issubclass(self.type, Component) else None

    @property
    def element(self) -> type[Component] | None:
        """The family of the elements where this setting is a stack of components, else None."""
        return cast("type[Component]", get_args(self.type)[0]) if get_origin(self.type) is tuple else None

    def entry(self, name: str) -> Setting:
        """The declaration of one number of a table."""
        return dataclasses.replace(self, name=name, label=name, type=float, default=1.0)

    def accept(self, value: Any) -> Any:
        """Return `value` as this setting's type; raise SpecError where it does not fit."""
        if self.element is not None:
            return self._accept_stack(value)
        if self.family is not None:
            return from_plain(self.family, value)
        if self.type is Numbers:
            if not isinstance(value, Mapping):
                raise self._refusal(value, "a table of names and numbers")
            return Numbers(
                {str(name): within(str(name), self._number, number, float) for name, number in value.items()}
            )
        if self.type is bool:
            if not isinstance(value, bool):
                raise self._refusal(value, "true or false")
            return value
        if self.type is str:
            if not isinstance(value, str):
                raise self._refusal(value, "a text")
            if self.choices and value not in self.choices:
                near = suggestion(value, self.choices)
                raise self._refusal(value, "one of " + ", ".join(self.choices), near)
            return value
        return self._number(value, self.type)

    def _accept_stack(self, value: Any) -> tuple[Component, ...]:
        assert self.element is not None
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise self._refusal(value, "a list")
        if len(items) > MOST_ENTRIES:
            raise SpecError(f"{self.label} has {len(items):,} entries. Use at most {MOST_ENTRIES}.")
        return tuple(
            within(str(index), from_plain, self.element, item.strip() if isinstance(item, str) else item)
            for index, item in enumerate(items)
        )

    def _number(self, value: Any, kind: type) -> int | float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise self._refusal(value, "a number")
        number: int | float
        if kind is int:
            if not isinstance(value, numbers.Integral) and not float(value).is_integer():
                raise self._refusal(value, "a whole number")
            number = int(cast(Any, value))
        else:
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if not math.isfinite(number):
                raise self._refusal(value, self.span)
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise self._refusal(value, self.span)
        return number

    @property
    def span(self) -> str:
        """The allowed range in words, for example `"0.001 to 1"`."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}" if self.type is float else f"{self.low:,} to {self.high:,}"
        if self.low is not None:
            return f"{self.low:g} or more"
        return f"{self.high:g} or less" if self.high is not None else "a finite number"

    def _refusal(self, value: Any, remedy: str, more: str = "") -> SpecError:
        return SpecError(f"{self.label} cannot be {shown(value)}. Use {remedy}.{more}")


def hyper(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    log: bool = False,
    live: bool = False,
    choices: tuple[str, ...] = (),
    label: str = "",
    unit: str = "",
    help: str = "",
    usual: str = "",
    few: str = "",
    many: str = "",
    when: str = "",
    section: str = "",
) -> Any:
    """Declare a setting: its default, its bounds, and what a person should know of it (see `Setting`)."""
    told = {name: value for name, value in locals().items() if name != "default"}
    return dataclasses.field(default=default, metadata={"told": told})


@dataclass_transform(frozen_default=True)
class Component:
    """A frozen value with described settings; the direct subclasses are the families a person chooses from."""

    families: ClassVar[list[type[Component]]] = []
    """All families, in the order in which they were defined."""
    settings: ClassVar[Mapping[str, Setting]] = {}
    kinds: ClassVar[dict[str, type[Any]]]
    for_forecasts: ClassVar[bool] = True
    """Whether the kind makes sense in an experiment, which forecasts one real number."""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True, repr=False)(cls)
        if Component in cls.__bases__:
            cls.kinds = {}
            Component.families.append(cls)
        if not abstract:
            known = cls.kinds.get(cls.__name__)
            if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(f"{cls.__name__} is already the name of {known.__module__}.{known.__qualname__}")
            cls.kinds[cls.__name__] = cls
        hints = get_type_hints(cls) if dataclasses.fields(cast(Any, cls)) else {}
        cls.settings = {field.name: _setting(field, hints[field.name]) for field in dataclasses.fields(cast(Any, cls))}

    def __post_init__(self) -> None:
        for name, setting in self.settings.items():
            object.__setattr__(self, name, within(name, setting.accept, getattr(self, name)))

    def __repr__(self) -> str:
        told = [f"{n}={getattr(self, n)!r}" for n, s in self.settings.items() if getattr(self, n) != s.default]
        return f"{type(self).__name__}({', '.join(told)})"

    @classmethod
    def title(cls) -> str:
        """The words for this kind in menus and lists: its class name, unless the class says otherwise."""
        return cls.__name__

    @classmethod
    def summary(cls) -> str:
        """The first paragraph of the docstring, as one line."""
        return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def _setting(field: dataclasses.Field[Any], hint: Any) -> Setting:
    told = dict(field.metadata.get("told", {}))
    told["label"] = told.get("label") or field.name.replace("_", " ").capitalize()
    return Setting(name=field.name, type=hint, default=field.default, **told)


def to_plain(component: Component) -> dict[str, Any]:
    """Return the component as plain data that JSON can hold: its kind and every setting."""
    return {"kind": type(component).__name__} | {
        name: plain_value(getattr(component, name)) for name in component.settings
    }


def plain_value(value: Any) -> Any:
    """Return a setting's value as plain data that JSON can hold."""
    if isinstance(value, Component):
        return to_plain(value)
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    return dict(value) if isinstance(value, Numbers) else value


def from_plain(family: type[C], data: Any) -> C:
    """Return the component of `family` that `data` describes: a kind's name, or a mapping of a kind and its settings.

    Settings that are not named keep their defaults. Raises SpecError for an unknown kind or setting, or a bad value.
    """
    if isinstance(data, family):
        return data
    if isinstance(data, str):
        data = {"kind": data}
    if not isinstance(data, Mapping):
        raise SpecError(f"Expected one of {', '.join(family.kinds)}, found {shown(data)}.")
    given = dict(data)
    kind = given.pop("kind", family.__name__)
    cls = family.kinds.get(kind) if isinstance(kind, str) else None
    if cls is None:
        near = suggestion(kind, family.kinds) if isinstance(kind, str) else ""
        raise SpecError(f"Unknown {family.__name__.lower()} {shown(kind)}.{near} Known: {', '.join(family.kinds)}.")
    values = {}
    for name, value in given.items():
        values[name] = within(str(name), accepted, cls, name, value)
    return cast(C, cls(**values))


def declared(cls: type[Component], name: str) -> Setting:
    """The declaration of a setting; raises SpecError, with a suggestion, where the kind has none of that name."""
    setting = cls.settings.get(name)
    if setting is None:
        known = ", ".join(cls.settings) or "none"
        near = suggestion(str(name), cls.settings)
        raise SpecError(f"{cls.__name__} has no setting {shown(name)}.{near} Its settings: {known}.")
    return setting


def accepted(cls: type[Component], name: str, value: Any) -> Any:
    """The value as the setting's type; raises SpecError where there is no such setting, or the value does not fit."""
    return declared(cls, name).accept(value)


def within(path: str, action: Any, *arguments: Any) -> Any:
    """Call `action`, putting `path` before the path of a SpecError it raises."""
    try:
        return action(*arguments)
    except SpecError as error:
        error.path = f"{path}.{error.path}" if error.path else path
        raise
