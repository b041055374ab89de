"""The curve panel: the truth, and beside it what the network makes of it, fed the truth and fed itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from zen_gui import theme
from zen_gui.plots import numbers
from zen_gui.plots.bracket import Bracket
from zen_gui.plots.curve import Curve
from zen_gui.plots.header import Header
from zen_gui.plots.mapping import FloatArray
from zen_gui.plots.mark import HorizontalMarks, VerticalMark, Words
from zen_gui.plots.marker import Ring
from zen_gui.plots.plot import Home, Plot
from zen_gui.plots.zone import Zone
from zen_gui.widgets.legend import LegendEntry

if TYPE_CHECKING:
    from zen_core.curve import Series
    from zen_core.forecast import Forecast
    from zen_core.trainer import Frame

_NUMBER_LIKE = "−0.0e00"
# Pixels above the curve for the zones' names, those of the two sides and that of the range; below for the bracket.
_ABOVE, _BELOW = 70.0, 44.0
# Arithmetic with pixels needs room below the largest float.
_LARGEST = 1e150
_NOTHING = np.empty(0)


class CurvePanel(QWidget):
    """Shows one series, the newest forecast for it and, under the pointer, the exact values."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self._series: Series | None = None
        self._frame: Frame | None = None
        self._forecast: Forecast | None = None
        self._sample: int | None = None

        self.truth_entry = LegendEntry("truth", "truth", number_like=_NUMBER_LIKE)
        self.fed_truth_entry = LegendEntry("fed_truth", "fed the truth", number_like=_NUMBER_LIKE)
        self.fed_itself_entry = LegendEntry("fed_itself", "fed itself", number_like=_NUMBER_LIKE)
        self.fed_truth_entry.setToolTip("The one-step forecast: each value is predicted from true values.")
        self.fed_itself_entry.setToolTip("The free run: each value is predicted from its own earlier predictions.")
        self._header = Header("Curve", self.truth_entry, self.fed_truth_entry, self.fed_itself_entry)

        # Drawn in this order, from the back.
        self._train = Zone()
        self._validation = Zone(lambda look: look.zone_validation)
        self._test = Zone(lambda look: look.zone_test)
        self._beyond = Zone(lambda look: look.zone_beyond)
        self._reading = Zone(lambda look: look.selected, foot="read by this prediction")
        self._seen = HorizontalMarks(lambda look: look.change_mark, "range seen in training")
        self.waiting = Curve(lambda look: look.baseline_ar, name="waits")
        self.truth_beyond = Curve(lambda look: look.truth_beyond)
        self.truth = Curve(lambda look: look.truth)
        self.fed_truth = Curve(_fed_truth, tell_wild=True)
        self._valid_for = VerticalMark(_dotted_fed_itself, from_row=2)
        self.fed_itself = Curve(_fed_itself, tell_wild=True)
        self._bracket = Bracket()
        self._hand_over = VerticalMark(lambda look: look.hand_over)
        self._crosshair = VerticalMark(lambda look: replace(look.change_mark, dash=(), text=look.text))
        self._target = Ring(_fed_truth)
        for drawing in (self._reading, self._crosshair, self._target):
            drawing.passing = True
        self.plot = Plot("sample")
        self.plot.add(
            *(self._train, self._validation, self._test, self._beyond, self._reading, self._seen),
            *(self.waiting, self.truth_beyond, self.truth, self.fed_truth, self._valid_for, self.fed_itself),
            *(self._bracket, self._hand_over, self._crosshair, self._target),
        )
        self.plot.setAccessibleName("Curve")
        self.plot.pointed.connect(self._point)

        self._sentence = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._sentence.setProperty("role", "secondary")
        self._pages = QStackedWidget()
        self._pages.addWidget(self._sentence)
        self._pages.addWidget(self.plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._pages, 1)

        self.truth_entry.toggled.connect(self.truth.set_shown)
        self.truth_entry.toggled.connect(self.truth_beyond.set_shown)
        self.fed_truth_entry.toggled.connect(self._toggle_forecasts)
        self.fed_itself_entry.toggled.connect(self._toggle_forecasts)

    # ── What it shows ────────────────────────────────────────────────────────────────────────────────────────────

    def add_header_widget(self, widget: QWidget) -> None:
        """Put one more widget at the right end of the header."""
        self._header.add_widget(widget)

    def show_series(self, series: Series) -> None:
        """Show another truth, without a forecast, at its whole range; who looks closely at the same samples goes on."""
        same = self._series is not None and np.array_equal(self._series.values, series.values, equal_nan=True)
        self._series = series
        self.clear_forecast()
        self._point(None)
        count, end = len(series.values), len(series.values) + len(series.beyond)
        self._train.set_stretch(0, series.train_end, *_names("Train", series.train_end))
        self._validation.set_stretch(
            series.train_end, series.test_start, *_names("Validation", series.test_start - series.train_end)
        )
        self._test.set_stretch(series.test_start, count, *_names("Test", count - series.test_start))
        self._beyond.set_stretch(count, 2 * end + 1, *(("Beyond the data", "Beyond") if len(series.beyond) else ()))
        self._bracket.set_stretch(series.test_start - series.window, series.test_start, f"window {series.window}")
        self._place_hand_over()

        self.truth.set_data(np.arange(count, dtype=np.float64), series.values)
        # Beyond the data the curve goes on from its last sample without noise.
        last = (series.values if series.clean is None else series.clean)[-1:]
        beyond = np.concatenate((last, series.beyond)) if len(series.beyond) else _NOTHING
        self.truth_beyond.set_data(np.arange(count - 1, count - 1 + len(beyond), dtype=np.float64), beyond)

        self._seen.set_heights(*_range(series.values[: series.train_end]))
        low, high = _range(np.concatenate((series.values, series.beyond)))
        low, high = _opened(low, high)
        self.plot.set_home(Home(0.0, max(1.0, 1.015 * (end - 1)), low, high + 0.05 * (high - low), _ABOVE, _BELOW))
        if same:
            self.plot.rearrange()
        else:
            self.plot.fit()
        self._pages.setCurrentWidget(self.plot)

    def show_frame(self, frame: Frame) -> None:
        """Show the frame's forecast; a hidden panel waits until it is seen."""
        self._frame = frame
        if self.isVisible() and self._series is not None and frame.forecast is not self._forecast:
            if frame.forecast is None:
                self._forget_forecast()
            else:
                self._show_forecast(self._series, frame.forecast)

    def show_waiting(self, values: FloatArray | None) -> None:
        """Show, grey and dashed, another curve that a restart would bring; None takes it away."""
        values = _NOTHING if values is None else values
        self.waiting.set_data(np.arange(len(values), dtype=np.float64), values)
        self.plot.rearrange()

    def show_empty(self, sentence: str) -> None:
        """Show only this sentence, until there is a series."""
        self._series = None
        self.clear_forecast()
        self._sentence.setText(sentence)
        self._pages.setCurrentWidget(self._sentence)

    def fit(self) -> None:
        """Show the whole curve after zooming."""
        self.plot.fit()

    def clear_forecast(self) -> None:
        """Forget the network: show the truth alone."""
        self._frame = None
        self._forget_forecast()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._frame is not None:
            self.show_frame(self._frame)

    # ── The forecast ─────────────────────────────────────────────────────────────────────────────────────────────

    def _show_forecast(self, series: Series, forecast: Forecast) -> None:
        self._forecast = forecast
        # Prediction i was read from the samples i … i + window − 1 and stands at the next one.
        self.fed_truth.set_data(_samples(series.window, forecast.one_step), forecast.one_step)
        self.fed_itself.set_data(_samples(series.test_start, forecast.free_run), forecast.free_run)
        self.fed_itself.set_ink(_faint_fed_itself if forecast.step == 0 else _fed_itself)
        self._place_valid_for()
        if self._sample is not None:
            self._point(self._sample)

    def _forget_forecast(self) -> None:
        self._forecast = None
        self.fed_truth.clear()
        self.fed_itself.clear()
        self._place_valid_for()

    def _place_valid_for(self) -> None:
        forecast, series = self._forecast, self._series
        if series is None or forecast is None or forecast.valid_to_end or self.fed_itself_entry.is_off:
            self._valid_for.set_place(None)
        else:
            steps = f"{forecast.valid_steps:,} step{'' if forecast.valid_steps == 1 else 's'}"
            place = series.test_start + forecast.valid_steps
            self._valid_for.set_place(place, Words(steps, _fed_itself, row=-1))

    def _place_hand_over(self) -> None:
        """Name its two sides after the lines that are shown."""
        if self._series is not None:
            sides = (
                (self.fed_truth_entry, Words("fed the truth", _fed_truth, 1, "left")),
                (self.fed_itself_entry, Words("fed itself", _fed_itself, 1, "right")),
            )
            self._hand_over.set_place(self._series.test_start, *(words for entry, words in sides if not entry.is_off))

    def _toggle_forecasts(self) -> None:
        self.fed_truth.set_shown(not self.fed_truth_entry.is_off)
        self.fed_itself.set_shown(not self.fed_itself_entry.is_off)
        self._place_valid_for()
        self._place_hand_over()

    # ── Under the pointer ────────────────────────────────────────────────────────────────────────────────────────

    def _point(self, x: float | None) -> None:
        """Tell the values at the sample nearest to `x`, and what the prediction there was read from."""
        sample = None if x is None else round(x)
        series, forecast = self._series, self._forecast
        if series is None or sample is None:
            truth = fed_truth = fed_itself = math.nan
        else:
            truth = _at(np.concatenate((series.values, series.beyond)), sample)
            fed_truth = math.nan if forecast is None else _at(forecast.one_step, sample - series.window)
            fed_itself = math.nan if forecast is None else _at(forecast.free_run, sample - series.test_start)
        self._sample = sample if math.isfinite(truth) or math.isfinite(fed_itself) else None
        for entry, value in (
            (self.truth_entry, truth),
            (self.fed_truth_entry, fed_truth),
            (self.fed_itself_entry, fed_itself),
        ):
            entry.set_number(numbers.exact(value) if math.isfinite(value) else "")
        self._place_reading(self._sample, truth, math.isfinite(fed_truth), math.isfinite(fed_itself))

    def _place_reading(self, sample: int | None, truth: float, fed_truth: bool, fed_itself: bool) -> None:
        if self._series is None or sample is None:
            self._crosshair.set_place(None)
        else:
            self._crosshair.set_place(sample, Words(f"sample {sample:,}", _as_text, row=1))
        if self._series is None or sample is None or not (fed_truth or fed_itself):
            self._reading.set_shown(False)
            self._target.set_point(None)
        else:
            self._reading.set_stretch(sample - self._series.window, sample)
            self._reading.set_shown(True)
            self._target.set_ink(_fed_truth if fed_truth else _fed_itself)
            self._target.set_point((sample, truth))


