"""The shape of one image."""

from typing import NamedTuple


class ImageShape(NamedTuple):
    """Channels, height and width of one image; a batch is a float tensor [B, channels, height, width]."""

    channels: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Number of values in one image, all channels counted."""
        return self.channels * self.height * self.width
