"""Decision domains in the language of the page; one that is no longer there goes by its key."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from decisions.registry import all_domains


def domain_name(key: str) -> str:
    """Return the name of a domain."""
    domain = all_domains().get(key)
    return pgettext("domain", domain.name) if domain else key


def domain_summary(key: str) -> str:
    """Return what is decided in a domain, in a sentence."""
    domain = all_domains().get(key)
    return _(domain.summary) if domain else ""


def recipe_words(domain_key: str, recipe: str) -> str:
    """Return what a recipe trains, in a sentence."""
    domain = all_domains().get(domain_key)
    said = domain.recipes.get(recipe) if domain else None
    return _(said) if said else recipe
