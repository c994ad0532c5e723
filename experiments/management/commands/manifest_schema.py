"""bin/manage manifest_schema: the JSON Schema of import manifests, as docs/manifest.schema.json holds it."""

from typing import Any

from django.core.management.base import BaseCommand

from experiments.recorded.schema import schema_text


class Command(BaseCommand):
    """Print the schema: bin/manage manifest_schema > docs/manifest.schema.json."""

    help = "Print the JSON Schema of import manifests."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the schema."""
        self.stdout.write(schema_text(), ending="")
