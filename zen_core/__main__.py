"""The command line: train an experiment or the curve suite, without a window, or print the reference."""

from __future__ import annotations

import argparse
import inspect
import itertools
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from zen_core import checkpoint
from zen_core.backend import COMPILED, NUMPY, compilers
from zen_core.component import Component, Setting, SpecError, to_plain
from zen_core.curve import Curve, Scaling
from zen_core.edits import edited, edited_text, value_at
from zen_core.experiment import Experiment, described
from zen_core.forecast import Baseline, Forecast
from zen_core.loop import Diverged
from zen_core.loss import Loss
from zen_core.nn import Initial, Layer
from zen_core.optim import Optimizer
from zen_core.schedule import Schedule
from zen_core.suite import (
    AHEAD,
    CURVES,
    FORMULAS,
    HORIZONS,
    TUNED,
    VARIANTS,
    Result,
    Score,
    median,
    on_curve,
    result,
    titled,
)
from zen_core.trainer import Trainer

SUITE = f"""\
Train one recipe, the default experiment, on twelve formulas and on the recordings that ship, and print for each how
far the network's free run holds. The tables are Markdown. Columns:

  one-step MSE  mean squared error over the test part, fed the truth
  valid         steps of the free run before its first error above a fifth of the curve's amplitude
  useful        steps before its RMS error over the last 25 samples passes half the standard deviation of the
                training part: fairer where the curve jumps
  at 1, 10, …   RMS error over the 25 samples (or fewer) up to that step, as a share of the amplitude;
                "–" where the data end
  best rule     the rule without a network that is useful for longest, and for how many steps
  s             seconds for training and forecasts, on one thread
  tuned         valid / useful steps of a recipe made for this curve, where one does better

A free run has succeeded where it is valid for {AHEAD} steps. Formulas go on beyond the data; recordings end."""

