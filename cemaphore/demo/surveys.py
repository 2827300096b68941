"""Surveys: NPS and CSAT answers that follow how a person's day was, and much else."""

from pathlib import Path
from typing import Any

import numpy as np

from cemaphore.demo.arrays import Ints, Stream, stream
from cemaphore.demo.files import write_ndjson
from cemaphore.demo.people import People
from cemaphore.demo.size import WorldSize
from cemaphore.demo.words import SURVEYS

_HOUR = 20  # answers come in the evening


def write_surveys(folder: Path, world: WorldSize, people: People, day: int, failed: Ints, seed: int) -> None:
    """Write the answers of that day (0 is the first); `failed` counts each person's failed sessions of the day."""
    rng = stream(seed, Stream.SURVEYS, day)
    count = int(rng.poisson(people.count * world.surveys_per_user_day))
    rows = []
    for number, person in enumerate(rng.integers(0, people.count, count)):
        # 7.6 on average, a point less for each doubling of failed sessions; the rest is not ours (own).
        mood = 7.6 - float(np.log2(1.0 + failed[person])) + float(rng.normal(0.0, 2.0))
        rows.append(_answer(world, people, day, number, int(person), mood, rng))
    if rows:
        write_ndjson(folder / f"surveys-{world.moment(day * 24.0):%Y-%m-%d}.ndjson.gz", rows)


def _answer(
    world: WorldSize, people: People, day: int, number: int, person: int, mood: float, rng: np.random.Generator
) -> dict[str, Any]:
    nps = rng.random() < 0.6
    score = int(np.clip(round(mood), 0, 10)) if nps else int(np.clip(round(mood / 2.0), 1, 5))
    texts = SURVEYS["low" if mood < 5 else "high" if mood > 8 else "middle"]
    return {
        "survey_id": f"Q{day:04d}-{number:06d}",
        "time": world.moment(day * 24.0 + _HOUR + float(rng.random())).isoformat(timespec="seconds"),
        "subscriber_id": people.account[person].as_py(),
        "kind": "nps" if nps else "csat",
        "score": score,
        "text": texts[int(rng.integers(len(texts)))] or None,
    }
