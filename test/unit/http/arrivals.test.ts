/** Which requests begin together, and in which order clients begin that flood the server. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Arrivals } from '../../../src/http/arrivals.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Keeps the event loop busy. */
function work(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

test('requests of one turn begin together, each client in its order', async () => {
  const arrivals = new Arrivals();
  const begun: string[] = [];
  for (const name of ['a1', 'b1', 'a2', 'a3', 'b2']) {
    arrivals.add(name.charAt(0), () => begun.push(name));
  }
  expect(begun).toEqual([]);
  await turn();
  expect(begun).toHaveLength(5);
  for (const client of ['a', 'b']) {
    const own = begun.filter((name) => name.startsWith(client));
    expect(own).toEqual([...own].sort());
  }
});

test('a flood of one client delays another one by a turn', async () => {
  const arrivals = new Arrivals();
  const begun: string[] = [];
  for (let i = 0; i < 5_000; i += 1) arrivals.add('flood', () => begun.push('flood'));
  arrivals.add('other', () => begun.push('other'));
  await turn();
  expect(begun.indexOf('other')).toBe(1);
  expect(begun.length).toBeLessThan(1_000);
  while (begun.length < 5_001) await turn();
});

test('a client that always has requests waiting keeps none of those that have begun', async () => {
  const arrivals = new Arrivals();
  const bodies: WeakRef<object>[] = [];
  let ends = false;
  const add = () => {
    const body = { text: 'x'.repeat(1_000) };
    bodies.push(new WeakRef(body));
    arrivals.add('steady', () => {
      if (body.text !== '' && !ends) add();
    });
  };
  for (let i = 0; i < 1_000; i += 1) add();
  while (bodies.length < 5_000) await turn();
  collectGarbage();
  // A thousand wait; the engine may still have the one that has begun last.
  expect(bodies.filter((body) => body.deref() !== undefined).length).toBeLessThan(1_100);
  ends = true;
});

test('turns become short where requests are expensive, and long again where they are cheap', async () => {
  const arrivals = new Arrivals();
  let begun = 0;
  const most = { dear: Infinity, cheap: 0 };
  for (let i = 0; i < 700; i += 1) {
    arrivals.add('dear', () => {
      begun += 1;
      work(1);
    });
  }
  for (let before = 0; begun < 700; before = begun) {
    await turn();
    if (begun > before) most.dear = Math.min(most.dear, begun - before);
  }
  expect(most.dear).toBeLessThanOrEqual(64);
  for (let i = 0; i < 5_000; i += 1) arrivals.add('cheap', () => (begun += 1));
  for (let before = begun; begun < 5_700; before = begun) {
    await turn();
    most.cheap = Math.max(most.cheap, begun - before);
  }
  expect(most.cheap).toBeGreaterThan(200);
});
