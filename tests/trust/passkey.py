"""A passkey in software: it answers as a phone or a security key does."""

import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ORIGIN = "https://testserver"
PRESENT_AND_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class Passkey:
    """One key pair for one account of one site."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(16)
        self._user = b""
        self._site = b""

    def register(self, options: dict[str, Any]) -> str:  # Any: JSON
        """Return the answer to the options of a registration, as the browser's script sends it."""
        asked = options["publicKey"]
        self._user = websafe_decode(asked["user"]["id"])
        self._site = hashlib.sha256(asked["rp"]["id"].encode()).digest()
        cose = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]  # fido2's own
        public = AttestedCredentialData.create(bytes(16), self._id, cose)
        data = AuthenticatorData.create(self._site, PRESENT_AND_VERIFIED | AuthenticatorData.FLAG.AT, 0, public)
        client = CollectedClientData.create("webauthn.create", asked["challenge"], ORIGIN)
        response = {"clientDataJSON": client, "attestationObject": AttestationObject.create("none", data, {})}
        return self._answer(response, {"credProps": {"rk": True}})

    def sign_in(self, options: dict[str, Any]) -> str:  # Any: JSON
        """Return the answer to the options of a sign-in."""
        client = CollectedClientData.create("webauthn.get", options["publicKey"]["challenge"], ORIGIN)
        data = AuthenticatorData.create(self._site, PRESENT_AND_VERIFIED, 1)
        signature = self._key.sign(data + client.hash, ec.ECDSA(SHA256()))
        response = {"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": self._user}
        return self._answer(response, {})

    def _answer(self, response: dict[str, bytes], extensions: dict[str, Any]) -> str:  # Any: JSON
        encoded = {name: websafe_encode(bytes(value)) for name, value in response.items()}
        name = websafe_encode(self._id)
        answer = {"id": name, "rawId": name, "type": "public-key", "response": encoded, "clientExtensionResults": extensions}
        return json.dumps(answer)
