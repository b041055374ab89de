"""Histories: nothing that a record has shown changes, and it never grows beyond its capacity."""

import io
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zen_core.component import SpecError
from zen_core.history import CAPACITY, Record

ODD = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1e308, -1e308]


def drawn(count, seed, odd):
    """So many random numbers, of which the share `odd` is a corner of floating point."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=count)
    return np.where(generator.random(count) < odd, generator.choice(ODD, count), numbers).tolist()


capacities = st.integers(1, 12).map(lambda half: 2 * half)
counts, seeds = st.integers(0, 300), st.integers(0, 1 << 32)
# Lists alone are nearly always too short to be thinned twice.
finite = st.lists(st.floats(-1e9, 1e9)) | st.builds(drawn, counts, seeds, st.just(0.0))
anything = st.lists(st.floats()) | st.builds(drawn, counts, seeds, st.sampled_from([0.0, 0.2, 0.9]))


def recorded(numbers, capacity=CAPACITY):
    record = Record(capacity)
    for number in numbers:
        record.append(number)
    return record


def bits(trace):
    arrays = [array.tobytes() for array in (trace.low, trace.high, trace.mean)]
    return trace.every, trace.count, *arrays, np.array([*trace.rest, trace.last]).tobytes()


def covered(trace, numbers):
    """The numbers of each entry, one row an entry, and those that are none yet."""
    until = len(trace.low) * trace.every
    return np.array(numbers[:until]).reshape(-1, trace.every), np.array(numbers[until:])


@given(capacity=capacities, numbers=anything)
def test_each_entry_has_the_extremes_of_the_numbers_that_it_covers(capacity, numbers):
    trace = recorded(numbers, capacity).view
    entries, rest = covered(trace, numbers)
    np.testing.assert_array_equal(trace.low, np.fmin.reduce(entries, axis=1))
    np.testing.assert_array_equal(trace.high, np.fmax.reduce(entries, axis=1))
    expected = [extreme.reduce(rest) if len(rest) else math.nan for extreme in (np.fmin, np.fmax)]
    np.testing.assert_array_equal(trace.rest, expected)
    np.testing.assert_array_equal(trace.last, numbers[-1] if numbers else math.nan)
    assert len(trace) == trace.count == len(numbers)


@given(capacity=capacities, numbers=finite)
def test_each_entry_has_the_mean_of_the_numbers_that_it_covers(capacity, numbers):
    trace = recorded(numbers, capacity).view
    entries, _ = covered(trace, numbers)
    np.testing.assert_allclose(
        trace.mean, entries.mean(axis=1), rtol=0, atol=1e-12 * (1 + np.abs(entries).max(initial=0))
    )


@given(capacity=capacities, count=st.integers(0, 3000))
def test_entries_are_merged_in_pairs_when_there_is_no_room_and_not_before(capacity, count):
    trace = recorded(range(count), capacity).view
    assert len(trace.low) == count // trace.every
    assert count < trace.every * capacity
    assert trace.every == 1 or count >= trace.every // 2 * capacity
    assert math.log2(trace.every).is_integer()


def test_until_it_is_thinned_a_trace_is_its_numbers():
    numbers = np.random.default_rng(0).standard_normal(CAPACITY - 1)
    trace = recorded(numbers.tolist()).view
    assert trace.every == 1
    assert trace.low is trace.high is trace.mean
    np.testing.assert_array_equal(np.asarray(trace), numbers)
    assert np.asarray(trace, np.float32).dtype == np.float32
    assert np.shares_memory(np.asarray(trace), trace.mean)


def test_great_numbers_do_not_overflow():
    np.testing.assert_array_equal(recorded([1e308] * 50, 4).view.mean, 1e308)


@given(capacity=capacities, numbers=anything, looks=st.sets(st.integers(0, 300)))
def test_what_was_looked_at_stays_as_it_was(capacity, numbers, looks):
    record, seen = Record(capacity), []
    for step, number in enumerate(numbers):
        if step in looks:
            seen.append((record.view, bits(record.view)))
        record.append(number)
    assert [bits(trace) for trace, _ in seen] == [before for _, before in seen]


@pytest.mark.parametrize("count", [3, 30])
def test_nothing_in_a_trace_can_be_written_to(count):
    trace = recorded(range(count), 8).view
    assert (trace.every > 1) == (count > 8)
    for array in (trace.low, trace.high, trace.mean):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError):
        trace.count = 1


def test_three_long_histories_take_at_most_ten_megabytes():
    # Full of entries of 128 numbers each: no later moment needs more.
    count = 128 * CAPACITY - 1
    entries, rest = np.zeros((3, CAPACITY - 1)), np.zeros(4)
    tracemalloc.start()
    records = [Record.from_state({"every": 128, "count": count, "entries": entries, "rest": rest}) for _ in range(3)]
    # Whoever looks holds on to what is replaced.
    looked_at = [record.view for record in records]
    for record in records:
        record.append(0.5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {trace.every for trace in looked_at} == {128}
    assert {record.view.every for record in records} == {256}
    assert 4e6 < peak <= 10e6


def test_a_record_a_thousand_times_as_long_takes_no_more():
    sizes = {recorded(range(count), 16).state()["entries"].nbytes for count in range(31, 31 << 10, 1 << 9)}
    assert max(sizes) <= 3 * 8 * 16


# Checkpoints


@given(capacity=capacities, numbers=anything, data=st.data())
def test_a_restored_record_goes_on_with_the_same_bits(capacity, numbers, data):
    cut = data.draw(st.integers(0, len(numbers)))
    original = recorded(numbers[:cut], capacity)
    file = io.BytesIO()
    np.savez(file, **original.state())
    file.seek(0)
    with np.load(file, allow_pickle=False) as state:
        restored = Record.from_state(state, capacity)
    assert bits(restored.view) == bits(original.view)
    for number in numbers[cut:]:
        original.append(number)
        restored.append(number)
    assert bits(restored.view) == bits(original.view)
    assert restored.state().keys() == original.state().keys()
    for name, part in original.state().items():
        np.testing.assert_array_equal(restored.state()[name], part)


@given(capacity=capacities, numbers=anything)
def test_a_state_stays_as_it_was_when_the_record_it_came_from_or_made_goes_on(capacity, numbers):
    record = recorded(numbers, capacity)
    state = record.state()
    before = {name: np.array(part) for name, part in state.items()}
    restored = Record.from_state(state, capacity)
    for number in range(3 * capacity):
        record.append(number)
        restored.append(-number)
    for name, part in state.items():
        np.testing.assert_array_equal(part, before[name])


@pytest.mark.parametrize(
    "damage",
    [
        {"every": 0},
        {"every": -2},
        {"every": 3},
        {"every": 1},
        {"count": -1},
        {"count": 1000},
        {"entries": np.zeros((1, 5))},
        {"entries": np.zeros((3, 4))},
        {"entries": np.zeros(5)},
        {"rest": np.zeros(3)},
    ],
)
def test_a_state_that_no_record_had_is_refused(damage):
    state = recorded(range(11), 8).state()
    assert (state["every"], state["count"], state["entries"].shape) == (2, 11, (3, 5))
    assert len(Record.from_state(state, 8).view) == 11
    with pytest.raises(SpecError, match="damaged"):
        Record.from_state({**state, **damage}, 8)
