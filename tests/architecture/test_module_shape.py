"""What keeps modules small and visible to the tools: sizes, packages, names."""

from tests.architecture.source import PROJECT, files_of_the_repository, is_migration, modules

LONGEST_MODULE = 400


def test_modules__except_migrations__have_at_most_400_lines() -> None:
    sizes = {path: len((PROJECT / path).read_text().splitlines()) for path in modules() if not is_migration(path)}
    too_long = {str(path): size for path, size in sizes.items() if size > LONGEST_MODULE}
    assert sizes
    assert too_long == {}


def test_folders__that_hold_modules__are_packages() -> None:
    """The import linter does not see a folder without __init__.py, so rules would not hold in it."""
    folders = {path.parent for path in files_of_the_repository() if path.suffix == ".py" and path.parent.parts}
    unseen = sorted(str(folder) for folder in folders if not (PROJECT / folder / "__init__.py").exists())
    assert unseen == []


def test_migrations__of_every_app__are_named_by_a_person() -> None:
    automatic = [str(path) for path in modules() if is_migration(path) and "_auto_" in path.name]
    assert automatic == []
