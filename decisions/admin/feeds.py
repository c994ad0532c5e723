"""Feeds of catalogues: set up through the actions; a button pulls one now, and the last outcome is told in words."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from decisions.actions.feed_addresses import FeedAddressInvalid, read_address
from decisions.actions.feeds import FeedDraft, create_feed, edit_feed, request_pull
from decisions.ingest.collections import all_collections
from decisions.ingest.supply import SUPPLY
from decisions.models import CatalogueFeed
from decisions.queries.feeds import read_outcome
from decisions.reports.feeds import pull_words
from foundation.admin_base import (
    ActionVariant,
    ConsoleAdmin,
    DialogForm,
    choice_field,
    object_action,
    return_to,
    row_id,
    text_input,
    username,
)

LONGEST_PACE = 60 * 24 * 31
"""Minutes: a month."""


class FeedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A feed: where the file is, and how often it is looked at."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=1_000,
        widget=text_input(),
        help_text=gettext_lazy("Of a CSV file whose first line names the fields, item_id among them."),
    )
    every_minutes = forms.IntegerField(
        label=gettext_lazy("Every so many minutes"),
        min_value=1,
        max_value=LONGEST_PACE,
        initial=60,
        widget=text_input(),
    )

    class Meta:
        model = CatalogueFeed
        fields = ["project", "collection", "url", "every_minutes", "is_enabled"]

    def clean_url(self) -> str:
        """Return the address, if a file can be fetched from it."""
        url = str(self.cleaned_data["url"])
        try:
            read_address(url)
        except FeedAddressInvalid as error:
            raise forms.ValidationError(f"{error.message} {error.hint}", code=error.code) from error
        return url


@admin.register(CatalogueFeed)
class CatalogueFeedAdmin(ConsoleAdmin):
    """CSV files of the shop that are pulled into collections."""

    form = FeedForm
    list_display = ["collection", "project", "url", "every_minutes", "is_enabled", "pulled_at", "summary"]
    list_filter = ["project", "collection", "is_enabled"]
    list_select_related = ["project"]
    search_fields = ["url", "collection"]
    ordering = ["-id"]
    actions_detail = ["pull"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields, with what the last pull gave once there is a feed."""
        fields = ["project", "collection", "url", "every_minutes", "is_enabled"]
        return [*fields, "pulled_at", "outcome_told"] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return what never changes once the feed exists, and what pulls write."""
        return ["project", "collection", "pulled_at", "outcome_told"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the collections that there are."""
        if db_field.name == "collection":
            return choice_field(
                label=_("Collection"),
                choices=[(name, name) for name in (*all_collections(), *SUPPLY)],
                help_text=_("A collection has one feed. Items that are missing from the file are kept."),
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=gettext_lazy("last outcome"))
    def summary(self, feed: CatalogueFeed) -> str:
        """Return what the last pull gave, in a sentence."""
        return pull_words(read_outcome(feed.outcome), feed.project.time_zone).summary

    @admin.display(description=gettext_lazy("last outcome"))
    def outcome_told(self, feed: CatalogueFeed) -> SafeString:
        """Return what the last pull gave, with the first lines that were refused."""
        words = pull_words(read_outcome(feed.outcome), feed.project.time_zone)
        faults = format_html_join("", "<li>{}</li>", ((fault,) for fault in words.faults))
        listed = format_html("<ul>{}</ul>", faults) if words.faults else ""
        return format_html("<p>{} {}</p>{}", words.summary, words.time, listed)

    def save_model(self, request: HttpRequest, obj: CatalogueFeed, form: Any, change: bool) -> None:
        """Create or edit by the action."""
        now, who = timezone.now(), username(request)
        draft = FeedDraft(url=obj.url, every_minutes=obj.every_minutes, is_enabled=obj.is_enabled)
        if change:
            edit_feed(feed_id=obj.pk, draft=draft, acting_user=who, now=now)
            return
        obj.pk = create_feed(
            project_id=obj.project_id, collection=obj.collection, draft=draft, acting_user=who, now=now
        )
        obj.refresh_from_db()

    def has_pull_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether there is such a feed and the person may change feeds."""
        may = request.user.has_perm("decisions.change_cataloguefeed")
        return may and CatalogueFeed.objects.filter(pk=row_id(object_id)).exists()

    @object_action(
        label=gettext_lazy("Pull now"),
        explanation=gettext_lazy("A worker fetches the file. Load this page again to see what it gave."),
        form=DialogForm,
        permission="pull",
        variant=ActionVariant.PRIMARY,
    )
    def pull(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Ask for a pull."""
        request_pull(feed_id=row_id(object_id), acting_user=username(request), now=timezone.now())
        messages.success(request, _("The file will be fetched within seconds."))
        return return_to(request, self.page_of(object_id))
