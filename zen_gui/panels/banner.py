"""The banner over the curve: a training that diverged or failed, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from zen_core.session import Moment, State
from zen_gui.widgets.notice import Notice

CUT = 3
"""What the learning rate is divided by when a training is to go on after it diverged."""


class BannerPanel(QWidget):
    """Stays until it is answered or the training goes on."""

    #: Go on from the kept weights with the learning rate divided by `CUT`.
    cut_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self._details = ""
        self._diverged = Notice("warn", title="Diverged")
        go_on = self._diverged.add_button(f"Go on, rate ÷ {CUT}", primary=True)
        go_on.clicked.connect(self.cut_asked)
        self._diverged.add_button("Stay paused").clicked.connect(self._dismiss)
        self._failed = Notice("error", title="Failed")
        self._failed.add_button("Copy details").clicked.connect(self._copy)
        self._failed.add_button("Close").clicked.connect(self._dismiss)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.addWidget(self._diverged)
        layout.addWidget(self._failed)
        self._state: State | None = None
        self.hide()

    def show_moment(self, moment: Moment) -> None:
        """Appear where the training has just diverged or failed; disappear when it goes on."""
        if moment.state is self._state:
            return
        self._state = moment.state
        self._details = moment.details
        self._diverged.setVisible(moment.state is State.DIVERGED)
        self._failed.setVisible(moment.state is State.FAILED)
        title, _, rest = moment.message.partition(". ")
        self._diverged.set_message("warn", rest, f"{title}.")
        self._failed.set_message("error", moment.message, "The training failed. Nothing that was learned is lost.")
        self.setVisible(moment.state in (State.DIVERGED, State.FAILED))

    def forget(self) -> None:
        """The person went on: disappear, and tell anew whatever goes wrong next."""
        self._state = None
        self.hide()

    def show_fault(self, message: str, details: str) -> None:
        """Tell of a fault of the program itself; it goes on."""
        self._details = details
        self._diverged.hide()
        self._failed.set_message("error", message, "Something went wrong in the program. It goes on.")
        self._failed.show()
        self.show()

    def _dismiss(self) -> None:
        self.hide()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
