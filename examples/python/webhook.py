#!/usr/bin/env python3
"""Handles the events that the job webhook posts, with nothing but the standard library.

    consumers:
      codes: {actions: ["otp.*"], max_age: 10m, run: webhook,
              webhook: {url: "http://127.0.0.1:9000/events", secret_file: ./secret}}
      users: {actions: ["user.*"], run: webhook,
              webhook: {url: "http://127.0.0.1:9000/events", secret_file: ./secret}}

The answer is the verdict. 200: done. 422: no further attempt will mend it. 503: another attempt, by the schedule. What is
sealed is opened by the program forebay; jwcrypto does it too, see nats_py.py.
"""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DONE, UNAUTHORIZED, PERMANENT, LATER = 200, 401, 422, 503
MAX_BODY = 8 << 20  # more than an event is
TOLERANCE = 300  # seconds that a signature may be old, as Standard Webhooks says


class Handler(BaseHTTPRequestHandler):
    timeout = 30  # of a client that does not go on

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BODY))
        status = handle(json.loads(body)) if signed(self.headers, body) else UNAUTHORIZED
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that a stop waits for the work that is under way


def signed(headers, body):
    """Whether forebay made this request. https://www.standardwebhooks.com"""
    key = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
    ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    mac = hmac.new(key, f"{ident}.{stamp}.".encode() + body, hashlib.sha256)
    want = "v1," + base64.b64encode(mac.digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(want.encode(), each.encode()) for each in given)


def handle(event):
    """Does the work for one event."""
    user, otp = event.get("user", {}), event.get("otp", {})
    match event["action"]:
        case "otp.requested":
            return post("/codes", event, {"to": otp.get("to"), "channel": otp.get("channel"), "user": user.get("id")})
        case "user.created":
            try:
                password = opened(user.get("password"))
            except subprocess.CalledProcessError:
                return PERMANENT
            return post("/users", event, {"id": user.get("id"), "email": user.get("email"), "password": password})
    return DONE  # of no interest to us


def opened(member):
    """The text of a sealed member, and anything else as it is."""
    if not isinstance(member, dict):
        return member
    command = ["forebay", "seal", "open", "--key", os.environ["SEAL_KEY"], "-"]
    return subprocess.run(command, input=member["sealed"], capture_output=True, text=True, check=True).stdout


def post(path, event, body):
    """Calls the service. The key of the event goes with it: a second call for the same event changes nothing there."""
    request = urllib.request.Request(
        os.environ["WORK_URL"] + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": event["source"] + "/" + event["id"]},
    )
    try:
        with urllib.request.urlopen(request):
            return DONE
    except urllib.error.HTTPError as answer:
        return LATER if answer.code >= 500 or answer.code in (408, 429) else PERMANENT
    except OSError:
        return LATER


def main():
    host, port = os.environ["LISTEN"].rsplit(":", 1)
    with Server((host, int(port)), Handler) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()


if __name__ == "__main__":
    main()
