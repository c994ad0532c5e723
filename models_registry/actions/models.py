"""Registered models."""

from datetime import datetime

from django.db import IntegrityError, transaction

from foundation.actions.journal import write_journal
from foundation.errors import DomainError
from foundation.queries import project_facts
from models_registry.models import RegisteredModel


class ModelExists(DomainError):
    """The project has a model with this key."""

    code = "MODEL_EXISTS"
    hint = "Choose another key; keys are never reused within a project."


def create_model(
    *, project_id: int, key: str, name: str, domain: str, acting_user: str, now: datetime, description: str = ""
) -> int:
    """Register a model and return its id. Raises ModelExists, ValidationError."""
    row = RegisteredModel(project_id=project_id, key=key, name=name, domain=domain, description=description)
    row.clean_fields()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            write_journal(
                project_id=project_id,
                at=project_facts(project_id).clock.at(now),
                actor=acting_user,
                action="model.create",
                subject=f"model:{key}",
                after={"name": name, "domain": domain},
            )
    except IntegrityError as error:
        if "model_key" in str(error):
            raise ModelExists(f"The project has a model with the key {key} already.") from error
        raise
    return int(row.pk)
