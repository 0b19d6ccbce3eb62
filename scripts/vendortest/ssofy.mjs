// SSOfy's signer against our verifier, and SSOfy's verifier against our answers and our signer.

import { createRequire } from 'node:module';

import { forebay } from './daemon.mjs';
import { check, parse, post } from './delivery.mjs';

// By their files: the package as a whole does not load in Node, since a package that it needs has lost its way to its
// own modules.
const require = createRequire(import.meta.url);
const { SignatureGenerator } = require('@ssofy/node-sdk/build/SignatureGenerator.js');
const { SignatureVerifier } = require('@ssofy/node-sdk/build/SignatureVerifier.js');
const sign = require('@ssofy/node-sdk/build/helpers/generateSignature.js').default;

const verifier = new SignatureVerifier(new SignatureGenerator());
const path = '/webhooks/ssofy';

export const secret = 'invented-secret-of-ssofy';

const option = {
  id: 'authentication-email-42', type: 'email', to: 'ada@example.com', hint: '*da@e******.com', user_id: '42',
  action: 'authentication',
};
const user = { username: 'ada', email: 'ada@example.com', password: 'c0rrect horse', family_name: 'Łukasiewicz 😀', phone: null };

const bodies = [
  { action: 'token_deleted', payload: { token: '9f8e7d6c5b4a39281706f5e4d3c2b1a0' } },
  { action: 'safety_reset' },
  { action: 'otp_requested', payload: { option, ip: '203.0.113.7' } },
  { action: 'user_created', payload: { user, ip: '198.51.100.23' } },
  { action: 'user_updated', payload: { user: { ...user, id: '1', email_verified: true, additional: {} }, ip: '2001:db8::17' } },
  { action: 'password_reset', payload: { token: 'tmp_8c1f0a', password: 'N3w p@ss', ip: '192.0.2.44' } },
  { action: 'numbers', payload: [0, -0, 1.5, 1e-7, 1e21, 9007199254740993, 12345678901234567890, true, false, [], ['x']] },
  { action: 'names', payload: { b: 1, a: 2, 10: 'ten', 9: 'nine', _: 'low', Z: 'up', '01': 'zero', '\u{1F600}': 'astral', '\uFB01': 'fi' } },
];

/** Runs the checks, and gives how many events were accepted. */
export async function checkSSOfy(base) {
  const url = base + path;
  for (const body of bodies) {
    await checkBody(url, body);
  }
  await checkRefusals(url);
  await checkOurSigner(url);
  return bodies.length;
}

async function checkBody(url, body) {
  const answer = await post(url, { Signature: await sign(secret, path, body) }, JSON.stringify(body, null, 1));
  check(`ssofy: ${body.action}, signed by @ssofy/node-sdk, is accepted`,
    [answer.status, answer.stored, answer.body], [200, 'journal', '{"success":true}']);
  const accepted = (result, key) => verifier.verifyBase64Signature(url, result, key, answer.signature);
  check(`ssofy: ${body.action}: @ssofy/node-sdk accepts our answer`, await accepted(JSON.parse(answer.body), secret), true);
  check(`ssofy: ${body.action}: and no other answer, and no other secret`,
    [await accepted({ success: false }, secret), await accepted({ success: true }, secret + 'x')], [false, false]);
}

async function checkRefusals(url) {
  const body = bodies[0];
  const signature = await sign(secret, path, body);
  const changed = { ...body, payload: { token: body.payload.token + 'x' } };
  const refused = async (name, signature, body, key = secret) => check(`ssofy: ${name} is refused by both`,
    [await verifier.verifyBase64Signature(url, body, key, signature),
      (await post(url, { Signature: signature }, JSON.stringify(body))).status], [false, 400]);
  await refused('another value', signature, changed);
  await refused('a signature for another path', await sign(secret, path + 'x', body), body);
  await refused('a signature with another secret', await sign(secret + 'x', path, body), body);
  await refused('a bare digest', 'ab'.repeat(32), body);
}

async function checkOurSigner(url) {
  for (const action of bodies.slice(0, 6).map((body) => body.action)) {
    const { headers, body } = parse(await forebay('send', 'ssofy', action, '--print'));
    check(`ssofy: ${action}, signed by forebay send, is accepted by @ssofy/node-sdk`,
      await verifier.verifyBase64Signature(url, JSON.parse(body), secret, headers.signature), true);
  }
}
