"""Components: settings that check themselves, plain data and back, paths, and hostile input."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zen_core.component import Component, Numbers, Remedy, Setting, SpecError, from_plain, hyper, suggestion, to_plain
from zen_core.curve import Formula
from zen_core.edits import differences, edited, edited_text, setting_at, value_at
from zen_core.experiment import Experiment
from zen_core.loss import MSE, Huber
from zen_core.nn import RNN, Linear
from zen_core.optim import SGD, Adam, Optimizer
from zen_core.schedule import Cosine

from .conftest import FAMILIES


class Engine(Component, abstract=True):
    """What drives a car."""


class Petrol(Engine):
    """An engine that burns."""

    power: float = hyper(50.0, 0.5, 500.0, log=True, live=True, unit="kW", help="Power.")
    cylinders: int = hyper(4, 1, 16, help="Cylinders.")
    turbo: bool = hyper(False, help="Whether it has a turbo.")
    fuel: str = hyper("95", choices=("95", "98", "E10"), help="What it burns.")


class Electric(Engine):
    """An engine that hums."""

    power: float = hyper(80.0, 0.5, 500.0, help="Power.")
    offset: float = hyper(0.0, help="Any finite number.")
    least: float = hyper(1.0, low=0.0, help="At least 0.")


class Wheel(Component):
    """A wheel."""

    inches: int = hyper(17, 10, 30, help="Size.")


class Car(Component):
    """A car."""

    engine: Engine = hyper(Petrol(), help="What drives it.")
    wheels: tuple[Wheel, ...] = hyper((Wheel(),) * 4, help="What it rolls on.")
    marks: Numbers = hyper(Numbers({"a": 1.0}), help="Marks.", live=True)
    name: str = hyper("Ada", help="Its name.")


# For other tests, all families are those of the program.
for family in (Engine, Wheel, Car):
    Component.families.remove(family)

ANY = "."


def outcome(action, *arguments):
    """What an action returns, or the SpecError it raises; any other error is a failure."""
    try:
        return action(*arguments)
    except SpecError as error:
        return error


def refused(message, action, *arguments, path=None, **settings):
    with pytest.raises(SpecError, match=message) as caught:
        action(*arguments, **settings)
    if path is not None:
        assert caught.value.path == path
    return caught.value


# Values


def test_a_component_is_a_frozen_value():
    assert Petrol(power=60.0) == Petrol(power=60.0) != Petrol(power=61.0)
    assert hash(Car(wheels=(Wheel(), Wheel(18)))) == hash(Car(wheels=(Wheel(), Wheel(18))))
    assert Petrol(power=80.0) != Electric(power=80.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Petrol().power = 3.0


def test_a_component_prints_what_differs_from_the_defaults():
    assert repr(Petrol()) == "Petrol()"
    assert repr(Petrol(power=60.0, turbo=True)) == "Petrol(power=60.0, turbo=True)"


def test_a_component_survives_pickling():
    experiment = Experiment(optimizer=SGD(lr=0.5))
    assert pickle.loads(pickle.dumps(experiment)) == experiment


def test_defining_a_kind_registers_it_under_its_name():
    assert Engine.kinds == {"Petrol": Petrol, "Electric": Electric}
    assert Car.kinds == {"Car": Car}


def test_two_kinds_of_one_name_are_refused():
    with pytest.raises(TypeError, match="already the name"):
        type("Petrol", (Engine,), {"__module__": "elsewhere", "__doc__": "Another."})
    assert Engine.kinds["Petrol"] is Petrol


def test_a_setting_knows_what_its_line_declares():
    power = Petrol.settings["power"]
    assert (power.name, power.type, power.default, power.low, power.high) == ("power", float, 50.0, 0.5, 500.0)
    assert (power.log, power.live, power.unit, power.label, power.help) == (True, True, "kW", "Power", "Power.")
    assert Car.settings["engine"].family is Engine
    assert Car.settings["wheels"].element is Wheel
    assert Car.settings["wheels"].family is None
    assert Petrol.settings["fuel"].element is None


def test_titles_and_summaries_come_from_the_class():
    assert (Petrol.title(), Petrol.summary()) == ("Petrol", "An engine that burns.")


# Bounds and types


@pytest.mark.parametrize("good", [0.5, 500.0, 1, np.float32(2.5), np.float64(3.0), np.int64(7)])
def test_a_number_within_the_bounds_becomes_a_float(good):
    power = Petrol(power=good).power
    assert type(power) is float
    assert power == good


@pytest.mark.parametrize(
    "bad", [0.49, 500.1, -1, math.nan, math.inf, -math.inf, np.nan, "3", "", None, [], {}, 1j, b"3", True, np.True_]
)
def test_what_is_no_number_within_the_bounds_is_refused(bad):
    error = refused("Power cannot be", Petrol, power=bad)
    assert error.path == "power"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_without_bounds_a_number_must_still_be_finite(bad):
    refused("Use a finite number", Electric, offset=bad)
    refused("Use 0 or more", Electric, least=-1.0)


def test_the_refusal_says_the_thing_the_value_and_the_bounds():
    assert str(refused(ANY, Petrol, power=900)) == "Power cannot be 900. Use 0.5 to 500."
    assert str(refused(ANY, Petrol, cylinders=0)) == "Cylinders cannot be 0. Use 1 to 16."
    assert str(refused(ANY, Petrol, turbo=1)) == "Turbo cannot be 1. Use true or false."


@pytest.mark.parametrize("good", [1, 16, 8.0, np.int64(8), np.uint8(3)])
def test_a_whole_number_becomes_an_int(good):
    cylinders = Petrol(cylinders=good).cylinders
    assert type(cylinders) is int
    assert cylinders == good


@pytest.mark.parametrize(
    "bad",
    [0, 17, 4.5, True, False, np.True_, "4", None, math.nan, math.inf, 10**30, -(10**400), 10**400, [4]],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_whole_number_within_the_bounds_is_refused(bad):
    assert refused("Cylinders cannot be", Petrol, cylinders=bad).path == "cylinders"


def test_a_number_too_long_to_print_is_refused_all_the_same():
    refused("Cylinders cannot be", Petrol, cylinders=10**5000)
    refused("Power cannot be", Petrol, power=10**5000)
    refused("Unknown", from_plain, Engine, {"kind": 10**5000})
    refused(ANY, from_plain, Engine, 10**5000)


@pytest.mark.parametrize("bad", [1, 0, "true", None, 1.0])
def test_only_true_and_false_are_truth_values(bad):
    refused("true or false", Petrol, turbo=bad)


def test_a_choice_is_one_of_the_choices_and_a_near_miss_is_named():
    assert Petrol(fuel="98").fuel == "98"
    assert "Did you mean 'E10'?" in str(refused("one of 95, 98, E10", Petrol, fuel="e11"))
    refused("Fuel cannot be 95", Petrol, fuel=95)


@pytest.mark.parametrize("bad", ["x" * 10**5, [1] * 10**5, 10**300], ids=["text", "list", "number"])
def test_a_refusal_stays_short(bad):
    assert len(str(refused(ANY, Petrol, power=bad))) < 200
    assert len(str(refused(ANY, from_plain, Engine, bad))) < 200
    assert len(str(refused(ANY, from_plain, Engine, {"kind": bad}))) < 200


def test_a_stack_has_at_most_64_entries():
    assert len(Car(wheels=(Wheel(),) * 64).wheels) == 64
    refused("65 entries", Car, wheels=(Wheel(),) * 65, path="wheels")


def test_a_table_of_numbers_holds_only_finite_numbers():
    assert Car(marks={"b": 2}).marks == {"b": 2.0}
    refused(ANY, Car, marks={"b": math.nan}, path="marks.b")
    refused(ANY, Car, marks={"b": True}, path="marks.b")
    refused("table", Car, marks=[1], path="marks")


def test_tables_of_numbers_are_equal_and_hash_alike_in_any_order():
    one, other = Numbers({"a": 1.0, "b": 2.0}), Numbers([("b", 2.0), ("a", 1.0)])
    assert one == other
    assert hash(one) == hash(other)
    assert one != Numbers({"a": 1.0})
    assert repr(one) == "{'a': 1.0, 'b': 2.0}"


# Plain data


def test_plain_data_holds_the_kind_and_every_setting():
    assert to_plain(Car(engine=Electric(power=9.0), wheels=(Wheel(12),))) == {
        "kind": "Car",
        "engine": {"kind": "Electric", "power": 9.0, "offset": 0.0, "least": 1.0},
        "wheels": [{"kind": "Wheel", "inches": 12}],
        "marks": {"a": 1.0},
        "name": "Ada",
    }


def test_what_is_left_out_keeps_its_default():
    assert from_plain(Car, {"engine": {"kind": "Petrol", "turbo": True}}) == Car(engine=Petrol(turbo=True))
    assert from_plain(Car, {}) == Car()


def test_a_kind_may_be_given_by_name_alone():
    assert from_plain(Engine, "Electric") == Electric()
    assert from_plain(Car, {"engine": "Electric"}) == Car(engine=Electric())
    assert from_plain(Car, {"wheels": ["Wheel", {"kind": "Wheel", "inches": 12}]}) == Car(wheels=(Wheel(), Wheel(12)))


def test_a_component_passes_through():
    engine = Electric()
    assert from_plain(Engine, engine) is engine


def test_an_unknown_kind_is_refused_with_the_nearest_and_all_known():
    error = refused("Unknown engine 'Elektric'", from_plain, Engine, "Elektric")
    assert "Did you mean 'Electric'?" in str(error)
    assert "Known: Petrol, Electric." in str(error)


def test_an_unknown_setting_is_refused_with_the_nearest_and_all_known():
    error = refused("Petrol has no setting 'powr'", from_plain, Engine, {"kind": "Petrol", "powr": 3})
    assert "Did you mean 'power'?" in str(error)
    assert "power, cylinders, turbo, fuel" in str(error)


def test_a_kind_of_another_family_is_refused():
    refused("Unknown engine 'Wheel'", from_plain, Engine, "Wheel")
    refused(ANY, Car, engine=Wheel(), path="engine")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"engine": {"kind": "Petrol", "power": -1}}, "engine.power"),
        ({"engine": {"kind": "Diesel"}}, "engine"),
        ({"engine": {"kind": "Petrol", "watts": 3}}, "engine.watts"),
        ({"wheels": [{"kind": "Wheel"}, {"kind": "Wheel", "inches": 99}]}, "wheels.1.inches"),
        ({"wheels": ["Wheel", 5]}, "wheels.1"),
        ({"wheels": 5}, "wheels"),
        ({"marks": {"a": "x"}}, "marks.a"),
        ({"name": 5}, "name"),
    ],
)
def test_an_error_in_plain_data_has_the_path_to_it(data, path):
    refused(ANY, from_plain, Car, data, path=path)


@pytest.mark.parametrize("kind", [5, None, [], {}, [["Petrol"]], 1.5, True])
def test_a_kind_that_is_no_name_is_refused(kind):
    refused("Unknown", from_plain, Engine, {"kind": kind})


def test_a_formula_that_is_wrong_is_told_by_the_path_of_its_text():
    refused(ANY, Formula, expression="sin(", path="expression")
    refused(ANY, from_plain, Experiment, {"curve": {"kind": "Formula", "expression": "sin("}}, path="curve.expression")
    error = refused(ANY, edited, Experiment(), "curve.expression", "2 + sine(x)", path="curve.expression")
    assert (error.start, error.end) == (4, 8)


# Hostile data

NAMES = sorted(
    {name for family in FAMILIES for kind in family.kinds.values() for name in kind.settings}
    | {kind for family in FAMILIES for kind in family.kinds}
    | {"kind"}
)
WORDS = st.sampled_from(NAMES) | st.text(max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**320)
    | st.floats(allow_nan=True, allow_infinity=True)
    | WORDS
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=20
)


@given(JSON)
def test_any_json_is_a_component_or_a_spec_error(data):
    for family in FAMILIES:
        found = outcome(from_plain, family, data)
        assert isinstance(found, family) or str(found)


@given(st.dictionaries(st.sampled_from(sorted(Experiment.settings)), JSON, min_size=1, max_size=3))
def test_any_value_of_any_setting_is_accepted_or_a_spec_error_with_its_path(data):
    found = outcome(from_plain, Experiment, data)
    if isinstance(found, SpecError):
        assert found.path.split(".")[0] in data
    else:
        assert from_plain(Experiment, to_plain(found)) == found


@given(st.sampled_from(sorted(Experiment.settings)), st.text(max_size=30))
def test_any_text_typed_for_any_setting_is_accepted_or_a_spec_error(name, text):
    found = outcome(edited_text, Experiment(), name, text)
    assert isinstance(found, Experiment) or str(found)


@given(st.lists(st.sampled_from([*Experiment.settings, "lr", "0", "1", "-1", "٣", "²", "kind", ""]), max_size=4), JSON)
def test_any_path_is_found_or_a_spec_error(steps, value):
    path = ".".join(steps)
    assert isinstance(outcome(edited, Experiment(), path, value), Experiment | SpecError)
    assert isinstance(outcome(setting_at, Experiment(), path), Setting | SpecError)


@pytest.mark.parametrize("depth", [10, 200, 900, 5000])
def test_deep_nesting_is_refused(depth):
    data: object = 1
    for _ in range(depth):
        data = [data]
    for name in ("layers", "clip", "curve", "dtype", "seed"):
        refused(ANY, from_plain, Experiment, {name: data})
    refused(ANY, from_plain, Experiment, data)


def test_huge_lists_are_refused():
    refused("entries", from_plain, Experiment, {"layers": ["Linear"] * 10**6})
    refused(ANY, from_plain, Experiment, {"clip": list(range(10**6))})


@pytest.mark.parametrize("digits", [310, 4000, 5000])
@pytest.mark.parametrize("name", ["seed", "window", "clip", "beyond"])
def test_numbers_of_many_digits_are_refused(name, digits):
    refused(ANY, from_plain, Experiment, {name: 10**digits}, path=name)
    refused(ANY, edited_text, Experiment(), name, "1" * digits, path=name)


# Paths


def test_an_edit_makes_a_copy_with_one_setting_changed():
    before = Experiment(layers=(RNN(hidden_dim=32), Linear(1)), optimizer=Adam(lr=0.25))
    after = edited(before, "optimizer.lr", 0.01)
    assert after.optimizer == Adam(lr=0.01)
    assert before.optimizer == Adam(lr=0.25)
    assert edited(before, "layers.0.hidden_dim", 64).layers == (RNN(hidden_dim=64), Linear(1))
    assert edited(before, "layers.1", "RNN").layers == (RNN(hidden_dim=32), RNN())
    assert edited(before, "layers", ["Linear"]).layers == (Linear(),)
    assert edited(before, "optimizer", {"kind": "SGD", "lr": 0.5}).optimizer == SGD(lr=0.5)
    assert edited(Car(), "marks.a", 3) == Car(marks={"a": 3.0})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("engine.power", -1),
        ("engine", "Diesel"),
        ("engine.watts", 1),
        ("wheels.3.inches", 99),
        ("wheels.3", "Tyre"),
        ("wheels.1", 5),
        ("wheels.4", "Wheel"),
        ("wheels.-1", "Wheel"),
        ("wheels.x", "Wheel"),
        ("marks.a", "x"),
        ("marks.z", 1.0),
        ("marks.a.b", 1.0),
        ("name.first", "x"),
        ("nothing", 1),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_with_its_path(path, value):
    refused(ANY, edited, Car(), path, value, path=path)


@pytest.mark.parametrize(
    "path", ["", ".", "engine.", ".engine", "engine..power", "wheels.", "x" * 1000], ids=lambda path: path[:20]
)
def test_a_path_that_is_no_path_is_refused(path):
    refused(ANY, edited, Car(), path, 1)
    refused(ANY, value_at, Car(), path)
    refused(ANY, setting_at, Car(), path)


@pytest.mark.parametrize(
    "index", ["0000000005", "00000000000000000001", "9" * 5000, "٣", "²", "1.5", "+1", " 1", "1_0"]
)
def test_an_index_that_is_not_there_is_refused(index):
    refused(ANY, edited, Experiment(layers=(RNN(),)), f"layers.{index}", "Linear")
    refused(ANY, value_at, Experiment(layers=(RNN(),)), f"layers.{index}")


def test_the_value_at_a_path_is_found():
    experiment = Experiment(curve=Formula(expression="a*x", letters={"a": 3.0}), optimizer=SGD(lr=0.25))
    assert value_at(experiment, "optimizer.lr") == 0.25
    assert value_at(experiment, "layers.1") == Linear(1)
    assert value_at(experiment, "layers.0.hidden_dim") == 32
    assert value_at(experiment, "curve.letters.a") == 3.0
    refused(ANY, value_at, experiment, "curve.letters.b")
    refused(ANY, value_at, experiment, "seed.x")


def test_the_declaration_at_a_path_is_found():
    experiment = Experiment(curve=Formula(expression="a*x"))
    assert setting_at(experiment, "optimizer.lr") is Adam.settings["lr"]
    assert setting_at(experiment, "layers.0.hidden_dim") is RNN.settings["hidden_dim"]
    assert setting_at(experiment, "layers.0") is Experiment.settings["layers"]
    letter = setting_at(experiment, "curve.letters.a")
    assert (letter.name, letter.label, letter.type, letter.live) == ("a", "a", float, False)
    assert isinstance(setting_at(experiment, "seed"), Setting)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("optimizer.lr", "0.01", 0.01),
        ("optimizer.lr", "1e-2", 0.01),
        ("layers.0.hidden_dim", "64", 64),
        ("layers.0.return_sequences", "true", True),
        ("optimizer", "SGD", SGD()),
        ("optimizer", '{"kind": "SGD", "lr": 0.5}', SGD(lr=0.5)),
        ("layers", "RNN, Linear", (RNN(), Linear())),
        ("layers", '["RNN"]', (RNN(),)),
        ("curve.expression", "2", "2"),
        ("curve.expression", "[x]"[1:2], "x"),
        ("dtype", "float64", "float64"),
        ("loss", "Huber", Huber()),
        ("schedule.final", "0.1", 0.1),
    ],
)
def test_typed_text_becomes_the_settings_type(path, text, value):
    assert value_at(edited_text(Experiment(), path, text), path) == value


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "fast", "", "true", "[1]", "1,5", "0x10", "1_0"])
def test_typed_text_that_is_no_number_is_refused_with_its_path(text):
    refused(ANY, edited_text, Experiment(), "optimizer.lr", text, path="optimizer.lr")


def test_differences_are_the_edits_that_lead_from_one_to_the_other():
    old = Experiment(optimizer=Adam(lr=0.25))
    new = Experiment(
        curve=Formula(expression="sin(x)", step=0.2),
        layers=(RNN(hidden_dim=64), Linear(1)),
        optimizer=SGD(),
        loss=MSE(),
        schedule=Cosine(final=0.1),
        seed=4,
    )
    found = differences(old, new)
    assert {path for path, _, _ in found} == {
        "curve.expression",
        "curve.step",
        "layers.0.hidden_dim",
        "optimizer",
        "schedule.final",
        "seed",
    }
    assert ("optimizer", Adam(lr=0.25), SGD()) in found
    result = old
    for path, was, now in found:
        assert value_at(result, path) == was
        result = edited(result, path, now)
    assert result == new


def test_a_letter_or_a_stack_of_another_length_is_one_difference():
    two = Experiment(curve=Formula(expression="a*b*x"))
    assert differences(two, edited(two, "curve.letters.a", 5.0)) == [("curve.letters.a", 1.0, 5.0)]
    longer = edited(two, "layers", (RNN(return_sequences=True), *two.layers))
    assert differences(two, longer) == [("layers", two.layers, longer.layers)]


def test_equal_components_have_no_differences():
    assert differences(Experiment(), Experiment()) == []


# Errors


def test_a_spec_error_is_a_value_error_with_its_places():
    remedy = Remedy("Use 3", "window", 3)
    error = SpecError("No.", path="window", start=1, end=2, remedy=remedy)
    assert isinstance(error, ValueError)
    assert (str(error), error.path, error.start, error.end, error.remedy) == ("No.", "window", 1, 2, remedy)


def test_suggestions_name_the_nearest_or_nothing():
    assert suggestion("adamm", Optimizer.kinds) == " Did you mean 'Adam'?"
    assert suggestion("rmsprop", Optimizer.kinds) == " Did you mean 'RMSProp'?"
    assert suggestion("zzz", Optimizer.kinds) == ""
    assert suggestion("x" * 10**6, Optimizer.kinds) == ""


def test_plain_data_is_json():
    assert json.loads(json.dumps(to_plain(Experiment()))) == to_plain(Experiment())
