"""Pictures as the bytes of PNG files."""

from io import BytesIO

from PIL import Image


def png(picture: Image.Image) -> bytes:
    """Return the content of a PNG file of a picture."""
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
