"""The curve panel, as a person sees it: what stands where, what the pointer tells, and what never moves."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from zen_gui import theme
from zen_gui.panels.curve import CurvePanel
from zen_gui.plots.mapping import FloatArray, Mapping

NOTHING = np.empty(0)


@dataclass(frozen=True, eq=False)
class Series:
    values: FloatArray
    clean: FloatArray | None
    beyond: FloatArray
    train_end: int = 300
    test_start: int = 400
    window: int = 25


@dataclass(frozen=True, eq=False)
class Forecast:
    step: int
    one_step: FloatArray
    free_run: FloatArray
    valid_steps: int = 51
    valid_to_end: bool = False


@dataclass(frozen=True, eq=False)
class Frame:
    forecast: Forecast | None


def wave(count: int = 500, beyond: int = 100, scale: float = 1.0) -> Series:
    x = np.arange(count + beyond) / 4
    values = scale * np.sin(x) * np.cos(x / 2)
    return Series(values[:count], values[:count], values[count:])


SERIES = wave()
TRUTH = np.concatenate((SERIES.values, SERIES.beyond))


def forecast(step: int = 1240, **changes: object) -> Forecast:
    """Predictions that say their own place: the value 0.001 × sample."""
    made = Forecast(step, 0.001 * np.arange(25, 500), 0.001 * np.arange(400, 600))
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def dark(qapp: QApplication) -> None:
    theme.apply(qapp, theme.DARK)


@pytest.fixture
def panel(qtbot: QtBot) -> CurvePanel:
    panel = CurvePanel()
    qtbot.addWidget(panel)
    panel.resize(1120, 412)
    panel.show_series(SERIES)
    panel.show()
    return panel


def picture(panel: CurvePanel) -> QImage:
    return panel.plot.grab().toImage()


def color_at(panel: CurvePanel, sample: float, height: float) -> str:
    """The colour at this place of the data, of the theme's colours the nearest."""
    place = on_plot(panel, sample, panel.plot.mapping().y(height))
    image = picture(panel)
    color = image.pixelColor((place * image.devicePixelRatio()).toPoint())
    tokens = [value for value in vars(theme.DARK).values() if isinstance(value, str) and value.startswith("#")]
    tokens += [line.color for line in theme.DARK.lines().values()]
    nearest = min(tokens, key=lambda token: difference(QColor(token), color))
    return nearest if difference(QColor(nearest), color) <= 6 else color.name().upper()


def difference(one: QColor, other: QColor) -> int:
    return max(abs(a - b) for a, b in zip(one.getRgb(), other.getRgb(), strict=True))


def on_plot(panel: CurvePanel, sample: float, y_pixel: float) -> QPointF:
    """A place in the plot widget's own pixels."""
    mapping = panel.plot.mapping()
    left = panel.plot.width() - theme.scaled(12) - mapping.width
    return QPointF(left + mapping.x(sample), y_pixel)


