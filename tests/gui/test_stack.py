"""The stack of layers, built and mended by hand: menus, keys, and a sentence on the card that does not fit."""

from __future__ import annotations

import pytest
from acting import NO_SCREEN, Person, changed, text_of
from conftest import SitDown
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QMenu, QPushButton, QToolButton

from zen_core.experiment import Experiment
from zen_core.nn import RNN, Layer, Linear, ReLU, Softmax, Tanh
from zen_core.weights import Layout
from zen_gui.stack import Card
from zen_gui.widgets.mark import Mark
from zen_gui.widgets.number_field import NumberField

pytestmark = pytest.mark.qt_log_ignore(*NO_SCREEN)


def stack(*layers: Layer) -> Experiment:
    return changed(layers=layers)


def layers(person: Person) -> tuple[Layer, ...]:
    return person.window.document.experiment.layers


def titles(person: Person) -> list[str]:
    """What the cards are called, from above."""
    return [person.all(QLabel, inside=card)[0].text() for card in person.cards()]


def captions(card: Card) -> list[str]:
    """The shapes and the count at the foot of a card."""
    return [label.text() for label in card.findChildren(QLabel) if label.property("role") == "caption"]


def of_menu(person: Person, card: Card, title: str) -> None:
    (button,) = [b for b in person.all(QToolButton, inside=card) if b.findChildren(QMenu)]
    person.choose_from_menu(button, title)


def add(person: Person, kind: str) -> None:
    person.choose_from_menu("Add a layer", kind)


# ── Building ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_layer_can_be_added(sit_down: SitDown) -> None:
    person = sit_down()
    entries = [action.text() for action in person.menu_entries(person.button("Add a layer"))]
    assert entries == [kind.title() for kind in Layer.kinds.values()]


def test_a_recurrent_layer_goes_after_the_last_one_which_then_returns_its_sequence(sit_down: SitDown) -> None:
    person = sit_down()
    add(person, "RNN")
    assert layers(person) == (RNN(hidden_dim=8, return_sequences=True), RNN(), Linear(1))
    assert titles(person) == ["RNN", "RNN", "Linear"]
    assert person.errors() == []


def test_a_recurrent_layer_goes_first_where_there_is_none(sit_down: SitDown) -> None:
    person = sit_down()
    person.window.edit("layers", (Linear(1),))
    add(person, "RNN")
    assert layers(person) == (RNN(), Linear(1))
    assert person.errors() == []


def test_other_layers_go_before_the_last_linear(sit_down: SitDown) -> None:
    person = sit_down()
    add(person, "Tanh")
    add(person, "Linear")
    assert layers(person) == (RNN(hidden_dim=8), Tanh(), Linear(1), Linear(1))


def test_the_menu_of_a_card_duplicates_moves_and_deletes(sit_down: SitDown) -> None:
    person = sit_down(stack(RNN(hidden_dim=8), Tanh(), Linear(1)))
    of_menu(person, person.cards()[1], "Duplicate layer")
    assert layers(person) == (RNN(hidden_dim=8), Tanh(), Tanh(), Linear(1))
    of_menu(person, person.cards()[3], "Move up")
    assert layers(person) == (RNN(hidden_dim=8), Tanh(), Linear(1), Tanh())
    of_menu(person, person.cards()[0], "Move down")
    assert layers(person) == (Tanh(), RNN(hidden_dim=8), Linear(1), Tanh())
    of_menu(person, person.cards()[3], "Delete layer")
    assert layers(person) == (Tanh(), RNN(hidden_dim=8), Linear(1))
    assert titles(person) == ["Tanh", "RNN", "Linear"]


