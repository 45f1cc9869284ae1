/**
 * Asks a server that was started from the README's instructions.
 *
 *   node ask.mjs readme <url of /graphql>   sends the README's mutation and expects the README's answer
 *   node ask.mjs ready <origin>             waits until it is ready, and shows both health endpoints
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const READY_TIMEOUT_MS = 60_000;
const TRY_TIMEOUT_MS = 2_000;
const [what, url] = process.argv.slice(2);

async function askReadme() {
  const readme = readFileSync('README.md', 'utf8');
  const [, query] = /```graphql\n([^`]*)```/.exec(readme);
  const [, expected] = /```json\n([^`]*)```/.exec(readme);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const answer = await response.json();
  console.log(`  The README's mutation answers ${JSON.stringify(answer)}`);
  assert.deepEqual(answer, JSON.parse(expected));
}

async function askReady() {
  const giveUpMs = performance.now() + READY_TIMEOUT_MS;
  for (const path of ['/ready', '/live']) {
    for (;;) {
      const response = await tryFetch(`${url}${path}`);
      if (response?.ok) {
        console.log(`  ${path}: ${response.status} ${await response.text()}`);
        break;
      }
      if (performance.now() > giveUpMs) throw new Error(`${path} was not ready in time.`);
      await wait(100);
    }
  }
}

/** Null without an answer, also if a port forwarder accepts the connection and drops it. */
async function tryFetch(address) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), TRY_TIMEOUT_MS);
  try {
    return await fetch(address, { signal: giveUp.signal });
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

await (what === 'readme' ? askReadme() : askReady());
