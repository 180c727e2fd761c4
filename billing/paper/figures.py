"""Whether a paper's figures sum up: looked at before anything is written, for what is sent can never be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from billing.errors import CannotPrice
from billing.paper.model import Paper


def prove(paper: Paper) -> None:
    """Raises CannotPrice with the first sum that is wrong."""
    for field, found, should in _sums(paper):
        if found != should:
            raise CannotPrice(
                field, f"{paper.number or 'This draft'}: this is {found}, and its parts come to {should}."
            )


def _sums(paper: Paper) -> Iterator[tuple[str, Decimal, Decimal]]:
    """What stands there, and what its parts come to."""
    yield "net", paper.net, paper.lines_net - paper.adjusted("allowance") + paper.adjusted("charge")
    yield "tax", paper.tax, sum((each.tax for each in paper.tax_groups), Decimal())
    yield "gross", paper.gross, paper.net + paper.tax
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for line in paper.lines:
        bases[line.category, line.rate] = bases.get((line.category, line.rate), Decimal()) + line.net
    for each in paper.adjustments:
        signed = each.net if each.kind == "charge" else -each.net
        bases[each.category, each.rate] = bases.get((each.category, each.rate), Decimal()) + signed
    for group in paper.tax_groups:
        yield f"tax_groups.{group.category}", group.base, bases.pop((group.category, group.rate), Decimal())
    for (category, _), left in bases.items():
        yield f"tax_groups.{category}", Decimal(), left
