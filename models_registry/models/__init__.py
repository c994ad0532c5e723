"""Tables of the models registry; only its actions, queries and admin touch them."""

from models_registry.models.aliases import Alias, AliasMove
from models_registry.models.artifacts import ArtifactDrop
from models_registry.models.runs import TrainingRun
from models_registry.models.schedules import TrainingSchedule
from models_registry.models.versions import ArtifactChunk, ModelVersion, RegisteredModel

__all__ = [
    "Alias",
    "AliasMove",
    "ArtifactChunk",
    "ArtifactDrop",
    "ModelVersion",
    "RegisteredModel",
    "TrainingRun",
    "TrainingSchedule",
]
