"""What the models of demand make of recorded prices: cheese, avocados, and discounts that pass for elasticities."""

from pathlib import Path
from typing import Final

from decisions.domain_reports import Section, Tell, files_table
from decisions.domains.pricing.training.real_data import avocado, cheese, online_retail

FILES: Final = (cheese.FILE, avocado.FILE, online_retail.FILE)
TEXT: Final = """\
Elasticities of recorded sales, and how well models of demand foresee later weeks. **Cheese** is Borden's sliced cheese
(R package bayesm, GPL); **Avocado** the retail scan data of the Hass Avocado Board; **Online Retail** the orders of a
British wholesaler (UCI, CC BY 4.0; Chen 2015). Intervals are at 95 %.

Nobody drew these prices at random. What is left of an elasticity once levels and common weeks are taken out still moves
with whatever made the price move; the recipe says where it sees that (`BULK_DISCOUNTS`, `PRICE_FOLLOWS_DEMAND`,
`FEW_PRICES`), and an experiment on prices is what settles it.
"""


def evaluate(folder: Path, *, quick: bool, tell: Tell) -> Section:  # noqa: ARG001 - the whole takes seconds
    """Return the report of pricing on the recorded data of a folder. Raises RecordedDataMissing."""
    tables = [module.table(folder, tell=tell) for module in (cheese, avocado, online_retail)]
    return Section("Pricing", TEXT, (*tables, files_table(folder, FILES)))
