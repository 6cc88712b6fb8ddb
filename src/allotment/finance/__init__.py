"""Stock as money: movements of episodes, valuation, statements, ratios, cash."""
