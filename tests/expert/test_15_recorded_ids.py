"""Ids of people never reach the database as they were recorded, not even those of rows that do not count."""

from pathlib import Path

import pytest
from django.db import connection

from experiments.models import ExternalUnit
from tests.experiments.recorded.material import make_manifest, write_csv
from tests.fixtures.recorded import import_files
from tests.fixtures.records import make_project

pytestmark = pytest.mark.django_db


def test_recorded_ids__of_people__are_in_no_column_of_any_table(tmp_path: Path):
    make_project()
    people = [f"jane{index}@example.com,{'ab'[index % 2]},,,{index % 3 % 2},,,," for index in range(200)]
    bad = ["jane900@example.com,a,,,maybe,,,,", "jane901@example.com,c,,,1,,,,"]
    twice = ["jane1@example.com,b,,,1,,,,", "jane2@example.com,b,,,1,,,,"]
    import_files(make_manifest(), write_csv(tmp_path, *people, *bad, *twice))
    assert ExternalUnit.objects.count() == 199
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE %s', ["%jane%example%"])
            assert cursor.fetchone() == (0,), table


def test_recorded_ids__of_stores__stay_readable(tmp_path: Path):
    make_project()
    rows = [f"store-{index},{'ab'[index % 2]},,,{index % 3 % 2},,,," for index in range(200)]
    manifest = make_manifest(columns={"unit": "id", "variant": "arm", "unit_kind": "store"})
    import_files(manifest, write_csv(tmp_path, *rows))
    assert ExternalUnit.objects.filter(unit__startswith="store-").count() == 200
