"""The accounting policy: by which rules a log of movements becomes money (`accounting.yaml`).

IFRS: IAS 2 (inventories), IAS 21 (currencies); US GAAP: ASC 330 and ASC 830.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from allotment.finance.treasury_policy import Treasury
from allotment.scenario.errors import ScenarioError, explain, nearest
from allotment.scenario.yaml_file import read_yaml, short_name

Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Loss = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Ownership = Literal["shipping_point", "destination"]
Formula = Literal["fifo", "weighted_average", "moving_average", "lifo", "standard"]
Cost = Literal["discount", "duty", "inbound_freight", "transport"]  # that may be part of what stock cost
Calendar = Literal["day", "week", "month", "quarter", "year"]
PERIODIC = {"fifo": None, "lifo": None, "weighted_average": True, "moving_average": False, "standard": False}  # None: both


class Section(BaseModel):
    """A part of the policy that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Terms(Section):
    """When goods on their way from a supplier become ours: FOB shipping point or FOB destination."""

    default: Ownership | None = None  # none = from the movement that has the unit_cost
    suppliers: dict[str, Ownership] = {}  # by the supplier's name, where it differs

    def of(self, supplier: str) -> Ownership | None:
        """Return the terms of a supplier, none where the log tells."""
        return self.suppliers.get(supplier, self.default)


class Realisable(Section):
    """What is taken off a selling price to reach the net realisable value."""

    selling_cost: Share = 0.0  # money per unit, to sell it
    selling_rate: Share = 0.0  # share of the price, to sell it
    normal_margin: Share = 0.0  # share of the price; the floor of market under LIFO (ASC 330-10-35-1C)
    damaged: Share = 0.0  # share of its net price that a damaged return is worth; the movement's unit_cost goes first


class Item(Section):
    """What is known of a SKU beside its movements."""

    weight: Positive | None = None  # per unit, for landed cost by weight
    volume: Positive | None = None  # per unit, for landed cost by volume
    standard_cost: Positive | None = None  # money per unit, for the standard formula


class Carrying(Section):
    """What it costs to hold stock, by its parts: shares of its value a year."""

    capital: Share = 0.0
    storage: Share = 0.0
    insurance: Share = 0.0
    obsolescence: Share = 0.0


class Balances(Section):
    """Money beside the stock that the log does not know, for ratios; in the presentation currency."""

    cash: float | None = None
    receivables: float | None = None  # none = as the log has them, nothing collected
    payables: float | None = None  # none = as the log has them, nothing paid
    other: float = 0.0  # current liabilities beside payables


class Entity(Section):
    """A company of the group, which keeps books of its own."""

    currency: Currency  # in which it keeps its books


USUAL = "USD"  # where neither policy nor log says a currency, or several are translated


class AccountingPolicy(Section):
    """By which rules movements are valued."""

    framework: Literal["ifrs", "us_gaap"]
    cost_formula: Formula
    scope: Literal["location", "company"] = "location"  # where units of a SKU share their cost
    system: Literal["perpetual", "periodic"] = "perpetual"  # cost of sales with each sale, or at the close
    currency: Currency = ""  # of presentation, and of every entity that is not named; none said = the log's, or USD
    close: Calendar | Annotated[int, Field(ge=1)] = "month"  # how long books are open; a number counts periods
    fiscal_year: Annotated[int, Field(ge=1)] = 1  # the month that begins it; periods a year where time is periods
    timezone: str = "UTC"  # in which timestamps fall on days
    terms: Terms = Terms()
    capitalised: list[Cost] = ["discount", "duty", "inbound_freight", "transport"]  # beside the price
    points_of_sale: list[str] | None = None  # sites; transport to the first is part of cost; none = every site is one
    landed_cost: Literal["value", "quantity", "weight", "volume"] = "quantity"  # by what it is spread over a document
    skus: dict[str, Item] = {}
    normal_loss: dict[str, Loss] = {}  # share of a batch that a plant may lose at the cost of the others; none = all it does
    realisable: Realisable = Realisable()
    carrying: Carrying = Carrying()
    balances: Balances = Balances()
    treasury: Treasury | None = None  # terms of payment and cash; none = nothing is paid or collected
    entities: dict[str, Entity] = {}
    rates: dict[Currency, dict[str | int, Positive]] = {}  # units of it for one of `currency`, from a date or period on

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for fault in (_formula_fault(self), _calendar_fault(self), _zone_fault(self), _currency_fault(self), _cash_fault(self)):
            if fault:
                raise ValueError(fault)
        return self

    @property
    def averages(self) -> bool:
        """Tell whether all units of a place share one cost."""
        return self.cost_formula in ("weighted_average", "moving_average", "standard")

    def currency_of(self, entity: str) -> str:
        """Return the functional currency of an entity."""
        return self.entities[entity].currency if entity in self.entities else self.currency


