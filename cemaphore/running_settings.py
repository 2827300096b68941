"""What an operator may set of the running program: how long its jobs may take, and what it reminds of."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, Field, field_validator

from cemaphore.running.schedule import LIMITS_S


class RunningSettings(BaseModel):
    """The part of the settings that `cem run` reads."""

    job_limits_s: Mapping[str, float] = Field(
        {},
        description="How long a run of a job of `cem run` may take before it is ended, by job, for example "
        "`{ score = 7200 }`; `source` means each of the sources (seconds).",
    )
    backup_within_days: int | None = Field(
        None, ge=1, description="`cem run` reminds, daily, where no backup was written for so long. Empty: it does not."
    )

    @field_validator("job_limits_s")
    @classmethod
    def _known_jobs(cls, limits: Mapping[str, float]) -> Mapping[str, float]:
        for name, limit_s in limits.items():
            if name not in LIMITS_S:
                raise ValueError(f"knows no job {name!r}; there are {', '.join(LIMITS_S)}")
            if limit_s <= 0:
                raise ValueError(f"{name} must be more than 0")
        return MappingProxyType(dict(limits))
