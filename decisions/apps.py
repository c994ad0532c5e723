from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DecisionsConfig(AppConfig):
    name = "decisions"
    verbose_name = _("Decisions")

    def ready(self) -> None:
        """Let an experiment at a decision point start only where its policies hold."""
        from decisions.launch_checks import decision_problems
        from experiments.launch_checks import register

        register(decision_problems)
