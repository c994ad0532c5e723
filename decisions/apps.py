from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DecisionsConfig(AppConfig):
    name = "decisions"
    verbose_name = _("Decisions")

    def ready(self) -> None:
        """Let an experiment at a decision point start only where its policies hold, and its pages tell of the point."""
        from decisions.attribution import attribution_problems
        from decisions.launch_checks import decision_problems
        from decisions.queries.arms import confounds
        from decisions.reports.previews import related_previews
        from decisions.reports.related import related_decisions, related_lateness
        from experiments import confounds as besides
        from experiments import launch_checks
        from experiments.reports import related

        launch_checks.register(decision_problems)
        launch_checks.register(attribution_problems)
        besides.register(confounds)
        related.register(related_decisions)
        related.register(related_previews)
        related.register(related_lateness)
