from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DecisionsConfig(AppConfig):
    name = "decisions"
    verbose_name = _("Decisions")

    def ready(self) -> None:
        """Let an experiment at a decision point start only where its policies hold, and its pages tell of the point."""
        from decisions.attribution import attribution_problems
        from decisions.batch_checks import batch_problems, payable_of_experiment
        from decisions.disclosures import disclosure_for
        from decisions.launch_checks import decision_problems
        from decisions.queries.arms import confounds
        from decisions.queries.closings import unvalued
        from decisions.queries.compliance import compliance_confounds
        from decisions.reports.previews import related_previews
        from decisions.reports.related import related_decisions, related_lateness
        from experiments import confounds as besides
        from experiments import launch_checks
        from experiments.queries import payable
        from experiments.reports import related

        launch_checks.register(decision_problems)
        launch_checks.register(attribution_problems)
        launch_checks.register(batch_problems)
        payable.register(payable_of_experiment)
        payable.disclose_with(disclosure_for)
        besides.register(confounds)
        besides.register(compliance_confounds)
        besides.register(unvalued)
        related.register(related_decisions)
        related.register(related_previews)
        related.register(related_lateness)
