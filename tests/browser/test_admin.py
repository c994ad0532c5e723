"""The admin in a real browser: log in, write a design, walk it to its end, and nothing is violated on the way."""

import pytest
from django.urls import reverse

from experiments.models import Experiment
from tests.browser.conftest import OpenVisit, no_complaints
from tests.experiments.reports import stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_login__wrong_password__says_so_and_lets_one_try_again(visit: OpenVisit) -> None:
    tab = visit()
    with no_complaints(tab):
        page = tab.go("/admin/")
        page.fill("#id_username", "manager")
        page.fill("#id_password", "not this one")
        page.keyboard.press("Enter")
        page.wait_for_selector(".errorlist")
        assert "Please enter the correct username and password" in page.inner_text("main")
        page.fill("#id_password", "a long enough one")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{tab.url}/admin/")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_admin__every_list_and_form__violates_nothing(visit: OpenVisit, locale: str, scheme: str) -> None:
    project = stored.shop()
    stored.running(project)
    stored.draft(stored.shop("pier"), key="draft")
    tab = visit(locale=locale, color_scheme=scheme)
    tab.log_in()
    with no_complaints(tab):
        tab.go("/admin/")
        for experiment in Experiment.objects.all():
            tab.go(reverse("admin:experiments_experiment_change", args=[experiment.pk]))
        for model in ("experiment", "metric", "layer", "holdout", "scorecard", "quarantine"):
            tab.go(reverse(f"admin:experiments_{model}_changelist"))
        for page in ("experiments_experiment_add", "experiments_metric_add", "foundation_apikey_add"):
            tab.go(reverse(f"admin:{page}"))
        for model in ("project", "apikey", "job", "journalentry"):
            tab.go(reverse(f"admin:foundation_{model}_changelist"))


def test_admin__a_whole_life__by_forms_and_dialogs(visit: OpenVisit) -> None:
    project = stored.shop()
    stored.draft(project, key="other")
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go(reverse("admin:experiments_experiment_add"))
        page.select_option("#id_project", str(project))
        page.fill("#id_key", "gift-wrap")
        page.fill("#id_name", "Gift wrap")
        page.click("button[name=_save]")
        page.wait_for_selector("text=The draft is there.")
        assert "2 points are open before it can start." in page.inner_text("#content-main")
        page.fill("#id_hypothesis", "A ribbon helps.")
        page.click("#tabs-wrapper >> text=Metrics")
        page.click("#metrics-group >> text=Add another")
        page.select_option("#id_metrics-0-metric", label="Conversion (v1)")
        page.select_option("#id_metrics-0-role", "DECISION")
        page.click("button[name=_continue]")
        page.wait_for_selector("text=Everything is there. Submit it for review.")

        def press(label: str, expected: str, **fields: str) -> None:
            page.click(f"ul >> a:has-text('{label}')")
            page.wait_for_selector("#dialog-form")
            for name, value in fields.items():
                if name == "conclusion":
                    page.select_option("#id_conclusion", value)
                else:
                    page.fill(f"#id_{name}", value)
            page.click(f"#dialog button:has-text('{label}')")
            page.wait_for_selector(f"text={expected}")
            tab.note()

        press("Submit for review", "The experiment is in review.")
        press("Launch", "The experiment is running.", reason="Agreed")
        press("Pause", "The experiment is paused.", reason="A holiday")
        press("Resume", "The experiment is running again.")
        press("Stop", "The experiment is stopped.", reason="Enough seen")
        press("Conclude", "The experiment is concluded.", conclusion="FLAT", note="Ribbons do nothing.")
    experiment = Experiment.objects.get(key="gift-wrap")
    assert (experiment.status, experiment.conclusion, experiment.conclusion_note) == (
        "CONCLUDED",
        "FLAT",
        "Ribbons do nothing.",
    )


def test_admin__dialog_without_its_reason__stays_open_and_says_what_is_missing(visit: OpenVisit) -> None:
    experiment_id = stored.running(stored.shop())
    tab = visit()
    tab.log_in()
    with no_complaints(tab):
        page = tab.go(reverse("admin:experiments_experiment_change", args=[experiment_id]))
        page.click("ul >> a:has-text('Stop')")
        page.wait_for_selector("#dialog-form")
        page.click("#dialog button:has-text('Stop')")
        page.wait_for_selector("#dialog-form >> text=This field is required.")
    assert Experiment.objects.get().status == "RUNNING"
