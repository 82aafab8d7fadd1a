"""Walks from a new patient to a table by REST alone: python rest_walk.py ADDRESS KEY PHOTO

Needs requests. ADDRESS is that of the installation, such as https://affectline.clinic.example. KEY is an API key that may write:
a clinician makes it under Settings, API keys. PHOTO is a picture of one face. Everything else is described at ADDRESS/api/v1/docs/.
"""

import sys
import time
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import requests

WAITING = {"queued", "running"}
PATIENCE_SECONDS = 120


class Affectline:
    """An installation, as one API key sees it."""

    def __init__(self, address: str, key: str) -> None:
        self.address = f"{address.rstrip('/')}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:
        """Return the response. Ends the program with the code and the message of an error."""
        answer = self.session.request(method, f"{self.address}/{path}", timeout=60, **sent)
        if not answer.ok:
            error = answer.json()
            sys.exit(f"{method} {path}: {answer.status_code} {error['code']}: {error['message']} {error.get('fields', '')}")
        return answer

    def get(self, path: str, **parameters: str) -> Any:
        """Return what is at an address."""
        return self.ask("GET", path, params=parameters).json()

    def post(self, path: str, fields: dict[str, object]) -> Any:
        """Send something new, and return it as it is stored."""
        return self.ask("POST", path, json=fields).json()


def add_patient(clinic: Affectline) -> str:
    """Return the id of a new patient who has consented to care."""
    person = {"name": "Robin Example", "record_number": f"EX-{uuid.uuid4().hex[:8]}", "birth_date": "1990-05-17"}
    patient = clinic.post("patients/", person)["id"]
    text = next(each for each in clinic.get("consent-texts/") if each["purpose"] == "care")
    print("The patient was shown:", text["text"])
    # The fingerprint proves which text was shown: if another one is in force by now, nothing is recorded.
    consent = {"purpose": "care", "method": "signed", "given_on": date.today().isoformat(), "text_fingerprint": text["fingerprint"]}
    clinic.post(f"patients/{patient}/consents/", consent)
    return str(patient)


def add_visit(clinic: Affectline, patient: str) -> str:
    """Return the id of a visit of today, with a self-report."""
    # With this header a request that is sent again, because its answer was lost, makes no second visit.
    once = {"Idempotency-Key": str(uuid.uuid4())}
    today = {"date": date.today().isoformat()}
    visit = clinic.ask("POST", f"patients/{patient}/visits/", json=today, headers=once).json()["id"]
    clinic.ask("PATCH", f"visits/{visit}/self-report/", json={"mood": 6, "phq9": 9})
    return str(visit)


def add_photo(clinic: Affectline, visit: str, path: Path) -> str:
    """Return the id of the photo. The picture is rebuilt without metadata and encrypted; the original is not kept."""
    with path.open("rb") as file:
        answer = clinic.ask("POST", f"visits/{visit}/photos/", files={"file": file}, data={"keep_duplicate": "true"})
    return str(answer.json()["id"])


def result(clinic: Affectline, photo: str) -> dict[str, Any]:
    """Return the prediction, once a worker has read the photo."""
    for _ in range(PATIENCE_SECONDS):
        prediction: dict[str, Any] = clinic.get(f"photos/{photo}/")["prediction"]
        if prediction["state"] not in WAITING:
            return prediction
        time.sleep(1)
    sys.exit("No worker has read the photo.")


def main() -> None:
    """Walk, and print what comes of it."""
    address, key, photo = sys.argv[1:]
    clinic = Affectline(address, key)
    print("Acting for", clinic.get("me/")["name"])
    patient = add_patient(clinic)
    visit = add_visit(clinic, patient)
    prediction = result(clinic, add_photo(clinic, visit, Path(photo)))
    print("State:", prediction["state"], prediction["reason"])
    for name, probability in (prediction["probabilities"] or {}).items():
        print(f"{name:>10} {probability:.2f}")
    (point,) = clinic.get(f"patients/{patient}/timeline/")["points"]
    print("Valence index of the visit:", point["valence"])
    print(clinic.ask("GET", f"patients/{patient}/csv/", params={"table": "visits"}).text)


if __name__ == "__main__":
    main()