def point_at(panel: CurvePanel, sample: float) -> None:
    viewport = panel.plot.viewport()
    place = on_plot(panel, sample, 200)
    none = Qt.MouseButton.NoButton
    moved = QMouseEvent(
        QEvent.Type.MouseMove, place, viewport.mapToGlobal(place), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(viewport, moved)


def numbers(panel: CurvePanel) -> list[str]:
    return [entry._number for entry in (panel.truth_entry, panel.fed_truth_entry, panel.fed_itself_entry)]


# ── What stands where ────────────────────────────────────────────────────────────────────────────────────────────────


def test_predictions_stand_at_their_targets(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    for curve, first, last in ((panel.fed_truth, 25, 499), (panel.fed_itself, 400, 599)):
        x, y = curve.points()
        assert (x[0], x[-1]) == (first, last)
        np.testing.assert_allclose(y, 0.001 * x)


def test_predictions_are_drawn_there(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast(free_run=np.full(200, 0.9))))
    assert color_at(panel, 450.2, 0.9) == theme.DARK.fed_itself.color
    assert color_at(panel, 398, 0.9) != theme.DARK.fed_itself.color


def test_the_truth_goes_on_beyond_the_data_in_its_own_colour(panel: CurvePanel) -> None:
    x, y = panel.truth_beyond.points()
    np.testing.assert_array_equal(x, np.arange(499, 600))
    np.testing.assert_array_equal(y, TRUTH[499:])


def test_beyond_the_data_the_truth_leaves_from_where_it_was_without_noise(panel: CurvePanel) -> None:
    panel.show_series(replace(SERIES, values=SERIES.values + 0.3))
    assert panel.truth_beyond.points()[1][0] == SERIES.values[-1]


@pytest.mark.parametrize(
    ("border", "left", "right"),
    [(300, "panel", "zone_validation"), (400, "zone_validation", "zone_test"), (500, "zone_test", "zone_beyond")],
)
def test_zones_end_where_the_split_is(panel: CurvePanel, border: int, left: str, right: str) -> None:
    colors = theme.DARK.__dict__
    bare = panel.plot.mapping().low * 0.98
    assert color_at(panel, border - 2.5, bare) == colors[left]
    assert color_at(panel, border + 2.5, bare) == colors[right]


def test_zones_are_named_with_their_numbers_of_samples(panel: CurvePanel) -> None:
    labels = panel.plot.labels()
    assert {"Train · 300", "Validation · 100", "Test · 100", "Beyond the data"} <= set(labels)
    mapping = panel.plot.mapping()
    assert labels["Train · 300"].center().x() == pytest.approx(mapping.x(150), abs=1)


def test_the_hand_over_is_white_and_names_its_two_sides(panel: CurvePanel) -> None:
    labels, x = panel.plot.labels(), panel.plot.mapping().x(400)
    assert labels["fed the truth"].right() < x < labels["fed itself"].left()
    assert color_at(panel, 400, panel.plot.mapping().low * 0.99) == theme.DARK.hand_over.color


def test_the_window_is_bracketed_before_the_hand_over(panel: CurvePanel) -> None:
    assert panel.plot.labels()["window 25"].right() < panel.plot.mapping().x(375)
    corners = panel._bracket._corners()
    assert corners is not None
    assert corners[0].x() == pytest.approx(panel.plot.mapping().x(375))
    assert corners[3].x() == pytest.approx(panel.plot.mapping().x(400), abs=2.1)


def test_a_window_that_fills_the_data_is_still_named(panel: CurvePanel) -> None:
    panel.show_series(replace(SERIES, window=400))
    assert "window 400" in panel.plot.labels()


def test_the_range_seen_in_training_is_that_of_the_training_part(panel: CurvePanel) -> None:
    growing = replace(SERIES, values=np.linspace(0, 1, 500), clean=None, beyond=NOTHING)
    panel.show_series(growing)
    assert panel._seen.heights == pytest.approx((0, growing.values[299]))
    assert "range seen in training" in panel.plot.labels()


@pytest.mark.parametrize(("steps", "words"), [(51, "51 steps"), (1, "1 step"), (0, "0 steps")])
def test_the_end_of_validity_is_marked(panel: CurvePanel, steps: int, words: str) -> None:
    panel.show_frame(Frame(forecast(valid_steps=steps)))
    assert panel._valid_for.place == 400 + steps
    assert words in panel.plot.labels()


def test_no_end_is_marked_where_there_is_none(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast(valid_to_end=True)))
    assert panel._valid_for.place is None
    assert "51 steps" not in panel.plot.labels()


def test_labels_neither_overlap_nor_cross_a_line(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast(free_run=1.1 * TRUTH[400:])))
    for size in ((1120, 412), (980, 300)):
        panel.resize(*size)
        rects = list(panel.plot.labels().values())
        assert len(rects) == 9
        assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
        curves = (panel.truth, panel.fed_truth, panel.fed_itself)
        assert not any(curve.covers(rect) for curve in curves for rect in rects)


# ── While it trains ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_range_does_not_follow_a_wild_free_run(panel: CurvePanel) -> None:
    before = panel.plot.mapping()
    panel.show_frame(Frame(forecast(free_run=np.linspace(0, 14.2, 200))))
    assert panel.plot.mapping() == before
    assert "↑ 14.2" in panel.plot.labels()


def test_the_same_forecast_is_not_drawn_again(panel: CurvePanel) -> None:
    made = forecast()
    panel.show_frame(Frame(made))
    picture(panel)
    panel.show_frame(Frame(made))
    assert panel.plot._settled


def test_a_hidden_panel_draws_nothing_until_it_is_seen(panel: CurvePanel) -> None:
    panel.hide()
    panel.show_frame(Frame(forecast()))
    assert not len(panel.fed_itself.points()[0])
    panel.show()
    assert len(panel.fed_itself.points()[0]) == 200


