"""Optimizers against their papers in plain Python, one number at a time; schedules and clipping."""

import itertools
import math

import numpy as np
import pytest

from zen_core.component import SpecError
from zen_core.optim import SGD, Adagrad, Adam, AdamW, Lion, Momentum, Nadam, Optimizer, RMSProp, clip
from zen_core.schedule import Constant, Cosine, OnPlateau, Schedule, Step

START = [1.0, -0.7]
RATES = [0.02 * (1 + 0.5 * math.cos(t)) for t in range(1000)]

every_optimizer = pytest.mark.parametrize("kind", Optimizer.kinds.values())
every_schedule = pytest.mark.parametrize("kind", Schedule.kinds.values())


def run(optimizer, gradient, w, rates):
    """The weights after each step, by the library."""
    weights, memory = np.array(w), optimizer.first_memory(np.array(w))
    path = []
    for t, rate in enumerate(rates, start=1):
        weights, memory = optimizer.step(weights, np.array(gradient(weights, t)), rate, t, memory)
        path.append(weights)
    return np.array(path)


def valley(w, t):
    """The gradient of a wavy valley, with a disturbance that differs at each step."""
    noise = 0.3 * math.sin(t)
    return [2 * w[0] + math.sin(3 * w[1]) + noise, w[1] + math.cos(w[0]) + noise]


def in_plain_python(rule, w, rates):
    """The same path, by a rule for one number: (w, g, lr, t, state) → w; the state is a dict, of zeros at first."""
    w, states, path = list(w), [{}, {}], []
    for t, rate in enumerate(rates, start=1):
        g = valley(w, t)
        w = [rule(w[i], g[i], rate, t, states[i]) for i in range(2)]
        path.append(w)
    return np.array(path)


# The papers' rules, each for one number; other arguments make of them what they are mistaken for.


def sgd(w, g, lr, t, state):
    return w - lr * g


def momentum(nesterov=False, rate_outside=False):
    def rule(w, g, lr, t, state):
        inside, outside = (1, lr) if rate_outside else (lr, 1)
        state["v"] = v = 0.8 * state.get("v", 0.0) + inside * g
        return w - outside * (0.8 * v + inside * g if nesterov else v)

    return rule


def rmsprop(epsilon_outside=False, rho=0.95):
    def rule(w, g, lr, t, state):
        state["s"] = s = rho * state.get("s", 0.0) + (1 - rho) * g**2
        return w - lr * g / (math.sqrt(s) + 1e-4 if epsilon_outside else math.sqrt(s + 1e-4))

    return rule


def adagrad(outside=False, forgets=False):
    def rule(w, g, lr, t, state):
        state["s"] = s = state.get("s", 0.0 if outside else 0.3) * (0.99 if forgets else 1.0) + g**2
        return w - lr * g / (math.sqrt(s) + math.sqrt(0.3) if outside else math.sqrt(s))

    return rule


def adam(beta1=0.85, beta2=0.97, correction="power", epsilon="after"):
    def rule(w, g, lr, t, state):
        power = {"power": t, "one": 1, "late": t + 1, "none": math.inf}[correction]
        state["m"] = m = beta1 * state.get("m", 0.0) + (1 - beta1) * g
        state["v"] = v = beta2 * state.get("v", 0.0) + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**power), v / (1 - beta2**power)
        below = {
            "after": math.sqrt(v_hat) + 1e-3,
            "inside": math.sqrt(v_hat + 1e-3),
            "before": (math.sqrt(v) + 1e-3) / math.sqrt(1 - beta2**power),
        }[epsilon]
        return w - lr * m_hat / below

    return rule


def nadam(slowness=1, scheduled=True, ahead=1, in_mean=False):
    def rule(w, g, lr, t, state):
        def mu(i):
            return 0.85 * (1 - 0.5 * 0.96 ** (i / slowness)) if scheduled else 0.85

        of_mean = mu(t) if in_mean else 0.85
        state["m"] = m = of_mean * state.get("m", 0.0) + (1 - of_mean) * g
        state["v"] = v = 0.97 * state.get("v", 0.0) + 0.03 * g**2
        state["product"] = product = state.get("product", 1.0) * mu(t)
        further = product * mu(t + 1) if ahead else product
        m_hat = mu(t + ahead) * m / (1 - further) + (1 - mu(t)) * g / (1 - product)
        return w - lr * m_hat / (math.sqrt(v / (1 - 0.97**t)) + 1e-3)

    return rule


