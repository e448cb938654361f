"""What every part of the settings is: a frozen model that takes nothing unknown and no number for another.

The description of a field says what is allowed; `sweeper.spec.settings_grammar` quotes it when something else is found.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Count: TypeAlias = Annotated[int, Field(ge=1, description="an integer >= 1")]
CountOrAll: TypeAlias = Annotated[int | None, Field(ge=1, description="an integer >= 1, or null for all")]
AutoOrCount: TypeAlias = Annotated[Literal["auto"] | Count, Field(description='"auto" or an integer >= 1')]
Amount: TypeAlias = Annotated[float, Field(gt=0, description="a number > 0")]
AmountOrNone: TypeAlias = Annotated[float | None, Field(gt=0, description="a number > 0")]


class Section(BaseModel):
    """A mapping in the settings; it is strict, so that true is no 1, and frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


def rule_broken(field: str | None, message: str) -> PydanticCustomError:
    """Return the error of a rule between fields; `field`, dotted, is where to point, None at the whole section."""
    return PydanticCustomError("rule", "{message}", {"field": field, "message": message})
