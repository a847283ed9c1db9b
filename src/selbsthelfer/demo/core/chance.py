"""Draws that the standard library lacks."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from random import Random

MAX_MEAN_AT_ONCE = 30.0
"""Above this mean a Poisson draw is made in parts, because exp(-mean) loses its digits."""


def stream(*names: object) -> Random:
    """Open a stream of chance of its own, the same for ever under the same names."""
    return Random("/".join(map(str, names)))  # noqa: S311 - it makes a story up, it guards nothing


def poisson(random: Random, mean: float) -> int:
    """Draw how often something happens that happens `mean` times on average."""
    drawn = 0
    while mean > MAX_MEAN_AT_ONCE:
        drawn += poisson(random, MAX_MEAN_AT_ONCE)
        mean -= MAX_MEAN_AT_ONCE
    if mean <= 0:
        return drawn
    least, product = exp(-mean), random.random()
    while product > least:
        drawn += 1
        product *= random.random()
    return drawn


def log_normal(random: Random, mean: float, sigma: float) -> float:
    """Draw from the log-normal distribution with this mean and this spread of its logarithm."""
    return random.lognormvariate(log(mean) - sigma * sigma / 2, sigma)


def pick(random: Random, weights: Mapping[str, float]) -> str:
    """Draw one of several by weight."""
    return random.choices(list(weights), list(weights.values()))[0]
