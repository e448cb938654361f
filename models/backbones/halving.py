"""Images that are halved again and again, odd sizes rounded up: 28, 14, 7, 4."""

from models.shapes import ImageShape

Size = tuple[int, int]
"""Height and width."""


def halved(shape: ImageShape, times: int, setting: str) -> list[Size]:
    """Return height and width of the image and after each halving, the smallest last.

    Raises ValueError, with the name of the ``setting`` that says how often, if one side would be of one pixel already.
    """
    most = (min(shape.height, shape.width) - 1).bit_length()
    if times > most:
        raise ValueError(
            f"{setting} is {times}, but each halves the image, and one of {shape.height}x{shape.width} can be halved "
            f"at most {most} times"
        )
    return [(-(-shape.height // 2**n), -(-shape.width // 2**n)) for n in range(times + 1)]


def growing(channels: int, growth: float, times: int) -> list[int]:
    """Return the channels of the maps after each of so many halvings, each ``growth`` times those of the one before."""
    return [round(channels * growth**n) for n in range(times)]
