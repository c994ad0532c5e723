"""The official Python provider against a real edge process: what it needs, it gets."""

from itertools import count
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode, InvalidContextError
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason

from tests.clients.ofrep.site import DEFAULTS, FlagSite
from tests.decisions.published import CLIENT_KEY

_domains = count()


def provider_of(site: FlagSite, key: str = CLIENT_KEY) -> OFREPProvider:
    return OFREPProvider(site.url, headers_factory=lambda: {"Authorization": f"Bearer {key}"})


def client_of(site: FlagSite, key: str = CLIENT_KEY) -> OpenFeatureClient:
    domain = f"shop-{next(_domains)}"
    api.set_provider(provider_of(site, key), domain)
    return api.get_client(domain)


def details(
    client: OpenFeatureClient, key: str, context: EvaluationContext | None = None
) -> FlagEvaluationDetails[Any]:
    asked = {
        bool: client.get_boolean_details,
        str: client.get_string_details,
        int: client.get_integer_details,
        float: client.get_float_details,
        dict: client.get_object_details,
    }
    ask: Any = asked[type(DEFAULTS[key])]
    found: FlagEvaluationDetails[Any] = ask(key, DEFAULTS[key], context)
    return found


VISITOR = EvaluationContext("v-1", {"country": "DE", "userId": "c-1"})


def test_details__every_type__have_value_variant_reason_and_metadata(flag_site: FlagSite) -> None:
    client = client_of(flag_site)
    found = {key: details(client, key, VISITOR) for key in ("price", "title", "columns", "layout", "search")}
    assert {key: one.error_code for key, one in found.items()} == dict.fromkeys(found)
    assert found["price"].value in (20.0, 25.0)
    assert type(found["price"].value) is float
    assert found["columns"].value == {"Hi": 4, "Hey": 5}[found["title"].value]
    assert found["layout"].value == {"dense": found["title"].value == "Hi"}
    assert (found["search"].value, found["search"].reason, found["search"].variant) == (False, Reason.STATIC, "default")
    assert found["price"].reason == Reason.SPLIT
    assert found["price"].variant in ("control", "arm-1")
    metadata = found["price"].flag_metadata
    assert (metadata["experiment"], metadata["probability"], metadata["bundle_version"]) == ("experiment-1", 0.5, 12)
    assert metadata["decision_token"]


@pytest.mark.parametrize(
    ("key", "context", "value", "reason", "true_reason"),
    [
        ("german", EvaluationContext("v-1", {"country": "DE"}), True, Reason.SPLIT, "SPLIT"),
        ("german", EvaluationContext("v-1", {"country": "FR"}), False, Reason.STATIC, "AUDIENCE"),
        ("kept-out", EvaluationContext("v-1"), "as before", Reason.STATIC, "COVERAGE"),
        ("paused", EvaluationContext("v-1"), "as before", Reason.DISABLED, "NOT_RUNNING"),
        ("paused", EvaluationContext(), "as before", Reason.DISABLED, "NOT_RUNNING"),
        ("loyalty", EvaluationContext("v-1"), "none", Reason.STATIC, "UNIT_MISSING"),
        ("loyalty", EvaluationContext("v-1", {"userId": "c"}), "points", Reason.SPLIT, "SPLIT"),
        ("tester", EvaluationContext("v-tester"), "new", Reason.TARGETING_MATCH, "OVERRIDE"),
    ],
)
def test_details__every_reason__is_one_that_the_provider_knows(
    flag_site: FlagSite, key: str, context: EvaluationContext, value: object, reason: Reason, true_reason: str
) -> None:
    found = details(client_of(flag_site), key, context)
    assert (found.error_code, found.value, found.reason) == (None, value, reason)
    assert found.variant
    assert found.flag_metadata["reason"] == true_reason


def test_details__unknown_flag__is_flag_not_found_with_the_text(flag_site: FlagSite) -> None:
    found = client_of(flag_site).get_string_details("nowhere", "code", VISITOR)
    assert (found.value, found.error_code, found.reason) == ("code", ErrorCode.FLAG_NOT_FOUND, Reason.ERROR)
    assert "nowhere" in str(found.error_message)


def test_details__no_targeting_key__is_the_providers_own_error(flag_site: FlagSite) -> None:
    found = details(client_of(flag_site), "price")
    assert (found.value, found.error_code) == (DEFAULTS["price"], ErrorCode.TARGETING_KEY_MISSING)
    assert "targetingKey" in str(found.error_message)
    assert details(client_of(flag_site), "search").value is False


def test_resolve__no_context_at_all__is_invalid_context_with_the_text(flag_site: FlagSite) -> None:
    with pytest.raises(InvalidContextError, match="no context"):
        provider_of(flag_site).resolve_float_details("price", 1.5, None)


def test_details__context_at_fault__is_invalid_context_with_the_text(flag_site: FlagSite) -> None:
    found = details(client_of(flag_site), "price", EvaluationContext("v-1", {"personalised": "no"}))
    assert (found.value, found.error_code) == (DEFAULTS["price"], ErrorCode.INVALID_CONTEXT)
    assert "personalised" in str(found.error_message)


def test_details__wrong_key__is_the_default(flag_site: FlagSite) -> None:
    found = details(client_of(flag_site, "nonsense"), "price", VISITOR)
    assert (found.value, found.error_code, found.error_message) == (1.5, ErrorCode.GENERAL, "unauthorized")


def test_details__type_of_the_code_is_another__is_a_type_mismatch(flag_site: FlagSite) -> None:
    found = client_of(flag_site).get_boolean_details("title", True, VISITOR)
    assert (found.value, found.error_code) == (True, ErrorCode.TYPE_MISMATCH)
