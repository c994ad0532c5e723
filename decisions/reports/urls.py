"""Addresses of the pages about models, decision points, decisions and promotions; .json asks for the same facts."""

from django.urls import path, register_converter

from decisions.reports import batch_views, intake_views, learner_views, previews, registry_views, views


class DecisionConverter:
    """A decision's id, as the edge makes it."""

    regex = r"[A-Za-z0-9_-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class VersionConverter:
    """The number of a model version within its model."""

    regex = r"[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(DecisionConverter, "decision")
register_converter(VersionConverter, "version")

urlpatterns = [
    path("m/", views.model_list, name="models"),
    path("m/<key:key>.json", views.model_json, name="model-json"),
    path("m/<key:key>", views.model_page, name="model"),
    path("m/<key:key>/versions/diff", registry_views.diff_page, name="model-versions-diff"),
    path("m/<key:key>/versions/diff.json", registry_views.diff_json, name="model-versions-diff-json"),
    path("m/<key:key>/roles/clear", registry_views.clear, name="model-role-clear"),
    path("m/<key:key>/<version:number>/role", registry_views.give, name="model-version-role"),
    path("m/<key:key>/<version:number>/card.md", registry_views.card, name="model-version-card"),
    path("m/<key:key>/<version:number>/lineage", registry_views.lineage_page, name="model-version-lineage"),
    path("m/<key:key>/<version:number>/lineage.json", registry_views.lineage_json, name="model-version-lineage-json"),
    path("m/<key:key>/<version:number>.json", views.version_json, name="model-version-json"),
    path("m/<key:key>/<version:number>", views.version_page, name="model-version"),
    path("d/", views.point_list, name="decision-points"),
    path("d/<key:key>.json", views.point_json, name="decision-point-json"),
    path("d/<key:key>", views.point_page, name="decision-point"),
    path("d/<key:key>/learners/<key:learner_key>.json", learner_views.learner_json, name="learner-json"),
    path("d/<key:key>/learners/<key:learner_key>", learner_views.learner, name="learner"),
    path("d/<key:key>/batches/<int:batch_id>.csv", batch_views.batch_as_csv, name="batch-csv"),
    path("d/<key:key>/batches/<int:batch_id>.json", batch_views.batch_as_json, name="batch-json"),
    path("d/<key:key>/batches/<int:batch_id>", batch_views.batch, name="batch"),
    path("d/<key:key>/<decision:decision_id>.json", views.decision_json, name="decision-json"),
    path("d/<key:key>/<decision:decision_id>", views.decision_page, name="decision"),
    path("ops/intake", intake_views.intake_list, name="intakes"),
    path("ops/intake/<key:key>.json", intake_views.intake_json, name="intake-json"),
    path("ops/intake/<key:key>/replay", intake_views.replay, name="intake-replay"),
    path("ops/intake/<key:key>", intake_views.intake_of_project, name="intake"),
    path("previews/<int:experiment_id>", previews.previews_page, name="previews"),
    path("promotions", views.promotion_inbox, name="promotions"),
]
