// What scripts/vendors runs, in the folder where it has put the packages and forebay.

import { forebay, start } from './daemon.mjs';
import { check, summary } from './delivery.mjs';
import { checkScalekit, secret as scalekitSecret } from './scalekit.mjs';
import { checkSSOfy, secret as ssofySecret } from './ssofy.mjs';

const daemon = await start(`
  ssofy: {provider: ssofy, secrets: [${ssofySecret}]}
  scalekit: {provider: scalekit, secrets: [${scalekitSecret}]}
`);
try {
  const accepted = await checkSSOfy(daemon.url) + await checkScalekit(daemon.url);
  const lines = (await forebay('tail', '--all', '--json', '-n', String(accepted))).trim().split('\n');
  check('every accepted event is on the stream, once', new Set(lines.map((line) => JSON.parse(line).event.id)).size, accepted);
} finally {
  await daemon.stop();
}
process.exitCode = summary() ? 0 : 1;