def test_keys_move_copy_and_delete_the_layer_that_has_the_keyboard(sit_down: SitDown) -> None:
    person = sit_down(stack(RNN(hidden_dim=8), Tanh(), Linear(1)))
    person.focus(person.cards()[1])
    person.press("Alt+Up")
    assert layers(person) == (Tanh(), RNN(hidden_dim=8), Linear(1))
    assert person.cards()[0].hasFocus(), "the same layer goes on being moved"
    person.press("Alt+Down")
    person.press("Alt+Down")
    assert layers(person) == (RNN(hidden_dim=8), Linear(1), Tanh())
    assert person.cards()[2].hasFocus()
    person.press("Ctrl+D")
    assert layers(person) == (RNN(hidden_dim=8), Linear(1), Tanh(), Tanh())
    assert person.cards()[3].hasFocus()
    person.press("Del")
    assert layers(person) == (RNN(hidden_dim=8), Linear(1), Tanh())


def test_after_deleting_a_neighbour_has_the_keyboard(sit_down: SitDown) -> None:
    person = sit_down(stack(RNN(hidden_dim=8), Tanh(), Linear(1)))
    person.focus(person.cards()[2])
    person.press("Del")
    assert person.cards()[1].hasFocus()
    person.press("Del")
    assert person.cards()[0].hasFocus()


def test_the_ends_of_the_stack_are_ends(sit_down: SitDown) -> None:
    person = sit_down()
    before = layers(person)
    person.focus(person.cards()[0])
    person.press("Alt+Up")
    person.focus(person.cards()[1])
    person.press("Alt+Down")
    assert layers(person) == before


def test_del_in_a_field_of_a_card_deletes_a_character_and_no_layer(sit_down: SitDown) -> None:
    person = sit_down()
    field = person.field("Hidden")
    person.focus(field)
    person.press("Home")
    person.press("Del")
    assert len(layers(person)) == 2


def test_building_can_be_undone(sit_down: SitDown) -> None:
    person = sit_down()
    before = layers(person)
    add(person, "Tanh")
    person.press("Ctrl+Z")
    assert layers(person) == before
    assert titles(person) == ["RNN", "Linear"]
    person.press("Ctrl+Shift+Z")
    assert titles(person) == ["RNN", "Tanh", "Linear"]


def test_more_than_64_layers_are_refused_with_a_sentence(sit_down: SitDown) -> None:
    person = sit_down(stack(RNN(hidden_dim=2), *[Tanh()] * 62, Linear(1)))
    add(person, "Tanh")
    assert len(layers(person)) == 64
    assert any("65" in sentence and "64" in sentence for sentence in person.errors())


# ── What a card tells ────────────────────────────────────────────────────────────────────────────────────────────────


def test_cards_tell_shapes_and_numbers_of_weights(sit_down: SitDown) -> None:
    made = (RNN(hidden_dim=8, return_sequences=True, units=3), RNN(hidden_dim=40), Tanh(), Linear(1))
    person = sit_down(stack(*made))
    layout = Layout(made, (10, 1))
    assert [captions(card) for card in person.cards()] == [
        ["10 × 1 → 10 × 3", f"{layout.count(0):,}"],
        ["10 × 3 → 40", f"{layout.count(1):,}"],
        ["40 → 40", f"{layout.count(2):,}"],
        ["40 → 1", f"{layout.count(3):,}"],
    ]
    assert layout.count(1) == 40 * 3 + 40 + 40 * 40 + 40
    assert person.window.controls.isAncestorOf(person.section("Network"))


def test_shapes_follow_every_edit(sit_down: SitDown) -> None:
    person = sit_down()
    person.enter("Window", "20")
    assert captions(person.cards()[0])[0] == "20 × 1 → 8"
    person.enter("Hidden", "5")
    assert [captions(card)[0] for card in person.cards()] == ["20 × 1 → 5", "5 → 1"]
    assert captions(person.cards()[0])[1] == f"{5 + 5 + 25 + 5}"


def test_after_a_layer_that_does_not_fit_shapes_are_left_open(sit_down: SitDown) -> None:
    person = sit_down()
    person.window.edit("layers", (RNN(hidden_dim=8), Tanh(), RNN(hidden_dim=4), Linear(1)))
    assert [captions(card)[0] for card in person.cards()] == ["10 × 1 → 8", "8 → 8", "8 → –", "– → –"]
    assert captions(person.cards()[3])[1] == ""


