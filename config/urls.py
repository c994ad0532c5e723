"""Addresses of the console."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView

from config import health

handler404 = "config.missing.answer"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="readouts"), name="home"),
    path("", include("experiments.reports.urls")),
    path("", include("decisions.reports.urls")),
    path("", include("decisions.api")),
    path("", include("decisions.batch_api")),
    path("", include("decisions.price_api")),
    path("", include("decisions.supply_api")),
    path("", include("experiments.api.urls")),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
]
