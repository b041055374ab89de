"""The banner over the curve: a training that diverged or failed, and what can be done."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from zen_core.session import Moment, State
from zen_gui.widgets.notice import Notice

CUT = 3
"""What the learning rate is divided by for another try after a training diverged."""


class BannerPanel(QWidget):
    """Each of its notices stays until it is answered, or until the training goes on."""

    #: Begin again from the same first weights with the learning rate divided by `CUT`.
    cut_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self._shown: tuple[State, str] | None = None
        self._diverged = Notice("warn", title="Diverged")
        rewind = self._diverged.add_button(f"Rewind, rate ÷ {CUT}", primary=True)
        rewind.clicked.connect(self.cut_asked)
        self._diverged.add_button("Stay paused").clicked.connect(self.forget)
        self._failed = Notice("error", title="Failed")
        self._fault = Notice("error", title="Fault")
        self._details = {self._failed: "", self._fault: ""}
        for notice in self._details:
            notice.add_button("Copy details").clicked.connect(self._copying(notice))
            notice.add_button("Close").clicked.connect(self._closing(notice))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        for notice in (self._diverged, self._failed, self._fault):
            layout.addWidget(notice)
            notice.hide()
        self.hide()

    def show_moment(self, moment: Moment) -> None:
        """Appear where the training has just diverged or failed; disappear when it goes on."""
        if (moment.state, moment.message) == self._shown:
            return
        self._shown = moment.state, moment.message
        self._details[self._failed] = moment.details
        title, _, rest = moment.message.partition(". ")
        self._diverged.set_message("warn", rest, f"{title}.")
        self._failed.set_message("error", moment.message, "The training failed. Nothing that was learned is lost.")
        self._set_visible(self._diverged, moment.state is State.DIVERGED)
        self._set_visible(self._failed, moment.state is State.FAILED)

    def show_fault(self, message: str, details: str) -> None:
        """Tell of a fault of the program itself; it goes on."""
        self._details[self._fault] = details
        self._fault.set_message("error", message, "Something went wrong in the program. It goes on.")
        self._set_visible(self._fault, True)

    def forget(self) -> None:
        """The person answered: the training's notices disappear."""
        self._set_visible(self._diverged, False)
        self._set_visible(self._failed, False)

    def expect(self) -> None:
        """The training is about to go on: tell whatever goes wrong next, even if it is the same."""
        self.forget()
        self._shown = None

    def _set_visible(self, notice: Notice, visible: bool) -> None:
        notice.setVisible(visible)
        self.setVisible(any(not each.isHidden() for each in (self._diverged, self._failed, self._fault)))

    def _copying(self, notice: Notice) -> Callable[[], None]:
        return lambda: QGuiApplication.clipboard().setText(self._details[notice])

    def _closing(self, notice: Notice) -> Callable[[], None]:
        return lambda: self._set_visible(notice, False)
