"""What an app above adds to the page of an experiment, so that this one need not know it."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.reports.page import Link, RelatedCard, RelatedLink
from experiments.reports.wording import Text


@dataclass(frozen=True, slots=True)
class Related:
    """Links beside the experiment's name, cards below its figures, and what to do next where the app knows better."""

    links: tuple[RelatedLink, ...] = ()
    next_step: Text = ""
    next_link: Link | None = None
    cards: tuple[RelatedCard, ...] = ()


NOTHING = Related()
Provider = Callable[[int], Related]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Add what an app above knows of an experiment, by its id; adding it again changes nothing."""
    if provider not in _providers:
        _providers.append(provider)


def related_to(experiment_id: int) -> Related:
    """Return what the apps above know of an experiment; the first that knows a next step is heard."""
    found = [provider(experiment_id) for provider in _providers]
    telling = next((related for related in found if related.next_step), NOTHING)
    links = tuple(link for related in found for link in related.links)
    cards = tuple(card for related in found for card in related.cards)
    return Related(links, telling.next_step, telling.next_link, cards)
