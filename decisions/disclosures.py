"""What a shop has to tell shoppers where a price is personalised by automated decision, by jurisdiction.

Texts of our own wording, but where a statute fixes the words; for a named person to look over, and no legal advice.
Jurisdictions are ISO 3166 codes: of a country, or of a part of one (`US-NY`).
"""

from collections.abc import Iterable
from typing import Final

from foundation.errors import DomainError

_UNION: Final = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
EUROPEAN_ECONOMIC_AREA: Final = _UNION | {"IS", "LI", "NO"}
"""The European Union, and the countries to which its law on consumers extends."""
EUROPEAN: Final = "This price was personalised for you on the basis of automated decision-making."
"""Directive 2011/83/EU, Article 6(1)(ea): to be told before the contract, with the price."""
NEW_YORK: Final = "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA"
"""General Business Law section 349-a: near the price; the statute itself fixes these words."""
UNITED_STATES: Final = "US"
"""Named without a state it includes New York."""
NEVER: Final = frozenset({"CN"})
"""Where a price is not personalised whatever is told: Personal Information Protection Law, Article 24."""


class NeverPersonalised(DomainError):
    """Prices are not personalised there, so that there is nothing to disclose."""

    code = "PAYABLE_NEVER_IN_CHINA"
    hint = "Leave China out; set prices by item, cluster or store there, the same for everybody."


def disclosure_for(jurisdictions: Iterable[str]) -> str:
    """Return what has to be told in these jurisdictions, a sentence a line; "" where the law asks for none.

    Raises NeverPersonalised where China is among them.
    """
    named = {code.strip().upper() for code in jurisdictions}
    if any(code.partition("-")[0] in NEVER for code in named):
        raise NeverPersonalised("A price is never personalised in China.")
    texts = []
    if named & EUROPEAN_ECONOMIC_AREA:
        texts.append(EUROPEAN)
    if named & {UNITED_STATES, "US-NY"}:
        texts.append(NEW_YORK)
    return "\n".join(texts)
