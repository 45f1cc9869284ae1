/** `stockChanged` against a real server: what a watcher gets, what it outlasts, and where it ends. */
import { WebSocket } from 'ws';
import {
  createStockadeClient,
  StockadeError,
  type ClientSettings,
  type StockNews,
} from '../../../client/stockade-client.js';
import { apiKeysOf, newApiKey, bearer, prefixOf } from '../../support/api-keys.js';
import { until, within } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { useProxy } from '../../support/use-proxy.js';
import { metric, refusals } from '../../support/watcher.js';

const app = useApp({ STOCK_LOCK: 'none' });
const way = useProxy(() => app.graphqlUrl);

function connect(settings: Partial<ClientSettings> = {}) {
  return createStockadeClient({ url: app.graphqlUrl, webSocket: WebSocket, ...settings });
}

function line(productId: string, quantity = 1) {
  return { productId, quantity };
}

/** Reads news in the background, until the test ends it. */
function follow(url: string, productId: string, settings: Partial<ClientSettings> = {}) {
  const client = connect({ url, retries: { firstMs: 10, maxMs: 50 }, ...settings });
  const news: StockNews[] = [];
  const stop = new AbortController();
  const watch = client.stockChanged({ productIds: [productId] }, { signal: stop.signal });
  const ended = (async () => {
    for await (const each of watch) news.push(each);
  })();
  const available = () => {
    const last = news.at(-1);
    return last?.kind === 'read' ? last.products[0]?.available : last?.change.productAvailable;
  };
  return {
    news,
    ended,
    available,
    reads: () => news.filter(({ kind }) => kind === 'read').length,
    end: async () => {
      stop.abort();
      await ended;
    },
  };
}

test('a watcher reads the stock, gets each change, and reads again after a connection is lost', async () => {
  const productId = await app.newProduct(10);
  const client = connect();
  const follower = follow(way.proxy.via(app.graphqlUrl), productId);
  await until('the second read', () => follower.reads() >= 2);
  expect(follower.available()).toBe(10);
  await client.deductStock({ items: [line(productId)] });
  await until('the change', () => follower.available() === 9);
  expect(follower.news.at(-1)).toMatchObject({ kind: 'changed', change: { productId } });

  way.proxy.refuse(true);
  way.proxy.cut();
  await client.deductStock({ items: [line(productId, 4)] });
  const readsBefore = follower.reads();
  way.proxy.refuse(false);
  await until('a read after the connection', () => follower.reads() > readsBefore);
  await until('the stock as it is', () => follower.available() === 5);
  await follower.end();
  await until('no watcher is left', async () => {
    return (await metric(app.origin, 'stockade_watchers')) === 0;
  });
});

test('a watcher that is slower than the changes reads the stock again', async () => {
  const slow = await app.startAnother({ WATCH_QUEUE_MAX: '1' });
  const ids = await app.shop.newProducts(40, 10);
  const client = connect({ url: slow.graphqlUrl });
  const stop = new AbortController();
  const available = new Map<string, number>();
  let reads = 0;
  const watch = client.stockChanged({ productIds: ids }, { signal: stop.signal });
  const ended = (async () => {
    for await (const news of watch) {
      if (news.kind === 'changed') {
        available.set(news.change.productId, news.change.productAvailable);
        continue;
      }
      reads += 1;
      for (const product of news.products) available.set(product.id, product.available);
    }
  })();
  await until('the second read', () => reads === 2);
  const items = ids.map((productId) => line(productId));
  await client.deductStock({ items, mode: 'ALL_OR_NOTHING' });
  await until('the stock as it is', () => ids.every((id) => available.get(id) === 9));
  await until('a read because of changes that were missed', () => reads > 2);
  stop.abort();
  await ended;
});

/** How a watch ends that must not go on. */
async function endOf(watch: AsyncIterable<StockNews>): Promise<unknown> {
  const toEnd = async () => {
    for await (const news of watch) expect(news.kind).toMatch(/read|changed/);
  };
  return within(
    20_000,
    'the end of the watch',
    toEnd().catch((error: unknown) => error),
  );
}

