/** What would break if this happened before that? Changes of stock on their way to subscriptions. */
import { StockFeed, type OtherProcesses } from '../../../src/changes/stock-feed.js';
import type { StockEvent } from '../../../src/inventory/stock-changes.js';
import type { Product } from '../../../src/inventory/products.js';
import { systemClock } from '../../../src/time/clock.js';
import { within } from '../../support/until.js';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

function product(id: string): Product {
  return {
    id,
    name: id,
    onHand: 0,
    reserved: 0,
    available: 7,
    lowStockThreshold: null,
  } as unknown as Product;
}

function level(productId: string, version: number) {
  return { productId, locationId: 'default', onHand: version, reserved: 0, version };
}

/** A feed whose reads of products wait until the test answers them. */
function openFeed(others?: OtherProcesses) {
  const reads: { readonly ids: readonly string[]; answer(): void; fail(): void }[] = [];
  const products = {
    productsByIds: (ids: readonly string[]) =>
      new Promise<readonly Product[]>((resolve, reject) => {
        reads.push({
          ids,
          answer: () => {
            resolve(ids.map(product));
          },
          fail: () => {
            reject(new Error('The database is away.'));
          },
        });
      }),
  };
  const feed = new StockFeed({
    products,
    queueMax: 10,
    log: SILENT,
    clock: systemClock,
    ...(others && { others }),
  });
  const nextRead = async () => {
    for (let tries = 0; tries < 100; tries += 1) {
      const read = reads.shift();
      if (read) return read;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error('The feed reads nothing.');
  };
  return { feed, reads, nextRead };
}

function shortly(watcher: AsyncIterator<StockEvent>): Promise<StockEvent> {
  const next = watcher.next().then(({ value }) => value as StockEvent);
  return within(30_000, 'an event', next);
}

function onHandOf(event: StockEvent): number {
  if (event.kind !== 'CHANGED') throw new Error('The subscription was told of a loss.');
  return event.change.onHand;
}

test('a change that overtakes a newer one is not delivered', async () => {
  const { feed, reads, nextRead } = openFeed();
  const watcher = await feed.watch(['p']);
  feed.committed([level('p', 3)]);
  feed.committed([level('p', 2)]);
  (await nextRead()).answer();
  expect(onHandOf(await shortly(watcher))).toBe(3);
  feed.committed([level('p', 2)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads).toEqual([]);
  await feed.stop();
});

test('a change that is committed while its product is read is delivered after the one before', async () => {
  const { feed, nextRead } = openFeed();
  const watcher = await feed.watch(null);
  feed.committed([level('p', 1)]);
  const first = await nextRead();
  feed.committed([level('p', 2)]);
  feed.committed([level('p', 3)]);
  first.answer();
  (await nextRead()).answer();
  expect([onHandOf(await shortly(watcher)), onHandOf(await shortly(watcher))]).toEqual([1, 3]);
  await feed.stop();
});

test('a read that fails is a loss, and the next change is delivered', async () => {
  const { feed, nextRead } = openFeed();
  const watcher = await feed.watch(['p']);
  feed.committed([level('p', 1)]);
  const first = await nextRead();
  feed.committed([level('p', 2)]);
  first.fail();
  (await nextRead()).answer();
  expect(await shortly(watcher)).toMatchObject({ kind: 'MISSED' });
  expect(onHandOf(await shortly(watcher))).toBe(2);
  await feed.stop();
});

test('a subscription that ends while its product is read takes nothing from the others', async () => {
  const { feed, nextRead } = openFeed();
  const [leaving, staying] = [await feed.watch(['p']), await feed.watch(['p'])];
  feed.committed([level('p', 1)]);
  const read = await nextRead();
  await leaving.return?.();
  read.answer();
  expect(onHandOf(await shortly(staying))).toBe(1);
  expect(feed.stats()).toMatchObject({ watchers: 1, changes: 1 });
  await feed.stop();
});

test('a subscription that begins after a commit is not told of it, and of the next one is', async () => {
  const { feed, nextRead } = openFeed();
  feed.committed([level('p', 1)]);
  const watcher = await feed.watch(['p']);
  feed.committed([level('p', 2)]);
  (await nextRead()).answer();
  expect(onHandOf(await shortly(watcher))).toBe(2);
  await feed.stop();
});

test('a change that is older than one from before the subscription is not delivered', async () => {
  const { feed, reads, nextRead } = openFeed();
  feed.committed([level('p', 3)]);
  const watcher = await feed.watch(['p']);
  feed.committed([level('q', 3)]);
  const other = await feed.watch(['q']);
  feed.committed([level('p', 2), level('q', 2)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads).toEqual([]);
  feed.committed([level('p', 4), level('q', 4)]);
  (await nextRead()).answer();
  expect([onHandOf(await shortly(watcher)), onHandOf(await shortly(other))]).toEqual([4, 4]);
  await feed.stop();
});

test('a publisher that throws, and a listener that is deaf, cost this process none of its changes', async () => {
  const { feed, nextRead } = openFeed({
    publisher: {
      committed: () => {
        throw new Error('The publisher is broken.');
      },
      uncertain: () => undefined,
    },
    source: {
      listen: () => Promise.resolve(false),
      rest: () => undefined,
      stop: () => undefined,
    },
  });
  const watcher = await feed.watch(['p']);
  expect(await shortly(watcher)).toMatchObject({ kind: 'MISSED' });
  feed.committed([level('p', 1)]);
  (await nextRead()).answer();
  expect(onHandOf(await shortly(watcher))).toBe(1);
  await feed.stop();
});

test('a stop while a product is read ends the subscription, once', async () => {
  const { feed, nextRead } = openFeed();
  const watcher = await feed.watch(['p']);
  feed.committed([level('p', 1)]);
  const read = await nextRead();
  await feed.stop();
  read.answer();
  expect(await watcher.next()).toEqual({ done: true, value: undefined });
  expect(feed.stats().watchers).toBe(0);
});

test('a loss for many subscriptions leaves turns of the event loop to others, too', async () => {
  const { feed } = openFeed();
  const watchers = await Promise.all(Array.from({ length: 500 }, () => feed.watch(['p'])));
  const events = Promise.all(watchers.map((watcher) => watcher.next()));
  feed.uncertain(new Date(1_000));
  expect(feed.stats().missed).toBeLessThan(500);
  expect(new Set((await events).map(({ value }) => value as StockEvent)).size).toBe(1);
  expect(feed.stats().missed).toBe(500);
  await feed.stop();
});

test('an event for many subscriptions is one object, and leaves turns of the event loop to others', async () => {
  const { feed, nextRead } = openFeed();
  const watchers = await Promise.all(Array.from({ length: 1_000 }, () => feed.watch(['p'])));
  const events = watchers.map((watcher) => watcher.next());
  feed.committed([level('p', 1)]);
  (await nextRead()).answer();
  let turns = 0;
  const progress = { done: false };
  const all = Promise.all(events).finally(() => (progress.done = true));
  while (!progress.done) {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(new Set((await all).map(({ value }) => value as StockEvent)).size).toBe(1);
  expect(turns).toBeGreaterThan(10);
  await feed.stop();
});
