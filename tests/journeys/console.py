"""A person at the console: forms are read as the admin shows them, filled in and posted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from experiments.actions.lifecycle import launch_problems

CONTROL, TREATMENT = "control", "treatment"
"""Keys of the variants that every draft of the form begins with."""


@dataclass(frozen=True, slots=True)
class Design:
    """An experiment of a control and a treatment, as a person writes it into the form.

    metrics: id, role and margin in percent ("" for none) of each. fields: further fields of the form by name, as they
    are typed, such as {"period_minutes": "1440"}; a box is ticked with "on".
    """

    project: int
    key: str
    name: str
    hypothesis: str
    unit_kind: str
    metrics: Sequence[tuple[int, str, str]]
    fields: Mapping[str, str] = field(default_factory=dict)


class Console:
    """A logged-in person who may do everything. Every method fails where the console does not do as asked."""

    def __init__(self, name: str = "manager") -> None:
        self._client = Client()
        self._client.force_login(User.objects.create(username=name, is_staff=True, is_superuser=True))

    def add_metrics(self, point: int) -> None:
        """Press the button that adds the metrics of a decision point's domain."""
        self._press("decisions_decisionpoint_metrics", point)

    def design(self, design: Design) -> int:
        """Return a new draft: made in the short form, then filled in in the whole one."""
        first = {"project": str(design.project), "key": design.key, "name": design.name}
        first |= {"unit_kind": design.unit_kind, "hypothesis": design.hypothesis}
        page = self._save(reverse("admin:experiments_experiment_add"), first)
        metrics = {"metrics-TOTAL_FORMS": str(len(design.metrics))}
        for number, (metric, role, margin) in enumerate(design.metrics):
            prefix = f"metrics-{number}"
            metrics |= {f"{prefix}-metric": str(metric), f"{prefix}-role": role, f"{prefix}-margin": margin}
        self._save(page, {**design.fields, **metrics})
        return _row_of(page)

    def bind(self, experiment: int, point: int, policies: Mapping[str, str]) -> None:
        """Let the variants decide at a decision point.

        policies: by key of the variant, "baseline", "version:<id>", "learner:<id>", or "fixed:" and the actions, one a
        line.
        """
        add = reverse("admin:decisions_pointexperiment_add")
        page = self._save(add, {"experiment": str(experiment), "point": str(point)})
        said: dict[str, str] = {}
        for variant, policy in policies.items():
            kind, _, actions = policy.partition(":")
            is_fixed = kind == "fixed"
            said[f"policy_{variant}"] = kind if is_fixed else policy
            said[f"items_{variant}"] = actions if is_fixed else ""
        self._save(page, said)

    def submit(self, experiment: int) -> None:
        """Submit a draft for review."""
        self._press("experiments_experiment_submit", experiment)

    def launch(self, experiment: int) -> None:
        """Launch what is in review, whose checklist must have no open point."""
        assert not (problems := launch_problems(experiment)), problems
        self._press("experiments_experiment_launch", experiment, reason="To learn which is better")

    def approve(self, proposal: int) -> None:
        """Promote what an experiment proposes."""
        self._press("decisions_promotionproposal_approve", proposal, reason="The experiment won")

    def roll_back(self, proposal: int) -> None:
        """Take a promotion back."""
        self._press("decisions_promotionproposal_roll_back", proposal, reason="To see that it can be undone")

    def _save(self, page: str, changes: Mapping[str, str]) -> str:
        """Save the form of a page with changes, and return the address that the console leads to."""
        answer = self._client.post(page, {**form_of(self._client.get(page).content.decode()), **changes})
        assert answer.status_code == 302, _complaint(answer)
        followed = self._client.get(answer["Location"])
        assert not _troubles(followed), _complaint(followed)
        return str(answer["Location"])

    def _press(self, button: str, row: int, **fields: str) -> None:
        """Fill in the dialog of a button; what the console warns of is an error here."""
        url = reverse(f"admin:{button}", args=[row])
        answer = self._client.post(url, {"_form_submitted": "True", **fields}, follow=True)
        assert answer.status_code == 200, (button, answer.status_code)
        assert not _troubles(answer), _complaint(answer)


def form_of(page: str) -> dict[str, str]:
    """Return the fields of a page's main form by name, as a browser would post them untouched."""
    reader = _FormReader()
    reader.feed(page)
    assert reader.fields, "the page has no form"
    return reader.fields


class _FormReader(HTMLParser):
    """Reads inputs, text areas and drop-downs of the form of an admin page, whose id ends with "_form"."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._is_inside = False
        self._choice: str | None = None
        self._text: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what has a value already; the text of a text area follows as data."""
        said = dict(attrs)
        if tag == "form":
            self._is_inside = str(said.get("id", "")).endswith("_form")
        name = said.get("name")
        if tag == "option" and "selected" in said and self._choice:
            self.fields[self._choice] = said.get("value") or ""
        if not self._is_inside or not name:
            return
        if tag == "select":
            self._choice = name
        elif tag == "textarea":
            self._text = name
            self.fields[name] = ""
        elif tag == "input" and _is_posted(said):
            self.fields[name] = said.get("value") or ("on" if said.get("type") == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        """Take the text of a text area, without the line break that begins it."""
        if self._text:
            self.fields[self._text] = (self.fields[self._text] + data).removeprefix("\n").removeprefix("\r\n")

    def handle_endtag(self, tag: str) -> None:
        """Leave what has ended."""
        if tag == "form":
            self._is_inside = False
        elif tag == "select":
            self._choice = None
        elif tag == "textarea":
            self._text = None


def _is_posted(said: Mapping[str, str | None]) -> bool:
    kind = said.get("type", "text")
    return kind not in ("submit", "button", "file") and (kind not in ("checkbox", "radio") or "checked" in said)


def _row_of(page: str) -> int:
    return int(page.rstrip("/").split("/")[-2])


def _troubles(answer: Any) -> list[str]:
    """Return what the console warns of on a page."""
    told = (answer.context or {}).get("messages") or ()
    return [str(message) for message in told if message.level_tag in ("warning", "error")]


def _complaint(answer: Any) -> object:
    errors = (answer.context or {}).get("errors") if answer.context is not None else None
    return errors or _troubles(answer)
