"""The calculator over HTTP: forms sent by GET, so that an answer has an address to share."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from experiments.reports.calculator.compare_form import compare_form
from experiments.reports.calculator.compare_page import compare_answer
from experiments.reports.calculator.power_form import KINDS, power_form
from experiments.reports.calculator.power_page import power_answer
from experiments.reports.views import console_page


@console_page
def power_page(request: HttpRequest) -> HttpResponse:
    """Show how long a test takes, or what it can find, below the form that asked."""
    form = power_form(request.GET.dict())
    answer = None if form.found is None else power_answer(form.found)
    context = {"form": form, "answer": answer, "kinds": KINDS, "section": "calculator"}
    return render(request, "reports/calculator.html", context)


@console_page
def compare_page(request: HttpRequest) -> HttpResponse:
    """Show what one look says of arms, below the form that asked."""
    form = compare_form(request.GET.dict())
    answer = None if form.found is None else compare_answer(form.found, form.kind)
    context = {"form": form, "answer": answer, "kinds": KINDS, "section": "calculator"}
    return render(request, "reports/compare.html", context)
