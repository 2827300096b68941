"""What an operator may set of the report that is sent every week."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode


class ReportSettings(BaseModel):
    """The part of the settings that the weekly report reads."""

    report_receivers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Receivers of `receivers_file`, of kind `apprise`, that get the report of the week as PDF, each in "
        "its language, separated by commas. Empty: it is not sent.",
    )
    report_weekday: int = Field(
        1, ge=1, le=7, description="Day on which the report of the seven days before it is sent: 1 Monday, 7 Sunday."
    )
    report_hour: int = Field(
        7, ge=0, le=23, description="Hour of the operator's clock from which the report is sent on its day."
    )

    @field_validator("report_receivers", mode="before")
    @classmethod
    def _names(cls, names: Any) -> Any:
        return tuple(one.strip() for one in names.split(",") if one.strip()) if isinstance(names, str) else names
