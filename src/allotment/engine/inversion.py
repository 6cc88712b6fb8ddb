"""Inverting distribution functions: the smallest value whose cumulative probability reaches a uniform number.

Used where a mean moves with the state of a world, so that no table can be made before. Poisson, negative binomial and binomial
counts belong to one family, in which p(k + 1) ÷ p(k) = (a + b k) ÷ (k + 1) (Panjer 1981); one search serves all three.
"""

from __future__ import annotations

import math

from allotment.engine.compiled import entry, inner
from allotment.scenario.distributions import GAMMA, GEOMETRIC, NEGATIVE_BINOMIAL, NORMAL, POISSON

SMALL = 40.0  # a search begins at 0 for means up to this, else at the mode
NEGLIGIBLE = 1e-18
SMALLEST = 1e-300


@entry
def normal_quantile(chance):  # type: ignore[no-untyped-def]
    """Return the standard normal quantile by two Newton-Halley steps on the error function.

    The start is the rational approximation 26.2.23 of Abramowitz and Stegun (error below 4.5e-4); two steps of third
    order bring it to rounding error.
    """
    tail = min(chance, 1.0 - chance)
    t = math.sqrt(-2.0 * math.log(tail))
    z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
    for _ in range(2):
        error = (0.5 * math.erfc(-z / math.sqrt(2.0)) - tail) * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)
        z -= error / (1.0 + 0.5 * z * error)
    return z if chance < 0.5 else -z


@entry
def normal_cumulative(deviate):  # type: ignore[no-untyped-def]
    """Return the standard normal distribution function, kept inside (0, 1)."""
    return min(max(0.5 * math.erfc(-deviate / math.sqrt(2.0)), 1e-16), 1.0 - 1e-16)


@entry
def poisson_quantile(chance, mean):  # type: ignore[no-untyped-def]
    """Return a Poisson quantile."""
    if mean <= 0.0:
        return 0.0
    a, b, none = of_poisson(mean)
    if mean <= SMALL:
        return _search(chance, a, b, 0.0, none)
    mode = math.floor(mean)
    return _search(chance, a, b, mode, math.exp(mode * math.log(mean) - mean - math.lgamma(mode + 1.0)))


@entry
def of_poisson(mean):  # type: ignore[no-untyped-def]
    """Return a, b and the probability of 0 of a Poisson distribution."""
    return mean, 0.0, math.exp(-mean)


@entry
def negative_binomial_quantile(chance, mean, dispersion):  # type: ignore[no-untyped-def]
    """Return a negative binomial quantile; dispersion = variance ÷ mean > 1."""
    if mean <= 0.0:
        return 0.0
    a, failing, none = of_negative_binomial(mean, dispersion)
    if mean <= SMALL:
        return _search(chance, a, failing, 0.0, none)
    successes = mean / (dispersion - 1.0)
    mode = max(0.0, math.floor((successes - 1.0) * (dispersion - 1.0)))
    ways = math.lgamma(mode + successes) - math.lgamma(successes) - math.lgamma(mode + 1.0)
    log_at_mode = ways + mode * math.log(failing) - successes * math.log(dispersion)
    return _search(chance, a, failing, mode, math.exp(log_at_mode))


@entry
def of_negative_binomial(mean, dispersion):  # type: ignore[no-untyped-def]
    """Return a, b and the probability of 0 of a negative binomial distribution."""
    successes, failing = mean / (dispersion - 1.0), 1.0 - 1.0 / dispersion
    return successes * failing, failing, math.exp(-successes * math.log(dispersion))


@entry
def binomial_quantile(chance, trials, probability):  # type: ignore[no-untyped-def]
    """Return a binomial quantile."""
    if trials <= 0.0 or probability <= 0.0:
        return 0.0
    if probability >= 1.0:
        return trials
    odds = probability / (1.0 - probability)
    if trials * probability <= SMALL:
        value = _search(chance, trials * odds, -odds, 0.0, math.exp(trials * math.log1p(-probability)))
    else:
        mode = min(trials, math.floor((trials + 1.0) * probability))
        ways = math.lgamma(trials + 1.0) - math.lgamma(mode + 1.0) - math.lgamma(trials - mode + 1.0)
        at_mode = math.exp(ways + mode * math.log(probability) + (trials - mode) * math.log1p(-probability))
        value = _search(chance, trials * odds, -odds, mode, at_mode)
    return min(value, trials)


