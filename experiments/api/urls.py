"""Addresses of the management API of experiments."""

from django.urls import path

from experiments.api import calculator, filters

urlpatterns = [
    path("api/v1/calculator/power", calculator.Power.as_view(), name="api-calculator-power"),
    path("api/v1/calculator/compare", calculator.Compare.as_view(), name="api-calculator-compare"),
    path("api/v1/filters/<str:key>/units", filters.FilterUnits.as_view(), name="api-filter-units"),
]
