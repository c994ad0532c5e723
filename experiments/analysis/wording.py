"""Every sentence that a scorecard or verdict can say, in one place and in English; translations replace the values."""

from collections.abc import Mapping

from experiments.analysis.reasons import Parameter, ReasonCode, ReasonItem

_EFFECT = "%(difference)s (%(lower)s to %(upper)s)"

REASONS: dict[ReasonCode, str] = {
    ReasonCode.CHECK_BLOCKS: "Not trustworthy: the check “%(check)s” failed. %(advice)s",
    ReasonCode.CHECK_WARNS: "Mind the check “%(check)s”.",
    ReasonCode.CHECK_INTERPRET: "Read the figures with the check “%(check)s” in mind.",
    ReasonCode.HARM: f"%(variant)s harms %(metric)s against %(reference)s, beyond the tolerated %(margin)s: {_EFFECT}.",
    ReasonCode.HARM_IN_INVALID: (
        "%(variant)s seems to harm %(metric)s (%(difference)s) while the data cannot be trusted: pause the traffic."
    ),
    ReasonCode.INFERIOR: f"%(variant)s is worse than %(reference)s on %(metric)s: {_EFFECT}.",
    ReasonCode.SUPERIOR: f"%(variant)s is better than %(reference)s on %(metric)s: {_EFFECT}.",
    ReasonCode.NOT_SUPERIOR_YET: f"%(variant)s is not yet clearly better on %(metric)s: {_EFFECT}.",
    ReasonCode.FUTILE: (
        "Going on is hardly worth it for %(variant)s on %(metric)s: the planned effect would show more clearly by now."
        " Even if it is true, the chance to show it by the end is %(chance)s."
    ),
    ReasonCode.NOT_SUPERIOR: f"%(variant)s was not shown to be better on %(metric)s: {_EFFECT}.",
    ReasonCode.NON_INFERIOR_WITH_SAVING: (
        "%(variant)s is not worse on %(metric)s by %(margin)s or more, and it saves: %(saving)s."
    ),
    ReasonCode.NOT_NON_INFERIOR: "%(variant)s was not shown to stay within %(margin)s of %(reference)s on %(metric)s.",
    ReasonCode.GUARDRAIL_HOLDS: "Guardrail %(metric)s holds for %(variant)s: not worse by %(margin)s or more.",
    ReasonCode.GUARDRAIL_NOT_SHOWN: (
        "Guardrail %(metric)s is not shown to hold for %(variant)s: it may be worse by %(margin)s or more."
    ),
    ReasonCode.TOO_EARLY: "The test has run %(days)s of at least %(minimum)s days.",
    ReasonCode.TOO_FEW_UNITS: "%(variant)s has %(units)s of at least %(minimum)s units.",
    ReasonCode.UNDEFINED: "%(metric)s cannot be estimated for %(variant)s: %(why)s.",
    ReasonCode.LARGEST_LOWER_BOUND: "Several variants pass; %(variant)s has the largest lower bound on %(metric)s.",
    ReasonCode.ARMS_NOT_SEPARATED: (
        f"No difference between %(variant)s and %(other)s on %(metric)s is claimed: {_EFFECT}."
    ),
    ReasonCode.ARMS_SEPARATED: f"%(variant)s is also better than %(other)s on %(metric)s: {_EFFECT}.",
    ReasonCode.ARMS_REVERSED: f"%(variant)s is worse than %(other)s on %(metric)s: {_EFFECT}.",
    ReasonCode.ALSO_PASSES: "%(variant)s passes every rule.",
}

UNDEFINED: dict[str, str] = {
    "NO_DATA": "there are no data",
    "TOO_FEW_UNITS": "there are too few units",
    "NO_VARIANCE": "the values do not vary",
    "ZERO_CONTROL": "control is zero",
    "NEGATIVE_CONTROL": "control is negative",
    "ZERO_DENOMINATOR": "the denominator is zero",
    "CONTROL_TOO_NOISY": "control is too noisy",
    "DENOMINATOR_TOO_NOISY": "the denominator is too noisy",
    "TOO_FEW_CONVERSIONS": "there are too few conversions",
    "NO_ALPHA_LEFT": "no alpha may be spent at this look",
    "NO_COMMON_STRATUM": "the variants never took traffic at the same time",
    "OVERFLOW": "the values are too large",
}