@entry
def geometric_quantile(chance, mean):  # type: ignore[no-untyped-def]
    """Return a quantile of P(d) = (1 − q) q^d with mean q ÷ (1 − q)."""
    if mean <= 0.0:
        return 0.0
    return max(0.0, math.ceil(math.log1p(-chance) / math.log(mean / (1.0 + mean))) - 1.0)


@entry
def gamma_quantile(chance, mean, variation):  # type: ignore[no-untyped-def]
    """Return a gamma quantile by its mean and coefficient of variation: Halley's steps inside a bracket."""
    if mean <= 0.0:
        return 0.0
    shape = 1.0 / (variation * variation)
    low, high = 0.0, shape + 40.0 * math.sqrt(shape) + 800.0
    cube = 1.0 - 1.0 / (9.0 * shape) + normal_quantile(chance) / (3.0 * math.sqrt(shape))
    x = shape * cube**3 if cube > 0.0 else math.exp((math.log(chance) + math.lgamma(shape + 1.0)) / shape)
    x = min(max(x, 1e-300), high)
    for _ in range(60):
        error = _gamma_cumulative(shape, x) - chance
        if error > 0.0:
            high = x
        else:
            low = x
        density = math.exp((shape - 1.0) * math.log(x) - x - math.lgamma(shape))
        step = error / max(density, 1e-300)
        step /= max(0.5, 1.0 - 0.5 * min(1.0, step * ((shape - 1.0) / x - 1.0)))
        if abs(step) <= 1e-14 * x:
            break
        after = x - step
        x = after if low < after < high else 0.5 * (low + high)
    return x * mean / shape


@entry
def _gamma_cumulative(shape, x):  # type: ignore[no-untyped-def]
    """Return the regularised lower incomplete gamma function: its series, or beyond the mean the continued fraction."""
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1.0:
        term = 1.0 / shape
        total = term
        k = shape
        while term > total * 1e-17:
            k += 1.0
            term *= x / k
            total += term
        return front * total
    b = x + 1.0 - shape
    c = 1e300
    d = 1.0 / b
    value = d
    for i in range(1, 10_000):
        a = -i * (i - shape)
        b += 2.0
        d = 1.0 / _away_from_0(a * d + b)
        c = _away_from_0(b + a / c)
        change = d * c
        value *= change
        if abs(change - 1.0) < 1e-16:
            break
    return 1.0 - front * value


@entry
def _away_from_0(value):  # type: ignore[no-untyped-def]
    return value if abs(value) > 1e-300 else 1e-300


@entry
def _search(chance, a, b, start, at_start):  # type: ignore[no-untyped-def]
    """Return the smallest k whose cumulative probability reaches `chance`, from a value whose own probability is known."""
    below, term, k = at_start, at_start, start
    while k > 0.0 and term > NEGLIGIBLE:
        term *= k / (a + b * (k - 1.0))
        below += term
        k -= 1.0
    k, term = start, at_start
    if chance <= below:
        while k > 0.0 and below - term >= chance:
            below -= term
            term *= k / (a + b * (k - 1.0))
            k -= 1.0
        return k
    while below < chance:
        factor = (a + b * k) / (k + 1.0)
        if factor <= 0.0 or term < SMALLEST:
            break
        term *= factor
        below += term
        k += 1.0
        if factor < 1.0 and term < NEGLIGIBLE:
            break
    return k


@inner
def inverted(kind, chance, mean, shape):  # type: ignore[no-untyped-def]
    """Return the draw of a distribution at a mean; `shape` is its dispersion or coefficient of variation."""
    if kind == POISSON:
        return poisson_quantile(chance, mean)
    if kind == NEGATIVE_BINOMIAL:
        return negative_binomial_quantile(chance, mean, shape)
    if kind == GEOMETRIC:
        return geometric_quantile(chance, mean)
    if kind == NORMAL:
        return mean + mean * shape * normal_quantile(chance)
    if kind == GAMMA:
        return gamma_quantile(chance, mean, shape)
    return mean