FAMILIES: tuple[type[Component], ...] = (Curve, Scaling, Layer, Initial, Loss, Optimizer, Schedule, Experiment)


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
    train.add_argument(
        "--save", type=Path, metavar="RUN.zen", help="save the run at its end, or where it is broken off"
    )
    train.add_argument(
        "--resume", type=Path, metavar="RUN.zen", help="go on with a saved run; key=value then changes live settings"
    )
    _offer_backend(train)
    train.set_defaults(run=_train)

    suite = commands.add_parser(
        "suite",
        help="train one recipe on a suite of curves and print how far each holds",
        description=SUITE,
        epilog="Example: python -m zen_core suite window=100 --curves sine square --seeds 3",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    suite.add_argument(
        "recipe", nargs="*", metavar="experiment.json | key=value", help="what the recipe is or changes; not its curve"
    )
    suite.add_argument(
        "--curves", nargs="+", default=list(CURVES), metavar="NAME", help=f"only these: {', '.join(CURVES)}"
    )
    suite.add_argument("--seeds", type=int, default=1, metavar="N", help="train with N seeds and print medians")
    suite.add_argument(
        "--variants", action="store_true", help="a table of what changes to the recipe do: valid / useful steps"
    )
    suite.add_argument("--json", action="store_true", help="print one JSON object for each training, one a line")
    _offer_backend(suite)
    suite.set_defaults(run=_suite)

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


def _offer_backend(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--backend",
        choices=(COMPILED, NUMPY),
        help="what computes: compiled kernels, which are compiled first where they are not ready, or numpy; without "
        "this, numpy only where there are no compiled kernels",
    )


def _backend(options: argparse.Namespace, dtype: str) -> str:
    """What computes, after waiting for kernels that are not compiled yet."""
    if options.backend == NUMPY:
        return NUMPY
    compiler = compilers[dtype]
    if compiler.load() is None and compiler.compiling:
        print("Compiling the kernels, once for this machine …", file=sys.stderr)
    if compiler.load(wait=True) is not None or options.backend == COMPILED:
        return COMPILED
    if compiler.trouble:
        print(f"{compiler.trouble} Training on numpy.", file=sys.stderr)
    return NUMPY


def _train(options: argparse.Namespace) -> int:
    trainer = _trainer(options)
    if options.save:
        # What cannot be written is told before the training, not after it.
        checkpoint.save(trainer, options.save)
    try:
        with (
            threadpool_limits(1),
            tqdm(total=trainer.total_steps, initial=trainer.step, unit="step", desc="Training") as bar,
        ):
            for step in trainer:
                bar.update()
                if step.number % 20 == 0:
                    bar.set_postfix(loss=f"{step.loss:.2e}", refresh=False)
    finally:
        if options.save:
            checkpoint.save(trainer, options.save)
    with threadpool_limits(1):
        forecast, rules = trainer.forecast(), trainer.baselines()
    if options.json:
        print(json.dumps(_report(trainer, forecast, rules), allow_nan=False))
        return 0
    frame = trainer.frame()
    print(f"{frame.step:,} steps, {frame.epoch:,} epochs; last loss {frame.losses.last:.3g}")
    print(f"fed the truth   mean squared error {_number(forecast.one_step_mse)} over the test part")
    print(f"fed itself      mean squared error {_number(forecast.free_run_mse)}; valid for {_valid(forecast)}")
    for rule in rules:
        print(f"{rule.name:<16}mean squared error {_number(rule.mse)}")
    return 0


def _trainer(options: argparse.Namespace) -> Trainer:
    """The run that was asked for: a new one, or a saved one with its changes."""
    if options.resume is None:
        experiment = described(options.experiment)
        # What does not fit is told before kernels are waited for.
        experiment.layout()
        experiment.series()
        return Trainer(experiment, backend=_backend(options, experiment.dtype))
    trainer = checkpoint.load(options.resume, options.backend)
    for word in options.experiment:
        path, equals, text = (part.strip() for part in word.partition("="))
        if not equals:
            raise SpecError(f"A saved run has its own experiment. Give {word[:60]!r} or --resume, not both.")
        trainer.retune(path, value_at(edited_text(trainer.experiment, path, text), path))
    return trainer


def _suite(options: argparse.Namespace) -> int:
    if options.seeds < 1:
        raise SpecError(f"Cannot train with {options.seeds} seeds. Use 1 or more.")
    recipe = described(options.recipe)
    for name, edits in itertools.product(options.curves, VARIANTS.values() if options.variants else [{}]):
        # Whatever does not fit is told before the first of many trainings.
        Trainer(on_curve(name, recipe, edits))
    # Waiting for kernels is no part of what a curve takes.
    options.backend = _backend(options, recipe.dtype)
    show = _suite_lines if options.json else _suite_variants if options.variants else _suite_table
    with threadpool_limits(1):
        show(recipe, options)
    return 0


def _suite_table(recipe: Experiment, options: argparse.Namespace) -> None:
    titles = {name: titled(name) for name in options.curves}
    curve = {"curve": max(map(len, titles.values()))}
    tuned = {"tuned": 13} if any(name in TUNED for name in titles) else {}
    errors = {f"at {horizon}": 8 for horizon in HORIZONS}
    table = Table(curve | {"one-step MSE": 12, "valid": 7, "useful": 6} | errors | {"best rule": 18, "s": 5} | tuned)
    found: dict[str, Result] = {}
    for name, title in titles.items():
        found[name], seconds = _median(on_curve(name, recipe), options, name)
        network, best = found[name].network, found[name].best_rule
        cells = [_number(found[name].one_step_mse), _steps(network), f"{network.useful:,}"]
        cells += [_number(error) for error in network.errors]
        cells += [f"{best} {found[name].rules[best].useful:,}", f"{seconds:.1f}"]
        if name in TUNED:
            cells.append(_both(_median(on_curve(name, recipe, TUNED[name]), options, f"{name}, tuned")[0].network))
        elif tuned:
            cells.append("")
        table.add(title, *cells)
    held = [score.network.valid >= AHEAD for name, score in found.items() if name in FORMULAS]
    print(f"\nValid for {AHEAD} steps: {sum(held)} of {len(held)} formulas.")
    print(f"Rules without a network, valid / useful steps; error at {', '.join(map(str, HORIZONS))}:\n")
    rows = [[_rule(rule, score) for rule, score in found[name].rules.items()] for name in titles]
    heading = ("mean", "last value", "period: seasonal", "order: AR")
    table = Table(curve | {each: max(map(len, cells)) for each, *cells in zip(heading, *rows, strict=True)})
    for title, cells in zip(titles.values(), rows, strict=True):
        table.add(title, *cells)


def _suite_variants(recipe: Experiment, options: argparse.Namespace) -> None:
    table = Table(
        {"valid / useful": max(map(len, VARIANTS))}
        | dict.fromkeys(options.curves, 13)
        | {f"valid for {AHEAD}": 13, "s": 5}
    )
    for label, edits in VARIANTS.items():
        found = [_median(on_curve(name, recipe, edits), options, f"{name}, {label}") for name in options.curves]
        scores = [each.network for each, _ in found]
        held = sum(score.valid >= AHEAD for score in scores)
        slowest = max(seconds for _, seconds in found)
        table.add(label, *map(_both, scores), f"{held} of {len(scores)}", f"{slowest:.1f}")


def _suite_lines(recipe: Experiment, options: argparse.Namespace) -> None:
    for name in options.curves:
        tuned = {"tuned": TUNED[name]} if name in TUNED else {}
        for label, edits in (VARIANTS if options.variants else {"common": {}} | tuned).items():
            experiment = on_curve(name, recipe, edits)
            found, seconds = _median(experiment, options, f"{name}, {label}")
            told = {"curve": name, "recipe": label, "seeds": options.seeds, "seconds": seconds}
            tqdm.write(json.dumps(told | _plain(found) | {"experiment": to_plain(experiment)}, allow_nan=False))


def _median(experiment: Experiment, options: argparse.Namespace, title: str) -> tuple[Result, float]:
    """The median result, and the median of the seconds, over trainings with as many seeds as asked for."""
    results, seconds = [], []
    for seed in range(experiment.seed, experiment.seed + options.seeds):
        begun = time.perf_counter()
        trainer = Trainer(edited(experiment, "seed", seed), backend=options.backend)
        with tqdm(total=trainer.total_steps, unit="step", desc=title, leave=False) as bar:
            try:
                for _ in trainer:
                    bar.update()
            except Diverged as error:
                # Its weights are still finite: the network is scored as it is.
                tqdm.write(f"{title}: {error}", file=sys.stderr)
        results.append(result(trainer))
        seconds.append(time.perf_counter() - begun)
    return median(results), statistics.median_low(seconds)


class Table:
    """A table in Markdown, printed row by row. `columns` has the heading of each and the least width of its cells, so
    that the rows line up where it is read as plain text."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self.widths = [max(len(heading), width) for heading, width in columns.items()]
        self.add(*columns)
        self.add("-" * self.widths[0], *("-" * (width - 1) + ":" for width in self.widths[1:]))

    def add(self, first: str, *others: str) -> None:
        """Print a row, above the progress bar where there is one."""
        padded = [cell.rjust(width) for cell, width in zip(others, self.widths[1:], strict=True)]
        tqdm.write(f"| {' | '.join([first.ljust(self.widths[0]), *padded])} |")


def _steps(score: Score) -> str:
    return f"all {score.valid:,}" if score.to_end else f"{score.valid:,}"


def _both(score: Score) -> str:
    return f"{_steps(score)} / {score.useful:,}"


def _rule(name: str, score: Score) -> str:
    detail = name.partition("(")[2].replace(")", ": ")
    return f"{detail}{_both(score)}; {' · '.join(_number(error, 2) for error in score.errors)}"


def _plain(found: Result) -> dict[str, object]:
    def plain(score: Score) -> dict[str, object]:
        errors = dict(zip(map(str, HORIZONS), map(_finite, score.errors), strict=True))
        return {"known": score.known, "valid": score.valid, "useful": score.useful, "errors": errors}

    return {
        "one_step_mse": _finite(found.one_step_mse),
        "network": plain(found.network),
        "rules": {name: plain(score) for name, score in found.rules.items()},
    }


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


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
        "losses": frame.losses.mean.tolist(),
        "losses_every": frame.losses.every,
        "validation_steps": [int(step) for step in frame.validation_steps],
        "validation_losses": [_finite(loss) for loss in frame.validation_losses.tolist()],
    }


def _finite(number: float | None) -> float | None:
    """JSON knows no infinity: what is not finite becomes null."""
    return number if number is not None and math.isfinite(number) else None


def _reference(options: argparse.Namespace) -> int:
    for family in Component.families:
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
