"""The registry in the admin: models are registered here, trainings cancelled, schedules switched; the rest is read."""

from models_registry.admin import runs, schedules
from models_registry.admin.registry import RegisteredModelAdmin

__all__ = ["RegisteredModelAdmin", "runs", "schedules"]