def _names(name: str, count: int) -> tuple[str, ...]:
    return (f"{name} · {count:,}", name) if count else ()


def _samples(first: int, values: FloatArray) -> FloatArray:
    return np.arange(first, first + len(values), dtype=np.float64)


def _at(values: FloatArray, index: int) -> float:
    return float(values[index]) if 0 <= index < len(values) else math.nan


def _range(values: FloatArray) -> tuple[float, float]:
    """Least and greatest of the values that can be drawn; 0 and 0 where there are none."""
    finite = values[np.abs(values) < _LARGEST]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)


def _opened(low: float, high: float) -> tuple[float, float]:
    """The same range, but never so narrow that a constant curve has no height."""
    least = 1e-6 * max(abs(low), abs(high)) or 1.0
    if high - low >= least:
        return low, high
    middle, half = (low + high) / 2, max(abs(low), abs(high)) / 2 or 1.0
    return middle - half, middle + half


def _fed_truth(look: theme.Theme) -> theme.Line:
    return look.fed_truth


def _fed_itself(look: theme.Theme) -> theme.Line:
    return look.fed_itself


def _faint_fed_itself(look: theme.Theme) -> theme.Line:
    """What untrained weights say is nothing to look at."""
    return replace(look.fed_itself, color=theme.mix(look.fed_itself.color, look.panel, 0.45))


def _dotted_fed_itself(look: theme.Theme) -> theme.Line:
    return replace(look.fed_itself, dash=(3, 3), width=1.5)


def _as_text(look: theme.Theme) -> theme.Line:
    return replace(look.truth, text=look.text)
