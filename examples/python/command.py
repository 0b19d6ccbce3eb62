#!/usr/bin/env python3
"""Handles one event for the job command, with nothing but the standard library.

    consumers:
      codes: {actions: ["otp.*"], max_age: 10m, run: command, command: {argv: [python3, command.py]}}
      users: {actions: ["user.*"], run: command, command: {argv: [python3, command.py]}}

The event is on standard input. Exit code 0: done. 65: no further attempt will mend it. Any other: another attempt, by the
schedule. What is sealed is opened by forebay itself, which is on the same machine.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

PERMANENT, LATER = 65, 75  # EX_DATAERR and EX_TEMPFAIL of sysexits.h


def main():
    event = json.load(sys.stdin)
    user, otp = event.get("user", {}), event.get("otp", {})
    match event["action"]:
        case "otp.requested":
            return post("/codes", event, {"to": otp.get("to"), "channel": otp.get("channel"), "user": user.get("id")})
        case "user.created":
            password = opened(user.get("password"))
            return post("/users", event, {"id": user.get("id"), "email": user.get("email"), "password": password})
    return 0  # of no interest to us


def opened(member):
    """The text of a sealed member, and anything else as it is."""
    if not isinstance(member, dict):
        return member
    command = ["forebay", "seal", "open", "--key", os.environ["SEAL_KEY"], "-"]
    done = subprocess.run(command, input=member["sealed"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(PERMANENT)
    return done.stdout


def post(path, event, body):
    """Calls the service. The key of the event goes with it: a second call for the same event changes nothing there."""
    request = urllib.request.Request(
        os.environ["WORK_URL"] + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": event["source"] + "/" + event["id"]},
    )
    try:
        with urllib.request.urlopen(request):
            return 0
    except urllib.error.HTTPError as answer:
        print(f"the service answers {answer.code}", file=sys.stderr)
        return LATER if answer.code >= 500 or answer.code in (408, 429) else PERMANENT
    except OSError as error:
        print(error, file=sys.stderr)
        return LATER


if __name__ == "__main__":
    sys.exit(main())
