"""Which code runs: the commit of the checkout, or what the environment says where there is none."""

from pathlib import Path


def code_revision(checkout: Path, *, told: str | None) -> str:
    """Return what names the running code: `told` where given, else the checkout's commit, else "unknown"."""
    if told:
        return told
    try:
        head = (checkout / ".git" / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        loose = checkout / ".git" / reference
        if loose.exists():
            return loose.read_text().strip()
        packed = (checkout / ".git" / "packed-refs").read_text().splitlines()
        return next(line.split()[0] for line in packed if line.endswith(f" {reference}"))
    except (OSError, StopIteration):
        return "unknown"
