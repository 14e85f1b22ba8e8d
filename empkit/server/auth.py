"""Authentication: one user, a password that is compared with its hash, and tokens that expire."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from functools import cached_property
from typing import Any

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from empkit.settings import Settings

ALGORITHM = "HS256"


def make_token(username: str, key: str, lifetime_s: float) -> str:
    """Return a new token for a user.

    Args:
        username: the user.
        key: the key that signs it.
        lifetime_s: how long it is valid, in seconds.
    """
    now = time.time()
    claims = {"sub": username, "iat": int(now), "exp": now + lifetime_s}
    return jwt.encode(claims, key, ALGORITHM)


class Authenticator:
    """Checks passwords; issues and checks tokens.

    Args:
        settings: the user, the password, the signing key and the lifetime of a token. Without a
            password no login is possible; without a key one is generated, so that tokens become
            invalid when the process ends.
    """

    def __init__(self, settings: Settings) -> None:
        self._username = settings.username
        self._lifetime_s = settings.token_lifetime_s
        key = settings.signing_key
        self._key = key.get_secret_value() if key else secrets.token_urlsafe(48)
        self._hasher = PasswordHasher()
        self._password = settings.password
        self._good_until: dict[str, float] = {}
        self._digest_key = secrets.token_bytes(32)
        self._digest = b""
        if self._password is not None:
            self._digest = self._digested(self._username, self._password.get_secret_value())

    def _digested(self, username: str, password: str) -> bytes:
        text = f"{username}\0{password}".encode(errors="surrogatepass")
        return hashlib.blake2b(text, key=self._digest_key).digest()

    def knows(self, username: str, password: str) -> bool:
        """Return whether user and password are right, by a digest with a random key that is in
        this process's memory only, as the password itself is: to tell whom no limit holds up."""
        return secrets.compare_digest(self._digested(username, password), self._digest)

    @cached_property
    def _hash(self) -> str:
        """The hash of the password, made at the first log-in: it takes 0.15 s, on purpose, and a
        lab's clients never log in."""
        password = self._password.get_secret_value() if self._password else None
        return self._hasher.hash(password or secrets.token_urlsafe(32))

    def password_is_right(self, username: str, password: str) -> bool:
        """Return whether user and password are right; takes the same time in either case."""
        right = False
        with contextlib.suppress(VerificationError):
            right = bool(self._hasher.verify(self._hash, password))
        return right and secrets.compare_digest(username.encode(), self._username.encode())

    def make_token(self) -> str:
        """Return a new token for the user."""
        return make_token(self._username, self._key, self._lifetime_s)

    def accepts(self, token: str) -> bool:
        """Return whether the token has a valid signature and user and has not expired.

        A valid token is cached until it expires: the signature is checked once per token, not once
        per record.
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
    """Return the token of an `Authorization: Bearer ...` header; None if it has none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