CHECKS: dict[str, str] = {
    "SAMPLE_RATIO": "Sample ratio",
    "SAMPLE_RATIO_EPOCHS": "Sample ratio by epoch",
    "SAMPLE_RATIO_DAYS": "Sample ratio by day",
    "SAMPLE_RATIO_LEVELS": "Sample ratio by dimension",
    "SAMPLE_RATIO_ANALYSED": "Sample ratio of the units analysed",
    "FILTER_BALANCE": "Filters blind to the variant",
    "FROZEN_CHANGED": "Frozen settings",
    "EXPOSURE_MISMATCH": "Shown variant",
    "SEVERAL_VARIANTS": "Units in several variants",
    "PRE_EXPOSURE_BALANCE": "Balance before exposure",
    "DENOMINATOR_SHIFT": "Stable denominator",
    "SKEWNESS": "Skewness",
    "MINIMUM_UNITS": "Minimum units",
    "POWER": "Power",
    "ALLOCATION_CHANGED": "Allocation changed",
    "METRIC_REDEFINED": "Metric definitions",
    "MINIMUM_RUNTIME": "Minimum runtime",
    "SHORT_RUN_ONLY": "Short-run only",
    "RANDOMISATION_TEST": "Test by drawing the schedule again",
    "CARRY_OVER_SEEN": "Nothing carries over",
    "NO_EVENTS": "Outcomes arrive",
    "UNVERIFIED_EXPOSURES": "Verified exposures",
    "QUARANTINE": "Rows left out",
    "LATE_DATA": "Late data",
    "FRESHNESS_CONFOUND": "Equally fresh models",
    "ARMS_LEARN_FROM_EACH_OTHER": "Separate training data",
    "DECISIONS_NOT_APPLIED": "Decisions were applied",
    "UNEQUALLY_APPLIED": "Applied alike in all variants",
    "STOCK_NOT_VALUED": "Stock valued at the end",
    "STOCK_OFTEN_NOT_VALUED": "Stock valued often enough",
    "VISITOR_IDS": "Ids of visitors last",
    "IMMATURE_UNITS": "Complete windows",
}