def lion(beta1=0.8, beta2=0.95, mean_first=False):
    def rule(w, g, lr, t, state):
        m = state.get("m", 0.0)
        state["m"] = beta2 * m + (1 - beta2) * g
        c = state["m"] if mean_first else beta1 * m + (1 - beta1) * g
        return w - lr * math.copysign(1.0, c)

    return rule


def penalised(rule):
    """The rule with the gradient of a penalty λw² / 2 for λ = 0.1."""
    return lambda w, g, lr, t, state: rule(w, g + 0.1 * w, lr, t, state)


def decoupled(rule, with_rate=True, after=False):
    """The rule, and beside it w ← w − ηλw for λ = 0.1."""

    def decayed(w, g, lr, t, state):
        moved = rule(w, g, lr, t, state)
        return moved - 0.1 * (lr if with_rate else 1) * (moved if after else w)

    return decayed


OURS = {
    "SGD": SGD(),
    "SGD decayed": SGD(weight_decay=0.1),
    "Momentum": Momentum(momentum=0.8),
    "Momentum decayed": Momentum(momentum=0.8, weight_decay=0.1),
    "Nesterov": Momentum(momentum=0.8, nesterov=True),
    "Nesterov decayed": Momentum(momentum=0.8, nesterov=True, weight_decay=0.1),
    "RMSProp": RMSProp(rho=0.95, epsilon=1e-4),
    "RMSProp decayed": RMSProp(rho=0.95, epsilon=1e-4, weight_decay=0.1),
    "Adagrad": Adagrad(initial=0.3),
    "Adagrad decayed": Adagrad(initial=0.3, weight_decay=0.1),
    "Adam": Adam(beta1=0.85, beta2=0.97, epsilon=1e-3),
    "Adam decayed": Adam(beta1=0.85, beta2=0.97, epsilon=1e-3, weight_decay=0.1),
    "AdamW": AdamW(beta1=0.85, beta2=0.97, epsilon=1e-3, weight_decay=0.0),
    "AdamW decayed": AdamW(beta1=0.85, beta2=0.97, epsilon=1e-3, weight_decay=0.1),
    "Nadam": Nadam(beta1=0.85, beta2=0.97, epsilon=1e-3),
    "Nadam decayed": Nadam(beta1=0.85, beta2=0.97, epsilon=1e-3, weight_decay=0.1),
    "Lion": Lion(beta1=0.8, beta2=0.95),
    "Lion decayed": Lion(beta1=0.8, beta2=0.95, weight_decay=0.1),
}
TWINS = {
    "SGD": sgd,
    "SGD decayed": penalised(sgd),
    "Momentum": momentum(),
    "Momentum decayed": penalised(momentum()),
    "Nesterov": momentum(nesterov=True),
    "Nesterov decayed": penalised(momentum(nesterov=True)),
    "RMSProp": rmsprop(),
    "RMSProp decayed": penalised(rmsprop()),
    "Adagrad": adagrad(),
    "Adagrad decayed": penalised(adagrad()),
    "Adam": adam(),
    "Adam decayed": penalised(adam()),
    "AdamW": adam(),
    "AdamW decayed": decoupled(adam()),
    "Nadam": nadam(),
    "Nadam decayed": penalised(nadam()),
    "Lion": lion(),
    "Lion decayed": decoupled(lion()),
}
MISTAKEN = [
    ("Momentum", "the rate outside the velocity", momentum(rate_outside=True)),
    ("Momentum", "Nesterov's", momentum(nesterov=True)),
    ("Nesterov", "Polyak's", momentum()),
    ("Nesterov", "the rate outside the velocity", momentum(nesterov=True, rate_outside=True)),
    ("Momentum decayed", "decay beside the gradient", decoupled(momentum())),
    ("RMSProp", "epsilon outside the root", rmsprop(epsilon_outside=True)),
    ("RMSProp", "the shares swapped", rmsprop(rho=0.05)),
    ("RMSProp decayed", "decay beside the gradient", decoupled(rmsprop())),
    ("Adagrad", "the constant outside the root", adagrad(outside=True)),
    ("Adagrad", "a sum that forgets", adagrad(forgets=True)),
    ("Adam", "the ancestor's correction", adam(correction="one")),
    ("Adam", "a correction that counts from 0", adam(correction="late")),
    ("Adam", "no correction", adam(correction="none")),
    ("Adam", "betas swapped", adam(beta1=0.97, beta2=0.85)),
    ("Adam", "epsilon inside the root", adam(epsilon="inside")),
    ("Adam", "epsilon before the correction", adam(epsilon="before")),
    ("Adam decayed", "decay beside the gradient", decoupled(adam())),
    ("AdamW decayed", "decay in the gradient", penalised(adam())),
    ("AdamW decayed", "decay without the rate", decoupled(adam(), with_rate=False)),
    ("AdamW decayed", "decay of the new weights", decoupled(adam(), after=True)),
    ("AdamW decayed", "no decay", adam()),
    ("Nadam", "Adam", adam()),
    ("Nadam", "no momentum schedule", nadam(scheduled=False)),
    ("Nadam", "PyTorch's momentum schedule", nadam(slowness=250)),
    ("Nadam", "the schedule in the mean too", nadam(in_mean=True)),
    ("Nadam", "no look ahead", nadam(ahead=0)),
    ("Lion", "betas swapped", lion(beta1=0.95, beta2=0.8)),
    ("Lion", "the sign of the new mean", lion(mean_first=True)),
    ("Lion decayed", "decay in the gradient", penalised(lion())),
]


