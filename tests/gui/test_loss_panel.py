"""The loss panel, as a person sees it: lines that grow, axes that jump, the best step and the run before."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from zen_core.history import Record, Trace
from zen_gui import theme
from zen_gui.panels.loss import LossPanel
from zen_gui.plots.mapping import FloatArray


@dataclass(frozen=True)
class Change:
    step: int
    path: str
    value: object
    old: object = None


@dataclass(frozen=True, eq=False)
class Frame:
    losses: Trace
    validation_steps: FloatArray = field(default_factory=lambda: np.empty(0))
    validation_losses: FloatArray = field(default_factory=lambda: np.empty(0))
    changes: tuple[Change, ...] = ()
    total_steps: int = 3000


LOSSES = 0.5 * np.exp(-np.arange(120_000) / 300) + 0.002 + 0.0005 * np.sin(np.arange(120_000) * 7.3)


def of(losses: FloatArray, **other: object) -> Frame:
    """A frame of a run with these losses, none of them merged."""
    last = float(losses[-1]) if len(losses) else math.nan
    return Frame(Trace(1, len(losses), losses, losses, losses, (math.nan, math.nan), last), **other)  # type: ignore[arg-type]


def falling(steps: int, **other: object) -> Frame:
    return of(LOSSES[:steps], **other)


@pytest.fixture(autouse=True)
def dark(qapp: QApplication) -> None:
    theme.apply(qapp, theme.DARK)


@pytest.fixture
def panel(qtbot: QtBot) -> LossPanel:
    panel = LossPanel()
    qtbot.addWidget(panel)
    panel.resize(318, 240)
    panel.show()
    return panel


def picture(panel: LossPanel) -> QImage:
    return panel.plot.grab().toImage()


def y_range(panel: LossPanel) -> tuple[float, float]:
    """The home range of the y axis without the room for its numbers."""
    return panel.plot._home.low, panel.plot._home.high


# ── Lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_before_the_first_step_a_sentence_says_when_there_will_be_something(panel: LossPanel) -> None:
    panel.show_frame(falling(0))
    assert not panel.plot.isVisible()
    panel.show_frame(falling(2))
    assert panel.plot.isVisible()


def test_each_loss_stands_at_its_step(panel: LossPanel) -> None:
    panel.show_frame(falling(700))
    x, y = panel.raw.points()
    np.testing.assert_array_equal(x, np.arange(700))
    np.testing.assert_array_equal(y, LOSSES[:700])


def test_the_smoothed_line_lies_within_the_raw_one(panel: LossPanel) -> None:
    panel.show_frame(falling(3000))
    smoothed = panel.train.points()[1]
    assert len(smoothed) == 3000
    assert smoothed[-500:].std() < 0.3 * LOSSES[2500:3000].std()
    assert smoothed[-1] == pytest.approx(LOSSES[2900:3000].mean(), rel=0.1)


def test_frames_in_any_number_make_the_same_lines(panel: LossPanel, qtbot: QtBot) -> None:
    at_once = LossPanel()
    qtbot.addWidget(at_once)
    at_once.show()
    at_once.show_frame(falling(900))
    for steps in (1, 2, 3, 50, 511, 512, 513, 900):
        panel.show_frame(falling(steps))
    np.testing.assert_array_equal(panel.train.points()[1], at_once.train.points()[1])


def test_validation_stands_at_its_steps(panel: LossPanel) -> None:
    panel.show_frame(falling(100, validation_steps=np.array([9.0, 18.0]), validation_losses=np.array([0.2, 0.1])))
    np.testing.assert_array_equal(panel.validation.points(), [[9, 18], [0.2, 0.1]])


def test_the_legend_switches_lines(panel: LossPanel) -> None:
    panel.show_frame(falling(100))
    panel.train_entry.click()
    panel.validation_entry.click()
    assert not any(curve.isVisible() for curve in (panel.raw, panel.train, panel.validation))


# ── Axes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_axis_of_steps_grows_in_jumps(panel: LossPanel) -> None:
    ends = []
    for steps in range(1, 3001, 13):
        panel.show_frame(falling(steps))
        ends.append(panel.plot.mapping().right)
        assert ends[-1] >= steps - 1
    assert ends == sorted(ends)
    assert len(set(ends)) < 25


def test_the_axis_of_steps_ends_with_the_run(panel: LossPanel) -> None:
    panel.show_frame(falling(1000, total_steps=1100))
    assert panel.plot.mapping().right == 1000
    panel.show_frame(falling(1090, total_steps=1100))
    assert panel.plot.mapping().right == 1100


def test_the_logarithmic_axis_spans_whole_decades(panel: LossPanel) -> None:
    panel.show_frame(falling(3000))
    assert y_range(panel) == (-3, 0)
    assert [tick.text for tick in ticks_of_y(panel)] == ["10⁻³", "10⁻²", "10⁻¹", "1"]


def test_the_log_button_changes_the_scale_and_nothing_else(panel: LossPanel) -> None:
    panel.show_frame(falling(3000))
    panel.log_button.click()
    assert y_range(panel) == pytest.approx((0, 0.6))
    assert ticks_of_y(panel)[0].text == "0.0"
    panel.toggle_log()
    assert y_range(panel) == (-3, 0)
    assert len(panel.raw.points()[0]) == 3000


def ticks_of_y(panel: LossPanel) -> list:
    panel.plot.settle()
    return panel.plot._grid.y_ticks


def test_a_wild_loss_leaves_the_plot(panel: LossPanel) -> None:
    losses = LOSSES[:500].copy()
    losses[400] = 1e12
    panel.show_frame(of(losses))
    assert y_range(panel)[1] <= 2
    assert "↑ 1e12" in panel.plot.labels()


# ── Best step ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_star_stands_at_the_least_validation_loss(panel: LossPanel) -> None:
    validation = np.array([0.3, 0.00012, math.nan, 0.2])
    panel.show_frame(falling(100, validation_steps=np.array([9.0, 18.0, 27.0, 36.0]), validation_losses=validation))
    assert panel.best.point == (18, 0.00012)
    assert "best 1.2e-4" in panel.plot.labels()


def test_without_validation_it_stands_at_the_least_loss(panel: LossPanel) -> None:
    for steps in (10, 400, 900):
        panel.show_frame(falling(steps))
        least = int(LOSSES[:steps].argmin())
        assert panel.best.point == (least, LOSSES[least])


def test_the_axis_holds_the_star(panel: LossPanel) -> None:
    losses = np.full(400, 0.01)
    losses[200] = 0.0002
    panel.show_frame(of(losses))
    assert panel.best.point == (200, 0.0002)
    assert any(text.startswith("best") for text in panel.plot.labels())


# ── Changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(520, "optimizer.lr", 0.003, 0.01), "rate 0.01 → 0.003"),
        (Change(520, "optimizer.lr", 0.003), "rate 0.003"),
        (Change(520, "batch_size", 64, 32), "batch size 32 → 64"),
        (Change(520, "schedule", "Cosine"), "schedule Cosine"),
    ],
)
def test_a_change_is_told_where_it_was_made(panel: LossPanel, change: Change, words: str) -> None:
    panel.show_frame(falling(1240, changes=(change,)))
    assert panel.plot.labels()[words].left() == pytest.approx(panel.plot.mapping().x(520) + 8, abs=1)


def test_crowded_changes_keep_the_labels_of_the_latest(panel: LossPanel) -> None:
    changes = tuple(Change(step, f"setting_{step}", 1.0) for step in range(100, 701, 50))
    panel.show_frame(falling(1240, changes=changes))
    assert [text for text in panel.plot.labels() if text.startswith("setting")] == ["setting 700 1"]


def test_the_movement_of_a_slider_is_one_change(panel: LossPanel) -> None:
    rates = [0.01, 0.008, 0.006, 0.003]
    changes = tuple(Change(520 + step, "optimizer.lr", new, old) for step, (old, new) in enumerate(pairwise(rates)))
    panel.show_frame(falling(1240, changes=changes))
    assert "rate 0.01 → 0.003" in panel.plot.labels()


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_restart_keeps_the_old_run_as_one_grey_line(panel: LossPanel) -> None:
    panel.show_frame(falling(900, changes=(Change(520, "lr", 0.003),)))
    old = panel.train.points()[1].copy()
    panel.start_series()
    assert not len(panel.raw.points()[0])
    assert not len(panel.train.points()[0])
    assert panel.best.point is None
    assert not panel.plot.labels()
    panel.show_frame(of(np.full(10, 0.1)))
    np.testing.assert_array_equal(panel.previous.points()[1], old)
    np.testing.assert_allclose(panel.train.points()[1], 0.1)
    assert panel.plot.mapping().right >= 900, "both runs are in view"


def test_a_restart_before_anything_was_trained_keeps_the_older_line(panel: LossPanel) -> None:
    panel.show_frame(falling(900))
    panel.start_series()
    panel.start_series()
    assert len(panel.previous.points()[0]) == 900


def test_a_shorter_record_is_another_run(panel: LossPanel) -> None:
    panel.show_frame(falling(900))
    panel.show_frame(of(np.full(40, 0.25)))
    np.testing.assert_array_equal(panel.train.points()[1], np.full(40, 0.25))


def test_a_hidden_panel_catches_up_when_it_is_seen(panel: LossPanel) -> None:
    panel.hide()
    panel.show_frame(falling(900))
    assert not len(panel.raw.points()[0])
    panel.show()
    assert len(panel.raw.points()[0]) == 900


def test_a_run_that_was_never_seen_is_the_grey_line_too(panel: LossPanel) -> None:
    panel.hide()
    panel.show_frame(falling(900))
    panel.start_series()
    assert len(panel.previous.points()[0]) == 900


def test_the_same_frame_is_not_drawn_again(panel: LossPanel) -> None:
    frame = falling(900)
    panel.show_frame(frame)
    picture(panel)
    panel.show_frame(frame)
    assert panel.plot._settled


# ── Long runs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def long_run(losses: FloatArray, looks: Sequence[int], **other: object) -> Iterator[Frame]:
    """Frames after these steps of a run whose history has room for fewer than 512 entries."""
    record = Record(512)
    for step, loss in enumerate(losses.tolist(), 1):
        record.append(loss)
        if step in looks:
            yield Frame(record.view, **other)  # type: ignore[arg-type]


OFTEN = range(1, 10_001, 33)


@pytest.mark.parametrize("looks", [OFTEN, [10_000], [300, 10_000]], ids=["often", "late", "twice"])
def test_a_thinned_history_shows_the_extremes_at_their_steps(panel: LossPanel, looks: Sequence[int]) -> None:
    losses = LOSSES[:10_000] * np.random.default_rng(0).uniform(0.5, 2.0, 10_000)
    for frame in long_run(losses, [*looks, 10_000]):
        panel.show_frame(frame)
    assert frame.losses.every == 32
    x, y = panel.raw.points()
    entries = losses[: 10_000 // 32 * 32].reshape(-1, 32)
    np.testing.assert_array_equal(x[::2], np.arange(len(entries)) * 32 + 15.5)
    np.testing.assert_array_equal(np.sort(y.reshape(-1, 2)), np.stack((entries.min(axis=1), entries.max(axis=1)), 1))
    assert panel.plot.mapping().right >= 10_000
    # Much calmer than the numbers, and where they are.
    steps, smoothed = panel.train.points()
    np.testing.assert_array_equal(steps, x[::2])
    np.testing.assert_allclose(smoothed[50:], entries[50:].mean(axis=1), rtol=0.35)
    assert smoothed[200:].std() < 0.5 * losses[6400:].std()


@pytest.mark.parametrize("looks", [OFTEN, []], ids=["often", "late"])
@pytest.mark.parametrize("least", [0, 200, 5000, 9999])
def test_the_star_of_a_thinned_history_stands_where_the_least_loss_is(
    panel: LossPanel, least: int, looks: Sequence[int]
) -> None:
    losses = LOSSES[:10_000].copy()
    losses[least] = 1e-4
    for frame in long_run(losses, [*looks, 10_000]):
        panel.show_frame(frame)
    assert panel.best.point is not None
    assert panel.best.point[0] == pytest.approx(least, abs=16)
    assert panel.best.point[1] == 1e-4
    assert "best 1e-4" in panel.plot.labels()


def test_the_axis_of_losses_holds_a_thinned_run_that_was_not_watched(panel: LossPanel) -> None:
    for looks in ([10_000], OFTEN):
        for frame in long_run(LOSSES[:10_000], looks):
            panel.show_frame(frame)
        assert y_range(panel) == (-3, 0)


def test_the_axis_of_losses_grows_with_a_thinned_run(panel: LossPanel) -> None:
    for frame in long_run(np.append(np.full(5000, 0.05), np.full(5000, 0.5)), OFTEN):
        panel.show_frame(frame)
        assert y_range(panel) == (-2, -1 if frame.losses.count <= 5000 else 0)


def test_a_thinned_run_is_the_grey_line_at_its_steps(panel: LossPanel) -> None:
    for frame in long_run(LOSSES[:10_000], OFTEN, total_steps=10_000):
        panel.show_frame(frame)
    x, y = panel.train.points()
    panel.start_series()
    panel.show_frame(falling(100, total_steps=3000))
    np.testing.assert_array_equal(panel.previous.points(), [x, y])
    np.testing.assert_array_equal(panel.raw.points()[0], np.arange(100))
    assert panel.plot.mapping().right == 10_000


# ── Corners ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "losses",
    [
        np.array([0.5]),
        np.append(LOSSES[:300], [1e200, np.inf, np.nan]),
        np.full(100, np.nan),
        np.zeros(100),
        np.full(100, -1.0),
        np.full(100, 1e12),
        np.full(100, 1e-300),
        np.full(100, 1e308),
        LOSSES,
    ],
    ids=["one", "diverged", "nan", "zero", "negative", "huge", "tiny", "widest", "120,000"],
)
def test_no_loss_stops_the_painting(panel: LossPanel, losses: FloatArray) -> None:
    for _ in range(2):
        validation = losses[-2:] if len(losses) > 1 else np.ones(2)
        panel.show_frame(of(losses, validation_steps=np.array([1.0, 2.0]), validation_losses=validation))
        assert not picture(panel).isNull()
        panel.log_button.click()
        assert not picture(panel).isNull()
        panel.start_series()
        assert not picture(panel).isNull()


def test_only_what_is_new_is_read(panel: LossPanel) -> None:
    panel.show_frame(falling(100_000))
    # The record says what was read of it: its old part is no number any more.
    changed = LOSSES[:100_030].copy()
    changed[:99_000] = math.nan
    panel.show_frame(of(changed))
    assert np.isfinite(panel.train.points()[1]).all()
    _, shown = panel.raw._in_view(panel.plot.mapping())
    assert np.isfinite(shown).all()
