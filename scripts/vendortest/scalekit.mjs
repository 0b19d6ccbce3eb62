// Svix' library, through which Scalekit delivers, and the one of Standard Webhooks against our verifier and our signer.

import { randomUUID } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

import { forebay } from './daemon.mjs';
import { accepts, check, parse, post } from './delivery.mjs';

export const secret = 'whsec_Zm9yZWJheS10ZXN0cy1zaWduLXdpdGgtdGhpcy1rZXk=';
const oldSecret = 'whsec_dGhlLXNlY3JldC1vZi15ZXN0ZXJkYXktb2YtZm9yZWJheS4=';

const libraries = [
  { name: 'svix', prefix: 'svix', Webhook: SvixWebhook },
  { name: 'standardwebhooks', prefix: 'webhook', Webhook: StandardWebhook },
];

const body = JSON.stringify({
  spec_version: '1', id: 'evt_1', type: 'user.login', object: 'UserLoginEvent', occurred_at: '2026-03-01T12:00:00Z',
  environment_id: 'env_1', organization_id: 'org_1', display_name: 'Łukasiewicz 😀',
  data: { user: { id: 'usr_1', email: 'grace@example.com' } },
}, null, 2);

/** Runs the checks, and gives how many events were accepted. */
export async function checkScalekit(base) {
  const url = base + '/webhooks/scalekit';
  let accepted = 0;
  for (const library of libraries) {
    accepted += await checkLibrary(url, library);
    await checkOurSigner(library);
  }
  return accepted;
}

async function checkLibrary(url, { name, prefix, Webhook }) {
  const webhook = new Webhook(secret);
  const headers = (signature, at = new Date(), id = `msg_${randomUUID()}`) => ({
    [`${prefix}-id`]: id, [`${prefix}-timestamp`]: String(Math.floor(at / 1000)), [`${prefix}-signature`]: signature(id, at),
  });
  const signed = (at) => headers((id, at) => webhook.sign(id, at, body), at);
  const both = async (what, headers, text, want) => check(`scalekit: ${what}, signed by ${name}, is ${want ? 'accepted' : 'refused'} by both`,
    [accepts(() => webhook.verify(text, headers)), (await post(url, headers, text)).status], [want, want ? 200 : 401]);
  const ago = (seconds) => new Date(Date.now() - seconds * 1000);

  await both('a delivery', signed(), body, true);
  await both('a delivery of 4 minutes ago', signed(ago(240)), body, true);
  await both('a rotation with two signatures', headers((id, at) =>
    `${new Webhook(oldSecret).sign(id, at, body)} v2,unknown ${webhook.sign(id, at, body)}`), body, true);
  await both('another body', signed(), body.replace('usr_1', 'usr_2'), false);
  await both('another ID', { ...signed(), [`${prefix}-id`]: 'msg_other' }, body, false);
  await both('a delivery of 6 minutes ago', signed(ago(360)), body, false);
  await both('a delivery of 6 minutes ahead', signed(ago(-360)), body, false);
  await both('with another secret', headers((id, at) => new Webhook(oldSecret).sign(id, at, body)), body, false);
  return 3;
}

async function checkOurSigner({ name, Webhook }) {
  for (const action of ['user.login', 'organization.created', 'connected_account.updated']) {
    const { headers, body } = parse(await forebay('send', 'scalekit', action, '--print'));
    const verified = (text) => accepts(() => new Webhook(secret).verify(text, headers));
    check(`scalekit: ${action}, signed by forebay send, is accepted by ${name}, and refused once changed`,
      [verified(body), verified(body.replace('"', ' "'))], [true, false]);
  }
}
