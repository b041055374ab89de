"""The catalogue: every kind in every registry keeps the promises of the house, by existing."""

import dataclasses
import inspect
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zen_core import autodiff
from zen_core.__main__ import main
from zen_core.component import Component, SpecError, from_plain, to_plain
from zen_core.curve import Curve, Scaling
from zen_core.edits import edited, edited_text
from zen_core.experiment import Experiment, load, save
from zen_core.loss import Loss
from zen_core.nn import RNN, Initial, Layer, Linear, Recurrent
from zen_core.optim import Optimizer
from zen_core.schedule import Schedule
from zen_core.trainer import Trainer
from zen_core.weights import Weight

from . import drawn
from .complex_step import assert_gradients
from .conftest import FAMILIES

KINDS = [kind for family in FAMILIES for kind in family.kinds.values()]
SETTINGS = [
    pytest.param(kind, each, id=f"{kind.__name__}.{each.name}") for kind in KINDS for each in kind.settings.values()
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
every_setting = pytest.mark.parametrize(("kind", "setting"), SETTINGS)


def family_of(kind):
    return next(family for family in FAMILIES if kind in family.kinds.values())


def trained(experiment, steps=3):
    """A trainer after some steps, or fewer where the run is shorter."""
    trainer = Trainer(experiment)
    for _ in range(steps):
        next(trainer)
    assert np.isfinite(trainer.frame().weights).all()
    assert np.isfinite(trainer.frame().losses).all()
    return trainer


# Values


@every_kind
def test_every_kind_goes_to_json_and_back_with_its_defaults(kind):
    assert from_plain(family_of(kind), json.loads(json.dumps(to_plain(kind())))) == kind()
    assert from_plain(family_of(kind), kind.__name__) == kind()


@every_kind
@settings(max_examples=25)
@given(st.data())
def test_every_kind_goes_to_json_and_back_with_any_settings(kind, data):
    component = data.draw(drawn.kinds(kind))
    again = from_plain(family_of(kind), json.loads(json.dumps(to_plain(component))))
    assert again == component
    assert hash(again) == hash(component)
    assert repr(again) == repr(component)


@every_kind
def test_every_kind_is_frozen_equal_to_its_like_and_hashable(kind):
    assert kind() == kind()
    assert len({kind(), kind()}) == 1
    for name in kind.settings:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(kind(), name, 1)


@every_kind
def test_every_kind_refuses_an_unknown_setting(kind):
    with pytest.raises(SpecError, match="no setting 'nonsense'"):
        from_plain(family_of(kind), {"kind": kind.__name__, "nonsense": 1})


# Declarations


@every_kind
def test_every_kind_says_what_it_is(kind):
    assert kind.summary().endswith((".", "…", ":")) or "x = start" in kind.summary()
    assert inspect.getdoc(kind) == inspect.cleandoc(kind.__doc__)
    assert kind.title()


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if family_of(kind) in (Layer, Initial, Loss, Optimizer, Schedule)],
    ids=lambda k: k.__name__,
)
def test_every_layer_loss_rule_and_schedule_has_an_equation_or_a_source(kind):
    equation = re.search(r"[=←/√Σ²|]|\bmax\(", kind.__doc__)
    source = re.search(r"\((19|20)\d\d\)", kind.__doc__)
    assert equation or source


@pytest.mark.parametrize("kind", Optimizer.kinds.values())
def test_every_optimizer_has_its_rule_and_its_paper(kind):
    assert "←" in kind.__doc__
    assert re.search(r"\((19|20)\d\d\)", kind.__doc__)


@every_setting
def test_every_setting_has_help_that_is_a_sentence_and_a_label(kind, setting):
    assert re.fullmatch(r"\S.{8,}\.", setting.help)
    assert setting.label


@every_setting
def test_every_default_lies_within_its_bounds(kind, setting):
    default = getattr(kind(), setting.name)
    assert setting.accept(default) == default
    if setting.low is not None:
        assert setting.low <= default
    if setting.high is not None:
        assert default <= setting.high


