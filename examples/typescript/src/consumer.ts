// Handles events with @nats-io/jetstream: binds to a declared durable, keeps long work alive, acknowledges what is done,
// leaves what failed to the server's schedule, and terminates what no further attempt will mend.

import { readFile } from 'node:fs/promises';
import { jetstream, type JsMsg } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { compactDecrypt, importJWK } from 'jose';
import type { Event, Sealed } from './event.js';

const parallel = 16; // events at a time
const maxAge = 10 * 60_000; // an older code is of no use to anybody

/** What no further attempt will mend. */
class Permanent extends Error {}

const workURL = required('WORK_URL');
const sealKey = await importJWK(JSON.parse(await readFile(required('SEAL_KEY'), 'utf8')), 'ECDH-ES');

const { NATS_USER: user, NATS_PASSWORD: pass } = process.env; // this client takes no login from the URL
const nc = await connect({ servers: required('NATS_URL'), user, pass, maxReconnectAttempts: -1 });
const consumer = await jetstream(nc).consumers.get(required('FOREBAY_STREAM'), required('FOREBAY_CONSUMER'));
const { config } = await consumer.info(true);
const ackWait = (config.ack_wait ?? 30e9) / 1e6;

const messages = await consumer.consume({ max_messages: parallel });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => messages.stop());

const underway = new Set<Promise<void>>();
for await (const message of messages) {
  const attempt = handOver(message).finally(() => underway.delete(attempt));
  underway.add(attempt);
  if (underway.size >= parallel) await Promise.race(underway);
}
await Promise.all(underway); // what is under way is finished
await nc.drain();

/** Handles one message and answers the server. */
async function handOver(message: JsMsg): Promise<void> {
  const alive = setInterval(() => message.working(), ackWait / 2);
  try {
    await handle(message);
    message.ack();
  } catch (err) {
    const why = err instanceof Error ? err.message : String(err);
    if (err instanceof Permanent) {
      message.term(`permanent: ${why}`);
    } else if (message.info.deliveryCount >= config.max_deliver!) {
      message.term(`max deliveries: ${why}`);
    } else { // unanswered it comes again by the schedule; a bare nak would bring it back at once
      console.warn(`event ${message.seq}, attempt ${message.info.deliveryCount}: ${why}`);
    }
  } finally {
    clearInterval(alive);
  }
}

/** Does the work for one event. */
async function handle(message: JsMsg): Promise<void> {
  const event = read(message);
  const { user, otp } = event;
  switch (event.action) {
    case 'otp.requested':
      if (!user || !otp) throw new Permanent('the event says nothing of whom it is about');
      if (Date.now() - Date.parse(event.received) > maxAge) throw new Permanent('expired');
      return post('/codes', event, { to: otp.to, channel: otp.channel, user: user.id });
    case 'user.created':
      if (!user) throw new Permanent('the event says nothing of whom it is about');
      return post('/users', event, { id: user.id, email: user.email, password: await open(user.password) });
  } // anything else is of no interest to us
}

function read(message: JsMsg): Event {
  try {
    return message.json<Event>();
  } catch {
    throw new Permanent('no event');
  }
}

/** The text of a sealed member, and anything else as it is. */
async function open(member: string | Sealed | undefined): Promise<string | undefined> {
  if (typeof member !== 'object') return member;
  try {
    const { plaintext } = await compactDecrypt(member.sealed, sealKey, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    return new TextDecoder().decode(plaintext);
  } catch {
    throw new Permanent('a sealed member does not open');
  }
}

/** Calls the service. The key of the event goes with it: a second call for the same event changes nothing there. */
async function post(path: string, event: Event, body: object): Promise<void> {
  const { status } = await fetch(workURL + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `${event.source}/${event.id}` },
    body: JSON.stringify(body),
  });
  if (status < 300) return;
  const mends = status >= 500 || status === 408 || status === 429;
  throw new (mends ? Error : Permanent)(`the service answers ${status}`);
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
