import threading

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.actions.journal import first_broken_entry, write_journal
from foundation.models import JournalEntry
from tests.fixtures.records import ACTOR, NOW, make_project


def write(project_id: int, action: str = "test.do") -> int:
    with transaction.atomic():
        return write_journal(project_id=project_id, at=NOW, actor=ACTOR, action=action, subject="thing:1")


def unguarded(statement: str, *parameters: object) -> None:
    """Change the journal as somebody with the database's own rights could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE foundation_journalentry DISABLE TRIGGER journal_is_append_only")
        cursor.execute(statement, parameters)
        cursor.execute("ALTER TABLE foundation_journalentry ENABLE TRIGGER journal_is_append_only")


@pytest.mark.django_db(transaction=True)
def test_write_journal__outside_a_transaction__is_refused():
    project_id = make_project()
    with pytest.raises(transaction.TransactionManagementError):
        write_journal(project_id=project_id, at=NOW, actor=ACTOR, action="x", subject="y")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE foundation_journalentry SET reason = 'x'", "DELETE FROM foundation_journalentry"]
)
def test_journal__changed_by_raw_sql__is_refused(statement):
    write(make_project())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_journal__truncated__is_refused():
    write(make_project())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE foundation_journalentry ENABLE TRIGGER journal_is_never_truncated")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("TRUNCATE foundation_journalentry CASCADE")
    assert JournalEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE foundation_journalentry SET actor = 'somebody' WHERE sequence = 3", 3),
        ("UPDATE foundation_journalentry SET reason = 'kind' WHERE sequence = 2", 2),
        ("DELETE FROM foundation_journalentry WHERE sequence = 2", 2),
        ("UPDATE foundation_journalentry SET sequence = 40 WHERE sequence = 3", 3),
    ],
)
def test_first_broken_entry__tampered_behind_the_triggers__names_the_first(statement, broken):
    project_id = make_project()
    for _ in range(4):
        write(project_id)
    assert first_broken_entry(project_id) is None
    unguarded(statement)
    assert first_broken_entry(project_id) == broken


@pytest.mark.django_db(transaction=True)
def test_write_journal__many_at_once__gives_consecutive_numbers():
    project_id = make_project()
    before = JournalEntry.objects.count()

    def work() -> None:
        for _ in range(5):
            write(project_id)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert JournalEntry.objects.count() == before + 20
    assert first_broken_entry(project_id) is None
