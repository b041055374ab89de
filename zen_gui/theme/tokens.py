"""Tokens: every colour of the program and every kind of line, dark and light, and which of the two is on."""

from dataclasses import dataclass, fields

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette, QPen


def mix(over: str, under: str, share: float) -> str:
    """The opaque colour that `over` gives when it covers `under` with this share (0 to 1)."""
    top, ground = QColor(over), QColor(under)
    red = share * top.redF() + (1 - share) * ground.redF()
    green = share * top.greenF() + (1 - share) * ground.greenF()
    blue = share * top.blueF() + (1 - share) * ground.blueF()
    return QColor.fromRgbF(red, green, blue).name().upper()


@dataclass(frozen=True)
class Line:
    """How one kind of curve is drawn: its colour, its colour as text, its dash (pixels on, off, …) and its width."""

    color: str
    text: str
    dash: tuple[float, ...] = ()
    width: float = 2.0

    def pen(self, ratio: float = 1.0, *, dashed: bool = True) -> QPen:
        """A cosmetic pen; `ratio` is the device pixel ratio, because cosmetic pens count device pixels.

        Plots ask for `dashed=False`: their dashes are gaps in the data, which segmented lines need.
        """
        pen = QPen(QColor(self.color), self.width * ratio)
        pen.setCosmetic(True)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if dashed and self.dash:
            pen.setDashPattern([length / self.width for length in self.dash])
        return pen


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Every colour of the program as `#RRGGBB`, and every kind of line."""

    name: str
    # Surfaces
    window: str
    panel: str
    field: str
    hover: str
    pressed: str
    menu: str
    # Outlines
    line: str
    border: str
    edge: str
    grid: str
    # Text
    text: str
    text2: str
    text3: str
    # Meanings
    accent: str
    on_accent: str
    selected: str
    link: str
    warn: str
    warn_ground: str
    error: str
    error_ground: str
    # Parts of the data, behind the curve
    zone_validation: str
    zone_test: str
    zone_beyond: str
    # Curves and marks in plots
    truth: Line
    truth_beyond: Line
    fed_truth: Line
    fed_itself: Line
    train: Line
    train_raw: Line
    validation: Line
    baseline: Line
    baseline_seasonal: Line
    baseline_mean: Line
    baseline_ar: Line
    best: Line
    hand_over: Line
    change_mark: Line
    # One hue for each run of a race
    race: tuple[str, ...]

    def lines(self) -> dict[str, Line]:
        """Every kind of line by its name here."""
        return {f.name: line for f in fields(self) if isinstance(line := getattr(self, f.name), Line)}


DARK = Theme(
    name="dark",
    window="#101214",
    panel="#171A1D",
    field="#202428",
    hover="#282D32",
    pressed="#373C41",
    menu="#1E2124",
    line="#2A2F34",
    border="#383B3E",
    edge="#6B747E",
    grid="#272A2C",
    text="#E7E9EB",
    text2="#A9B0B8",
    text3="#9098A1",
    accent="#3FC7AE",
    on_accent="#06201B",
    selected="#20403D",
    link="#5BA8FF",
    warn="#EBC452",
    warn_ground="#333024",
    error="#FF7A76",
    error_ground="#352629",
    zone_validation="#212129",
    zone_test="#21201F",
    zone_beyond="#121416",
    truth=Line("#DDE1E6", "#DDE1E6"),
    truth_beyond=Line("#6A6E71", "#9098A1"),
    fed_truth=Line("#5BA8FF", "#5BA8FF", (6, 6)),
    fed_itself=Line("#FF9D4D", "#FF9D4D"),
    train=Line("#3FC7AE", "#3FC7AE"),
    train_raw=Line("#28635A", "#3FC7AE", width=1),
    validation=Line("#C79BFF", "#C79BFF", (6, 5)),
    baseline=Line("#9099A3", "#9099A3", (2, 3), 1.5),
    baseline_seasonal=Line("#9099A3", "#9099A3", (6, 3, 2, 3), 1.5),
    baseline_mean=Line("#9099A3", "#9099A3", (1, 4), 1.5),
    baseline_ar=Line("#9099A3", "#9099A3", (10, 4), 1.5),
    best=Line("#F2D265", "#F2D265"),
    hand_over=Line("#FFFFFF", "#FFFFFF", width=1.5),
    change_mark=Line(mix("#E7E9EB", "#171A1D", 0.4), "#A9B0B8", (3, 3), 1),
    race=("#5BA8FF", "#FF9D4D", "#85DDB0", "#3E7C8A", "#A16544", "#97E4FF"),
)

LIGHT = Theme(
    name="light",
    window="#E9ECEE",
    panel="#FBFCFC",
    field="#FFFFFF",
    hover="#F0F2F4",
    pressed="#DFE1E3",
    menu="#FFFFFF",
    line="#DADFE3",
    border="#CED0D0",
    edge="#848E98",
    grid="#EAEBEC",
    text="#1A1E22",
    text2="#4B545D",
    text3="#626B75",
    accent="#097466",
    on_accent="#FFFFFF",
    selected="#D9E9E7",
    link="#1560BE",
    warn="#866000",
    warn_ground="#ECE8DB",
    error="#C0272D",
    error_ground="#F3E0E1",
    zone_validation="#F5F3F9",
    zone_test="#F9F4EF",
    zone_beyond="#F2F4F5",
    truth=Line("#23282E", "#23282E"),
    truth_beyond=Line("#84878B", "#626B75"),
    fed_truth=Line("#1E74DC", "#1560BE", (6, 6)),
    fed_itself=Line("#D25A00", "#AE4500"),
    train=Line("#097466", "#097466"),
    train_raw=Line("#A9CEC9", "#097466", width=1),
    validation=Line("#8240C8", "#8240C8", (6, 5)),
    baseline=Line("#6A737D", "#626B75", (2, 3), 1.5),
    baseline_seasonal=Line("#6A737D", "#626B75", (6, 3, 2, 3), 1.5),
    baseline_mean=Line("#6A737D", "#626B75", (1, 4), 1.5),
    baseline_ar=Line("#6A737D", "#626B75", (10, 4), 1.5),
    best=Line("#8F6A00", "#866000"),
    hand_over=Line("#000000", "#000000", width=1.5),
    change_mark=Line(mix("#1A1E22", "#FBFCFC", 0.4), "#4B545D", (3, 3), 1),
    race=("#1E74DC", "#D25A00", "#1A1A54", "#3F9088", "#610C0E", "#0904EA"),
)


def current() -> Theme:
    """The theme that is on, read from the application's palette."""
    ground = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if ground.lightness() < 128 else LIGHT


def system() -> Theme:
    """The theme that the desktop asks for; dark where it does not tell."""
    asked = QGuiApplication.styleHints().colorScheme()
    return LIGHT if asked == Qt.ColorScheme.Light else DARK


NAMES = ("system", "dark", "light")


def named(name: str) -> Theme:
    """The theme that a person chose by one of `NAMES`."""
    return {"dark": DARK, "light": LIGHT}.get(name) or system()
