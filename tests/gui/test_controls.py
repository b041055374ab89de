"""The column of controls: what stands in the open, what is folded away, and what the headers tell of it."""

from __future__ import annotations

from typing import Any

import pytest
from acting import NO_SCREEN, SMALL, Person, changed, text_of
from conftest import SitDown
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea

from zen_core.component import Component
from zen_core.experiment import Experiment
from zen_core.nn import GRU, LSTM, RNN, Dropout, Linear
from zen_core.optim import Optimizer
from zen_core.schedule import Schedule
from zen_core.weights import Layout
from zen_gui import theme
from zen_gui.controls import HEADINGS, Controls
from zen_gui.editor import Row, entries_of
from zen_gui.stack import HighwayCard
from zen_gui.widgets.section import Section

pytestmark = pytest.mark.qt_log_ignore(*NO_SCREEN)

MORE = ("More of data", "More of training")


def labels(person: Person, heading: str) -> list[str]:
    """The names of the visible rows of a section, from above."""
    rows = sorted(
        person.all(Row, inside=person.section(heading)), key=lambda row: row.mapTo(person.window, QPoint()).y()
    )
    return [text_of(row.findChildren(QLabel)[0]) for row in rows]


def header_of(person: Person, heading: str) -> str:
    """What the header of a section tells of it."""
    return person.find(QAbstractButton, heading).accessibleDescription()


# ── What stands where ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_setting_has_one_row_under_its_heading(sit_down: SitDown) -> None:
    person = sit_down(size=(1440, 900))
    for part in MORE:
        person.open(part)
    for heading in HEADINGS:
        paths = [path for path, _, _ in entries_of(SMALL, heading)]
        rows = [row.path for row in person.all(Row, inside=person.section(heading))]
        assert sorted(rows) == sorted(paths)
        assert paths, heading
    declared = {setting.section for setting in Experiment.settings.values()}
    assert declared == set(HEADINGS)


def test_what_most_people_set_stands_in_the_open(sit_down: SitDown) -> None:
    person = sit_down()
    shown = labels(person, "Training")
    assert {"Optimizer", "Learning rate", "Schedule", "Batch size", "Rollout", "Input noise", "Seed"} <= set(shown)
    assert not {"Beta 1", "Epsilon", "Weight decay", "Warm-up", "Precision", "Rollout growth"} & set(shown)
    person.open("More of training")
    assert {"Beta 1", "Epsilon", "Weight decay", "Warm-up", "Precision", "Rollout growth"} <= set(
        labels(person, "Training")
    )
    person.click("More of training")
    assert labels(person, "Training") == shown


@pytest.mark.parametrize(
    ("chooser", "kind", "beside"),
    [
        *(("Optimizer", kind, "Learning rate") for kind in Optimizer.kinds),
        ("Schedule", "Cosine", "Final share"),
        ("Schedule", "Step", "Stages"),
        ("Schedule", "OnPlateau", "Drop factor"),
    ],
)
def test_beside_a_kind_stands_its_main_setting_and_the_others_under_its_name(
    sit_down: SitDown, chooser: str, kind: str, beside: str
) -> None:
    person = sit_down(changed(**{chooser.lower(): kind}))
    shown = labels(person, "Training")
    assert shown[shown.index(chooser) + 1] == beside
    person.open("More of training")
    chosen: Component = getattr(person.window.document.experiment, chooser.lower())
    part = person.section("More of training")
    captions = {
        text_of(label): label for label in person.all(QLabel, inside=part) if label.property("role") == "caption"
    }
    below = [row for row in person.all(Row, inside=part) if row.path.startswith(f"{chooser.lower()}.")]
    assert len(below) == len(chosen.settings) - 1
    caption = captions[chosen.title()]
    assert all(row.mapTo(part, QPoint()).y() > caption.mapTo(part, QPoint()).y() for row in below)


def test_a_schedule_that_has_only_a_warm_up_has_nothing_beside_it(sit_down: SitDown) -> None:
    person = sit_down(changed(schedule="Constant"))
    shown = labels(person, "Training")
    assert shown[shown.index("Schedule") + 1] == "Batch size"


def test_what_may_be_left_out_of_a_constructor_comes_last() -> None:
    for family in (Optimizer, Schedule):
        for kind in family.kinds.values():
            paths = [path for path, _, _ in entries_of(kind())]
            assert paths[-1] in ("weight_decay", "warmup"), kind


def test_a_folded_part_names_what_is_in_it_and_what_is_not_as_by_default(sit_down: SitDown) -> None:
    person = sit_down()
    assert header_of(person, "More of training").startswith("loss, rollout growth, clip, precision, beta 1")
    assert header_of(person, "More of data") == "validation, test, scaling, noise seed"
    person.window.edit("clip", 0.5)
    person.window.edit("optimizer", {"kind": "Momentum", "nesterov": True})
    person.window.edit("loss", "MAE")
    assert header_of(person, "More of training") == "loss MAE, clip 0.5, nesterov on"


