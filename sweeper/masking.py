"""URIs as they may be shown."""

import re

_DATABASE_USER = re.compile(r"(postgres(?:ql)?(?:\+\w+)?://)\S*@")
"""Up to the last @: one before it is a letter of the password that should have been written otherwise."""
_USER = re.compile(r"(?<=://)[^\s/]*@")
_SECRET = re.compile(r"([?&;](?:\w*password|passwd|pwd|token|secret)=)[^\s&;]+", re.IGNORECASE)


def mask(text: str) -> str:
    """Return a URI, or a text with URIs in it, without their users and passwords."""
    return _SECRET.sub(r"\1***", _USER.sub("***@", _DATABASE_USER.sub(r"\1***@", text)))