def test_a_forecast_can_be_taken_back(panel: CurvePanel) -> None:
    for forget in (panel.clear_forecast, lambda: panel.show_frame(Frame(None)), lambda: panel.show_series(SERIES)):
        panel.show_frame(Frame(forecast()))
        forget()
        assert not len(panel.fed_truth.points()[0])
        assert not len(panel.fed_itself.points()[0])
        assert panel._valid_for.place is None


def test_what_untrained_weights_say_is_faint(panel: CurvePanel) -> None:
    flat = np.full(200, 0.9)
    panel.show_frame(Frame(forecast(step=0, free_run=flat)))
    faint = color_at(panel, 450.2, 0.9)
    panel.show_frame(Frame(forecast(step=1, free_run=flat)))
    assert color_at(panel, 450.2, 0.9) == theme.DARK.fed_itself.color != faint


def test_a_frame_without_a_series_is_nothing_to_draw(qtbot: QtBot) -> None:
    panel = CurvePanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.show_frame(Frame(forecast()))
    assert not len(panel.fed_itself.points()[0])


# ── Looking closely ──────────────────────────────────────────────────────────────────────────────────────────────────


def look_closely(panel: CurvePanel) -> Mapping:
    """Zoom with the wheel."""
    viewport = panel.plot.viewport()
    place = on_plot(panel, 400, 200)
    none = Qt.MouseButton.NoButton
    for _ in range(5):
        event = QWheelEvent(
            place, viewport.mapToGlobal(place), QPoint(), QPoint(0, 240), none, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(viewport, event)
    mapping = panel.plot.mapping()
    assert mapping.right - mapping.left < 300
    return mapping


@pytest.mark.parametrize(
    "series",
    [
        replace(SERIES, values=SERIES.values.copy()),
        replace(SERIES, beyond=SERIES.beyond[:30]),
        replace(SERIES, beyond=np.append(SERIES.beyond, SERIES.beyond)),
        replace(SERIES, train_end=200, test_start=350, window=40),
    ],
    ids=["rewound", "less beyond", "more beyond", "split"],
)
def test_who_looks_closely_at_the_same_samples_goes_on_looking(panel: CurvePanel, series: Series) -> None:
    before = look_closely(panel)
    panel.show_series(series)
    after = panel.plot.mapping()
    assert (after.left, after.right, after.low, after.high) == (before.left, before.right, before.low, before.high)
    panel.fit()
    assert panel.plot.mapping().right >= len(series.values) + len(series.beyond) - 1


def test_another_curve_is_shown_whole(panel: CurvePanel) -> None:
    look_closely(panel)
    panel.show_series(wave(scale=2.0))
    mapping = panel.plot.mapping()
    assert mapping.left == 0
    assert mapping.right >= 599


# ── Under the pointer ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_pointer_tells_exact_values(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    point_at(panel, 241)
    assert numbers(panel) == [f"{TRUTH[241]:.3f}".replace("-", "−"), "0.241", ""]
    assert "sample 241" in panel.plot.labels()
    point_at(panel, 450)
    assert numbers(panel)[1:] == ["0.450", "0.450"]
    point_at(panel, 550)
    assert numbers(panel)[1:] == ["", "0.550"]
    assert numbers(panel)[0] == f"{TRUTH[550]:.3f}".replace("-", "−")


def test_the_pointer_shows_what_the_prediction_read(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    point_at(panel, 241)
    assert panel._reading.isVisible()
    assert panel._reading.stretch == (216, 241)
    assert panel._target.point == (241, TRUTH[241])
    assert "read by this prediction" in panel.plot.labels()
    assert color_at(panel, 230, panel.plot.mapping().low * 0.98) == theme.DARK.selected


@pytest.mark.parametrize("sample", [0, 24])
def test_no_prediction_stands_before_the_first_window_is_full(panel: CurvePanel, sample: int) -> None:
    panel.show_frame(Frame(forecast()))
    point_at(panel, sample)
    assert numbers(panel)[1:] == ["", ""]
    assert not panel._reading.isVisible()
    assert panel._target.point is None
    assert panel._crosshair.place == sample


def test_values_under_a_resting_pointer_follow_the_training(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    point_at(panel, 450)
    panel.show_frame(Frame(forecast(free_run=np.full(200, 0.5))))
    assert numbers(panel)[2] == "0.500"


def test_nothing_is_left_when_the_pointer_leaves(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    before = panel.plot.labels()
    point_at(panel, 241)
    QApplication.sendEvent(panel.plot, QEvent(QEvent.Type.Leave))
    assert numbers(panel) == ["", "", ""]
    assert panel.plot.labels() == before


def test_the_pointer_moves_no_label(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    before = panel.plot.labels()
    for sample in range(0, 600, 7):
        point_at(panel, sample)
        labels = panel.plot.labels()
        assert before.items() <= labels.items()
        told = labels.get(f"sample {sample}", QRectF())
        assert not any(told.intersects(rect) for rect in before.values())


# ── Switches and states ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_legend_switches_lines_and_their_words(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    for entry in (panel.truth_entry, panel.fed_truth_entry, panel.fed_itself_entry):
        entry.click()
    curves = (panel.truth, panel.truth_beyond, panel.fed_truth, panel.fed_itself)
    assert not any(curve.isVisible() for curve in curves)
    assert not {"fed the truth", "fed itself", "51 steps"} & set(panel.plot.labels())
    panel.fed_itself_entry.click()
    assert panel.fed_itself.isVisible()
    assert {"fed itself", "51 steps"} <= set(panel.plot.labels())


def test_a_curve_that_waits_is_shown_beside_the_truth(panel: CurvePanel) -> None:
    panel.show_waiting(np.cos(np.arange(500) / 30))
    assert "waits" in panel.plot.labels()
    panel.show_waiting(None)
    assert "waits" not in panel.plot.labels()


def test_without_data_a_sentence_stands_in_the_middle(panel: CurvePanel) -> None:
    panel.show_empty("No data yet.")
    assert panel._sentence.isVisible()
    assert not panel.plot.isVisible()
    panel.show_series(SERIES)
    assert panel.plot.isVisible()


def test_the_whole_curve_can_be_shown_again(panel: CurvePanel) -> None:
    home = panel.plot.mapping()
    panel.plot._box.scaleBy((0.5, 0.5))
    panel.plot._notice_person()
    assert panel.plot.mapping() != home
    panel.fit()
    assert panel.plot.mapping() == home


def test_the_header_takes_another_widget(panel: CurvePanel, qtbot: QtBot) -> None:
    button = QPushButton("Beyond the data")
    panel.add_header_widget(button)
    qtbot.waitUntil(button.isVisible)
    assert button.geometry().right() > panel.width() - 30


# ── Corners ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SMALL = {"train_end": 6, "test_start": 8, "window": 2}


@pytest.mark.parametrize(
    "series",
    [
        wave(scale=1e12),
        wave(scale=1e-9),
        wave(count=99_900),
        Series(np.full(500, 5.0), None, NOTHING),
        Series(np.zeros(500), np.zeros(500), NOTHING),
        Series(np.full(500, 1e12) + np.arange(500) % 2, None, NOTHING),
        Series(np.where(np.arange(500) % 50, 1.0, np.nan), None, np.array([np.inf])),
        Series(np.full(500, np.nan), None, NOTHING),
        Series(np.arange(10.0), None, NOTHING, **SMALL),
        Series(np.arange(500.0), None, NOTHING, train_end=500, test_start=500, window=499),
        Series(np.array([-1e308, 1e308] * 250), None, NOTHING),
    ],
    ids=["1e12", "1e-9", "100,000", "five", "zero", "offset", "gaps", "nan", "ten", "no test", "widest"],
)
@pytest.mark.parametrize("run", ["good", "diverged", "empty"])
def test_no_series_and_no_forecast_stops_the_painting(panel: CurvePanel, series: Series, run: str) -> None:
    panel.show_series(series)
    one_step, free_run = series.values[series.window :], np.append(series.values[series.test_start :], series.beyond)
    if run == "diverged":
        with np.errstate(over="ignore", invalid="ignore"):
            free_run = free_run * np.exp(np.arange(len(free_run)) * 2.0)
            one_step = one_step * np.inf
    elif run == "empty":
        one_step, free_run = NOTHING, NOTHING
    panel.show_frame(Frame(Forecast(3, one_step, free_run, 0)))
    assert not picture(panel).isNull()
    for sample in (0, series.test_start, len(series.values) - 1):
        point_at(panel, sample)
        assert not picture(panel).isNull()


def test_a_constant_curve_lies_in_the_middle(panel: CurvePanel) -> None:
    panel.show_series(Series(np.full(500, 5.0), None, NOTHING))
    mapping = panel.plot.mapping()
    assert 0.3 < mapping.y(5.0) / mapping.height < 0.7


def test_a_small_panel_is_still_drawn(panel: CurvePanel) -> None:
    panel.show_frame(Frame(forecast()))
    panel.resize(120, 60)
    assert not picture(panel).isNull()
