"""Stock of a group: what one entity earned from another on unsold units is taken off, and cost translated at the closing rate.

The profit is what it was at the rate of the transfer's day (ASC 830-30-45-10); the difference of the closing rate to the rates
at which the group paid is the translation (IAS 21.39).
"""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from allotment.finance.amounts import as_decimal, decimals_of
from allotment.finance.layers import Layer
from allotment.finance.valuation import Valuation


def consolidated(valuation: Valuation) -> pd.DataFrame:
    """Return the stock of each entity at the last close, a row each.

    `stock`, `unrealised_profit` and `cost` are in the entity's `currency`; `translated`, `historical` (what it cost the group)
    and `translation` in the presentation currency.
    """
    by_entity: dict[int, list[Layer]] = {}
    for entity, _, _, layer in valuation.held:
        by_entity.setdefault(entity, []).append(layer)
    return pd.DataFrame([_row(valuation, entity, layers) for entity, layers in sorted(by_entity.items())])


def _row(valuation: Valuation, entity: int, layers: list[Layer]) -> dict[str, str | Decimal]:
    currency, into = valuation.currencies[entity], valuation.policy.currency
    places, group = valuation.coins[entity], decimals_of(into)
    stock, profit = sum(layer.worth for layer in layers), sum(layer.part(layer.profit) for layer in layers)
    rate = valuation.books.rate(currency, valuation.closes[-1])
    translated = round((stock - profit) * Decimal(10) ** (group - places) * rate.denominator / rate.numerator)
    historical = sum(layer.part(layer.historical) for layer in layers) if valuation.policy.entities else translated
    return {
        **{"entity": valuation.log.entity.names[entity] or "company", "currency": currency},
        **{"stock": as_decimal(stock, places), "unrealised_profit": as_decimal(profit, places)},
        **{"cost": as_decimal(stock - profit, places), "translated": as_decimal(translated, group)},
        **{"historical": as_decimal(historical, group), "translation": as_decimal(translated - historical, group)},
    }
