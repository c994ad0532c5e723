"""Flags as the launch checks see them."""

from experiments.launch_checks import FlagUse
from experiments.lifecycle import SERVING
from experiments.models import Experiment, Flag
from experiments.vocabulary import FlagKind, Source


def flag_uses(experiment: Experiment) -> tuple[FlagUse, ...]:
    """Return the flags of the project that the parameters of an experiment of our own name, by key."""
    if experiment.source != Source.OWN:
        return ()
    named = _parameters(experiment)
    flags = Flag.objects.filter(project_id=experiment.project_id, key__in=named).select_related("layer")
    return tuple(
        FlagUse(
            key=flag.key,
            kind=FlagKind(flag.kind),
            layer_key=flag.layer.key if flag.layer else None,
            taken_by=_other_user(flag, experiment) if flag.layer is None else None,
        )
        for flag in flags.order_by("key")
    )


def _other_user(flag: Flag, experiment: Experiment) -> str | None:
    rivals = Experiment.objects.filter(
        project_id=flag.project_id, source=Source.OWN, status__in=SERVING, layer=None
    ).exclude(pk=experiment.pk)
    rivals = rivals.prefetch_related("variants").order_by("pk")
    return next((rival.key for rival in rivals if flag.key in _parameters(rival)), None)


def _parameters(experiment: Experiment) -> set[str]:
    return {key for variant in experiment.variants.all() for key in variant.parameters}
