// forebay serve, on free ports, with a data folder of its own.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = dirname(fileURLToPath(import.meta.url));
const program = join(folder, 'forebay');
const config = join(folder, 'forebay.yaml');

/** Starts forebay with these sources, in YAML, and waits until it is ready. */
export async function start(sources) {
  const [http, admin, nats] = await freePorts(3);
  writeFileSync(config, `
listen: 127.0.0.1:${http}
admin: 127.0.0.1:${admin}
data: ./data
nats: {listen: "127.0.0.1:${nats}"}
sources:
${sources}`);
  const child = spawn(program, ['--config', config, 'serve'], { stdio: ['ignore', 'inherit', 'pipe'] });
  let log = '';
  child.stderr.on('data', (text) => { log += text; });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(join(folder, 'data'), { recursive: true, force: true });
  };
  const deadline = Date.now() + 20_000;
  while (!(await isReady(admin))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`forebay serve does not become ready:\n${log}`);
    }
    await delay(50);
  }
  return { url: `http://127.0.0.1:${http}`, stop };
}

/** What forebay prints. It must end well. */
export async function forebay(...args) {
  const { stdout } = await promisify(execFile)(program, ['--config', config, ...args], { timeout: 20_000 });
  return stdout;
}

async function isReady(admin) {
  try {
    return (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => { server.close(); return once(server, 'close'); }));
  return ports;
}
