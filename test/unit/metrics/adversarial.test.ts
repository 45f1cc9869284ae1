/** What would break if this happened before that? Scrapes of several workers that die, stall, or answer wrongly. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:cluster';
import { Counter, Gauge, Registry } from 'prom-client';
import { SumOfWorkers, WorkerMetrics } from '../../../src/metrics/worker-metrics.js';
import { FakeClock } from '../../support/fake-clock.js';
import { within } from '../../support/until.js';

/** One end of the channel between the primary and a worker. Its messages wait while it is held. */
class End extends EventEmitter {
  readonly process = { pid: 1 };
  readonly sent: unknown[] = [];
  other: End | null = null;
  isHeld = false;
  private connected = true;

  isConnected(): boolean {
    return this.connected;
  }

  send(message: unknown): void {
    this.sent.push(message);
    if (!this.isHeld) this.deliver(message);
  }

  /** Delivers what is sent from now on, or not, as between processes: later, and as JSON. */
  deliver(message: unknown): void {
    const text = JSON.stringify(message);
    setImmediate(() => this.other?.emit('message', JSON.parse(text)));
  }

  exit(): void {
    this.connected = false;
    this.emit('exit');
  }
}

async function soon(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const errors: string[] = [];
let clock: FakeClock;
let sum: SumOfWorkers;

beforeEach(() => {
  errors.length = 0;
  clock = new FakeClock();
  sum = new SumOfWorkers(clock, { error: (_, message) => errors.push(message) });
});

function addWorker() {
  const [atPrimary, atWorker] = [new End(), new End()];
  atPrimary.other = atWorker;
  atWorker.other = atPrimary;
  const registry = new Registry();
  const sold = new Counter({
    name: 'sold_total',
    help: 'Sold.',
    labelNames: ['kind'],
    registers: [registry],
  });
  const metrics = new WorkerMetrics(registry, atWorker as unknown as Worker, clock);
  sum.add(atPrimary as unknown as Worker);
  const scrape = async (kind = 'tea') => {
    const text = await within(5_000, 'the answer to a scrape', metrics.metrics());
    const line = text.split('\n').find((each) => each.startsWith(`sold_total{kind="${kind}"}`));
    return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ')));
  };
  const sell = (units: number, kind = 'tea') => {
    sold.inc({ kind }, units);
  };
  return { atPrimary, atWorker, registry, metrics, scrape, sell };
}

function addTwo() {
  const [first, second] = [addWorker(), addWorker()];
  first.sell(3);
  second.sell(4);
  return { first, second };
}

test('a worker that dies while it is asked delays no scrape, and its counters stay', async () => {
  const { first, second } = addTwo();
  expect(await first.scrape()).toBe(7);
  second.atWorker.isHeld = true;
  const scraping = first.scrape();
  await soon();
  second.atPrimary.exit();
  expect(await scraping).toBe(7);
  const third = addWorker();
  expect(await third.scrape()).toBe(7);
  third.sell(5);
  expect(await third.scrape()).toBe(12);
  third.atPrimary.exit();
  expect(await first.scrape()).toBe(12);
});

test('an answer that arrives from a worker after its end is not counted twice', async () => {
  const { first, second } = addTwo();
  expect(await first.scrape()).toBe(7);
  const [numbers] = second.atWorker.sent;
  second.atPrimary.exit();
  second.atWorker.deliver(numbers);
  await soon();
  expect(await first.scrape()).toBe(7);
});

test('scrapes at once of both workers are one question to each, and get the same sum', async () => {
  const { first, second } = addTwo();
  expect(await Promise.all([first, second, first, first].map((each) => each.scrape()))).toEqual([
    7, 7, 7, 7,
  ]);
  const asked = second.atPrimary.sent.filter(
    (message) => (message as { stockadeMetrics: string }).stockadeMetrics === 'numbers?',
  );
  expect(asked).toHaveLength(1);
});

test('a worker that answers late, and then twice, counts once', async () => {
  const { first, second } = addTwo();
  expect(await first.scrape()).toBe(7);
  second.sell(10);
  second.atWorker.isHeld = true;
  const scraping = first.scrape();
  await soon();
  clock.advance(1_000);
  expect(await scraping).toBe(7);
  const late = second.atWorker.sent.at(-1);
  second.atWorker.isHeld = false;
  second.atWorker.deliver(late);
  second.atWorker.deliver(late);
  await soon();
  expect(await first.scrape()).toBe(17);
});

test.each([
  ['null', null],
  ['a text', 'none'],
  ['an object', { length: 1 }],
])('a worker that answers %s counts with its last numbers, and is told', async (_, metrics) => {
  const { first, second } = addTwo();
  expect(await first.scrape()).toBe(7);
  second.atWorker.deliver({ stockadeMetrics: 'numbers', metrics });
  second.atWorker.deliver({ stockadeMetrics: 'numbers' });
  second.atWorker.deliver(null);
  second.atWorker.deliver('text');
  await soon();
  expect(errors).toEqual([
    'A worker could not read its metrics.',
    'A worker could not read its metrics.',
  ]);
  second.atWorker.isHeld = true;
  const scraping = first.scrape();
  await soon();
  clock.advance(1_000);
  expect(await scraping).toBe(7);
});

test('a worker that cannot read one of its metrics goes on, and harms no scrape', async () => {
  const { first, second } = addTwo();
  expect(await second.scrape()).toBe(7);
  new Gauge({
    name: 'broken',
    help: 'Broken.',
    registers: [second.registry],
    collect() {
      throw new Error('The part has gone.');
    },
  });
  second.sell(10);
  first.sell(1);
  expect(await first.scrape()).toBe(8);
  expect(await second.scrape()).toBe(8);
  expect(errors).toContain('A worker could not read its metrics.');
});

test('metrics that cannot be added fail the scrape, and only until the worker ends', async () => {
  const { first, second } = addTwo();
  const unknown = { name: 'odd', help: 'Odd.', type: 'gauge', aggregator: 'odd', values: [] };
  second.atWorker.isHeld = true;
  const scraping = first.metrics.metrics().catch((error: unknown) => error);
  await soon();
  second.atWorker.deliver({ stockadeMetrics: 'numbers', metrics: [unknown] });
  expect(await scraping).toEqual(new Error('The primary process could not aggregate the metrics.'));
  second.atPrimary.exit();
  expect(await first.scrape()).toBe(3);
});

test('a scrape that the primary does not answer fails alone; one that came later asks again', async () => {
  const { first } = addTwo();
  first.atWorker.isHeld = true;
  const early = first.metrics.metrics().catch((error: unknown) => error);
  clock.advance(1_900);
  const late = first.scrape();
  first.atWorker.isHeld = false;
  clock.advance(100);
  expect(await early).toBeInstanceOf(Error);
  expect(await late).toBe(7);
});

test('label values are escaped, and summed under the name that they are', async () => {
  const { first, second } = addTwo();
  const kinds = ['__proto__', 'constructor', 'a"b', 'a\\', 'a\nb', '"} 1', ''];
  for (const kind of kinds) {
    first.sell(1, kind);
    second.sell(1, kind);
  }
  for (const kind of kinds) {
    const escaped = kind.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
    expect({ kind, sold: await first.scrape(escaped) }).toEqual({ kind, sold: 2 });
  }
  const text = await first.metrics.metrics();
  expect(text.split('\n').filter((line) => line.startsWith('sold_total'))).toHaveLength(8);
});
