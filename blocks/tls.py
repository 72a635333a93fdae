"""The certificate authorities that HTTP clients trust, read once: reading them takes longer than a request."""

import ssl
from functools import cache

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    """The context of httpx's own defaults."""
    return httpx.create_ssl_context()
