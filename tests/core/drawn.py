"""Components drawn by hypothesis from their own declarations: any kind, any settings within their bounds."""

from hypothesis import strategies as st

from zen_core.component import Component, Numbers, Setting

FORMULAS = ("sin(x)", "a*sin(b*x) + c", "x", "|x| * e^(-x/9)", "sinc(π x)")


def components(family: type[Component]) -> st.SearchStrategy[Component]:
    """Any kind of a family with any settings."""
    return st.one_of([kinds(kind) for kind in family.kinds.values()])


def kinds(kind: type[Component]) -> st.SearchStrategy[Component]:
    """One kind with any settings."""
    return st.builds(kind, **{name: values(setting) for name, setting in kind.settings.items()})


def values(setting: Setting) -> st.SearchStrategy:
    """Any value of a setting."""
    if setting.element is not None:
        return st.lists(components(setting.element), max_size=4).map(tuple)
    if setting.family is not None:
        return components(setting.family)
    if setting.type is Numbers:
        return st.dictionaries(st.sampled_from("abcd"), st.floats(-1e9, 1e9)).map(Numbers)
    if setting.type is bool:
        return st.booleans()
    if setting.type is str:
        return st.sampled_from(setting.choices or FORMULAS)
    draw = st.integers if setting.type is int else st.floats
    return draw(setting.low, setting.high)
