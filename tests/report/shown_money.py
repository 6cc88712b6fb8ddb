"""How money is shown in a world of costs and in one of profits."""

from allotment.report.money import Money

COST, PROFIT = Money("cost"), Money("profit")
