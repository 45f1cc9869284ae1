/**
 * The honest client beside an attack: deducts one unit after another over its own connections, in a process of its own,
 * so that what the attacker's process does delays only the server. For each line on its standard input it prints what
 * it saw since the last one, as JSON.
 */
import { Buffer } from 'node:buffer';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';

const { VICTIM_URL, VICTIM_KEY, VICTIM_PRODUCT } = process.env;
const CLIENTS = 2;
const PAUSE_MS = 5;
const FAILURES_SHOWN = 5;

const agent = new Agent({ keepAlive: true });
const body = JSON.stringify({
  query: `mutation V($input: DeductStockInput!) {
    deductStock(input: $input) { results { __typename } }
  }`,
  variables: { input: { items: [{ productId: VICTIM_PRODUCT, quantity: 1 }] } },
});
const TAKEN = '{"data":{"deductStock":{"results":[{"__typename":"DeductedItem"}]}}}';

let latenciesMs = [];
let failures = [];

function deduct() {
  return new Promise((resolve) => {
    const outgoing = request(VICTIM_URL, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        authorization: `Bearer ${VICTIM_KEY}`,
      },
    });
    outgoing.on('error', (error) => resolve(String(error)));
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => (text += chunk));
      incoming.on('error', (error) => resolve(String(error)));
      incoming.on('end', () => resolve(text.trim()));
    });
    outgoing.end(body);
  });
}

async function client() {
  for (;;) {
    const beganMs = performance.now();
    const answer = await deduct();
    latenciesMs.push(performance.now() - beganMs);
    if (answer !== TAKEN) failures.push(answer);
    await sleep(PAUSE_MS);
  }
}

function report() {
  const sorted = latenciesMs.sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  const seen = {
    deductions: sorted.length,
    failed: failures.length,
    failures: failures.slice(0, FAILURES_SHOWN),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
  latenciesMs = [];
  failures = [];
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

for (let i = 0; i < CLIENTS; i += 1) void client();
const lines = createInterface({ input: process.stdin });
lines.on('line', report);
lines.on('close', () => process.exit(0));
