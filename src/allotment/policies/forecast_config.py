"""The `forecast` section of a rule's config: the method by which a rule forecasts demand, and the method's parameters.

Among a policy's values, those of the forecast go by their name behind `forecast.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from allotment.policies.forecasters import FORECASTERS, Forecaster, FromHistory
from allotment.policies.parameters import check_names, declared_parameters, declared_settings, setting_value
from allotment.policies.rules import RULES
from allotment.scenario.errors import ScenarioError, nearest, shown
from allotment.scenario.loader import World
from allotment.scenario.problem import Floats

FORECAST, METHOD, TRUE_PROCESS = "forecast.", "method", "true_process"


class HasForecast(Protocol):
    """A config that may say how demand is forecast."""

    @property
    def forecast(self) -> dict[str, Any] | None:
        """Return the section, none where the true process is asked."""
        ...

    @property
    def budget(self) -> str | None:
        """Return how a budget is divided, which goes by the forecast too; none where it is left alike."""
        ...


def forecaster_class(config: HasForecast) -> type:
    """Return the class of a config's forecaster."""
    return FORECASTERS[str((config.forecast or {}).get(METHOD, TRUE_PROCESS))]


def check_forecast(config: HasForecast, rule: type, world: World, where: str) -> None:
    """Raise `ScenarioError` where the section names no method, what the method does not have, or what does not apply."""
    if config.forecast is None:
        return
    method = config.forecast.get(METHOD)
    if method not in FORECASTERS:
        raise ScenarioError(f"{where}: unknown method {shown(method)}; {nearest(str(method), list(FORECASTERS))}")
    cls = forecaster_class(config)
    check_names(config.forecast, [METHOD, *(each.name for each in declared_parameters(cls)), *declared_settings(cls)], where)
    if getattr(rule, "SEES", None) != "forecast" and config.budget is None:
        following = sorted(name for name, each in RULES.items() if getattr(each, "SEES", None) == "forecast")
        raise ScenarioError(f"{where}: the rule uses no forecast; allowed for {', '.join(following)}")
    if (issubclass(cls, FromHistory) or method == "adaptive") and not world.problem.demand.history_slots:
        raise ScenarioError(f"{where}: {world.name} keeps no past demand; it must (observation.demand_history=1, or more)")


def forecaster_of(config: HasForecast, values: Mapping[str, Floats], where: str) -> Forecaster:
    """Return a config's forecaster with the values of its parameters."""
    cls = forecaster_class(config)
    own = {parameter.name: values[FORECAST + parameter.name] for parameter in declared_parameters(cls)}
    forecaster: Forecaster = cls(**own, **settings_of(cls, config.forecast or {}, f"{where}: forecast"))
    return forecaster


def settings_of(cls: type, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the settings of a rule or forecaster that a config gives, as their annotations want them."""
    return {name: setting_value(cls, name, given[name], where) for name in declared_settings(cls) if name in given}


def with_forecast(config: HasForecast, settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `parameters` and `forecast` of a config in which values (`forecast.…` among them) stand in their places."""
    own = {name: value for name, value in values.items() if not name.startswith(FORECAST)}
    of_forecast = {name.removeprefix(FORECAST): value for name, value in values.items() if name.startswith(FORECAST)}
    forecast = None if config.forecast is None else {**config.forecast, **of_forecast}
    return {"parameters": {**settings, **own}, "forecast": forecast}
