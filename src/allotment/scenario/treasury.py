"""Cash as arrays: when invoices and sales are paid, what may be borrowed, and what may be spent on which goods."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from allotment.scenario.errors import ScenarioError, nearest
from allotment.scenario.lanes import LaneReader
from allotment.scenario.problem import Floats, Goods, Integers, Lanes, Treasury
from allotment.scenario.schema import HoldingRate, Phase, Scenario
from allotment.scenario.sizes import check_numbers
from allotment.scenario.treasury_parts import Budget, PaymentTerms

DAYS = {"day": 1.0, "week": 7.0, "month": 30.0, "quarter": 90.0, "year": 365.0}  # of periods that go by these names
YEAR = 365.0  # days


def with_settle(scenario: Scenario) -> list[Phase]:
    """Return the sequence with `settle`, which follows `receive` unless the scenario says where it stands.

    It comes first where goods are received after the period is charged; worlds without a treasury have none.
    """
    sequence = list(scenario.sequence)
    if scenario.treasury is not None and "settle" not in sequence:
        received = sequence.index("receive") + 1
        sequence.insert(received if received <= sequence.index("charge") else 0, "settle")
    return sequence


class TreasuryReader:
    """Reads the treasury of a scenario; `ScenarioError` where something needs one, or does not go with it."""

    def __init__(self, scenario: Scenario, lanes: LaneReader) -> None:
        self.scenario, self.lanes = scenario, lanes
        self.budget = scenario.treasury.budget if scenario.treasury is not None else None
        _check(scenario)
        self.cells = _cells(scenario, self.budget) if self.budget is not None else []
        check_numbers("treasury.budget", {"budgets": max(len(self.cells), 1), "SKUs": len(scenario.skus)})

    @property
    def names(self) -> list[str]:
        """Return the names of the budgets, such as `toys, north`."""
        return [", ".join(cell) or "all" for cell in self.cells]

    def compiled(self) -> Treasury:
        """Return the treasury as arrays."""
        declared = self.scenario.treasury
        credit = declared.credit_line if declared is not None else None
        days = _period_days(self.scenario) if declared is not None else 1.0
        rate = credit.rate / credit.day_count if credit is not None else 0.0
        terms = [supplier.terms or PaymentTerms() for supplier in self.scenario.suppliers]
        net = np.array([math.floor(each.net / days) for each in terms])
        places = {site.name: place for place, site in enumerate(self.scenario.sites)}
        to = np.array([places[lane.to] for lane in self.lanes.lanes])
        lanes_bought = np.array([lane.source in self.lanes.suppliers for lane in self.lanes.lanes])[:, None]
        collection = np.array([math.ceil(channel.collection / days) for channel in self.scenario.channels])
        check_numbers(
            "terms of payment", {"periods": int(max(net.max(), collection.max(), 1)), "places": len(net) + len(collection)}
        )
        return Treasury(
            exists=declared is not None,
            cash=declared.cash if declared is not None else 0.0,
            floor=declared.floor if declared is not None else 0.0,
            limit=credit.limit if credit is not None else 0.0,
            interest=rate * days,
            slots=int(max(net.max(), collection.max(), 1)),
            net=net,
            discount=np.array([_worth(each, rate) for each in terms]),
            early=np.array([self._early(place, each, days) for place, each in enumerate(terms)]),
            collection=collection,
            per=self.budget.per if self.budget is not None else 1,
            budget_of=(budget_of := self._budget_of()),
            budget=np.where(lanes_bought, budget_of[to], -1),
            amounts=self._amounts(),
            total=np.atleast_1d(np.array(self.budget.total if self.budget is not None and self.budget.total else 0.0)),
        )

    def _early(self, place: int, terms: PaymentTerms, days: float) -> int:
        """Return the slot in which an invoice stands when the last time has come to pay it early, once due ones are paid."""
        if terms.within is None:
            return -1
        within, net = math.floor(terms.within / days), math.floor(terms.net / days)
        if not 1 <= within < net:
            where = f"suppliers[{place}].terms.within"
            seen = f"{terms.within:g} days, {within} of the {net} periods of net"
            raise ScenarioError(f"{where} must be at least a period of {days:g} days, and a period less than net, not {seen}")
        return net - within - 1

    def _budget_of(self) -> Integers:
        """Return the budget of each site and SKU, (S, K); -1 where there are none."""
        places = {cell: place for place, cell in enumerate(self.cells)}
        found = np.full((len(self.scenario.sites), len(self.scenario.skus)), -1)
        if self.budget is None:
            return found
        for at, site in enumerate(self.scenario.sites):
            for place, sku in enumerate(self.scenario.skus):
                named = {"group": sku.group, "region": site.region}
                found[at, place] = places[tuple(str(named[axis]) for axis in self.budget.by)]
        return found

    def _amounts(self) -> Floats:
        """Return what may be spent from each budget, (budget periods, Q) money; nothing where the policy says it."""
        if self.budget is None or self.budget.amounts is None:
            return np.zeros((1, len(self.cells)))
        given = self.budget.amounts
        if not isinstance(given, dict):
            return np.full((1, len(self.cells)), given)
        _check_names(given, [*dict.fromkeys(cell[0] for cell in self.cells if cell)], "treasury.budget.amounts")
        return np.array([[self._amount(given, cell) for cell in self.cells]])

    def _amount(self, given: Any, cell: tuple[str, ...]) -> float:
        where, value = "treasury.budget.amounts", given
        for name in cell:
            if isinstance(value, dict):
                if name not in value:
                    raise ScenarioError(
                        f"{where} has no entry for {name!r}; each budget needs one, 0 where nothing may be spent"
                    )
                value, where = value[name], f"{where}.{name}"
        if isinstance(value, dict):
            _check_names(value, [], where)
            raise ScenarioError(f"{where} must be a number, not {value!r}")
        return float(value)


def _check_names(given: dict[str, Any], known: list[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise ScenarioError(f"{where}: no budget is called {name!r}; {nearest(name, known)}")


def capital_prices(scenario: Scenario, goods: Goods, lanes: Lanes) -> dict[str, Floats]:
    """Return what capital in a unit of stock, and of goods on their way, costs a period, by the fields of `Prices`.

    Goods that a supplier is paid for on receipt tie up no capital before.
    """
    treasury = scenario.treasury
    rate = 0.0 if treasury is None or not treasury.capital_charge else treasury.capital_charge * _period_days(scenario) / YEAR
    each = rate * goods.unit_cost[:, None]
    owned = ~((lanes.supplier >= 0) & lanes.on_receipt)
    return {
        "site_capital": np.repeat(each, len(scenario.sites), axis=1),
        "lane_capital": each * (owned[:, None] & lanes.allowed),
    }


def _worth(terms: PaymentTerms, rate: float) -> float:
    """Return the discount of terms where early payment earns more than credit costs a day, else nothing."""
    if terms.within is None:
        return 0.0
    earned = terms.discount / (1.0 - terms.discount) / (terms.net - terms.within)
    return terms.discount if earned >= rate else 0.0


def days_of_period(scenario: Scenario) -> float | None:
    """Return the days of a period: as the treasury says, or by its name; none where that says nothing."""
    stated = scenario.treasury.period_days if scenario.treasury is not None else None
    return stated or DAYS.get(scenario.period)


def _period_days(scenario: Scenario) -> float:
    """Return the days of a period; `ScenarioError` where nothing says how many there are."""
    days = days_of_period(scenario)
    if days is None:
        known = ", ".join(DAYS)
        raise ScenarioError(f"treasury.period_days must say how many days a {scenario.period} has; only {known} are known")
    return days


def _cells(scenario: Scenario, budget: Budget) -> list[tuple[str, ...]]:
    """Return what the budgets are for: each group of SKUs, each region of sites, or one and the other, in order of the file."""
    names = []
    for axis in budget.by:
        section: list[Any] = [*(scenario.skus if axis == "group" else scenario.sites)]
        for place, part in enumerate(section):
            if getattr(part, axis) is None:
                where = f"{'skus' if axis == 'group' else 'sites'}[{place}]"
                raise ScenarioError(f"{where}: {part.name!r} has no {axis}, by which budgets are kept (treasury.budget.by)")
        names.append([*dict.fromkeys(getattr(part, axis) for part in section)])
    return list(product(*names))


def _check(scenario: Scenario) -> None:
    """Refuse what needs a treasury where there is none, and what does not go with one."""
    treasury = scenario.treasury
    if treasury is None:
        _check_without(scenario)
        return
    if scenario.objective == "cost":
        raise ScenarioError("treasury: cash comes from sales; it needs objective: profit, not cost")
    for place, lane in enumerate(scenario.supply_lanes):
        if lane.unfilled == "backlog":
            where = f"supply_lanes[{place}].unfilled"
            raise ScenarioError(
                f"{where} must be dropped in a world with a treasury, not backlog: who owes goods has not been paid"
            )
    for place, site in enumerate(scenario.sites):
        rate = site.holding_cost
        if treasury.capital_charge and isinstance(rate, HoldingRate) and rate.rate and not rate.excludes_capital:
            where = f"sites[{place}].holding_cost"
            raise ScenarioError(
                f"{where}: a rate on the unit cost usually includes capital, which treasury.capital_charge charges too; "
                "take it out and say excludes_capital: true"
            )
    decided, budget = "budget" in scenario.decisions, treasury.budget
    if decided and (budget is None or budget.total is None):
        raise ScenarioError("decisions: budget needs treasury.budget.total, the money that is divided")
    if budget is not None and budget.total is not None and not decided:
        raise ScenarioError("treasury.budget.total is divided by the policy: list budget among the decisions, or state amounts")


def _check_without(scenario: Scenario) -> None:
    """Refuse what says something of cash in a world without a treasury: it would be left unused."""
    stated = [f"suppliers[{place}].terms" for place, part in enumerate(scenario.suppliers) if part.terms is not None]
    stated += [f"channels[{place}].collection" for place, part in enumerate(scenario.channels) if part.collection]
    stated += ["decisions: budget"] * ("budget" in scenario.decisions) + ["sequence: settle"] * ("settle" in scenario.sequence)
    stated += ["observation.treasury"] * scenario.observation.treasury
    if stated:
        raise ScenarioError(f"{stated[0]} needs the section treasury")
