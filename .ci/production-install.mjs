/**
 * What is shipped must run on the packages that it names: installs package.json without development packages and
 * without install scripts, beside the built server, and asks the server that was started there.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../dist/services/private-server.js';
import { bringServices } from '../dist/services/services.js';

const START_TIMEOUT_MS = 60_000;
const TRY_PAUSE_MS = 100;

const folder = mkdtempSync(join(tmpdir(), 'stockade-production-'));
const signal = new AbortController().signal;

async function run(command, args, env = process.env) {
  const child = spawn(command, args, { cwd: folder, env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, `${command} ${args.join(' ')}`);
}

async function untilReady(origin, server) {
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    assert.equal(server.exitCode, null, 'the server has ended');
    const response = await fetch(`${origin}/ready`).catch(() => null);
    if (response?.ok) return;
    assert.ok(performance.now() < giveUpMs, 'the server is never ready');
    await wait(TRY_PAUSE_MS);
  }
}

async function askServer(services) {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    MYSQL_URL: services.mysql.url,
    REDIS_URL: services.redis.url,
    AUTH: 'keys',
  };
  const args = ['--max-semi-space-size=64', 'dist/src/cli/stockade.js', 'start'];
  const server = spawn(process.execPath, args, { cwd: folder, env, stdio: 'inherit' });
  const exited = once(server, 'exit');
  try {
    const origin = `http://127.0.0.1:${port}`;
    await untilReady(origin, server);
    const refused = await fetch(`${origin}/graphql`, { method: 'POST' });
    assert.equal(refused.status, 401);
    console.log('  The server starts, is ready, and asks for keys.');
  } finally {
    server.kill('SIGTERM');
  }
  assert.deepEqual(await exited, [0, null]);
}

try {
  for (const path of ['package.json', 'package-lock.json', '.npmrc', 'dist/src']) {
    cpSync(path, join(folder, path), { recursive: true });
  }
  await run('npm', ['ci', '--ignore-scripts', '--omit=dev', '--silent']);
  const services = await bringServices({ env: process.env, signal, log: console.log });
  try {
    await askServer(services);
  } finally {
    await services.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
