"""The settings of the algorithms, by Stable-Baselines3's names: one table of the values that each may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

from allotment.fitting.sb3.schedules import SCHEDULED, SCHEDULES
from allotment.scenario.errors import ScenarioError, nearest, shown


class Values(Protocol):
    """The values that a setting may take; written as text, what an error says of them."""

    def allow(self, value: Any) -> bool:
        """Tell whether a value is one of them."""
        ...


@dataclass(frozen=True)
class Number:
    """Finite numbers between bounds."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    whole: bool = False

    def allow(self, value: Any) -> bool:
        """Tell whether a value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float) or not isfinite(value):
            return False
        low = (self.at_least is None or value >= self.at_least) and (self.above is None or value > self.above)
        return low and (self.at_most is None or value <= self.at_most) and (self.below is None or value < self.below)

    def __str__(self) -> str:
        bounds = ((">=", self.at_least), (">", self.above), ("<=", self.at_most), ("<", self.below))
        told = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        return f"a {'whole ' * self.whole}number {told}".rstrip()


@dataclass(frozen=True)
class One:
    """Values that are listed."""

    values: tuple[Any, ...]

    def allow(self, value: Any) -> bool:
        """Tell whether a value is listed."""
        return any(type(value) is type(each) and value == each for each in self.values)

    def __str__(self) -> str:
        words = {"None": "null", "True": "true", "False": "false"}
        return " or ".join(words.get(str(each), str(each)) for each in self.values)


@dataclass(frozen=True)
class Text:
    """Texts of a pattern, which `shown` describes."""

    pattern: str
    shown: str

    def allow(self, value: Any) -> bool:
        """Tell whether a value is such a text."""
        return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True)
class Frequency:
    """How often something is done: so many of a unit, `[1, episode]`."""

    units: tuple[str, ...]

    def allow(self, value: Any) -> bool:
        """Tell whether a value is a positive number of one of the units."""
        return isinstance(value, list) and len(value) == 2 and _COUNT.allow(value[0]) and value[1] in self.units

    def __str__(self) -> str:
        return f"such a number with a unit, as in {' or '.join(f'[1, {unit}]' for unit in self.units)}"


@dataclass(frozen=True)
class Either:
    """Values of several kinds."""

    kinds: tuple[Values, ...]

    def allow(self, value: Any) -> bool:
        """Tell whether a value is of one of the kinds."""
        return any(kind.allow(value) for kind in self.kinds)

    def __str__(self) -> str:
        return " or ".join(str(kind) for kind in self.kinds)


_COUNT = Number(at_least=1, whole=True)
_POSITIVE = Number(above=0)
_NOT_NEGATIVE = Number(at_least=0)
_SHARE = Number(at_least=0, at_most=1)
_PART = Number(above=0, at_most=1)
_SWITCH = One((True, False))
_NONE = One((None,))
_QUANTILES = 25  # of each critic of TQC, as Stable-Baselines3 builds it

RANGES: dict[str, Values] = {
    "learning_rate": _POSITIVE,
    "gamma": _SHARE,
    "n_steps": _COUNT,
    "batch_size": _COUNT,
    "stats_window_size": _COUNT,
    # algorithms that learn from rollouts
    "n_epochs": _COUNT,
    "gae_lambda": _SHARE,
    "clip_range": _POSITIVE,
    "clip_range_vf": Either((_POSITIVE, _NONE)),
    "normalize_advantage": _SWITCH,
    "ent_coef": _NOT_NEGATIVE,
    "vf_coef": _NOT_NEGATIVE,
    "max_grad_norm": _POSITIVE,
    "target_kl": Either((_POSITIVE, _NONE)),
    "use_rms_prop": _SWITCH,
    "rms_prop_eps": _POSITIVE,
    "cg_max_steps": _COUNT,
    "cg_damping": _NOT_NEGATIVE,
    "line_search_shrinking_factor": Number(above=0, below=1),
    "line_search_max_iter": _COUNT,
    "n_critic_updates": _COUNT,
    "sub_sampling_factor": _COUNT,
    # algorithms that learn from a replay buffer
    "buffer_size": _COUNT,
    "learning_starts": Number(at_least=0, whole=True),
    "tau": _PART,
    "train_freq": Either((_COUNT, Frequency(("step", "episode")))),
    "gradient_steps": Either((_COUNT, One((-1,)))),
    "target_update_interval": _COUNT,
    "target_entropy": Either((Number(), One(("auto",)))),
    "policy_delay": _COUNT,
    "target_policy_noise": _NOT_NEGATIVE,
    "target_noise_clip": _NOT_NEGATIVE,
    "top_quantiles_to_drop_per_net": Number(at_least=0, below=_QUANTILES, whole=True),
    "exploration_fraction": _PART,
    "exploration_initial_eps": _SHARE,
    "exploration_final_eps": _SHARE,
}
_LEARNED_ENTROPY = Text(r"auto(_(?=.*[1-9])(\d+\.?\d*|\.\d+))?", "auto or auto_0.1, learned from there")
WITH_LEARNED_ENTROPY = {**RANGES, "ent_coef": Either((_NOT_NEGATIVE, _LEARNED_ENTROPY))}
WITH_TRUST_REGION = {**RANGES, "target_kl": _POSITIVE}


def check_setting(name: str, value: Any, ranges: Mapping[str, Values], where: str) -> None:
    """Raise `ScenarioError`, which says what is allowed, for a value that a setting cannot take.

    A schedule's first and last value must be in the setting's range. What is not in the table, an argument of a user's own
    algorithm, may be any single value.
    """
    allowed = ranges.get(name, Number())
    if isinstance(value, dict):
        _check_schedule(name, value, allowed, where)
    elif isinstance(value, str) and _is_number(value):
        raise ScenarioError(f"{where} must be a number, not the text {value!r}; YAML wants a point in it, as in 1.0e-3")
    elif name in ranges and not allowed.allow(value):
        raise ScenarioError(f"{where} must be {allowed}, not {_written(value)}")
    elif name not in ranges and isinstance(value, list):
        raise ScenarioError(f"{where} must be a single value, not {value!r}")


def check_together(settings: Mapping[str, Any], environments: int, where: str) -> None:
    """Raise `ScenarioError` where settings, defaults included, each allowed, cannot be had together."""
    if settings.get("normalize_advantage"):
        if "n_epochs" in settings and settings["batch_size"] == 1:
            raise ScenarioError(f"{where}.batch_size must be > 1 with normalize_advantage, not 1")
        if settings["n_steps"] * environments <= settings.get("sub_sampling_factor", 1):
            raise ScenarioError(
                f"{where}.n_steps times environments must be > {settings.get('sub_sampling_factor', 1)} with "
                f"normalize_advantage, not {settings['n_steps']} times {environments}"
            )
    frequency = settings.get("train_freq")
    if isinstance(frequency, list) and frequency[1] == "episode" and environments > 1:
        raise ScenarioError(f"{where}.train_freq counts episodes only with environments: 1, not {environments}")


def _check_schedule(name: str, section: dict[str, Any], allowed: Values, where: str) -> None:
    if name not in SCHEDULED:
        raise ScenarioError(f"{where} must be a single value; only {', '.join(SCHEDULED)} may follow a schedule")
    if set(section) != {"schedule", "initial", "final"}:
        raise ScenarioError(f"{where} must be {allowed}, or have schedule, initial and final, not {sorted(map(str, section))}")
    schedule = section["schedule"]
    if not isinstance(schedule, str) or schedule not in SCHEDULES:
        raise ScenarioError(f"{where}: unknown schedule {shown(schedule)}; {nearest(str(schedule), SCHEDULES)}")
    for key in ("initial", "final"):
        if section[key] is None or not allowed.allow(section[key]):
            raise ScenarioError(f"{where}.{key} must be {allowed}, not {_written(section[key])}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _written(value: Any) -> str:
    """Write a value as a file would."""
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))
