"""Who may send: one user, a password that is only kept as a hash, and signed tokens that expire."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Any

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from empkit.settings import Settings

ALGORITHM = "HS256"


class Authenticator:
    """Checks passwords and makes and checks tokens.

    Args:
        settings: the user, the password, the key and how long a token lasts. Without a password
            nobody can log in; without a key one is made, so that tokens end with the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._username = settings.username
        self._lifetime_s = settings.token_lifetime_s
        key = settings.signing_key
        self._key = key.get_secret_value() if key else secrets.token_urlsafe(48)
        self._hasher = PasswordHasher()
        password = settings.password.get_secret_value() if settings.password else None
        self._hash = self._hasher.hash(password or secrets.token_urlsafe(32))
        self._good_until: dict[str, float] = {}

    def password_is_right(self, username: str, password: str) -> bool:
        """Whether this is the user and the password; takes the same time either way."""
        right = False
        with contextlib.suppress(VerificationError):
            right = bool(self._hasher.verify(self._hash, password))
        return right and secrets.compare_digest(username.encode(), self._username.encode())

    def make_token(self) -> str:
        """A new token for the user."""
        now = time.time()
        claims = {"sub": self._username, "iat": int(now), "exp": now + self._lifetime_s}
        return jwt.encode(claims, self._key, ALGORITHM)

    def accepts(self, token: str) -> bool:
        """Whether the token was signed here with our algorithm, for our user, and is still good.

        What was found good is remembered until it expires: a signature is checked once a token,
        not once a record.
        """
        good_until = self._good_until.get(token)
        if good_until is None:
            claims = self._claims(token)
            if claims is None or claims["sub"] != self._username:
                return False
            if len(self._good_until) >= 1_000:
                self._good_until.clear()
            good_until = self._good_until[token] = float(claims["exp"])
        return time.time() < good_until

    def _claims(self, token: str) -> dict[str, Any] | None:
        try:
            options: Any = {"require": ["sub", "exp"]}
            return jwt.decode(token, self._key, algorithms=[ALGORITHM], options=options)
        except (jwt.InvalidTokenError, ValueError):
            return None


def bearer_token(authorization: str | None) -> str | None:
    """The token in an `Authorization: Bearer ...` header; None when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