@pytest.mark.parametrize("name", OURS)
def test_a_thousand_steps_are_the_papers(name):
    ours, twin = run(OURS[name], valley, START, RATES), in_plain_python(TWINS[name], START, RATES)
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-12 * np.abs(twin).max())


@pytest.mark.parametrize(("name", "mistake", "twin"), MISTAKEN, ids=[f"{n}, {m}" for n, m, _ in MISTAKEN])
def test_a_mistaken_rule_leaves_the_path(name, mistake, twin):
    apart = np.abs(run(OURS[name], valley, START, RATES[:100]) - in_plain_python(twin, START, RATES[:100]))
    assert apart.max() > 1e-5


def test_every_optimizer_has_a_twin_with_decay_and_without():
    decayed = [type(each).__name__ for each in OURS.values() if each.weight_decay]
    bare = [type(each).__name__ for each in OURS.values() if not each.weight_decay]
    assert set(decayed) == set(bare) == set(Optimizer.kinds)


# One step from w = 1 2 3 4 with the gradient 1 6 7 2 at a rate of 0.5, as the tests of Keras have it.
@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(), [0.5, -1.0, -0.5, 3.0]),
        (Momentum(), [0.5, -1.0, -0.5, 3.0]),
        (RMSProp(rho=0.9, epsilon=1e-7), [-0.5811, 0.4189, 1.4189, 2.4189]),
        (Adagrad(initial=0.1 + 1e-7), [0.5233, 1.5007, 2.5005, 3.5061]),
        (Adam(), [0.5, 1.5, 2.5, 3.5]),
        (AdamW(weight_decay=0.004), [0.4980, 1.4960, 2.494, 3.492]),
        (Nadam(), [0.4686, 1.4686, 2.4686, 3.4686]),
        (Lion(), [0.5, 1.5, 2.5, 3.5]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_first_step_is_the_one_in_kerass_tests(optimizer, expected):
    w, g = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 6.0, 7.0, 2.0])
    moved, _ = optimizer.step(w, g, 0.5, 1, optimizer.first_memory(w))
    np.testing.assert_allclose(moved, expected, rtol=0, atol=0.6e-4)


def paper_epsilon(hat, t):
    """The ε after the correction that does what Keras's, before it, does at step t with β₂ = 0.999."""
    return hat / math.sqrt(1 - 0.999**t)