def test_each_control_of_a_card_is_named_and_explained(sit_down: SitDown) -> None:
    person = sit_down(stack(RNN(hidden_dim=8, return_sequences=True), RNN(hidden_dim=8), Linear(1)))
    for card in person.cards():
        assert card.accessibleName()
        for control in [*person.all(NumberField, inside=card), *person.all(QCheckBox, inside=card)]:
            assert control.accessibleName()
            assert control.toolTip() or control.parentWidget().toolTip()


def test_a_card_says_that_it_needs_a_restart_and_when_it_waits(sit_down: SitDown) -> None:
    person = sit_down(stack(RNN(hidden_dim=8), Tanh(), Linear(1)))
    assert marks(person) == ["restart"] * 3
    person.enter("Hidden", "6")
    assert marks(person) == ["restart"] * 3, "nothing would be lost"
    person.train(3)
    person.enter("Hidden", "5")
    assert marks(person) == ["waiting", "restart", "restart"]
    person.click("Discard")
    assert marks(person) == ["restart"] * 3
    person.window.edit("layers", (RNN(hidden_dim=6), ReLU(), Linear(1)))
    assert marks(person) == ["restart", "waiting", "restart"]
    add(person, "Tanh")
    assert marks(person) == ["waiting"] * 4


def marks(person: Person) -> list[str]:
    return [person.find(Mark, inside=card).kind for card in person.cards()]


def test_a_number_out_of_range_is_told_on_its_card(sit_down: SitDown) -> None:
    person = sit_down()
    card = person.cards()[0]
    person.enter(person.field("Hidden", card), "5000")
    assert person.field("Hidden", card).text() == "5000"
    assert any("5000" in sentence and "1024" in sentence for sentence in person.errors(card))
    person.enter(person.field("Hidden", card), "6")
    assert person.errors() == []
    assert layers(person)[0] == RNN(hidden_dim=6)


def test_switching_a_setting_of_a_card_by_keyboard_keeps_the_keyboard_there(sit_down: SitDown) -> None:
    person = sit_down()
    box = person.find(QCheckBox, "Sequence")
    person.focus(box)
    person.press("Space")
    assert layers(person)[0] == RNN(hidden_dim=8, return_sequences=True)
    person.settle()
    assert person.find(QCheckBox, "Sequence").hasFocus()


def test_tab_walks_through_a_new_card_where_it_stands(sit_down: SitDown) -> None:
    person = sit_down()
    add(person, "Tanh")
    person.focus(person.cards()[0])
    seen = [person.cards()[0]]
    for _ in range(40):
        person.press("Tab")
        focused = QApplication.focusWidget()
        if isinstance(focused, Card):
            seen.append(focused)
        if len(seen) == 3:
            break
    assert [card.index for card in seen] == [0, 1, 2]


# ── Stacks that cannot forecast ──────────────────────────────────────────────────────────────────────────────────────

