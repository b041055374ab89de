"""An experiment: everything a run depends on, as one frozen value that can be edited, compared, saved and repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zen_core.autodiff import Array
from zen_core.component import Component, Remedy, SpecError, from_plain, hyper, to_plain
from zen_core.curve import Curve, Formula, Scaling, Series, Standard
from zen_core.edits import edited_text
from zen_core.files import write
from zen_core.loss import MSE, Loss
from zen_core.nn import RNN, Initial, Layer, Linear, Uniform, check_stack
from zen_core.optim import Adam, Optimizer
from zen_core.schedule import Cosine, Schedule
from zen_core.weights import Layout

MOST_BYTES = 1 << 20
LARGEST_VALUE = 1e100
LARGEST_SCALED = 1e36
MOST_NUMBERS_A_STEP = 1 << 29
MOST_WEIGHTS = 1 << 24


class Experiment(Component):
    """A curve, a network and how to train it. The same experiment gives the same run, bit for bit."""

    curve: Curve = hyper(Formula(), section="Curve", help="Where the samples come from.")
    window: int = hyper(
        50,
        1,
        5_000,
        log=True,
        section="Data",
        unit="samples",
        help="How many samples the network reads for each prediction.",
        usual="half a period to two periods",
        few="The network cannot tell the phase.",
        many="Slow, and fewer windows to learn from.",
    )
    samples: int = hyper(
        1_000,
        10,
        100_000,
        log=True,
        section="Data",
        help="How many samples the data have in all.",
        usual="10 periods or more",
        few="Little to learn from.",
        many="Long epochs.",
    )
    validation: float = hyper(
        0.2,
        0.0,
        0.9,
        section="Data",
        help="The share of the samples, after the training part, by which a run is judged while it trains.",
        usual="0.1 to 0.3",
    )
    test: float = hyper(
        0.2,
        0.0,
        0.9,
        section="Data",
        help="The share of the samples at the end that training never sees; there the forecasts are scored.",
        usual="0.1 to 0.3",
    )
    scaling: Scaling = hyper(
        Standard(), section="Data", help="How samples are scaled for the network; fitted on the training part only."
    )
    noise: float = hyper(
        0.0,
        0.0,
        10.0,
        section="Data",
        help="Standard deviation of the noise added to each sample, as a share of the curve's amplitude.",
        usual="0 to 0.1",
        many="The curve drowns.",
    )
    noise_seed: int = hyper(0, 0, 2**32 - 1, section="Data", help="Another number draws another noise.")
    beyond: int = hyper(
        100,
        0,
        10_000,
        live=True,
        section="Data",
        unit="samples",
        label="Beyond the data",
        help="How far the free run goes on after the last sample.",
        many="Each picture takes longer.",
    )
    layers: tuple[Layer, ...] = hyper(
        (RNN(hidden_dim=32), Linear(1)), section="Network", help="The stack, from the window's samples to the forecast."
    )
    highway: int = hyper(
        50,
        0,
        5_000,
        section="Network",
        unit="samples",
        help="A linear path beside the stack, from so many last samples of the window to the output, or from all; 0 is "
        "none. G. Lai et al. (2018), Modeling long- and short-term temporal patterns with deep neural networks, "
        "arXiv:1703.07015.",
        usual="0, or the window",
        few="Nothing to continue a swing with.",
        many="The stack has nothing left to learn.",
    )
    initial: Initial = hyper(Uniform(), section="Network", label="First weights", help="How first weights are drawn.")
    optimizer: Optimizer = hyper(Adam(lr=2e-3), section="Training", help="The rule that changes the weights.")
    schedule: Schedule = hyper(
        Cosine(), section="Training", live=True, help="How the learning rate changes over the run."
    )
    loss: Loss = hyper(MSE(), section="Training", help="How wrong a prediction is, as one number.")
    batch_size: int = hyper(
        32,
        1,
        4096,
        log=True,
        live=True,
        section="Training",
        help="Windows in each step. A change counts from the next epoch.",
        usual="16 to 64",
        few="Restless steps.",
        many="Few steps in an epoch.",
    )
    epochs: int = hyper(
        222,
        1,
        1_000_000,
        log=True,
        live=True,
        section="Training",
        help="How often the run goes through all training windows.",
        usual="100 to 1,000",
        few="It stops before it has learned.",
        many="Patience.",
    )
    rollout: int = hyper(
        1,
        1,
        100,
        log=True,
        section="Training",
        unit="steps",
        help="How many numbers the network forecasts from each window while it learns, fed its own.",
        usual="1 to 10",
        few="It never sees its own errors.",
        many="Slow: each step costs as many windows.",
    )
    growth: float = hyper(
        0.5,
        0.0,
        1.0,
        live=True,
        section="Training",
        label="Rollout growth",
        help="The share of the run over which the rollout grows from 1 step to all; 0 is all at once.",
        usual="0.3 to 0.8",
        few="Early forecasts are too wrong to learn from.",
        many="The full rollout comes late.",
    )
    input_noise: float = hyper(
        0.02,
        0.0,
        1.0,
        live=True,
        section="Training",
        help="Standard deviation of fresh noise on each window while training, in the network's units.",
        usual="0 to 0.05",
        few="A free run may not find back to the curve.",
        many="The curve drowns.",
    )
    target_loss: float = hyper(
        0.0,
        0.0,
        1e6,
        live=True,
        section="Stopping",
        help="The run ends when an epoch's validation loss (training loss, where no validation part is) falls to this; "
        "0 is never.",
        usual="0, or 1e-4",
    )
    seconds: float = hyper(
        0.0,
        0.0,
        1e6,
        live=True,
        section="Stopping",
        unit="s",
        label="Longest time",
        help="The run ends after so many seconds of training; 0 is never.",
        usual="0, or 10",
    )
    patience: int = hyper(
        0,
        0,
        100_000,
        live=True,
        section="Stopping",
        unit="epochs",
        help="The run ends after so many epochs without a better validation loss, and gets its best weights back; 0 is "
        "never.",
        usual="0, or 20 to 100",
        few="It gives up on a plateau.",
        many="Never ends early.",
    )
    clip: float = hyper(
        0.0,
        0.0,
        1e6,
        live=True,
        section="Training",
        help="Longest gradient that is let through unscaled; 0 lets all through.",
        usual="0.5 to 5",
        few="Every step is cut.",
        many="Nothing is cut.",
    )
    dtype: str = hyper(
        "float32",
        choices=("float32", "float64"),
        section="Training",
        label="Precision",
        help="float32 is fast; float64 keeps 16 digits.",
    )
    seed: int = hyper(
        0,
        0,
        2**32 - 1,
        section="Training",
        help="Another number draws other first weights and another order of windows.",
    )

    def series(self) -> Series:
        """Return the samples and their split.

        Raises SpecError where samples are missing, not finite or too large, or no window fits the training part.
        """
        clean = self.curve.values(self.samples + self.beyond)
        clean, beyond = clean[: self.samples], clean[self.samples :]
        _check_samples(clean)
        count = len(clean)
        test_start = count - round(count * self.test)
        train_end = test_start - round(count * self.validation)
        longest = train_end - self.rollout
        if self.window > longest:
            rolled = f" and a rollout of {self.rollout:,}" if self.rollout > 1 else ""
            raise SpecError(
                f"Window {self.window:,}{rolled} does not fit the training part ({max(train_end, 0):,} samples). "
                + (f"Use a window of at most {longest:,}." if longest > 0 else "Make validation and test smaller."),
                path="window" if longest > 0 else "test",
                remedy=Remedy(f"Use {longest}", "window", longest) if longest > 0 else None,
            )
        values = clean
        if self.noise:
            training = clean[:train_end]
            deviation = self.noise * float(training.max() - training.min()) / 2
            values = clean + deviation * np.random.default_rng(self.noise_seed).standard_normal(count)
        beyond = beyond[: int(np.argmin(np.isfinite(beyond)))] if not np.isfinite(beyond).all() else beyond
        scaler = self.scaling.fit(values[:train_end])
        reach = float(np.abs(scaler.forth(values)).max())
        if reach > LARGEST_SCALED:
            raise SpecError(
                f"Scaled for the network, the samples reach {reach:.1e}. Keep them below {LARGEST_SCALED:.0e}: change "
                "the scaling, or the formula so that the training part has its size.",
                path="scaling",
            )
        return Series(values, clean, beyond, train_end, test_start, self.window, scaler)

    def layout(self) -> Layout:
        """Return the layout of the stack's weights; raises SpecError where the stack or the loss cannot forecast."""
        layout = check_stack(self.layers, (self.window, 1), self.highway)
        if not self.loss.for_forecasts:
            raise SpecError(
                f"{type(self.loss).__name__} compares probabilities of classes; a forecast is one number. Use MSE.",
                path="loss",
                remedy=Remedy("Use MSE", "loss", MSE()),
            )
        if layout.size > MOST_WEIGHTS:
            raise SpecError(
                f"The network has {layout.size:,} weights. Use at most {MOST_WEIGHTS:,}: fewer or smaller layers.",
                path="layers",
            )
        kept = layout.kept * self.batch_size * self.rollout
        if kept > MOST_NUMBERS_A_STEP:
            raise SpecError(
                f"One step would hold {kept:,} numbers, for {self.batch_size:,} windows of {self.window:,} samples"
                + (f" and {self.rollout:,} steps ahead" if self.rollout > 1 else "")
                + f". Keep it below {MOST_NUMBERS_A_STEP:,}: make the window, the batch or the layers smaller.",
                path="batch_size",
            )
        return layout


