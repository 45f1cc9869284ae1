/**
 * Live levels in the console where the way to them is broken: changes that were missed, WebSockets that fall silent,
 * that a proxy refuses or the server closes because of the credential, and a server that takes requests and does not
 * answer.
 */
import { createServer, request as forward, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Page, WebSocketRoute } from 'playwright-core';
import { DeductStockDocument } from '../generated/operations.js';
import { apiKeysOf, newApiKey, prefixOf } from '../support/api-keys.js';
import { dataOf, send } from '../support/graphql-client.js';
import { until } from '../support/until.js';
import { CONSOLE, useConsole } from '../support/use-console.js';

/** The console pings each 10 s, and waits 5 s for the pong. */
const NOTICED_MS_MAX = 25_000;
/** From a change to the page. */
const LIVE_MS_MAX = 2_000;
/** What a product has at first. */
const UNITS = 20;
/** How much sooner than in reality requests are given up in the page. */
const HASTE = 20;

const site = useConsole();

/** A page without live levels. */
function open(origin?: string): Promise<Page> {
  return site.open('/reservations', {}, origin);
}

async function goToProduct(page: Page, id: string): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/console/products/${id}`);
}

async function sell(productId: string, quantity: number): Promise<void> {
  const input = { items: [{ productId, quantity }] };
  const data = dataOf(await send(site.server.graphqlUrl, DeductStockDocument, { input }));
  expect(data.deductStock.results.map(({ __typename }) => __typename)).toEqual(['DeductedItem']);
}

function available(page: Page, units: number) {
  return page.locator('[data-figure=available]', { hasText: new RegExp(`^${units}$`) });
}

/**
 * Sells a unit at a time until the page shows one by itself, because a subscription does not tell when it is in place.
 * Resolves with what is left.
 */
async function sellUntilLive(page: Page, productId: string, units: number): Promise<number> {
  let left = units;
  await until('a live change', async () => {
    await sell(productId, 1);
    left -= 1;
    return available(page, left)
      .waitFor({ timeout: LIVE_MS_MAX })
      .then(
        () => true,
        () => false,
      );
  });
  return left;
}

interface Message {
  readonly id?: string;
  readonly type: string;
}

/** The page's WebSockets, which lead to the server. */
interface Sockets {
  /** Swallows from now on what the server sends by the present one. */
  mute(): void;
  /** Gives the page a message of its last subscription. */
  tell(type: string, payload: unknown): void;
}

async function watchSockets(page: Page): Promise<Sockets> {
  let last: { readonly route: WebSocketRoute; readonly id: string } | null = null;
  const mute = new Set<WebSocketRoute>();
  await page.routeWebSocket('**/graphql', (route) => {
    const upstream = route.connectToServer();
    route.onMessage((text) => {
      const { id, type } = JSON.parse(text.toString()) as Message;
      if (type === 'subscribe' && id !== undefined) last = { route, id };
      upstream.send(text);
    });
    upstream.onMessage((text) => {
      if (!mute.has(route)) route.send(text);
    });
  });
  return {
    mute: () => {
      if (last) mute.add(last.route);
    },
    tell: (type, payload) => {
      last?.route.send(JSON.stringify({ id: last.id, type, payload }));
    },
  };
}

/** The page of a new product, and its WebSockets. */
async function openWatched() {
  const id = await site.shop.newProduct(UNITS);
  const page = await open();
  const sockets = await watchSockets(page);
  await goToProduct(page, id);
  await available(page, UNITS).waitFor();
  return { id, page, sockets };
}

test('what is read after changes were missed wins over the changes before', async () => {
  const { id, page, sockets } = await openWatched();
  const left = await sellUntilLive(page, id, UNITS);
  sockets.mute();
  await sell(id, 2);
  sockets.tell('next', {
    data: { stockChanged: { __typename: 'StockChangesMissed', since: null } },
  });
  await available(page, left - 2).waitFor();
});

test('a subscription that the server ends is told, with the reason', async () => {
  const { id, page, sockets } = await openWatched();
  await sellUntilLive(page, id, UNITS);
  expect(await page.getByText('No live levels').count()).toBe(0);
  sockets.tell('error', [{ message: 'Too many subscriptions.' }]);
  await page.getByRole('status').filter({ hasText: 'Too many subscriptions.' }).waitFor();
});

test('a WebSocket that falls silent is replaced, and what was missed is read', async () => {
  const { id, page, sockets } = await openWatched();
  const left = await sellUntilLive(page, id, UNITS);
  sockets.mute();
  await sell(id, 2);
  await available(page, left - 2).waitFor({ timeout: NOTICED_MS_MAX });
  await sellUntilLive(page, id, left - 2);
});

/** A proxy of HTTP that cuts WebSockets while it is told to. */
interface PlainProxy {
  readonly origin: string;
  passesSockets: boolean;
  readonly server: Server;
}

async function startPlainProxy(to: string): Promise<PlainProxy> {
  const target = { host: '127.0.0.1', port: Number(new URL(to).port) };
  const listener = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const sent = forward({ ...target, method, path, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    sent.on('error', () => answer.destroy());
    asked.pipe(sent);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const proxy = { origin: `http://127.0.0.1:${port}`, passesSockets: false, server: listener };
  listener.on('upgrade', (asked, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!proxy.passesSockets) {
      socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n');
      return;
    }
    const upstream = connect(target, () => {
      const lines = asked.rawHeaders.map((text, at) =>
        at % 2 === 0 ? `${text}: ` : `${text}\r\n`,
      );
      upstream.write(`GET ${asked.url ?? ''} HTTP/1.1\r\n${lines.join('')}\r\n`);
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on('error', () => socket.destroy());
  });
  return proxy;
}