test('a watch rejects where the server refuses its credential, or the address serves something else', async () => {
  const guarded = await app.startAnother({ AUTH: 'keys' });
  const url = guarded.graphqlUrl;
  const key = await newApiKey(app.database, 'watcher', ['read']);
  const ends: [Partial<ClientSettings>, object][] = [
    [
      { url, credential: 'sk_none.0' },
      { code: 'UNAUTHENTICATED', status: 401 },
    ],
    [{ url: `${url}s` }, { status: 404 }],
    [{ url: 'http://' }, { code: 'NOT_SENT' }],
    // Over HTTP alone.
    [
      { url, headers: bearer(key) },
      { code: 'UNAUTHENTICATED', status: null },
    ],
  ];
  for (const [settings, expected] of ends) {
    const failure = await endOf(connect(settings).stockChanged());
    expect(failure).toBeInstanceOf(StockadeError);
    expect(failure).toMatchObject({ ...expected, retryable: false });
  }
});

test('a watch rejects where HTTP passes and its WebSocket never opens', async () => {
  way.proxy.hook('toServer', (bytes) => (bytes.includes('Upgrade: websocket') ? 'cut' : 'pass'));
  const retries = { firstMs: 1, maxMs: 10 };
  const failure = await endOf(
    connect({ url: way.proxy.via(app.graphqlUrl), retries }).stockChanged(),
  );
  expect(failure).toBeInstanceOf(StockadeError);
  expect(failure).toMatchObject({ code: 'NETWORK', retryable: true });
});

test('a credential that is revoked ends a watch, unless the function gives another one', async () => {
  const guarded = await app.startAnother({ AUTH: 'keys' });
  const productId = await app.newProduct(10);
  const [old, fresh] = [
    await newApiKey(app.database, 'old', ['read']),
    await newApiKey(app.database, 'fresh', ['read']),
  ];
  let given = old;
  const renewed = follow(guarded.graphqlUrl, productId, { credential: () => given });
  const fixed = follow(guarded.graphqlUrl, productId, { credential: old });
  const failure = fixed.ended.catch((error: unknown) => error);
  await until('both read', () => renewed.reads() >= 2 && fixed.reads() >= 2);
  given = fresh;
  const readsBefore = renewed.reads();
  await apiKeysOf(app.database).revoke(prefixOf(old));
  expect(await within(20_000, 'the end', failure)).toMatchObject({ code: 'UNAUTHENTICATED' });
  await until('a read after the new connection', () => renewed.reads() > readsBefore);
  await renewed.end();
});

test('a subscription that is refused for a time is tried again', async () => {
  const small = await app.startAnother({ WATCH_SUBSCRIPTIONS_MAX_PER_PRINCIPAL: '1' });
  const productId = await app.newProduct(10);
  const first = follow(small.graphqlUrl, productId);
  await until('the first reads', () => first.reads() >= 2);
  const second = follow(small.graphqlUrl, productId);
  await until('the second is refused', async () => {
    return (await refusals(small.origin, 'connection-limit')) > 0;
  });
  await first.end();
  const client = connect({ url: small.graphqlUrl });
  await until('a change comes to the second', async () => {
    await client.increaseStock({ items: [line(productId)] });
    return second.news.some(({ kind }) => kind === 'changed');
  });
  await second.end();
});

test('a watcher notices a connection that carries nothing any more', async () => {
  const productId = await app.newProduct(10);
  const follower = follow(way.proxy.via(app.graphqlUrl), productId, {
    retries: { firstMs: 10, maxMs: 50, tryMs: 500 },
  });
  await until('the second read', () => follower.reads() >= 2);
  const dead = new Set(way.proxy.connections().map(({ number }) => number));
  for (const direction of ['toServer', 'toClient'] as const) {
    way.proxy.hook(direction, (_, { number }) => (dead.has(number) ? 'drop' : 'pass'));
  }
  await connect().deductStock({ items: [line(productId)] });
  // It is noticed by a ping without an answer, after some twenty seconds.
  await until('the stock as it is', () => follower.available() === 9, 90_000);
  await follower.end();
});

test('a watch whose function for the credential throws rejects with what it has thrown', async () => {
  const cause = new Error('The vault is closed.');
  const credential = () => Promise.reject(cause);
  const failure = await endOf(connect({ credential }).stockChanged());
  expect(failure).toMatchObject({ code: 'NOT_SENT', cause });
});