def _check_samples(values: Array) -> None:
    if len(values) < 3:
        raise SpecError(f"The curve has {len(values)} samples. Give at least 3.", path="curve")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise SpecError(
            f"The curve is not a finite number at {len(bad):,} of {len(values):,} samples, first at sample {bad[0]:,}. "
            "Change the formula, its start or its step.",
            path="curve",
        )
    if np.abs(values).max() > LARGEST_VALUE:
        raise SpecError(f"The curve reaches {np.abs(values).max():.1e}. Keep it below 1e100.", path="curve")


def save(experiment: Experiment, path: Path) -> None:
    """Write the experiment as JSON. The file is replaced whole or not at all; raises OSError where it cannot be."""
    text = json.dumps(to_plain(experiment), indent=2, ensure_ascii=False) + "\n"
    write(path, text.encode())


def load(path: Path) -> Experiment:
    """Read an experiment from JSON; settings that the file leaves out keep their defaults.

    Raises SpecError where the file is too large, no JSON, or says something that does not fit; OSError where it cannot
    be read.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise SpecError(f"{path.name} is larger than 1 MiB. An experiment has a few kilobytes.")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path.name} is not readable JSON: {error}.") from error
    return from_plain(Experiment, data)


def described(words: Sequence[str]) -> Experiment:
    """Return the experiment that the words of a command line describe: `[file.json] [key=value …]`.

    Raises SpecError where they do not fit, OSError where the file cannot be read.
    """
    experiment = Experiment()
    for index, word in enumerate(words):
        path, equals, text = word.partition("=")
        if equals:
            experiment = edited_text(experiment, path.strip(), text.strip())
        elif index == 0:
            experiment = load(Path(word))
        else:
            raise SpecError(f"Cannot read {word[:60]!r}. Give one file, then settings as key=value.")
    return experiment