@every_setting
def test_every_number_has_bounds_and_a_logarithmic_one_is_positive(kind, setting):
    if setting.type in (int, float):
        assert setting.low is not None
        assert setting.high is not None
        assert setting.low < setting.high
    if setting.log:
        assert setting.low > 0


@every_setting
def test_every_setting_that_depends_on_another_names_a_truth_value_beside_it(kind, setting):
    if setting.when:
        assert kind.settings[setting.when].type is bool


@every_setting
def test_values_outside_the_bounds_are_refused_by_name(kind, setting):
    outside = [setting.low - 1] if setting.low is not None else []
    outside += [setting.high * 2 + 1] if setting.high is not None else []
    for value in outside:
        with pytest.raises(SpecError, match=re.escape(f"{setting.label} cannot be")) as caught:
            kind(**{setting.name: value})
        assert caught.value.path == setting.name


def test_live_settings_are_those_that_the_trainer_takes_over(tiny):
    live = {name for name, setting in Experiment.settings.items() if setting.live}
    assert live == {
        "beyond", "schedule", "batch_size", "epochs", "clip", "growth", "input_noise", "target_loss", "seconds",
        "patience",
    }  # fmt: skip
    assert all(setting.live for kind in Optimizer.kinds.values() for setting in kind.settings.values())
    assert all(setting.live for kind in Schedule.kinds.values() for setting in kind.settings.values())


# Training


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", Layer.kinds.values())
def test_every_layer_trains_on_both_backends(tiny, each_backend, kind, dtype):
    stacks = [(RNN(hidden_dim=3), kind(), Linear(1)), (kind(), RNN(hidden_dim=3), Linear(1))]
    if issubclass(kind, Recurrent):
        stacks = [
            (kind(hidden_dim=3), Linear(1)),
            (kind(hidden_dim=3, return_sequences=True), kind(hidden_dim=2), Linear(1)),
            (kind(hidden_dim=3, units=2, return_sequences=True), kind(hidden_dim=1)),
        ]
    for stack in stacks:
        trainer = trained(edited(edited(tiny, "layers", stack), "dtype", dtype))
        assert (trainer.backend, trainer.frame().weights.dtype) == (each_backend, dtype)
        assert np.isfinite(trainer.forecast().free_run).all()


@pytest.mark.parametrize("kind", Optimizer.kinds.values())
def test_every_optimizer_trains(tiny, kind):
    before = Trainer(tiny).frame().weights
    assert (trained(edited(tiny, "optimizer", kind())).frame().weights != before).all()


@pytest.mark.parametrize("kind", [kind for kind in Loss.kinds.values() if kind.for_forecasts])
def test_every_loss_for_forecasts_trains(tiny, kind):
    trained(edited(tiny, "loss", kind()))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.for_forecasts])
def test_every_kind_that_is_not_for_forecasts_is_refused(tiny, kind):
    if issubclass(kind, Loss):
        with pytest.raises(SpecError):
            Trainer(edited(tiny, "loss", kind()))


@pytest.mark.parametrize("kind", Schedule.kinds.values())
def test_every_schedule_trains_and_stays_between_0_and_1(tiny, kind):
    trained(edited(tiny, "schedule", kind()), steps=20)
    for progress in np.linspace(0, 1, 21):
        assert 0 <= kind().factor(float(progress)) <= 1


@pytest.mark.parametrize("kind", Scaling.kinds.values())
def test_every_scaling_trains(tiny, kind):
    trained(edited(tiny, "scaling", kind()))


@pytest.mark.parametrize("kind", Initial.kinds.values())
def test_every_way_to_draw_first_weights_trains(tiny, kind):
    trained(edited(tiny, "initial", kind()))


@pytest.mark.parametrize("kind", Curve.kinds.values())
def test_every_curve_trains(tiny, kind):
    trained(edited(tiny, "curve", kind()))


# A newcomer needs its equations and nothing else.


