"""How many layers or steps a model may have one after the other: without a bound a typing error builds for hours."""

from typing import Annotated

from annotated_types import Ge, Le

Depth = Annotated[int, Ge(1), Le(1000)]
