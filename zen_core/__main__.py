"""The command line: train an experiment without a window, or print the reference of all components."""

from __future__ import annotations

import argparse
import inspect
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from zen_core.component import Component, Setting, SpecError, to_plain
from zen_core.curve import Curve, Scaling
from zen_core.experiment import Experiment, described
from zen_core.forecast import Baseline, Forecast
from zen_core.loop import Diverged
from zen_core.loss import Loss
from zen_core.nn import Layer
from zen_core.optim import Optimizer, Schedule
from zen_core.trainer import Trainer

FAMILIES: tuple[type[Component], ...] = (Curve, Scaling, Layer, Loss, Optimizer, Schedule, Experiment)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, 1 where a training diverged, 2 where the arguments do not fit,
    130 where it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m zen_core", description=__doc__)
    commands = parser.add_subparsers(required=True)

    train = commands.add_parser(
        "train",
        help="train an experiment and print its scores",
        description="Train an experiment and print its scores. Without a file it is the default one.",
        epilog="Example: python -m zen_core train 'curve.expression=sin(x)' layers.0.hidden_dim=64 optimizer=SGD",
    )
    train.add_argument("experiment", nargs="*", metavar="experiment.json | key=value")
    train.add_argument("--json", action="store_true", help="print one JSON object: scores, losses and the experiment")
    train.set_defaults(run=_train)

    reference = commands.add_parser("reference", help="print every component with its settings, ranges and help")
    reference.set_defaults(run=_reference)

    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except SpecError as error:
        place = f" ({error.path})" if error.path else ""
        print(f"{parser.prog}: {error}{place}", file=sys.stderr)
    except Diverged as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is still buffered must not be flushed into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{parser.prog}: {error.filename}: {error.strerror}", file=sys.stderr)
    return 2


def _train(options: argparse.Namespace) -> int:
    trainer = Trainer(described(options.experiment))
    with threadpool_limits(1), tqdm(total=trainer.total_steps, unit="step", desc="Training") as bar:
        for step in trainer:
            bar.update()
            if step.number % 20 == 0:
                bar.set_postfix(loss=f"{step.loss:.2e}", refresh=False)
    with threadpool_limits(1):
        forecast, rules = trainer.forecast(), trainer.baselines()
    if options.json:
        print(json.dumps(_report(trainer, forecast, rules), allow_nan=False))
        return 0
    frame = trainer.frame()
    print(f"{frame.step:,} steps, {frame.epoch:,} epochs; last loss {frame.losses[-1]:.3g}")
    print(f"fed the truth   mean squared error {_number(forecast.one_step_mse)} over the test part")
    print(f"fed itself      mean squared error {_number(forecast.free_run_mse)}; valid for {_valid(forecast)}")
    for rule in rules:
        print(f"{rule.name:<16}mean squared error {_number(rule.mse)}")
    return 0


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _valid(forecast: Forecast) -> str:
    return f"{forecast.valid_steps:,} steps" + (", to the end" if forecast.valid_to_end else "")


def _report(trainer: Trainer, forecast: Forecast, rules: Sequence[Baseline]) -> dict[str, object]:
    frame = trainer.frame()
    return {
        "experiment": to_plain(frame.experiment),
        "steps": frame.step,
        "epochs": frame.epoch,
        "scores": {
            "fed_the_truth_mse": _finite(forecast.one_step_mse),
            "fed_itself_mse": _finite(forecast.free_run_mse),
            "valid_steps": forecast.valid_steps,
            "valid_to_end": forecast.valid_to_end,
            "baselines_mse": {rule.name: _finite(rule.mse) for rule in rules},
        },
        "losses": frame.losses.tolist(),
        "validation_steps": [int(step) for step in frame.validation_steps],
        "validation_losses": [_finite(loss) for loss in frame.validation_losses.tolist()],
    }


def _finite(number: float | None) -> float | None:
    """JSON knows no infinity: what is not finite becomes null."""
    return number if number is not None and math.isfinite(number) else None


def _reference(options: argparse.Namespace) -> int:
    for family in FAMILIES:
        for kind in family.kinds.values():
            heading = kind.__name__ if kind is family else f"{family.__name__}: {kind.__name__}"
            print(
                heading, "─" * len(heading), inspect.cleandoc(kind.__doc__ or ""), *_setting_lines(kind), "", sep="\n"
            )
    return 0


def _setting_lines(kind: type[Component]) -> Iterator[str]:
    for setting in kind.settings.values():
        yield f"  {setting.name} = {_default(setting)}   {setting.help}"
        told = [
            f"Range {setting.span}." if setting.low is not None or setting.high is not None else "",
            f"One of {', '.join(setting.choices)}." if setting.choices else "",
            f"Usual: {setting.usual}." if setting.usual else "",
            f"Too little: {setting.few}" if setting.few else "",
            f"Too much: {setting.many}" if setting.many else "",
            "Acts at once." if setting.live else "Needs a restart.",
        ]
        yield "      " + " ".join(part for part in told if part)


def _default(setting: Setting) -> str:
    return str(list(setting.default)) if setting.element else repr(setting.default)


if __name__ == "__main__":
    sys.exit(main())
