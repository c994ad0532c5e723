"""The model of the shop as the study's page tells it, with the parameters that were used."""

from collections.abc import Iterator
from dataclasses import asdict

from simulation.designs import EXPERIMENTS, SLATE_SIZE
from simulation.shoppers import FAVOURITE, SECOND, STYLE
from simulation.truth import Truth

MODEL = f"""\
## The model of the shop

Item *i* of the catalogue has a category, a style, a relative price *z* and a quality *g* (mean 1). Shopper *u* has a
favourite and a second category, a style, a price sensitivity *s* and an activity (mean 1). With the taste *t*, the
affinity is

    a(u,i) = (1 + {FAVOURITE:g} t [favourite] + {SECOND:g} t [second]) (1 + {STYLE:g} t [style]) exp(-s z)

divided by the shopper's quality-weighted mean: taste says where attention goes, not how much there is of it. At
*t* = 0 tastes do not differ, and there is nothing for a model to learn.

- **Browsing**: a product view falls on an item in proportion to *a g*, before a visit and after. So history reveals
  taste.
- **A slate** of {SLATE_SIZE}: position *k* (from 0) is looked at with probability *e* = 1 / (1 + *k* / attention); an
  item looked at is clicked with probability min(1/2, click x *a* x sqrt(*g*)), and goes from there into the cart with
  probability *cart*. What is sold out never does.
- **Wanting**: with probability *o* = min(9/10, wanting x activity) a shopper also puts one item into the cart that
  they would have wanted anyway.
- **Checkout**: a cart is paid for with probability *c* = checkout x the factors of the plain treatments that the
  shopper met. Each item is a line, in one piece, or in two where a treatment raises the order's value. A share of the
  orders is refunded.

Positions are independent, so the chance that a shopper orders has a closed form:

    P(order | slate) = c [1 - (1 - o) prod over k of (1 - e(k) click(u,k) cart [in stock])]

The true effect of a policy is the mean of this over shoppers for its slates, against the other policy's. A factor on
the checkout is exactly that factor on everybody's conversion, so the effects of the experiments multiply.
"""


def model_lines(truth: Truth) -> Iterator[str]:
    """Yield the model, its parameters and the effects of the experiments as lines of Markdown."""
    yield from MODEL.splitlines()
    yield ""
    yield "| parameter | value |"
    yield "| --- | --- |"
    for name, value in asdict(truth).items():
        if name != "effects":
            yield f"| {name} | {value:g} |"
    yield ""
    yield "What each parameter means: `simulation/truth.py`."
    yield ""
    yield "| experiment | factor on the checkout | on an order's value | on product views | exposures lost |"
    yield "| --- | --- | --- | --- | --- |"
    for design in EXPERIMENTS:
        effect = truth.effect(design.key)
        if design.is_decision:
            yield f"| {design.key} | by its slates | 1 | by its slates | 0% |"
        else:
            yield (
                f"| {design.key} | {effect.checkout:g} | {effect.order_value:g} | {effect.views:g} | "
                f"{effect.lost_exposures:.0%} |"
            )
    yield ""
