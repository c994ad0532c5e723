"""Projects, API keys, jobs, the journal and the people of the console."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from foundation.actions.jobs import retry
from foundation.actions.projects import create_project, edit_project, issue_api_key, revoke_api_key
from foundation.admin_base import (
    ActionVariant,
    ConsoleAdmin,
    DialogForm,
    ReadOnlyAdmin,
    RequiredReasonForm,
    object_action,
    return_to,
    username,
)
from foundation.clock import ClockKind, ProjectClock
from foundation.models import ApiKey, Job, JournalEntry, Project
