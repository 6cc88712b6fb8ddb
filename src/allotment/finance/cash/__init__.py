"""Cash by day from open orders, receivables and running costs: the path, the credit line, discounts, payments, statements."""

from allotment.finance.cash.forecast import Forecast, forecast
from allotment.finance.cash.reading import read_outlook

__all__ = ["Forecast", "forecast", "read_outlook"]
