"""Terms of payment: in how many days an invoice is due, and what is taken off where it is paid early."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from allotment.finance.cash.amounts import Share, Span, decimal
from allotment.scenario.errors import shown

WRITTEN = re.compile(
    r"(?:(?P<percent>\d{1,3}(?:\.\d{1,6})?)\s*%?\s*/\s*(?P<within>\d{1,4})\s*[,;]?\s*)?(?:net|n)\s*/?\s*(?P<net>\d{1,4})",
    re.IGNORECASE,
)


class Terms(BaseModel):
    """Net days, and a discount for payment within fewer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    net: Span  # days after receipt within which all is due
    discount: Share = Decimal(0)  # taken off an early payment, as a share
    within: Span = 0  # days after receipt within which it is taken off

    @model_validator(mode="after")
    def _discount_comes_first(self) -> Terms:
        if self.discount and not self.within < self.net:
            raise ValueError(f"the discount must be for fewer days than the net {self.net}, not {self.within}")
        if self.discount == 1:
            raise ValueError("the discount must be less than all")
        return self

    def __str__(self) -> str:
        """Return the terms as they are usually written, `2/10 net 30`."""
        return f"{(self.discount * 100).normalize():f}/{self.within} net {self.net}" if self.discount else f"net {self.net}"


def _parsed(value: Any) -> Any:
    """Return the keys that written terms stand for; what is no text as it is."""
    if isinstance(value, Terms | dict):
        return value
    found = WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"must be terms like 'net 30' or '2/10 net 30', not {shown(value)}")
    percent = decimal(found["percent"] or "0")
    return {"net": found["net"], "discount": percent / 100 if percent else 0, "within": found["within"] or 0}


WrittenTerms = Annotated[Terms, BeforeValidator(_parsed)]
