"""Models and their immutable versions."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.fields import validate_key
from models_registry.vocabulary import PredictorKind

PREDICTOR_KINDS = [
    (PredictorKind.POPULARITY.value, _("Popularity")),
    (PredictorKind.ITEM_ITEM.value, _("Item to item")),
    (PredictorKind.RANKING_NETWORK.value, _("Ranking network")),
    (PredictorKind.TWO_TOWER.value, _("Two towers")),
    (PredictorKind.EASE.value, _("EASE")),
    (PredictorKind.FACTORS.value, _("Matrix factors")),
    (PredictorKind.HASHED_LOGISTIC.value, _("Logistic on hashed features")),
    (PredictorKind.HASHED_NETWORK.value, _("Network on hashed features")),
]


class RegisteredModel(models.Model):
    """A task that versions compete for, such as ranking the items of the home page."""

    project = models.ForeignKey("foundation.Project", models.PROTECT, related_name="+", verbose_name=_("project"))
    key = models.CharField(_("key"), max_length=64, validators=[validate_key])
    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(_("domain"), max_length=64, validators=[validate_key])
    description = models.TextField(_("description"), default="", blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="model_key", fields=["project", "key"])]

    def __str__(self) -> str:
        return self.name


class ArtifactChunk(models.Model):
    """A piece of an artifact, which is named by the SHA-256 of its bytes; append-only by trigger."""

    sha256 = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        verbose_name = _("artifact chunk")
        verbose_name_plural = _("artifact chunks")
        constraints = [models.UniqueConstraint(name="artifact_chunk", fields=["sha256", "position"])]

    def __str__(self) -> str:
        return f"{self.sha256[:12]}/{self.position}"


class ModelVersion(models.Model):
    """A trained model that can serve, with what it reads, how good it was and where it comes from.

    Append-only by trigger. Its lineage is the training run; data window and code revision are copied, so that a
    version tells its own story.
    """

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="versions", verbose_name=_("model"))
    number = models.PositiveIntegerField(_("version"))
    kind = models.CharField(_("predictor"), max_length=20, choices=PREDICTOR_KINDS)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size = models.PositiveIntegerField(_("bytes"))
    seal = models.CharField(max_length=64, editable=False)
    signature = models.JSONField(_("signature"))
    metrics = models.JSONField(_("offline metrics"))
    gate = models.JSONField(_("gate"))
    run = models.OneToOneField(
        "models_registry.TrainingRun", models.PROTECT, related_name="version", verbose_name=_("training run")
    )
    data_start = models.DateTimeField(_("data from"))
    data_end = models.DateTimeField(_("data up to"))
    code_revision = models.CharField(_("code revision"), max_length=100)
    created_at = models.DateTimeField(_("registered"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="model_version_number", fields=["model", "number"]),
            models.CheckConstraint(name="model_version_has_bytes", condition=Q(size__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"
