"""Everything that people can see is translated into Simplified Chinese, with the product's own words."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from config.local import extraction
from config.local.translations import gaps

CHINESE = extraction.LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\}")
TAG = re.compile(r"</?\w+")
GLOSSARY = {
    "experiment": "实验",
    "randomization unit": "分流主体",
    "variant": "实验组",
    "control": "对照组",
    "layer": "实验层",
    "holdout": "长期对照组",
    "epoch": "流量期",
    "audience": "受众",
    "metric": "指标",
    "Guardrails": "护栏指标",
    "margin": "非劣效界值",
    "scorecard": "结果快照",
    "verdict": "决策结论",
    "readout": "报告",
    "Published bundles": "已发布的配置包",
    "slots": "分桶",
    "first exposure": "首次曝光",
    "decision point": "决策点",
    "Baseline": "基线",
    "policy": "策略",
    "predictor": "预测器",
    "model version": "模型版本",
    "Champion": "冠军",
    "Challenger": "挑战者",
    "Shadow": "影子",
    "bundle": "配置包",
}


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    """Return the Chinese catalogue as it is in the repository."""
    return extraction.read(CHINESE)


@pytest.fixture(scope="module")
def said() -> Catalog:
    """Return every message that code, templates, tables and the admin skin say."""
    return extraction.catalogue_of("zh_Hans")


def identity(message: Message) -> tuple[object, str | None]:
    """Return what tells a message from all others."""
    return (tuple(message.id) if isinstance(message.id, list | tuple) else message.id), message.context


def texts(message: Message) -> tuple[list[str], list[str]]:
    """Return a message's originals and translations."""
    ids = list(message.id) if isinstance(message.id, list | tuple) else [message.id]
    strings = list(message.string) if isinstance(message.string, list | tuple) else [message.string]
    return ids, [string or "" for string in strings]


def test_catalogue__holds_exactly_the_messages_that_are_said(chinese: Catalog, said: Catalog) -> None:
    known, wanted = ({identity(message) for message in catalogue if message.id} for catalogue in (chinese, said))
    assert wanted - known == set(), "run: .venv/bin/python -m config.local.extraction"
    assert known - wanted == set(), "run: .venv/bin/python -m config.local.extraction"


def test_catalogue__everything_is_translated_and_nothing_fuzzy() -> None:
    found = gaps(CHINESE)
    assert (found.untranslated, found.fuzzy) == ((), ())


def test_translations__keep_every_placeholder_and_tag(chinese: Catalog) -> None:
    for message in chinese:
        if not message.id:
            continue
        ids, strings = texts(message)
        for string in strings:
            assert set(PLACEHOLDER.findall(string)) == set(PLACEHOLDER.findall(ids[-1])), ids
            assert sorted(TAG.findall(string)) == sorted(TAG.findall(ids[-1])), ids


def test_translations__are_chinese_with_chinese_punctuation(chinese: Catalog) -> None:
    alike = {"English"}
    for message in chinese:
        if not message.id:
            continue
        ids, strings = texts(message)
        for string in strings:
            wordless = not re.search(r"[a-z]{3}", PLACEHOLDER.sub("", ids[0]))
            assert wordless or ids[0] in alike or re.search(r"[\u4e00-\u9fff]", string), ids
            assert not re.search(r"[\u4e00-\u9fff][,;:?!]", string), string


@pytest.mark.parametrize(("term", "translation"), GLOSSARY.items())
def test_glossary__each_term__has_its_one_word(chinese: Catalog, term: str, translation: str) -> None:
    message = chinese.get(term)
    assert message is not None
    assert message.string == translation


def test_extraction__sees_code_templates_tables_and_the_skin(said: Catalog) -> None:
    for message in (
        "Ship “%(variant)s”",
        "Can these figures be trusted?",
        "Sample ratio",
        "Type to search",
        ("%(n)s check blocks a decision", "%(n)s checks block a decision"),
    ):
        assert said.get(message) is not None, message
    assert said.get("open", context="variant") is not None


def test_merge__keeps_translations_adds_new_messages_and_drops_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    old = Catalog(locale="zh_Hans", fuzzy=False)
    old.add("Scorecard", "结果快照")
    old.add("Nobody says this", "没人这么说")
    extraction.write(path, old)
    waiting = extraction.merge(path)
    merged = extraction.read(path)
    assert merged["Scorecard"].string == "结果快照"
    assert merged.get("Nobody says this") is None
    assert waiting == len([message for message in merged if message.id]) - 1
