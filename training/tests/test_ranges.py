import numpy as np
import pytest

from roomkin_training.ranges import RULES, choose


def histogram(values: np.ndarray) -> tuple[float, float, np.ndarray]:
    low, high = min(0.0, float(values.min())), float(values.max())
    return low, high, np.histogram(values, 2048, (low, high))[0]


@pytest.mark.parametrize("rule", RULES)
def test_ranges_hold_zero(rule: str) -> None:
    low, high = choose(rule, *histogram(np.random.default_rng(0).normal(3.0, 0.1, 10_000)))
    assert low <= 0 < high


def test_one_outlier_is_clipped_by_error_and_kept_by_minmax() -> None:
    values = np.append(np.abs(np.random.default_rng(1).normal(0.0, 1.0, 200_000)), 40.0)
    assert choose("minmax", *histogram(values))[1] == pytest.approx(40.0)
    assert choose("mse", *histogram(values))[1] < 35.0
    assert choose("percentile", *histogram(values))[1] < 6.0


def test_an_even_spread_is_not_clipped() -> None:
    values = np.random.default_rng(2).uniform(-1.0, 2.0, 100_000)
    assert choose("mse", *histogram(values)) == pytest.approx((-1.0, 2.0), abs=0.1)


def test_a_dead_tensor_has_a_range() -> None:
    low, high = choose("mse", 0.0, 0.0, np.zeros(2048, dtype=int))
    assert low == 0.0
    assert high > 0.0


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(ValueError, match="kl"):
        choose("kl", 0.0, 1.0, np.ones(2048, dtype=int))
