"""Preview links: permission to look at one variant of a live experiment for a while."""

from datetime import datetime, timedelta

from decisions.queries.live import newest_bundle
from decisions.serving.preview import sign_preview
from experiments.launch_checks import changes_what_is_paid
from experiments.queries.designs import design_of
from foundation.errors import DomainError
from foundation.queries import project_facts

PREVIEW_HOURS = 72


class NotInBundle(DomainError):
    """The experiment is neither running nor paused, or has no such variant."""

    code = "NOT_IN_BUNDLE"
    hint = "Launch the experiment first; to look at a draft, list a test unit among its overrides once it runs."


class PreviewPays(DomainError):
    """The experiment changes what a person pays: whoever had a link would pay by it."""

    code = "PREVIEW_PAYS"
    hint = "Look at it in a project of its own, where nobody pays."


def preview_token(*, project_id: int, experiment: str, variant: str, now: datetime, hours: int = PREVIEW_HOURS) -> str:
    """Return a token that shows a variant for so many hours; nothing is written.

    Raises NotInBundle, PreviewPays, NothingPublished, BundleInvalid.
    """
    bundle = newest_bundle(project_id)
    known = bundle.snapshot.experiments.get(experiment)
    if known is None or variant not in known.variants:
        raise NotInBundle(f"The live bundle has no variant {variant!r} of {experiment!r}.")
    if changes_what_is_paid(design_of(known.id)):
        raise PreviewPays(f"{experiment} changes what a person pays.")
    expires = project_facts(project_id).clock.at(now + timedelta(hours=hours))
    return sign_preview(
        project_id=project_id, experiment=experiment, variant=variant, expires=expires, keys=bundle.signing_keys
    )