IMPOSSIBLE = {
    "ends in a sequence": (
        (RNN(hidden_dim=8, return_sequences=True), Linear(1)),
        1,
        "The stack ends in a sequence of 10 values, after layer 2 (Linear); the forecast needs one.",
        "Return last step only",
        (RNN(hidden_dim=8), Linear(1)),
    ),
    "has nothing recurrent": (
        (Linear(1),),
        0,
        "The stack ends in a sequence of 10 values, after layer 1 (Linear); the forecast needs one.",
        "Put an RNN first",
        (RNN(), Linear(1)),
    ),
    "drops the sequence too early": (
        (RNN(hidden_dim=8), RNN(hidden_dim=4), Linear(1)),
        1,
        "Layer 2 (RNN) reads a sequence, but layer 1 (RNN) gives only its last step.",
        "Return the sequence from layer 1",
        (RNN(hidden_dim=8, return_sequences=True), RNN(hidden_dim=4), Linear(1)),
    ),
    "drops it, with a layer between": (
        (RNN(hidden_dim=8), Tanh(), RNN(hidden_dim=4), Linear(1)),
        2,
        "Layer 3 (RNN) reads a sequence, but layer 1 (RNN) gives only its last step.",
        "Return the sequence from layer 1",
        (RNN(hidden_dim=8, return_sequences=True), Tanh(), RNN(hidden_dim=4), Linear(1)),
    ),
    "ends in several values": (
        (RNN(hidden_dim=8), Linear(5)),
        1,
        "The stack ends in 5 values, after layer 2 (Linear); the forecast needs one.",
        "Give it one unit",
        (RNN(hidden_dim=8), Linear(1)),
    ),
    "ends in a state": (
        (RNN(hidden_dim=8),),
        0,
        "The stack ends in 8 values, after layer 1 (RNN); the forecast needs one.",
        "Add Linear with one unit",
        (RNN(hidden_dim=8), Linear(1)),
    ),
    "ends in several values after an activation": (
        (RNN(hidden_dim=8), Linear(5), ReLU()),
        2,
        "The stack ends in 5 values, after layer 3 (ReLU); the forecast needs one.",
        "Add Linear with one unit",
        (RNN(hidden_dim=8), Linear(5), ReLU(), Linear(1)),
    ),
    "is a classifier": (
        (RNN(hidden_dim=8), Linear(3), Softmax()),
        2,
        "The stack ends in 3 values, after layer 3 (Softmax); the forecast needs one.",
        "Add Linear with one unit",
        (RNN(hidden_dim=8), Linear(3), Softmax(), Linear(1)),
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_stack_says_so_on_the_card_and_its_remedy_mends_it(sit_down: SitDown, case: str) -> None:
    wrong, at, sentence, remedy, mended = IMPOSSIBLE[case]
    person = sit_down()
    person.window.edit("layers", wrong)
    assert [person.errors(card) for card in person.cards()] == [
        [sentence] if index == at else [] for index in range(len(wrong))
    ]
    assert person.cards()[at].property("state") == "error"
    assert (
        person.status()
        == f"Cannot train. {sentence} {person.status().rpartition('numpy')[1]}"
        + (person.status().rpartition("numpy")[2])
    )
    assert not person.button("Run").isEnabled()
    (button,) = [b for b in person.all(QPushButton, inside=person.cards()[at]) if text_of(b)]
    assert remedy.split()[-2:] == text_of(button).split()[-2:]
    person.click(button)
    assert layers(person) == mended
    assert person.errors() == []
    assert person.button("Run").isEnabled()
    person.train(1)


def test_an_empty_stack_says_so_and_its_remedy_mends_it(sit_down: SitDown) -> None:
    person = sit_down()
    while person.cards():
        person.focus(person.cards()[0])
        person.press("Del")
    (sentence,) = person.errors()
    assert sentence == "The stack has no layers. Add at least one."
    assert not person.button("Run").isEnabled()
    person.click("Use RNN and Linear")
    assert layers(person) == (RNN(), Linear())
    assert person.errors() == []


def test_the_sentence_of_an_empty_stack_stands_at_the_network(sit_down: SitDown) -> None:
    person = sit_down()
    person.window.edit("layers", ())
    training = person.section("Training")
    (notice,) = [n for n in person.all(QLabel) if n.text().startswith("The stack has no layers") and _in_column(n)]
    assert notice.mapTo(person.window, QPoint()).y() < training.mapTo(person.window, QPoint()).y()


def _in_column(widget: QLabel) -> bool:
    window = widget.window()
    return bool(window.controls.isAncestorOf(widget))


def test_what_reads_wrong_in_one_card_is_not_said_in_another(sit_down: SitDown) -> None:
    person = sit_down(stack(*[Tanh()] * 10, RNN(hidden_dim=2), Linear(1)))
    person.window.edit("layers", (RNN(hidden_dim=2), *[Tanh()] * 10, Linear(5)))
    # The last of twelve: its path begins like that of the second.
    assert [bool(person.errors(card)) for card in person.cards()] == [False] * 11 + [True]
    assert text_of(person.button("Give it one unit"))
