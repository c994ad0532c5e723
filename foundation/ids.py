"""Ids as they are stored: hashed units, salts, API keys. Randomness is always an argument."""

import hmac
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from foundation.errors import DomainError

API_KEY_KINDS = ("client", "server")
SECRET_BYTES = 32
SALT_BYTES = 16
UNIT_HASH_LENGTH = 22

_API_KEY = re.compile(r"ty_(client|server)_[A-Za-z0-9_-]{43}", re.ASCII)


class UnitIdInvalid(DomainError):
    """The unit id is not a string that has a UTF-8 form."""

    code = "UNIT_INVALID"
    hint = "Send ids as JSON strings of valid Unicode, without lone surrogates."


class RandomBytesInvalid(DomainError):
    """The random bytes have the wrong length."""

    code = "RANDOM_BYTES_INVALID"
    hint = "Pass secrets.token_bytes() of the length that the function names."


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA256 of a message.

    A prepared copy is quicker than `hmac.digest`, which moreover lets go of the interpreter for a microsecond of work:
    under load another thread then has it for milliseconds.
    """
    state = _keyed(key).copy()
    state.update(message)
    return state.digest()


@lru_cache(maxsize=256)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def hash_unit(pepper: bytes, kind: str, unit_id: str) -> str:
    """Return the 22 characters under which a personal unit is stored.

    base64url(HMAC-SHA256(pepper, kind + NUL + id)[:16]) without padding. The id is never normalised.

    Raises:
        UnitIdInvalid: the id has no UTF-8 form.
    """
    try:
        message = f"{kind}\0{unit_id}".encode()
    except UnicodeEncodeError as error:
        raise UnitIdInvalid(f"The {kind} id contains a lone surrogate.") from error
    return _base64url(keyed_digest(pepper, message)[:16])


def salt_from(random_bytes: bytes) -> str:
    """Return a salt of 22 URL-safe characters made from 16 random bytes.

    Raises:
        RandomBytesInvalid: not exactly 16 bytes.
    """
    if len(random_bytes) != SALT_BYTES:
        raise RandomBytesInvalid(f"A salt needs {SALT_BYTES} random bytes, got {len(random_bytes)}.")
    return _base64url(random_bytes)


def format_api_key(kind: str, secret: bytes) -> str:
    """Return the key `ty_<kind>_<43 URL-safe characters>` made from 32 secret bytes.

    Raises:
        RandomBytesInvalid: not exactly 32 bytes.
        ValueError: the kind is neither client nor server.
    """
    if kind not in API_KEY_KINDS:
        raise ValueError(f"kind must be one of {API_KEY_KINDS}, got {kind!r}")
    if len(secret) != SECRET_BYTES:
        raise RandomBytesInvalid(f"An API key needs {SECRET_BYTES} random bytes, got {len(secret)}.")
    return f"ty_{kind}_{_base64url(secret)}"


def digest_api_key(key: str) -> str:
    """Return the hexadecimal SHA-256 under which an API key is stored and looked up."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def is_api_key(text: str) -> bool:
    """Return whether the text has the form of an API key, whoever it belongs to."""
    return _API_KEY.fullmatch(text) is not None


def sought(text: str) -> str:
    """Return a text from outside as the database can look it up: NUL, which no stored text has, is U+FFFD."""
    return text.replace("\0", "\ufffd")


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
