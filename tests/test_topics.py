"""What complaints are about, told from their words: phrases that the taxonomy does not hold, negations, masks."""

import time
from collections import defaultdict
from pathlib import Path

import pytest

from cemaphore import catalogues
from cemaphore.demo.words import COMPLAINTS
from cemaphore.settings import load_settings
from customers.taxonomy import OTHER, Taxonomy, parse
from customers.topics import LEAST_CONFIDENCE, Classifier, Labelled
from customers.wording import said
from records.errors import ConfigError

PHRASES = Path(__file__).parent / "data" / "complaints" / "phrases.tsv"
DEMO = {"network": {"coverage", "speed", "drop", "voice"}, "service": {"waiting", "service_attitude"}}


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return catalogues.complaint_taxonomy(load_settings(database_url=None))


@pytest.fixture(scope="module")
def trained(taxonomy: Taxonomy) -> Classifier:
    return Classifier(taxonomy)


def _phrases() -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in PHRASES.read_text(encoding="utf-8").splitlines()]
    return [(topic, text) for topic, text in rows]


def test_phrases_that_it_never_saw(trained: Classifier, taxonomy: Taxonomy) -> None:
    phrases = _phrases()
    known = {said(taxonomy, "", example) for each in taxonomy.classes for example in each.examples}
    assert not known & {said(taxonomy, "", text) for _, text in phrases}
    right: dict[str, list[bool]] = defaultdict(list)
    for (topic, _), read in zip(phrases, trained.read([("", text) for _, text in phrases]), strict=True):
        right[topic].append(read.topic == topic)
    shares = {topic: sum(each) / len(each) for topic, each in right.items()}
    print({topic: round(share, 2) for topic, share in shares.items()})
    assert set(shares) == set(taxonomy.names)
    assert sum(map(sum, right.values())) / len(phrases) >= 0.8
    assert min(shares.values()) >= 0.4


def test_it_is_rarely_sure_and_wrong(trained: Classifier) -> None:
    phrases = _phrases()
    sure = [
        (read.topic == topic, read.confidence)
        for (topic, _), read in zip(phrases, trained.read([("", text) for _, text in phrases]), strict=True)
        if read.confidence >= 0.8
    ]
    assert len(sure) > len(phrases) / 3
    assert sum(right for right, _ in sure) / len(sure) >= 0.95


def test_the_demo_s_sentences(trained: Classifier) -> None:
    """The generator's own words stand apart: nothing was tuned on them alone."""
    rows = [(topic, text.format(app="bilibili")) for topic, texts in COMPLAINTS.items() for text in texts]
    read = trained.read([("", text) for _, text in rows])
    right = [each.topic in DEMO.get(topic, {topic}) for (topic, _), each in zip(rows, read, strict=True)]
    assert sum(right) / len(right) >= 0.8


@pytest.mark.parametrize(
    ("category", "text", "topic"),
    [
        ("", "信号没问题，是这个月账单多收了钱", "billing"),
        ("", "My bill is fine, but I have no signal at home", "coverage"),
        ("", "The network is fine but the hotline never answers", "waiting"),
        ("", "话费 138****1234 多扣了 25.00 元", "billing"),
        ("", "ＷＥＢ 网速太慢", "speed"),
        ("billing", "", "billing"),
        ("", "", OTHER),
        ("", "hello", OTHER),
    ],
)
def test_negations_masks_and_categories(trained: Classifier, category: str, text: str, topic: str) -> None:
    assert trained.read([(category, text)])[0].topic == topic


def test_training_is_fast_and_twice_the_same(taxonomy: Taxonomy) -> None:
    began = time.process_time()
    one = Classifier(taxonomy)
    assert time.process_time() - began < 2
    other = Classifier(taxonomy)
    assert one.version == other.version
    texts = [("", text) for _, text in _phrases()[:40]]
    assert one.read(texts) == other.read(texts)


def test_corrections_are_learned_and_are_another_version(trained: Classifier, taxonomy: Taxonomy) -> None:
    text = "智能音箱离线了"
    labelled = [Labelled(category="", text=text, topic="device")]
    taught = Classifier(taxonomy, labelled)
    assert taught.version != trained.version
    assert taught.read([("", f"{text}，昨天开始")])[0].topic == "device"
    assert Classifier(taxonomy, [Labelled(category="", text=text, topic="gone")]).version == trained.version


def test_a_confidence_below_the_least_is_other(trained: Classifier) -> None:
    for read in trained.read([("", text) for _, text in _phrases()]):
        assert 0 <= read.confidence <= 1
        assert read.topic == OTHER or read.confidence >= LEAST_CONFIDENCE


def test_an_operator_s_file_replaces_the_classes(tmp_path: Path) -> None:
    (tmp_path / "complaints.toml").write_text(
        '[tv]\ndimension = "app"\nexamples = ["no picture", "television is black", "channels missing"]\n'
        '[other]\ndimension = "none"\nexamples = ["hello", "thanks", "bye"]\n',
        encoding="utf-8",
    )
    settings = load_settings(home=tmp_path, database_url=None)
    own = Classifier(catalogues.complaint_taxonomy(settings))
    assert own.read([("", "the television shows no picture")])[0].topic == "tv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed = [", "not valid TOML"),
        ('speed = "slow"', "speed must be a table"),
        ('[speed]\ndimension = "mood"\nexamples = ["a", "b", "c"]', "dimension of class speed must be one of"),
        ('[speed]\ndimension = "network"\nexamples = ["a"]', "class speed needs 3 examples"),
        ('[speed]\ndimension = "network"\nexamples = "a"', "examples of class speed must be a list"),
        ('[speed]\ndimension = "network"\nexamples = ["a", "b", "c"]\nwords = []', "unknown entries words"),
        ('[speed]\ndimension = "network"\nexamples = ["a", "b", "c"]', "needs the class other"),
        ('[fine]\npatterns = ["("]\n[other]\ndimension = "none"\nexamples = ["a", "b", "c"]', "at least one more"),
        (
            '[fine]\npatterns = ["("]\n[x]\ndimension = "none"\nexamples = ["a", "b", "c"]\n'
            '[other]\ndimension = "none"\nexamples = ["d", "e", "f"]',
            "no regular expression",
        ),
    ],
)
def test_a_wrong_taxonomy_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text)