ADVICE: dict[str, str] = {
    "SAMPLE_RATIO": (
        "The variants do not have the units their split gives them, so the groups are no longer alike. Look for a"
        " variant that loses exposures (redirects, crashes, bots, caching), mend it and start a new experiment."
    ),
    "SAMPLE_RATIO_EPOCHS": (
        "After one change of the split, the variants do not have the units that the new split gives them. Look at what"
        " was changed at that time; mend it and start a new experiment."
    ),
    "SAMPLE_RATIO_DAYS": (
        "On at least one day the variants do not have the units their split gives them: a variant was not shown, or its"
        " exposures were lost. Look for releases and outages on the day named, and start a new experiment."
    ),
    "SAMPLE_RATIO_LEVELS": (
        "In a part of the traffic the variants do not have the units their split gives them. Test every variant there:"
        " a page that breaks in one browser or entry point loses its units. Mend it and start a new experiment."
    ),
    "SAMPLE_RATIO_ANALYSED": (
        "The units that a metric is computed from do not follow the split, although more units may have been shown a"
        " variant. Something leaves units of one variant out: compare how each variant's data are sent and stored."
    ),
    "FILTER_BALANCE": (
        "A filter leaves out more units of one variant than its share, so it reacts to the variant and shifts the"
        " result. Filter only by what is known before a unit is exposed; until then read the result with everybody."
    ),
    "FROZEN_CHANGED": (
        "A setting that is frozen at launch was changed, so units before and after are not comparable. Start a new"
        " experiment with the new setting."
    ),
    "EXPOSURE_MISMATCH": (
        "Some rows show another variant than the one assigned. They were dropped, but what is left may no longer be"
        " alike: find out why another variant was shown."
    ),
    "SEVERAL_VARIANTS": (
        "Some units met several variants and were left out. With an uneven split this can bias the result: mend the"
        " identity or caching that moves them."
    ),
    "PRE_EXPOSURE_BALANCE": (
        "The variants differed before the test began, which a fair split almost never does, so a difference now is not"
        " the variant's doing. Check the assignment and what happened to these units earlier; start a new experiment."
    ),
    "DENOMINATOR_SHIFT": (
        "The treatment changes the denominator, so the ratio is no effect per unit. Read numerator and denominator too."
    ),
    "SKEWNESS": ("A few units carry much of this metric. Prefer the capped metric, an even split and more units."),
    "MINIMUM_UNITS": "A variant has too few units for intervals to be trusted. Wait for more before reading a result.",
    "POWER": (
        "An effect as small as planned could not be seen with these units. No difference found is not no difference."
    ),
    "ALLOCATION_CHANGED": (
        "Weights, coverage or arms changed during the test. Results are computed per epoch and pooled."
    ),
    "METRIC_REDEFINED": (
        "A metric has a newer definition than the one frozen at launch. These figures use the frozen one; other"
        " readouts may not, so do not compare the two."
    ),
    "MINIMUM_RUNTIME": "Wait for at least one full week, so that every day of the week is in.",
    "SHORT_RUN_ONLY": (
        "Periods count for less time than shoppers take to buy again, so purchases that were only moved in time look"
        " like more or fewer. Read the result as a short-run effect, and plan longer periods to know more."
    ),
    "RANDOMISATION_TEST": (
        "The test that draws the schedule again, which rests on the draw alone, and the test by errors over clusters"
        " come to different answers. The result is on the edge: treat it as not shown, and plan more periods or units."
    ),
    "CARRY_OVER_SEEN": (
        "What a unit had in the period before still changes the metric, by the share that stands here, so that the"
        " effect is measured too small or too large by about as much. The burn-in is too short: make it and the"
        " periods longer, and start anew."
    ),
    "NO_EVENTS": "No outcome has been attributed. Check that events are sent with the same unit ids as exposures.",
    "UNVERIFIED_EXPOSURES": (
        "Some exposures carry no token that proves them. Send the decision token with the exposure."
    ),
    "QUARANTINE": "Some rows were repeated or could not be used. Look at the reasons in the quarantine.",
    "LATE_DATA": (
        "Messages came too late to count, so outcomes are missing. See that clients send at once and that queues"
        " are emptied; if one variant sends later than another, the comparison is biased."
    ),
    "FRESHNESS_CONFOUND": (
        "The data of two variants' models end at different times, or one is retrained more often, so that a difference"
        " may come from freshness alone. Test versions of the same data, or recipes with the same schedule."
    ),
    "ARMS_LEARN_FROM_EACH_OTHER": (
        "Two variants are retrained on the traffic of both, so each learns from what the other showed and their"
        " difference shrinks. Train each on its own arm, or weight the data."
    ),
    "DECISIONS_NOT_APPLIED": (
        "The shop applied less than 90% of the changes that a variant decided, or did not tell. Units count for their"
        " variant all the same, so the difference is that of deciding so, and smaller than that of doing so. See what"
        " overrides or refuses decisions, and acknowledge every batch."
    ),
    "UNEQUALLY_APPLIED": (
        "The shop applied the decisions of one variant more often than those of another, so that a difference may come"
        " from that. See what overrides or refuses them, and treat all variants alike."
    ),
    "STOCK_NOT_VALUED": (
        "The stock of some periods was not counted in time, or nobody had said what the items cost, so that their"
        " profit is not known. They count in no variant. Send a count of every item at least once in two days."
    ),
    "STOCK_OFTEN_NOT_VALUED": (
        "The profit of more than one in twenty periods of a variant is not known. Where stock is not counted may have"
        " to do with how much there is, so that the rest says nothing. Send counts every day and start anew."
    ),
    "VISITOR_IDS": (
        "In one browser less than half as many visitors come back after a week as in the others: their ids do not last,"
        " and one shopper counts as several. Let the server set the visitor's cookie, under the shop's own domain."
    ),
    "IMMATURE_UNITS": "Some units' windows are not complete yet; they will count at a later look.",
}

NO_VALUE = "–"
_DIFFERENCES = frozenset({"difference", "lower", "upper"})
_SHARES = frozenset({"margin", "lift"})
_CHANCES = frozenset({"chance"})


def sentence(item: ReasonItem, templates: Mapping[ReasonCode, str] = REASONS) -> str:
    """Return the reason as a sentence; `templates` may be a translation of `REASONS`."""
    values = {name: _shown(name, value, item.params) for name, value in item.params.items()}
    return (templates[item.code] % ({"advice": ADVICE.get(str(item.params.get("check")), "")} | values)).rstrip()


def _shown(name: str, value: Parameter, params: Mapping[str, Parameter]) -> str:
    if value is None:
        return NO_VALUE
    if isinstance(value, str):
        known = {"check": CHECKS, "why": UNDEFINED}.get(name, {})
        return known.get(value, value)
    if name in _DIFFERENCES:
        return f"{value * 100.0:+.3f} pp" if params.get("scale") == "pp" else f"{value:+.4g}"
    if name in _SHARES:
        return f"{value:.2%}"
    if name in _CHANCES:
        return "below 1%" if value < 0.01 else f"{value:.0%}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