def _formula_fault(policy: AccountingPolicy) -> str | None:
    """Return what speaks against the cost formula, none where nothing does."""
    formula, periodic = policy.cost_formula, policy.system == "periodic"
    if formula == "lifo" and policy.framework == "ifrs":
        return (
            "cost_formula: lifo is not allowed under ifrs (IAS 2.25); allowed: fifo, weighted_average, moving_average, standard"
        )
    needed = PERIODIC[formula]
    if needed is not None and needed != periodic:
        return f"cost_formula: {formula} needs system: {'periodic' if needed else 'perpetual'}, not {policy.system}"
    if periodic and policy.scope == "location":
        return "system: periodic needs scope: company: what a transfer carries is not known before the close"
    return None


def _calendar_fault(policy: AccountingPolicy) -> str | None:
    if isinstance(policy.close, str) and policy.fiscal_year > 12:
        return f"fiscal_year must be a month (1 to 12) where books close by the {policy.close}, not {policy.fiscal_year}"
    if isinstance(policy.close, int) and policy.fiscal_year > 1 and policy.fiscal_year % policy.close:
        return f"fiscal_year must be a multiple of close ({policy.close}), not {policy.fiscal_year}"
    return None


def _zone_fault(policy: AccountingPolicy) -> str | None:
    try:
        ZoneInfo(policy.timezone)
    except (OSError, ValueError, KeyError):
        return f"timezone must be one of the IANA time zones, such as Europe/Paris, not {policy.timezone!r}"
    return None


def _currency_fault(policy: AccountingPolicy) -> str | None:
    """Return which rate is missing or out of order, none where all are there."""
    for name, entity in policy.entities.items():
        if entity.currency != (policy.currency or USUAL) and entity.currency not in policy.rates:
            return f"rates: {entity.currency}, the currency of {name}, is missing"
    for currency, rates in policy.rates.items():
        if not rates:
            return f"rates.{currency} must not be empty"
        kinds = {type(day) for day in rates}
        if len(kinds) > 1 or any(not before < after for before, after in pairwise(list(rates))):  # type: ignore[operator]
            return f"rates.{currency} must go from the first date to the last, all dates or all periods"
    return None


def _cash_fault(policy: AccountingPolicy) -> str | None:
    """Return what is told of cash twice, none where nothing is."""
    if policy.treasury is None:
        return None
    told = [name for name in ("cash", "receivables", "payables") if getattr(policy.balances, name) is not None]
    if told:
        return f"balances: {', '.join(told)} must be left out, as the books have them where treasury is said"
    return "treasury is of one company's cash; it cannot stand beside entities" if policy.entities else None


def in_currency(policy: AccountingPolicy, named: list[str]) -> AccountingPolicy:
    """Return a policy with a currency: its own, else the only one that a log names; `ScenarioError` where it has more."""
    if policy.currency:
        return policy
    if policy.entities or policy.rates or not named:
        return policy.model_copy(update={"currency": USUAL})
    if len(named) > 1:
        raise ScenarioError(f"accounting policy: currency must be said, as the movements are in {' and '.join(named)}")
    return policy.model_copy(update={"currency": named[0]})


def load_policy(file: Path) -> AccountingPolicy:
    """Return the accounting policy in a file.

    Raises `ScenarioError` with file, key and what is allowed.
    """
    content, name = read_yaml(file), short_name(file)
    try:
        return AccountingPolicy.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(explain(error, content, AccountingPolicy, name)) from None


def check_names(policy: AccountingPolicy, skus: set[str], sites: set[str], named: dict[str, set[str]]) -> None:
    """Refuse a SKU, site, supplier, customer or plant of the policy that the log does not have: `ScenarioError`.

    `named` has the names of the log's other places by their kind.
    """
    cash = policy.treasury
    for key, stated, known in (
        ("skus", policy.skus, skus),
        ("points_of_sale", policy.points_of_sale or (), sites),
        ("normal_loss", policy.normal_loss, named["made"]),
        ("terms.suppliers", policy.terms.suppliers, named["supplier"]),
        ("treasury.payment.suppliers", cash.payment.suppliers if cash else (), named["supplier"]),
        ("treasury.collection.customers", cash.collection.customers if cash else (), named["customer"]),
    ):
        for name in stated:
            if name not in known:
                raise ScenarioError(f"accounting policy: {key}: no {name!r} in the log; {nearest(name, known)}")