def test_what_is_wrong_in_a_folded_part_is_shown(sit_down: SitDown) -> None:
    person = sit_down()
    assert person.section("More of data").folded
    person.window.edit("test", 0.9)
    person.settle()
    assert not person.section("More of data").folded
    assert person.errors(person.row("Test"))


def test_a_change_that_waits_in_a_folded_part_is_named_below(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(3)
    person.window.edit("scaling", "MinMax")
    assert person.waiting() == "1 change waits: scaling"
    assert person.section("More of data").folded


def test_in_a_low_window_data_and_stopping_are_folded_and_still_tell(sit_down: SitDown) -> None:
    person = sit_down(changed(epochs=300, target_loss=1e-4, seconds=10.0, patience=20), size=(1280, 720))
    assert person.section("Data").folded
    assert person.section("Stopping").folded
    assert header_of(person, "Stopping") == "300 epochs, loss 0.0001, 10 s, patience 20"
    assert header_of(person, "Data") == "120 samples · window 10"
    person.window.resize(1440, 900)
    assert not person.section("Stopping").folded


def test_stop_conditions_act_on_a_running_training(sit_down: SitDown) -> None:
    person = sit_down()
    person.train(10)
    assert header_of(person, "Stopping") == "1,000,000 epochs"
    for name, text in (("Target loss", "1e-9"), ("Longest time", "900"), ("Patience", "5000")):
        person.enter(name, text)
        assert person.mark(name) == "live"
    person.train(5)
    made = [(change.path, change.value) for change in person.window.session.latest.frame.changes]
    assert made == [("target_loss", 1e-9), ("seconds", 900.0), ("patience", 5000)]
    assert person.waiting() == ""


# ── The highway ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_highway_stands_beside_the_stack_with_its_weights_and_counts(sit_down: SitDown) -> None:
    person = sit_down()
    assert person.all(HighwayCard) == []
    bare = Layout(SMALL.layers, (10, 1)).size
    assert header_of(person, "Network") == f"{bare} parameters"
    person.enter("Highway", "7")
    (card,) = person.all(HighwayCard)
    assert person.texts(card) == ["Highway", "last 7 samples → output", "8"]
    assert header_of(person, "Network") == f"{bare + 8} parameters"
    assert card.mapTo(person.window, QPoint()).y() > person.cards()[-1].mapTo(person.window, QPoint()).y()
    assert person.window.session.trainer.layout.size == bare + 8


def test_a_highway_longer_than_the_window_is_as_long_as_the_window(sit_down: SitDown) -> None:
    person = sit_down(changed(highway=50))
    (card,) = person.all(HighwayCard)
    assert person.texts(card) == ["Highway", "last 10 samples → output", "11"]
    assert person.window.session.trainer.layout.highway == 10


def test_beside_a_stack_that_does_not_fit_the_highway_has_no_count(sit_down: SitDown) -> None:
    person = sit_down(changed(highway=5))
    person.window.edit("layers", (RNN(hidden_dim=8), Linear(5)))
    (card,) = person.all(HighwayCard)
    assert person.texts(card) == ["Highway", "last 5 samples → output"]
    assert header_of(person, "Network") == "does not fit"


def test_new_cards_stand_above_the_highway(sit_down: SitDown) -> None:
    person = sit_down(changed(highway=5))
    person.choose_from_menu("Add a layer", "Tanh")
    person.settle()
    (card,) = person.all(HighwayCard)
    heights = [each.mapTo(person.window, QPoint()).y() for each in (*person.cards(), card)]
    assert heights == sorted(heights)
    assert len(heights) == 4


# ── Room ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

WIDE: dict[str, dict[str, Any]] = {
    "gates": {"layers": (GRU(return_sequences=True), Dropout(), LSTM(hidden_dim=1024), Linear(1)), "highway": 50},
    "accumulator": {"optimizer": "Adagrad", "schedule": "OnPlateau", "loss": "Huber"},
    "recording": {"curve": "Recorded"},
}


@pytest.mark.parametrize("width", [312, 288])
@pytest.mark.parametrize("scale", [1.0, 1.25])
@pytest.mark.parametrize("case", WIDE)
def test_the_column_is_never_wider_than_its_room(qtbot: Any, qapp: Any, case: str, width: int, scale: float) -> None:
    theme.apply(qapp, theme.DARK, scale)
    try:
        controls = Controls({})
        qtbot.addWidget(controls)
        controls.setFixedWidth(theme.scaled(width))
        controls.resize(controls.width(), 900)
        experiment = changed(Experiment(), **WIDE[case])
        controls.show_experiment(experiment, experiment, None)
        controls.show()
        for section in controls.findChildren(Section):
            section.set_folded(False)
        qapp.processEvents()
        (scroll,) = controls.findChildren(QScrollArea)
        assert scroll.widget().width() <= scroll.viewport().width()
    finally:
        theme.apply(qapp, theme.DARK)