# Weights of 1 after each of five steps in the tests of Keras: one with the gradient 0.01, then four with 0.1 … 1.0.
# Each entry has a rate, the optimizer at step t, a factor of the gradient, and the table. RMSProp is not among them:
# Keras's table is for the centred rule. Nor is Momentum: its table has a momentum of 0 and is SGD's.
GOLDEN = {
    "SGD": (
        *(0.01, lambda t: SGD(), 1.0),
        [
            [0.9999] * 10,
            [0.9989, 0.9979, 0.9969, 0.9959, 0.9949, 0.9939, 0.9929, 0.9919, 0.9909, 0.9899],
            [0.9979, 0.9959, 0.9939, 0.9919, 0.9899, 0.9879, 0.9859, 0.9839, 0.9819, 0.9799],
            [0.9969, 0.9939, 0.9909, 0.9879, 0.9849, 0.9819, 0.9789, 0.9759, 0.9729, 0.9699],
            [0.9959, 0.9919, 0.9879, 0.9839, 0.9799, 0.9759, 0.9719, 0.9679, 0.9639, 0.9599],
        ],
    ),
    "Adagrad": (
        *(0.2, lambda t: Adagrad(initial=0.3 + 1e-6), 1.0),
        [
            [0.9963] * 10,
            [0.9604, 0.9278, 0.9003, 0.8784, 0.8615, 0.8487, 0.8388, 0.8313, 0.8255, 0.8209],
            [0.9251, 0.8629, 0.8137, 0.7768, 0.7497, 0.7298, 0.7151, 0.704, 0.6956, 0.6891],
            [0.8903, 0.8012, 0.7342, 0.6862, 0.6521, 0.6277, 0.6099, 0.5967, 0.5867, 0.579],
            [0.856, 0.7422, 0.6604, 0.6037, 0.5644, 0.5367, 0.5168, 0.5021, 0.491, 0.4825],
        ],
    ),
    # Keras's is for AMSGrad, which is Adam as long as v grows; it has one number for all ten weights.
    "Adam": (
        *(0.001, lambda t: Adam(epsilon=paper_epsilon(1e-7, t)), 1.0),
        [[0.999] * 10, [0.9982] * 10, [0.9974] * 10, [0.9965] * 10, [0.9955] * 10],
    ),
    # Keras's epsilon is 2, above our bound: gradients and epsilon a hundred times smaller make the same steps.
    "AdamW": (
        *(1.0, lambda t: AdamW(weight_decay=0.5, epsilon=paper_epsilon(0.02, t)), 0.01),
        [
            [0.4998] * 10,
            [0.2486, 0.2475, 0.2463, 0.2451, 0.244, 0.2428, 0.2417, 0.2405, 0.2394, 0.2382],
            [0.1223, 0.1198, 0.1174, 0.1149, 0.1124, 0.11, 0.1075, 0.1051, 0.1027, 0.1003],
            [0.0586, 0.0549, 0.0512, 0.0475, 0.0439, 0.0402, 0.0366, 0.033, 0.0294, 0.0258],
            [0.0263, 0.0215, 0.0167, 0.012, 0.0073, 0.0026, -0.0021, -0.0067, -0.0113, -0.0159],
        ],
    ),
    "Nadam": (
        *(0.5, lambda t: Nadam(beta1=0.5, beta2=0.67, epsilon=1e-5), 1.0),
        [
            [0.4281] * 10,
            [-0.1738, -0.1731, -0.1726, -0.1723, -0.1721, -0.172, -0.1719, -0.1718, -0.1718, -0.1717],
            [-0.7115, -0.7103, -0.7096, -0.7092, -0.709, -0.7088, -0.7086, -0.7085, -0.7085, -0.7084],
            [-1.2335, -1.2322, -1.2313, -1.2309, -1.2306, -1.2304, -1.2302, -1.2301, -1.23, -1.2299],
            [-1.7492, -1.7478, -1.7469, -1.7464, -1.7461, -1.7459, -1.7457, -1.7456, -1.7455, -1.7454],
        ],
    ),
    "Lion": (0.001, lambda t: Lion(), 1.0, [[0.999] * 10, [0.998] * 10, [0.997] * 10, [0.996] * 10, [0.995] * 10]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_kerass_golden_tables(name):
    rate, at, factor, table = GOLDEN[name]
    w, memory = np.ones(10), at(1).first_memory(np.ones(10))
    gradients = [np.full(10, 0.01)] + [np.arange(1, 11) / 10] * 4
    for t, (g, expected) in enumerate(zip(gradients, table, strict=True), start=1):
        w, memory = at(t).step(w, factor * g, rate, t, memory)
        # The tables have four digits, and were made in float32.
        np.testing.assert_allclose(w, expected, rtol=0, atol=2e-4 if name == "Adam" else 0.6e-4)


@pytest.mark.parametrize("optimizer", [SGD(weight_decay=0.004), AdamW(weight_decay=0.004), Lion(weight_decay=0.004)])
def test_weights_without_a_gradient_decay_as_in_kerass_tests(optimizer):
    # In Keras all rules decouple; with the decay in the gradient, only descent itself does the same.
    path = run(optimizer, lambda w, t: np.zeros(1), [2.0], [1.0] * 3)
    assert path[-1, 0] == pytest.approx(1.9760959, abs=1e-6)


def test_momentum_multiplies_the_rate_into_the_velocity():
    # v: 0.1, then 0.9 · 0.1 + 0.01 · 1 = 0.1. With the rate outside, the second move would be 0.019.
    path = run(Momentum(momentum=0.9), lambda w, t: np.ones(1), [0.0], [0.1, 0.01])
    np.testing.assert_allclose(path[:, 0], [-0.1, -0.2], rtol=1e-12)


def test_nesterovs_weights_are_sutskevers_seen_from_where_the_momentum_leads_to():
    # Sutskever et al. (2013), equations 3 and 4: v ← μv − ε∇f(θ + μv), θ ← θ + v.
    theta, v, looked = list(START), [0.0, 0.0], []
    for t in range(1, 1001):
        g = valley([theta[i] + 0.8 * v[i] for i in range(2)], t)
        v = [0.8 * v[i] - 0.01 * g[i] for i in range(2)]
        theta = [theta[i] + v[i] for i in range(2)]
        looked.append([theta[i] + 0.8 * v[i] for i in range(2)])
    ours = run(Momentum(momentum=0.8, nesterov=True), valley, START, [0.01] * 1000)
    np.testing.assert_allclose(ours, looked, rtol=0, atol=1e-12)


def test_rmsprop_has_epsilon_inside_the_root():
    # A gradient of 0.01 leaves s = 1e-5; √(1e-5 + 0.1) and √1e-5 + 0.1 are far apart.
    path = run(RMSProp(rho=0.9, epsilon=0.1), lambda w, t: np.full(1, 0.01), [0.0], [1.0])
    assert path[0, 0] == pytest.approx(-0.01 / math.sqrt(1e-5 + 0.1), rel=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_adams_first_step_is_the_rate_in_the_gradients_direction(size):
    g = size * np.array([1.0, -1.0, 3.0])
    moved, _ = Adam(lr=0.01).update(np.zeros(3), g, 0.01, 1, Adam().first_memory(np.zeros(3)))
    np.testing.assert_allclose(moved, [-0.01, 0.01, -0.01], rtol=1e-4)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_corrects_by_the_number_of_the_step(kind):
    # A constant gradient has m̂ = g and v̂ = g² at every step, so that all steps have one length.
    path = run(kind(weight_decay=0.0), lambda w, t: np.full(1, 4.0), [0.0], [0.01] * 20)
    np.testing.assert_allclose(np.diff(path[:, 0]), -0.01, rtol=1e-7)


def test_nadam_goes_on_after_its_momentum_schedule_is_over():
    # β₁ᵗ is still far from 0 where the factors of the schedule are all 1.
    optimizer = Nadam(beta1=0.9999)
    w, g, memory = np.zeros(1), np.ones(1), (np.full(1, 0.5), np.ones(1))
    moves = [float(optimizer.update(w, g, 0.01, t, memory)[0][0]) for t in (998, 999, 1000, 1001)]
    np.testing.assert_allclose(np.diff(moves), np.diff(moves)[0], rtol=0.01)
    product = math.prod(0.9999 * (1 - 0.5 * 0.96**i) for i in range(1, 1501))
    m, beta2 = 0.9999 * 0.5 + 0.0001, 0.999**1500
    m_hat = 0.9999 * m / (1 - 0.9999 * product) + 0.0001 / (1 - product)
    moved, _ = optimizer.update(w, g, 0.01, 1500, memory)
    assert moved[0] == pytest.approx(-0.01 * m_hat / (math.sqrt(1 / (1 - beta2)) + 1e-8), rel=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_lions_steps_have_one_length(size):
    path = run(Lion(), lambda w, t: [size, -size, 0.0], [0.0] * 3, [0.01] * 3)
    np.testing.assert_allclose(path, np.outer([0.01, 0.02, 0.03], [-1, 1, 0]), rtol=1e-12)


@pytest.mark.parametrize("kind", [each for each in Optimizer.kinds.values() if each.decoupled])
def test_decoupled_decay_takes_the_same_share_of_every_weight(kind):
    w, g = np.array([1.0, -3.0, 10.0]), np.array([5.0, 0.1, -2.0])
    bare, decayed = (kind(weight_decay=decay) for decay in (0.0, 0.2))
    memory = bare.first_memory(w)
    lost = bare.step(w, g, 0.1, 1, memory)[0] - decayed.step(w, g, 0.1, 1, memory)[0]
    np.testing.assert_allclose(lost, 0.02 * w, rtol=1e-12)


@pytest.mark.usefixtures("registries")
def test_a_new_rule_needs_its_update_only_and_decays():
    class Descent(Optimizer):
        """w ← w − ηg."""

        def update(self, w, g, lr, t, memory):
            return w - lr * g, memory

    w, g = np.array([2.0]), np.array([1.0])
    assert Descent().step(w, g, 0.5, 1, ())[0] == [1.5]
    assert Descent(weight_decay=0.5).step(w, g, 0.5, 1, ())[0] == [1.0]


def test_settings_given_by_position_are_the_rules_own():
    assert Momentum(0.1, 0.5) == Momentum(lr=0.1, momentum=0.5)
    assert AdamW(0.1, 0.5) == AdamW(lr=0.1, beta1=0.5)
    assert Lion(0.1, 0.5) == Lion(lr=0.1, beta1=0.5)
    assert Cosine(0.5) == Cosine(final=0.5)


@every_optimizer
def test_every_optimizer_goes_downhill(kind):
    path = run(kind(), lambda w, t: 2 * w, [1.0, -2.0], [0.1] * 300)
    assert np.abs(path[-1]).max() < 1.0 < np.abs(path[0]).max()


@every_optimizer
def test_weights_without_a_gradient_decay_by_every_optimizer(kind):
    path = run(kind(weight_decay=0.5), lambda w, t: np.zeros(2), [1.0, -2.0], [0.01] * 50)
    assert (np.abs(path[-1]) < np.abs(path[0])).all()
    assert (np.abs(path[0]) < [1.0, 2.0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@every_optimizer
def test_a_step_keeps_the_type_and_changes_nothing_in_place(kind, decay, dtype):
    optimizer = kind(weight_decay=decay)
    w, g = np.array([1.0, 2.0], dtype), np.array([0.5, -0.5], dtype)
    memory = optimizer.first_memory(w)
    assert len(memory) == kind.memories
    before = [each.copy() for each in (w, g, *memory)]
    moved, kept = optimizer.step(w, g, 0.1, 1, memory)
    for now, then in zip((w, g, *memory), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert {each.dtype for each in (moved, *kept)} == {np.dtype(dtype)}
    assert {each.shape for each in (moved, *kept)} == {(2,)}


def at_the_bound(kind, end):
    """The kind with every number at its least (end "low") or greatest value."""
    return kind(**{name: getattr(each, end) for name, each in kind.settings.items() if each.type is not bool})


@pytest.mark.parametrize("end", ["low", "high"])
@every_optimizer
def test_a_float32_weight_with_any_gradient_stays_finite_at_the_bounds_of_the_settings(kind, end):
    # No gradient at all, one whose square is nothing in float32, and a great one.
    optimizer, w = at_the_bound(kind, end), np.ones(3, np.float32)
    g, memory = np.array([0.0, 1e-30, 1e9], np.float32), optimizer.first_memory(w)
    for t in (1, 2, 3, 10**9):
        w, memory = optimizer.step(w, g, optimizer.lr, t, memory)
        assert np.isfinite([w, *memory]).all()
    assert kind(weight_decay=0.0).step(w, 0 * w, 0.1, 1, kind().first_memory(w))[0][0] == w[0]


# Schedules


@every_schedule
def test_every_schedule_begins_at_the_full_rate_and_never_rises(kind):
    factors = [kind().factor(p) for p in np.linspace(0, 1, 101).tolist()]
    assert factors[0] == 1.0
    assert all(0 <= later <= earlier for earlier, later in itertools.pairwise(factors))
    assert all(type(factor) is float for factor in factors)


def test_a_constant_schedule_never_changes():
    assert [Constant().factor(p) for p in (0.0, 0.3, 1.0)] == [1.0, 1.0, 1.0]


def test_cosine_goes_from_the_full_rate_to_the_final_share():
    assert Cosine().factor(0.0) == 1.0
    assert Cosine().factor(1.0) == 0.0
    assert Cosine(final=0.1).factor(0.0) == 1.0
    assert Cosine(final=0.1).factor(1.0) == pytest.approx(0.1)
    assert Cosine(final=0.1).factor(0.5) == pytest.approx(0.55)
    assert Cosine().factor(1 / 3) == pytest.approx(0.75)


def test_cosine_falls_all_the_way():
    factors = [Cosine(final=0.05).factor(p) for p in np.linspace(0, 1, 101)]
    assert all(later < earlier for earlier, later in itertools.pairwise(factors))


def test_cosine_stays_at_its_end_when_the_run_is_over():
    assert Cosine(final=0.2).factor(1.5) == pytest.approx(0.2)


def test_stages_are_equally_long_and_each_drops_once():
    step = Step(stages=4, drop=0.5)
    factors = {p: step.factor(p) for p in (0.0, 0.24, 0.25, 0.49, 0.5, 0.74, 0.75, 0.99, 1.0, 1.5)}
    assert list(factors.values()) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125]


@pytest.mark.parametrize("stages", [2, 3, 7, 10, 49, 100])
def test_a_stage_begins_with_its_epoch(stages):
    step = Step(stages=stages, drop=0.5)
    assert [step.factor(stage / stages) for stage in range(stages)] == [0.5**stage for stage in range(stages)]


# Warm-up


@every_schedule
def test_every_schedule_warms_up_in_a_straight_line_and_then_runs_its_course(kind):
    warm, cold = kind(warmup=0.2), kind()
    # From a hundredth to the full rate: the middle is at 0.505.
    assert warm.factor(0.0) == pytest.approx(0.01)
    assert warm.factor(0.1) == pytest.approx(0.505)
    assert warm.factor(0.2) == 1.0
    for p in (0.0, 0.1, 0.45, 0.8, 1.0):
        assert warm.factor(0.2 + 0.8 * p) == pytest.approx(cold.factor(p))


@pytest.mark.parametrize("warmup", [5e-324, 1e-9, 0.5])
def test_any_warm_up_ends_at_the_full_rate(warmup):
    schedule = Constant(warmup=warmup)
    assert schedule.factor(0.0) == pytest.approx(0.01)
    assert schedule.factor(warmup) == schedule.factor(1.0) == 1.0


@pytest.mark.usefixtures("registries")
def test_a_new_schedule_needs_its_decay_only():
    class Falling(Schedule):
        """The factor 1 − p."""

        def decay(self, progress, state):
            return 1 - progress

    falling = Falling(warmup=0.5)
    assert [falling.factor(p) for p in (0.25, 0.5, 0.75, 1.0)] == pytest.approx([0.505, 1.0, 0.5, 0.0])
    assert falling.after_epoch(falling.first_state(), math.nan) == ()


# Plateaus


def after(schedule, losses, state=None):
    """The factor after each epoch, and the last state."""
    state, factors = schedule.first_state() if state is None else state, []
    for loss in losses:
        state = schedule.after_epoch(state, loss)
        assert all(type(number) is float for number in state)
        factors.append(schedule.factor(0.5, state))
    return factors, state


def test_the_rate_drops_after_the_epochs_of_patience_and_again_after_as_many():
    factors, _ = after(OnPlateau(patience=3, drop=0.5), [1.0] * 8)
    assert factors == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_a_patience_of_one_drops_at_once():
    assert after(OnPlateau(patience=1, drop=0.5), [1.0, 0.5, 0.5, 0.4, 0.4])[0] == [1, 1, 0.5, 0.5, 0.25]


def test_a_better_loss_begins_the_patience_anew_and_the_rate_does_not_rise_again():
    factors, _ = after(OnPlateau(patience=2, drop=0.5), [1.0, 1.0, 0.5, 0.6, 0.6, 0.1, 0.05])
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.5]


def test_losses_are_compared_with_the_best_not_with_the_last():
    factors, _ = after(OnPlateau(patience=3, drop=0.5), [1.0, 4.0, 3.0, 2.0])
    assert factors[-1] == 0.5


def test_progress_is_a_loss_below_the_best_by_the_share_of_the_threshold():
    schedule = OnPlateau(patience=1, drop=0.5, threshold=0.1)
    for size in (1e-9, 1.0, 1e9):
        assert after(schedule, [size, 0.91 * size])[0] == [1, 0.5]
        assert after(schedule, [size, 0.89 * size])[0] == [1, 1]
    # Also where losses are below 0: there a loss must be further away from it.
    assert after(schedule, [-1.0, -1.09])[0] == [1, 0.5]
    assert after(schedule, [-1.0, -1.11])[0] == [1, 1]
    assert after(schedule, [0.0, 0.0])[0] == [1, 0.5]


def test_the_rate_falls_to_the_least_share_and_no_further():
    factors, state = after(OnPlateau(patience=1, drop=0.1, least=0.05), [1.0] * 5)
    assert factors == pytest.approx([1, 0.1, 0.05, 0.05, 0.05])
    # A floor that is raised counts at once; one that is lowered lets the next drop go on from the old one.
    assert OnPlateau(least=0.2).factor(0.5, state) == 0.2
    assert OnPlateau(least=0.0).factor(0.5, state) == 0.05


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_counts_as_no_progress(broken):
    schedule = OnPlateau(patience=2, drop=0.5)
    assert after(schedule, [1.0, broken, broken, 0.5])[0] == [1, 1, 0.5, 0.5]
    factors, state = after(schedule, [broken] * 5)
    assert factors == [1, 0.5, 0.5, 0.25, 0.25]
    # Whatever the beginning was: the first finite loss is the best one.
    assert after(schedule, [7.0], state)[1][1] == 7.0


def test_settings_that_change_meet_the_state_of_the_same_kind():
    _, state = after(OnPlateau(patience=9, drop=0.5), [1.0] * 6)
    assert after(OnPlateau(patience=3, drop=0.25), [1.0], state)[0] == [0.25]


def test_without_an_epoch_a_plateau_is_at_the_full_rate():
    schedule = OnPlateau(warmup=0.5)
    assert schedule.factor(1.0) == schedule.factor(1.0, schedule.first_state()) == 1.0
    assert schedule.factor(0.25, (0.5, 1.0, 0.0)) == pytest.approx(0.505 * 0.5)


def test_a_plateau_reads_well():
    assert OnPlateau.title() == "On plateau"


# Clipping


def test_a_long_gradient_is_scaled_to_the_limit_as_a_whole():
    clipped, norm = clip(np.array([3.0, -4.0]), 1.0)
    np.testing.assert_allclose(clipped, [0.6, -0.8])
    assert norm == 5.0


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_a_gradient_that_is_short_or_has_no_limit_is_let_through_itself(size):
    g = np.array([0.3 * size, -0.4 * size], np.float32)
    for limit in (0.0, size):
        clipped, norm = clip(g, limit)
        assert clipped is g
        assert norm == pytest.approx(0.5 * size)


def test_a_limit_of_zero_is_no_limit():
    clipped, norm = clip(np.array([300.0, -400.0]), 0.0)
    assert (clipped.tolist(), norm) == ([300.0, -400.0], 500.0)


@pytest.mark.parametrize("g", [np.zeros(3), np.zeros(0)])
def test_a_gradient_of_zeros_is_no_division_by_zero(g):
    clipped, norm = clip(g, 1.0)
    assert (clipped.tolist(), norm) == (g.tolist(), 0.0)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_clipping_keeps_float32_and_changes_nothing_in_place(size):
    g = np.array([3 * size, 4 * size], np.float32)
    before = g.copy()
    assert clip(g, 1e-40)[0].dtype == np.float32
    np.testing.assert_array_equal(g, before)


# Sizes whose square is beyond the type, 0 in it, or has lost digits; and those beside the border to the ordinary.
@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 10.0**e) for e in (-38, -30, -22, -20, -18, -17, -16, -15, -14, 0, 17, 18, 19, 20, 30, 37)]
    + [(np.float64, 10.0**e) for e in (-300, -200, -160, -16, -15, -14, 0, 150, 153, 154, 200, 300)],
)
def test_a_gradient_of_any_size_is_clipped_to_the_limit(dtype, size):
    clipped, norm = clip(np.array([3 * size, -4 * size], dtype), size / 10)
    np.testing.assert_allclose(clipped, [0.06 * size, -0.08 * size], rtol=1e-6)
    assert norm == pytest.approx(5 * size, rel=1e-6)
    clipped, _ = clip(np.array([3 * size, -4 * size], dtype), 1.0)
    np.testing.assert_allclose(clipped, np.array([0.6, -0.8]) * min(1.0, 5 * size), rtol=1e-6)


@pytest.mark.parametrize("size", [3e-22, 1e-18, 1.0])
def test_many_small_entries_count_alone_and_beside_a_large_one(size):
    g = np.full(1_000_000, size, np.float32)
    assert clip(g, 0.0)[1] == pytest.approx(1000 * size, rel=1e-4)
    g[0] = 1000 * size
    assert clip(g, 0.0)[1] == pytest.approx(math.sqrt(2) * 1000 * size, rel=1e-4)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_that_is_not_finite_is_returned_as_it_is(dtype, broken):
    g = np.array([1.0, broken, 2.0], dtype)
    clipped, norm = clip(g, 1.0)
    assert clipped is g
    assert not math.isfinite(norm)


@pytest.mark.parametrize("wrong", [0.0, -1.0, 11.0, math.nan, math.inf, True, "fast", None])
@every_optimizer
def test_a_learning_rate_out_of_range_is_refused_by_name(kind, wrong):
    with pytest.raises(SpecError, match="Learning rate cannot be") as caught:
        kind(lr=wrong)
    assert caught.value.path == "lr"
