"""What every plot shares: where values stand, how lines become strokes, and labels that keep out of their way."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from zen_gui import theme
from zen_gui.plots import numbers, ticks
from zen_gui.plots.curve import Curve
from zen_gui.plots.history import History
from zen_gui.plots.label import Label, Spot, placed
from zen_gui.plots.mapping import FloatArray, Mapping
from zen_gui.plots.mark import VerticalMark, Words
from zen_gui.plots.plot import Home, Plot
from zen_gui.plots.pyramid import Pyramid
from zen_gui.plots.smoothing import Smoothing
from zen_gui.plots.strokes import clipped, dashed, overlapping, pieces, thinned
from zen_gui.plots.zone import Zone

VIEW = Mapping(left=0.0, right=100.0, low=-1.0, high=1.0, width=200.0, height=100.0, home_low=-1.0, home_high=1.0)
LOG_VIEW = Mapping(
    left=0.0, right=10.0, low=-4.0, high=0.0, width=100.0, height=80.0, home_low=-4.0, home_high=0.0, log_y=True
)
HOME = Home(0.0, 100.0, -1.0, 1.0)

any_number = st.floats(allow_nan=True, allow_infinity=True)
heights = arrays(np.float64, st.integers(0, 400), elements=st.floats(-50, 150) | st.just(math.nan))


@pytest.fixture(autouse=True)
def dark(qapp: QApplication) -> None:
    theme.apply(qapp, theme.DARK)


@pytest.fixture
def plot(qtbot: QtBot) -> Plot:
    plot = Plot("sample")
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.set_home(HOME)
    plot.show()
    return plot


def picture(plot: Plot, ratio: int = 1) -> QImage:
    """The plot as it would be painted on a screen of this device pixel ratio."""
    image = QImage(plot.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    plot.settle()
    plot.render(painter)
    painter.end()
    return image


def inked(image: QImage, color: str) -> int:
    """How many pixels have exactly this colour."""
    wanted = QColor(color).rgb()
    return sum(image.pixel(x, y) == wanted for x in range(0, image.width(), 2) for y in range(0, image.height(), 1))


def total_length(strokes: FloatArray) -> float:
    return float(np.hypot(strokes[:, 2] - strokes[:, 0], strokes[:, 3] - strokes[:, 1]).sum())


# ── Where a value stands ─────────────────────────────────────────────────────────────────────────────────────────────


def test_corners_stand_at_the_corners() -> None:
    assert (VIEW.x(0), VIEW.x(100)) == (0, 200)
    assert (VIEW.y(1), VIEW.y(-1)) == (0, 100)
    assert VIEW.value_at(VIEW.x(37)) == pytest.approx(37)


def test_decades_are_equally_high() -> None:
    np.testing.assert_allclose(LOG_VIEW.ys(np.array([1, 0.1, 0.01, 1e-4])), [0, 20, 40, 80])


@pytest.mark.parametrize("view", [VIEW, LOG_VIEW])
@given(values=arrays(np.float64, 5, elements=any_number))
def test_any_value_has_a_finite_pixel_or_none(view: Mapping, values: FloatArray) -> None:
    pixels = view.ys(values)
    usable = np.isfinite(values) & ((values > 0) | (not view.log_y))
    assert np.array_equal(np.isfinite(pixels), usable)


# ── Strokes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(y=heights, width=st.floats(1, 300))
def test_thinning_leaves_two_points_a_column_and_every_extreme(y: FloatArray, width: float) -> None:
    x = np.linspace(0, width, len(y))
    thin_x, thin_y = thinned(x, y)
    assert max(np.unique(np.floor(thin_x), return_counts=True)[1], default=0) <= 2
    assert np.all(np.diff(thin_x) >= 0)
    for extreme in (np.fmin, np.fmax):
        np.testing.assert_array_equal(extreme.reduce(thin_y, initial=0), extreme.reduce(y, initial=0))


def test_a_sparse_line_is_not_touched() -> None:
    x, y = np.arange(0, 300, 0.6), np.sin(np.arange(500))
    assert thinned(x, y)[0] is x


def test_a_missing_value_is_a_gap_on_both_sides() -> None:
    strokes = pieces(np.arange(5.0), np.array([0, 1, np.nan, 3, 4]))
    np.testing.assert_array_equal(strokes, [[0, 0, 1, 1], [3, 3, 4, 4]])


@given(y=heights)
def test_clipped_strokes_stay_inside_and_on_their_lines(y: FloatArray) -> None:
    whole = pieces(np.arange(len(y), dtype=np.float64), y)
    cut = clipped(whole, 0.0, 100.0)
    assert np.all((cut[:, 1::2] >= -1e-9) & (cut[:, 1::2] <= 100 + 1e-9))
    for x, height in cut[:, :2]:
        line = whole[np.flatnonzero((whole[:, 0] <= x) & (x <= whole[:, 2]))]
        share = (x - line[:, 0]) / (line[:, 2] - line[:, 0])
        assert np.abs(line[:, 1] + share * (line[:, 3] - line[:, 1]) - height).min() < 1e-6


def test_a_stroke_through_the_plot_is_cut_where_it_crosses_the_edges() -> None:
    np.testing.assert_allclose(clipped(np.array([[0.0, -100.0, 4.0, 300.0]]), 0.0, 100.0), [[1, 0, 2, 100]])


def test_pieces_overlap_a_touch() -> None:
    touching = pieces(np.array([0.0, 10.0, 10.4]), np.zeros(3))
    np.testing.assert_allclose(overlapping(touching), [[-0.5, 0, 10.5, 0], [9.9, 0, 10.5, 0]])


def test_dashes_are_gaps_along_the_length() -> None:
    strokes = dashed(np.array([[0.0, 0.0, 20.0, 0.0]]), (6, 4))
    np.testing.assert_allclose(strokes, [[0, 0, 6, 0], [10, 0, 16, 0]])


def test_dashes_run_on_over_corners() -> None:
    corner = np.array([[0.0, 0.0, 4.0, 0.0], [4.0, 0.0, 4.0, 10.0]])
    np.testing.assert_allclose(dashed(corner, (6, 4)), [[0, 0, 4, 0], [4, 0, 4, 2], [4, 6, 4, 10]])


@given(y=heights, pattern=st.sampled_from([(6.0, 6.0), (6.0, 3.0, 2.0, 3.0), (1.0, 4.0)]))
def test_dashes_ink_their_share_of_the_line(y: FloatArray, pattern: tuple[float, ...]) -> None:
    whole = pieces(np.arange(len(y), dtype=np.float64), y)
    share = sum(pattern[::2]) / sum(pattern)
    assert total_length(dashed(whole, pattern)) == pytest.approx(share * total_length(whole), abs=sum(pattern))


# ── Ticks and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-6, 1e9), most=st.integers(2, 7), whole=st.booleans())
def test_ticks_are_few_ordered_and_inside(low: float, span: float, most: int, whole: bool) -> None:
    found = ticks.linear(low, low + span, most, whole=whole)
    assert len(found) <= most
    assert found == sorted(found)
    assert len({tick.text for tick in found}) == len(found)
    assert all(low - 1e-6 * span <= tick.place <= low + span * (1 + 1e-6) for tick in found)
    assert not whole or all(tick.place == round(tick.place) for tick in found)


def test_ticks_read_as_people_write_them() -> None:
    assert [tick.text for tick in ticks.linear(-1.2, 1.2, 5)] == ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
    assert [tick.text for tick in ticks.linear(0, 1250, 6)] == ["0", "250", "500", "750", "1,000", "1,250"]
    assert [tick.text for tick in ticks.linear(-1e12, 1e12, 5)] == ["−1e12", "−5e11", "0", "5e11", "1e12"]
    assert [tick.text for tick in ticks.linear(0, 1e-9, 3)] == ["0", "5e-10", "1e-9"]


def test_decades_have_superscripts_and_true_minus_signs() -> None:
    assert [tick.text for tick in ticks.logarithmic(-3, 1)] == ["10⁻³", "10⁻²", "10⁻¹", "1", "10"]
    assert len(ticks.logarithmic(-30, 10)) <= 7
    assert [tick.text for tick in ticks.logarithmic(-2.4, -1.5)] == ["0.005", "0.01", "0.02"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(14.2, "14.2"), (-0.0312, "−0.0312"), (0, "0"), (12345.6, "12,346"), (1.417e12, "1.42e12"), (-3e-7, "−3e-7")],
)
def test_brief_numbers(value: float, text: str) -> None:
    assert numbers.brief(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(-0.1466, "−0.147"), (1.5, "1.500"), (14.2, "14.20"), (0, "0.000"), (-1.47e11, "−1.5e11")]
)
def test_exact_numbers(value: float, text: str) -> None:
    assert numbers.exact(value) == text


# ── Records that grow ────────────────────────────────────────────────────────────────────────────────────────────────


numbers_or_not = arrays(
    np.float64, st.integers(1, 2000), elements=st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf])
)


@given(
    values=numbers_or_not,
    cuts=st.lists(st.integers(0, 2000), max_size=4),
    blocks=st.integers(1, 60),
    spread=st.sampled_from([None, 0.0, 1.0]),
)
def test_a_pyramid_shows_the_extremes_however_it_grew(
    values: FloatArray, cuts: list[int], blocks: int, spread: float | None
) -> None:
    pyramid = Pyramid()
    low, high = values, values + (spread or 0.0)
    for cut in (*sorted(min(cut, len(values)) for cut in cuts), len(values)):
        part = low[:cut]
        pyramid.extend(part, part if spread is None else high[:cut])
    x, y = pyramid.outline(0, len(values), blocks)
    finite = np.where(np.isfinite(y), y, np.nan)
    for extreme, entries in ((np.fmin, low), (np.fmax, high)):
        expected = np.where(np.isfinite(entries), entries, np.nan)
        np.testing.assert_array_equal(extreme.reduce(finite), extreme.reduce(expected))
    assert np.all(np.diff(x) >= 0)
    assert 0 <= x[0] <= x[-1] <= len(values) - 1


def test_a_pyramid_shows_a_long_record_with_few_points() -> None:
    pyramid = Pyramid()
    values = np.random.default_rng(0).standard_normal(1_000_000)
    pyramid.extend(values, values)
    x, _ = pyramid.outline(0, 1_000_000, 500)
    assert len(x) < 2 * 500 * 8 + 2 * 8**5


def test_smoothing_is_the_exponential_mean_however_it_came() -> None:
    values = np.array([4.0, 0.0, math.nan, 2.0, math.inf, 2.0])
    smoothing = Smoothing(0.5)
    smoothing.extend(values[:2])
    np.testing.assert_allclose(smoothing.extend(values), [4, 2, math.nan, 2, math.nan, 2])


def test_a_thinned_record_is_smoothed_on_from_the_means_of_every_single_number() -> None:
    values = np.random.default_rng(0).standard_normal(64)
    every_one = Smoothing(0.2).extend(values)
    smoothing = Smoothing(0.2)
    smoothing.extend(values[:40])
    # Entries of 4: the first ten are known number by number, the others only by their mean.
    smoothed = smoothing.extend(values.reshape(-1, 4).mean(axis=1), every=4)
    np.testing.assert_array_equal(smoothed[:10], every_one[3:40:4])
    kept = 0.8**4
    expected = kept * smoothed[9] + (1 - kept) * values[40:44].mean()
    assert smoothed[10] == pytest.approx(expected)
    np.testing.assert_allclose(smoothed, every_one[3::4], atol=0.3)


def test_equal_numbers_are_smoothed_alike_however_they_are_thinned() -> None:
    step = np.repeat([0.0, 1.0], 32)
    expected = Smoothing(0.1).extend(step)
    for every in (2, 8, 32):
        np.testing.assert_allclose(Smoothing(0.1).extend(step[::every], every=every), expected[every - 1 :: every])


@pytest.mark.parametrize("before", [0, 1, 37, 256])
def test_a_history_that_is_thinned_is_drawn_as_one_that_always_was(before: int) -> None:
    values = np.random.default_rng(0).standard_normal(2560)
    low, high = (extreme(values.reshape(-1, 8), axis=1) for extreme in (np.min, np.max))
    drawn = []
    for shown in (before, 0):
        history = History(lambda look: look.train)
        history.extend(values[:shown])
        history.extend(low[:10], high[:10], every=8)
        history.extend(low, high, every=8)
        drawn.append((history.steps, *history.points()))
    np.testing.assert_equal(drawn[0], drawn[1])
    steps, x, y = drawn[0]
    assert steps == 2560
    np.testing.assert_array_equal(x[::2], np.arange(320) * 8 + 3.5)
    np.testing.assert_array_equal(np.sort(y.reshape(-1, 2)), np.stack((low, high), axis=1))


@given(left=st.floats(0, 2400), width=st.floats(1, 3000))
def test_what_is_in_view_of_a_thinned_history_reaches_both_edges(left: float, width: float) -> None:
    history = History(lambda look: look.train)
    history.extend(np.zeros(320), np.ones(320), every=8)
    view = replace(VIEW, left=left, right=left + width)
    x, _ = history._in_view(view)
    assert x[0] <= max(left, 3.5)
    assert x[-1] >= min(left + width, 319 * 8 + 3.5)


# ── Labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

FIELD = QRectF(0, 0, 300, 100)


def label(text: str, *spots: Spot, needed: bool = False) -> Label:
    return Label(text, "#FFFFFF", spots, needed=needed)


def test_a_label_takes_the_first_spot_without_a_line() -> None:
    on_a_line = QRectF(0, 0, 300, 30).intersects
    found = placed([("key", label("words", Spot(10, 20), Spot(10, 60)))], FIELD, on_a_line, {})
    assert found["key"].spot == 1


def test_labels_do_not_cover_one_another() -> None:
    spots = (Spot(10, 50), Spot(20, 50), Spot(200, 50))
    found = placed([("a", label("first", *spots)), ("b", label("second", *spots))], FIELD, lambda rect: False, {})
    assert (found["a"].spot, found["b"].spot) == (0, 2)


def test_a_label_without_room_is_left_out_unless_it_is_needed() -> None:
    outside = Spot(290, 50)
    wanted = [("a", label("beyond the edge", outside)), ("b", label("beyond the edge", outside, needed=True))]
    assert list(placed(wanted, FIELD, lambda rect: False, {})) == ["b"]


def test_a_label_stays_while_its_spot_is_free() -> None:
    wanted = [("key", label("words", Spot(10, 20), Spot(10, 60)))]
    moved = placed(wanted, FIELD, QRectF(0, 0, 300, 30).intersects, {})
    assert placed(wanted, FIELD, lambda rect: False, moved)["key"].spot == 1


# ── The plot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_curve_is_drawn_where_its_values_are(plot: Plot) -> None:
    curve = Curve(lambda look: look.fed_itself)
    plot.add(curve)
    curve.set_data(np.array([0.0, 100.0]), np.array([0.5, 0.5]))
    image, mapping = picture(plot), plot.mapping()
    offset = plot.width() - 12 - mapping.width
    x, y = round(offset + mapping.x(50)), round(mapping.y(0.5))
    assert image.pixelColor(x, y).name().upper() == theme.DARK.fed_itself.color


@pytest.mark.parametrize("ratio", [1, 2])
def test_lines_are_as_wide_on_a_dense_screen(plot: Plot, ratio: int) -> None:
    curve = Curve(lambda look: look.fed_itself)
    plot.add(curve)
    # A height in the middle between two pixels: both are covered whole.
    height = plot.mapping().high - 100 * (plot.mapping().high - plot.mapping().low) / plot.mapping().height
    curve.set_data(np.array([0.0, 100.0]), np.array([height, height]))
    image = picture(plot, ratio)
    column = [image.pixelColor(300 * ratio, y).name().upper() for y in range(image.height())]
    assert column.count(theme.DARK.fed_itself.color) == 2 * ratio


def test_the_grid_is_behind_the_lines(plot: Plot) -> None:
    curve = Curve(lambda look: look.fed_itself)
    plot.add(curve)
    curve.set_data(np.array([0.0, 100.0]), np.array([0.0, 0.0]))
    y = round(plot.mapping().y(0.0))
    row = [picture(plot).pixelColor(x, y - 1).name().upper() for x in range(60, 580)]
    assert theme.DARK.grid.upper() not in row


def test_a_hidden_curve_does_nothing(plot: Plot) -> None:
    curve = Curve(lambda look: look.fed_itself)
    plot.add(curve)
    curve.set_shown(False)
    picture(plot)
    plot._settled = True
    curve.set_data(np.arange(100.0), np.zeros(100))
    assert plot._settled, "a hidden curve must not ask for painting"
    assert inked(picture(plot), theme.DARK.fed_itself.color) == 0
    curve.set_shown(True)
    assert inked(picture(plot), theme.DARK.fed_itself.color) > 100


@pytest.mark.parametrize(
    "y",
    [
        np.full(50, np.nan),
        np.array([]),
        np.array([1.0]),
        np.array([np.inf, -np.inf, 1e308, -1e308, 0.0]),
        np.full(50, 1e12),
        np.full(50, 1e-320),
        np.random.default_rng(0).standard_normal(100_000) * 1e300,
    ],
    ids=["nan", "empty", "one", "infinite", "huge", "tiny", "wild"],
)
@pytest.mark.parametrize("log_y", [False, True])
def test_no_value_stops_the_painting(plot: Plot, y: FloatArray, log_y: bool) -> None:
    curve, history = Curve(lambda look: look.fed_truth, name="name", tell_wild=True), History(lambda look: look.train)
    plot.add(curve, history)
    plot.set_home(HOME, log_y=log_y)
    curve.set_data(np.arange(len(y), dtype=np.float64), y)
    history.extend(y)
    assert not picture(plot).isNull()


def test_lengths_that_differ_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="3 places for 2 values"):
        Curve(lambda look: look.truth).set_data(np.arange(3.0), np.zeros(2))


def test_a_wild_line_is_told_at_the_edge(plot: Plot) -> None:
    curve = Curve(lambda look: look.fed_itself, tell_wild=True)
    plot.add(curve)
    curve.set_data(np.arange(4.0) * 25, np.array([0.0, 14.2, -0.5, -7.0]))
    assert {"↑ 14.2", "↓ −7"} <= set(plot.labels())
    # Zoomed in, a line within the range of home is not wild.
    curve.set_data(np.arange(4.0) * 25, np.array([0.0, 0.9, -0.5, 0.9]))
    plot._box.setRange(yRange=(0.0, 0.5), padding=0)
    assert not plot.labels()


def test_the_wheel_zooms_and_a_double_click_fits(plot: Plot, qtbot: QtBot) -> None:
    home = plot.mapping()
    middle = QPointF(300, 140)
    wheel = QWheelEvent(
        middle,
        plot.viewport().mapToGlobal(middle),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(plot.viewport(), wheel)
    zoomed = plot.mapping()
    assert zoomed.right - zoomed.left < home.right - home.left
    plot.set_home(Home(0.0, 200.0, -1.0, 1.0))
    assert plot.mapping() == zoomed, "a new home must not move what a person looks at"
    qtbot.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=middle.toPoint())
    assert plot.mapping().right == 200


def test_a_larger_window_shows_the_same_range_of_x(plot: Plot, qtbot: QtBot) -> None:
    plot.resize(900, 500)
    qtbot.waitUntil(lambda: plot.mapping().width > 700)
    assert (plot.mapping().left, plot.mapping().right) == (0, 100)


def test_room_for_labels_is_kept_in_pixels() -> None:
    home = Home(0.0, 1.0, -1.0, 1.0, above=50, below=30)
    for pixels in (300, 600):
        low, high = home.heights(pixels)
        each = (high - low) / pixels
        assert (high - 1.0) / each == pytest.approx(theme.scaled(50))
        assert (-1.0 - low) / each == pytest.approx(theme.scaled(30))
    low, high = home.heights(20)
    assert (high - low) < 10, "a very low plot still belongs to the curve"


@pytest.mark.parametrize("high", [-1.0, math.nan, math.inf])
def test_a_range_must_be_one(high: float) -> None:
    with pytest.raises(ValueError, match="no range"):
        Home(0.0, 1.0, -1.0, high)


def test_a_change_of_theme_is_seen(plot: Plot, qapp: QApplication) -> None:
    curve = Curve(lambda look: look.fed_itself)
    plot.add(curve)
    curve.set_data(np.array([0.0, 100.0]), np.array([0.5, 0.5]))
    assert inked(picture(plot), theme.DARK.fed_itself.color) > 0
    theme.apply(qapp, theme.LIGHT)
    image = picture(plot)
    assert image.pixelColor(5, 5).name().upper() == theme.LIGHT.panel
    assert inked(image, theme.LIGHT.fed_itself.color) > 0
    assert inked(image, theme.DARK.fed_itself.color) == 0


def test_larger_fonts_get_more_room(plot: Plot, qapp: QApplication) -> None:
    width = plot.mapping().width
    theme.apply(qapp, theme.DARK, scale=1.6)
    assert plot.mapping().width < width


def test_at_most_seven_numbers_stand_at_an_axis(plot: Plot) -> None:
    plot.resize(2400, 1600)
    picture(plot)
    assert 3 <= len(plot._grid.x_ticks) <= 7
    assert 3 <= len(plot._grid.y_ticks) <= 7


def test_a_zone_is_named_as_fully_as_it_fits(plot: Plot) -> None:
    zone = Zone(lambda look: look.zone_test)
    plot.add(zone)
    zone.set_stretch(20, 60, "Test · 100", "Test")
    assert list(plot.labels()) == ["Test · 100"]
    zone.set_stretch(20, 31, "Test · 100", "Test")
    assert list(plot.labels()) == ["Test"]
    zone.set_stretch(20, 21, "Test · 100", "Test")
    assert not plot.labels()


def test_a_mark_outside_of_the_view_says_nothing(plot: Plot) -> None:
    mark = VerticalMark(lambda look: look.hand_over)
    plot.add(mark)
    mark.set_place(50, Words("here", lambda look: look.hand_over))
    assert list(plot.labels()) == ["here"]
    mark.set_place(150, Words("here", lambda look: look.hand_over))
    assert not plot.labels()


def test_what_passes_moves_no_label(plot: Plot) -> None:
    staying, passing = (VerticalMark(lambda look: look.hand_over) for _ in range(2))
    plot.add(passing, staying)
    passing.passing = True
    staying.set_place(50, Words("stays", lambda look: look.hand_over))
    before = plot.labels()["stays"]
    passing.set_place(51, Words("passes", lambda look: look.hand_over))
    labels = plot.labels()
    assert labels["stays"] == before
    assert not labels["passes"].intersects(before)


def test_the_pointer_is_told_in_data_and_when_it_leaves(plot: Plot, qtbot: QtBot) -> None:
    told: list[float | None] = []
    plot.pointed.connect(told.append)
    x = plot._box.mapToScene(QPointF(plot.mapping().x(25), 100)).toPoint()
    qtbot.mouseMove(plot.viewport(), x)
    qtbot.waitUntil(lambda: bool(told))
    assert told[-1] == pytest.approx(25, abs=0.2)
    QApplication.sendEvent(plot, QEvent(QEvent.Type.Leave))
    assert told[-1] is None