@pytest.fixture
def newcomers(registries):
    """A layer, a recurrent layer and an optimizer, each defined by its equations alone."""

    class Swish(Layer):
        """The smooth ramp x · σ(x)."""

        def forward(self, p, x):
            return x * autodiff.sigmoid(x)

    class Minimal(Recurrent):
        """The minimal gated unit: f = σ(x F + h G), h ← (1 − f) h + f tanh(x U)."""

        def cell_weights(self, features):
            h = self.hidden_dim
            return {"F": Weight((features, h), features), "G": Weight((h, h), h), "U": Weight((features, h), features)}

        def cell(self, p, x, h):
            f = autodiff.sigmoid(x @ p["F"] + h @ p["G"])
            return (1 - f) * h + f * autodiff.tanh(x @ p["U"])

    class SignDescent(Optimizer):
        """Descent by sign alone: w ← w − η sign(g)."""

        def update(self, w, g, lr, t, memory):
            return w - lr * np.sign(g), memory

    return Swish, Minimal, SignDescent


NEWCOMERS = [
    "layers.0=Minimal",
    "layers.0.hidden_dim=3",
    "layers.1=Swish",
    "optimizer=SignDescent",
    "optimizer.lr=0.01",
]


@pytest.fixture
def with_newcomers(tiny, newcomers):
    """An experiment with all three, put together by the words of the command line."""
    experiment = edited(tiny, "layers", ["RNN", "Tanh", "Linear"])
    for word in NEWCOMERS:
        path, _, text = word.partition("=")
        experiment = edited_text(experiment, path, text)
    return experiment


def test_a_newcomer_is_put_together_by_the_words_of_the_command_line(with_newcomers, newcomers):
    swish, minimal, sign_descent = newcomers
    assert with_newcomers.layers == (minimal(hidden_dim=3), swish(), Linear())
    assert with_newcomers.optimizer == sign_descent(lr=0.01)


@pytest.mark.parametrize("settings", [{}, {"return_sequences": True}, {"return_sequences": True, "units": 2}])
def test_a_newcomers_gradients_need_not_be_written(newcomers, settings):
    draw = np.random.default_rng(2)
    for layer in (newcomers[0](), newcomers[1](hidden_dim=3, **settings)):
        weights = {name: draw.normal(size=weight.shape) for name, weight in layer.weights(2).items()}

        def output(x, *w, layer=layer, weights=weights):
            return layer.forward(dict(zip(weights, w, strict=True)), x)

        assert_gradients(output, draw.normal(size=(2, 4, 2)), *weights.values())


def test_a_newcomer_is_trained(with_newcomers):
    trainer = trained(edited(with_newcomers, "epochs", 40), steps=200)
    losses = np.asarray(trainer.frame().losses)
    assert losses[-10:].mean() < 0.75 * losses[:10].mean()
    assert np.isfinite(trainer.forecast().free_run).all()


def test_a_newcomer_is_saved_and_loaded(with_newcomers, tmp_path):
    save(with_newcomers, tmp_path / "e.json")
    assert load(tmp_path / "e.json") == with_newcomers


def test_a_newcomer_is_trained_from_the_command_line(newcomers, capsys):
    words = ["samples=60", "window=5", "epochs=1", "curve.step=0.5", "layers=RNN,Tanh,Linear", *NEWCOMERS]
    assert main(["train", "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["experiment"]["layers"][0]["kind"] == "Minimal"
    assert found["experiment"]["optimizer"] == {"kind": "SignDescent", "lr": 0.01, "weight_decay": 0.0}


def test_a_newcomer_stands_in_the_reference(newcomers, capsys):
    main(["reference"])
    out = capsys.readouterr().out
    for heading in ("Layer: Swish", "Layer: Minimal", "Optimizer: SignDescent", "h ← (1 − f) h + f tanh(x U)"):
        assert heading in out


def test_a_newcomer_is_suggested_where_its_name_is_nearly_met(newcomers):
    with pytest.raises(SpecError, match="Did you mean 'Swish'"):
        from_plain(Layer, "Swich")


def test_a_newcomer_is_forgotten_with_its_test():
    assert not {"Swish", "Minimal", "SignDescent"} & {kind.__name__ for kind in KINDS}
    assert Component.__subclasses__()
