"""Addresses of the readouts; a suffix asks for the same numbers in another form."""

from django.urls import path, register_converter

from experiments.reports import views
from experiments.reports.calculator import views as calculator
from experiments.reports.exploration import views as exploration


class KeyConverter:
    """An experiment's key, as `foundation.validators.validate_key` admits it."""

    regex = r"[a-z0-9][a-z0-9._-]{0,63}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KeyConverter, "key")

urlpatterns = [
    path("x/", views.experiment_list, name="readouts"),
    path("x/<key:key>.json", views.readout_json, name="readout-json"),
    path("x/<key:key>.csv", views.readout_csv, name="readout-csv"),
    path("x/<key:key>/segments.csv", views.readout_segments_csv, name="readout-segments-csv"),
    path("x/<key:key>/schedule.csv", views.readout_schedule_csv, name="readout-schedule-csv"),
    path("x/<key:key>/explore.json", exploration.explore_json, name="explore-json"),
    path("x/<key:key>/explore/ask", exploration.explore_ask, name="explore-ask"),
    path("x/<key:key>/explore", exploration.explore_page, name="explore"),
    path("x/<key:key>", views.readout_page, name="readout"),
    path("calculator", calculator.power_page, name="calculator"),
    path("calculator/compare", calculator.compare_page, name="calculator-compare"),
]