test('behind a proxy without WebSockets a page is read once, and told to be without live levels', async () => {
  const id = await site.shop.newProduct(10);
  const proxy = await startPlainProxy(site.server.origin);
  try {
    const page = await open(proxy.origin);
    let reads = 0;
    page.on('request', (request) => {
      if ((request.postData() ?? '').includes('query ConsoleProduct(')) reads += 1;
    });
    await goToProduct(page, id);
    await page.getByRole('status').filter({ hasText: 'No live levels' }).waitFor();
    await available(page, 10).waitFor();
    const alerts = page.getByRole('alert').filter({ hasText: 'does not answer' });
    const first = await alerts.waitFor({ timeout: 5_000 }).then(
      () => 'told',
      () => 'not told',
    );
    expect(first).toBe('not told');
    expect(reads).toBe(1);
    await sell(id, 3);
    proxy.passesSockets = true;
    await available(page, 7).waitFor();
    expect(await page.getByText('No live levels').count()).toBe(0);
    await sellUntilLive(page, id, 7);
    await page.context().close();
  } finally {
    proxy.server.closeAllConnections();
    proxy.server.close();
  }
});

test('a key that is revoked while live levels are shown leads back to the sign-in', async () => {
  const id = await site.shop.newProduct(5);
  const guarded = await site.shop.startServer('redis', { ...CONSOLE, AUTH: 'keys' });
  try {
    const key = await newApiKey(site.shop.database, 'console-live', ['read']);
    const page = await open(guarded.origin);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('console-live').waitFor();
    const connected = page.waitForEvent('websocket');
    await goToProduct(page, id);
    await (await connected).waitForEvent('framereceived');
    await available(page, 5).waitFor();
    await apiKeysOf(site.shop.database).revoke(prefixOf(key));
    await page.getByLabel('API key').waitFor();
    await page.context().close();
  } finally {
    await guarded.stop();
  }
});

test('a server that takes requests and does not answer is told', async () => {
  const page = await open();
  await page.addInitScript(`{
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => timeout(ms / ${HASTE});
  }`);
  await page.goto(`${site.server.origin}/console/`);
  await page.locator('.figures').first().waitFor();
  await page.route('**/graphql', () => undefined);
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
  await page.unroute('**/graphql');
  await page.getByText('Connected').waitFor();
});
