"""What a complaint is about, told from its words: learned from the taxonomy's examples and people's corrections."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from customers.taxonomy import OTHER, Taxonomy
from customers.wording import said

CODE_VERSION = "topics-2"
PERSON = "person"  # as classifier: somebody said so
# Below this confidence a complaint is "other": three of ten held-out examples were right there (own).
LEAST_CONFIDENCE = 0.35
_FOLDS = 5
_GRAMS = (1, 4)  # one to four signs: a Chinese word, most of an English one
_STRENGTH = 30.0  # inverse of the penalty of the regression (own)
_KEYWORD = 0.5  # weight of a key word beside the n-grams of a text, whose length is 1 (own)
_CORRECTION = 2.0  # a correction counts like so many examples (own)

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The class of a complaint and how likely it is right, 0..1."""

    topic: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A complaint whose class somebody gave."""

    category: str
    text: str
    topic: str


def version_of(taxonomy: Taxonomy, labelled: Iterable[Labelled] = ()) -> str:
    """The version of what a classifier learns from: equal where taxonomy and corrections are."""
    whole = hashlib.sha256(f"{CODE_VERSION}\0{taxonomy.text}".encode())
    for each in sorted(f"{one.topic}\0{one.category}\0{one.text}" for one in labelled):
        whole.update(b"\1" + each.encode())
    return f"{CODE_VERSION}:{whole.hexdigest()[:12]}"


class Classifier:
    """Logistic regression over character n-grams (tf-idf) and key words, its confidence made honest on held-out folds.

    The same taxonomy and corrections give the same classifier. `temperature` divides the scores before they become
    probabilities (Guo et al. 2017, `published`): it is fitted to the examples that each fold had not seen.
    """

    def __init__(self, taxonomy: Taxonomy, labelled: Sequence[Labelled] = ()) -> None:
        known = [each for each in labelled if each.topic in taxonomy.names]
        self.version = version_of(taxonomy, known)
        self._taxonomy = taxonomy
        texts = [said(taxonomy, "", example) for each in taxonomy.classes for example in each.examples]
        texts += [said(taxonomy, each.category, each.text) for each in known]
        place = {name: index for index, name in enumerate(taxonomy.names)}
        target = np.array(
            [place[each.name] for each in taxonomy.classes for _ in each.examples]
            + [place[each.topic] for each in known]
        )
        weight = np.where(np.arange(len(texts)) < len(texts) - len(known), 1.0, _CORRECTION)
        self._grams = TfidfVectorizer(analyzer="char", ngram_range=_GRAMS, sublinear_tf=True)
        self._grams.fit(texts)
        self._learned = self._table(texts)
        with threadpool_limits(limits=1):  # several threads wait for each other longer than such small tables take
            self._turn = _turned(self._learned)
            table = self._learned @ self._learned.T @ self._turn
            self.temperature = _temperature(_held_out(table, target, weight), target)
            self._model = _regression(table, target, weight)

    def read(self, complaints: Sequence[tuple[str, str]]) -> list[Reading]:
        """Classify complaints, given as (category, text), "" where there is none."""
        if not complaints:
            return []
        words = [said(self._taxonomy, category, text) for category, text in complaints]
        chances = softmax(_scores(self._model, self._placed(words)) / self.temperature, axis=1)
        return [_reading(self._taxonomy.names, row, bool(text)) for row, text in zip(chances, words, strict=True)]

    def _placed(self, texts: Sequence[str]) -> Floats:
        return np.asarray(self._table(texts) @ self._learned.T @ self._turn, dtype=np.float64)

    def _table(self, texts: Sequence[str]) -> Any:
        hits = [
            [min(sum(word in text for word in each.keywords), 2) for each in self._taxonomy.classes] for text in texts
        ]
        return sparse.hstack([self._grams.transform(texts), sparse.csr_matrix(np.array(hits) * _KEYWORD)]).tocsr()


def _reading(names: Sequence[str], chances: Floats, has_words: bool) -> Reading:
    if not has_words:
        return Reading(topic=OTHER, confidence=1.0)
    best = int(np.argmax(chances))
    if chances[best] < LEAST_CONFIDENCE:
        best = names.index(OTHER)
    return Reading(topic=names[best], confidence=float(chances[best]))


def _turned(table: Any) -> Floats:
    """Turns texts, given as likeness to each learned one, into coordinates: as few as examples, of as many n-grams.

    A regression with a quadratic penalty is the same in any orthogonal coordinates; these make it hundreds of times
    cheaper, as there are far more n-grams than examples.
    """
    value, vector = np.linalg.eigh((table @ table.T).toarray())
    kept = value > 1e-8 * value.max()
    return np.asarray(vector[:, kept] / np.sqrt(value[kept]), dtype=np.float64)


def _regression(table: Any, target: NDArray[np.int64], weight: Floats) -> LogisticRegression:
    return LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=300, tol=1e-3).fit(
        table, target, sample_weight=weight
    )


def _scores(model: LogisticRegression, table: Any) -> Floats:
    """A score for each class; of two classes the model gives that of the second over the first."""
    found = np.asarray(model.decision_function(table), dtype=np.float64)
    return found if found.ndim == 2 else np.stack([np.zeros_like(found), found], axis=1)


def _held_out(table: Any, target: NDArray[np.int64], weight: Floats) -> Floats:
    """Scores of each example by a model that did not see it: every fifth of a class, in order, makes a fold."""
    within = np.zeros(len(target), np.int64)
    for kind in np.unique(target):
        within[target == kind] = np.arange((target == kind).sum())
    scores = np.zeros((len(target), len(np.unique(target))))
    folds = min(_FOLDS, int(np.bincount(target).min()))
    for fold in range(folds):
        out = within % folds == fold
        scores[out] = _scores(_regression(table[~out], target[~out], weight[~out]), table[out])
    return scores


def _temperature(scores: Floats, target: NDArray[np.int64]) -> float:
    """The temperature under which the held-out classes are likeliest, between a tenth and ten."""

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(scores / np.exp(log_temperature), axis=1)[np.arange(len(target)), target].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded").x))
