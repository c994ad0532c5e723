"""How JSON is shown in the admin."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString


def indented(value: Mapping[str, Any] | list[Any]) -> SafeString:
    """Return a value as indented JSON."""
    return format_html('<pre class="ty-json">{}</pre>', json.dumps(value, indent=1, ensure_ascii=False))
