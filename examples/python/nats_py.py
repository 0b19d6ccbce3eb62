#!/usr/bin/env python3
"""Handles events with nats-py, bound to a declared durable.

NOT RUN BY ANY TEST: nats-py comes from PyPI, which could not be reached where this was written. It follows nats-py 2.x and
jwcrypto 1.x (pip install nats-py jwcrypto); put it through the kit before you rely on it:

    go run ./examples/conformance --forebay ./forebay -- python3 examples/python/nats_py.py

The other two programs in this folder are run.
"""

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import nats
from jwcrypto import jwe, jwk

PARALLEL = 16  # events at a time
MAX_AGE = timedelta(minutes=10)  # an older code is of no use to anybody


class Permanent(Exception):
    """What no further attempt will mend."""


class Consumer:
    def __init__(self, config, key):
        self.config = config
        self.key = key

    async def attempt(self, message):
        """Handles one message and answers the server."""
        alive = asyncio.create_task(self.keep_alive(message))
        try:
            await asyncio.to_thread(self.handle, message.data)
            await message.ack()
        except Permanent as error:
            await self.terminate(message, f"permanent: {error}")
        except Exception as error:  # whatever it is, it is an attempt without success
            if message.metadata.num_delivered >= self.config.max_deliver:
                await self.terminate(message, f"max deliveries: {error}")
            # else unanswered it comes again by the schedule; a bare nak would bring it back at once
        finally:
            alive.cancel()

    async def keep_alive(self, message):
        while True:
            await asyncio.sleep(self.config.ack_wait / 2)
            await message.in_progress()

    async def terminate(self, message, reason):
        """Like message.term(), with a reason for those who look at the dead letter."""
        await message._client.publish(message.reply, b"+TERM " + reason.encode())

    def handle(self, data):
        """Does the work for one event."""
        try:
            event = json.loads(data)
        except ValueError as error:
            raise Permanent("no event") from error
        user, otp = event.get("user", {}), event.get("otp", {})
        match event["action"]:
            case "otp.requested":
                received = datetime.fromisoformat(event["received"].replace("Z", "+00:00"))
                if datetime.now(timezone.utc) - received > MAX_AGE:
                    raise Permanent("expired")
                post("/codes", event, {"to": otp.get("to"), "channel": otp.get("channel"), "user": user.get("id")})
            case "user.created":
                password = self.opened(user.get("password"))
                post("/users", event, {"id": user.get("id"), "email": user.get("email"), "password": password})
        # anything else is of no interest to us

    def opened(self, member):
        """The text of a sealed member, and anything else as it is."""
        if not isinstance(member, dict):
            return member
        token = jwe.JWE(algs=["ECDH-ES", "A256GCM"])
        try:
            token.deserialize(member["sealed"], key=self.key)
        except Exception as error:
            raise Permanent("a sealed member does not open") from error
        return token.payload.decode()


def post(path, event, body):
    """Calls the service. The key of the event goes with it: a second call for the same event changes nothing there."""
    request = urllib.request.Request(
        os.environ["WORK_URL"] + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": event["source"] + "/" + event["id"]},
    )
    try:
        urllib.request.urlopen(request, timeout=15).close()
    except urllib.error.HTTPError as answer:
        mends = answer.code >= 500 or answer.code in (408, 429)
        raise (RuntimeError if mends else Permanent)(f"the service answers {answer.code}") from answer


async def main():
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with open(os.environ["SEAL_KEY"]) as file:
        key = jwk.JWK.from_json(file.read())
    stream, durable = os.environ["FOREBAY_STREAM"], os.environ["FOREBAY_CONSUMER"]
    connection = await nats.connect(os.environ["NATS_URL"], max_reconnect_attempts=-1)
    js = connection.jetstream()
    consumer = Consumer((await js.consumer_info(stream, durable)).config, key)
    subscription = await js.pull_subscribe_bind(durable, stream)
    underway = set()
    while not stop.is_set():
        if len(underway) >= PARALLEL:
            await asyncio.wait(underway, return_when=asyncio.FIRST_COMPLETED)
            continue
        try:
            messages = await subscription.fetch(PARALLEL - len(underway), timeout=1)
        except (asyncio.TimeoutError, nats.errors.Error):
            if not connection.is_connected:
                await asyncio.sleep(0.1)
            continue  # nothing is there, or nobody: it reconnects by itself
        for message in messages:
            task = asyncio.create_task(consumer.attempt(message))
            underway.add(task)
            task.add_done_callback(underway.discard)
    if underway:
        await asyncio.wait(underway)
    await connection.drain()


if __name__ == "__main__":
    asyncio.run(main())
