from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExperimentsConfig(AppConfig):
    name = "experiments"
    verbose_name = _("Experiments")

    def ready(self) -> None:
        """Let every new project begin with suggestions for its filters."""
        from experiments.actions.filters import suggest_filters
        from foundation.actions.projects import furnish_with

        furnish_with(suggest_filters)
