/**
 * The console of servers in production: it asks for nothing that they refuse, without keys, with keys of any scopes,
 * and where only trusted documents are served; and it offers only what the key's scopes allow.
 */
import type { Browser, Page } from 'playwright-core';
import { CreateProductDocument, ReserveStockDocument } from '../generated/operations.js';
import type { Scope } from '../../src/auth/principal.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { launchBrowser, openPage } from '../support/browser.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { CONSOLE } from '../support/use-console.js';

const TRUSTED = { TRUSTED_DOCUMENTS: 'schema/trusted-documents.json' };

let shop: Shop;
let open: ServerProcess;
let guarded: ServerProcess;
let trusting: ServerProcess;
let browser: Browser;

beforeAll(async () => {
  shop = await Shop.open();
  [open, guarded, trusting, browser] = await Promise.all([
    shop.startServer('redis', CONSOLE),
    shop.startServer('redis', { ...CONSOLE, AUTH: 'keys' }),
    shop.startServer('redis', { ...CONSOLE, ...TRUSTED }),
    launchBrowser(),
  ]);
});

afterAll(async () => {
  await browser.close();
  await Promise.all([open, guarded, trusting].map((server) => server.stop()));
  closeClient();
  expect(await shop.problems()).toEqual([]);
  await shop.close();
});

interface Visit {
  readonly page: Page;
  /** What the server has refused, once it is known of all requests that were sent. */
  readonly refused: () => Promise<readonly string[]>;
}

/** Opens a page; with a key, it is the key of the tab. */
async function visit(server: ServerProcess, path: string, key: string | null): Promise<Visit> {
  const { page } = await openPage(browser, `${server.origin}/console/icon.svg`);
  const answers: Promise<readonly string[]>[] = [];
  let asked = 0;
  page.on('response', (response) => {
    if (!response.url().endsWith('/graphql')) return;
    asked += 1;
    const told = response.text().catch(() => '');
    answers.push(told.then((text) => (text.includes('"errors"') ? [text] : [])));
  });
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      const text = payload.toString();
      if (text.includes('"type":"error"')) answers.push(Promise.resolve([text]));
    });
  });
  if (key !== null) await page.evaluate(`sessionStorage.setItem('stockade.key', '${key}')`);
  await page.goto(`${server.origin}/console${path}`);
  await page.locator('.page h1, .graphiql-container').first().waitFor();
  await page.locator('.skeleton').waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
  return {
    page,
    refused: async () => {
      // Each page but the explorer asks at least for its viewer.
      if (path !== '/explorer') expect(asked).toBeGreaterThan(0);
      return (await Promise.all(answers)).flat();
    },
  };
}

const PATHS = ['/', '/why?id=default', '/products', '/reservations', '/sale', '/explorer'];

/** Null: without authentication. */
const KEYS: readonly { readonly scopes: readonly Scope[] | null }[] = [
  { scopes: null },
  { scopes: ['read'] },
  { scopes: ['deduct'] },
  { scopes: ['manage'] },
];

test.each(KEYS)('no page asks for what the server refuses; scopes: $scopes', async ({ scopes }) => {
  const id = await shop.newProduct(5);
  const key = scopes && (await newApiKey(shop.database, 'asker', scopes));
  for (const path of [...PATHS, `/products/${id}`]) {
    const { page, refused } = await visit(key === null ? open : guarded, path, key);
    expect({ path, refused: await refused() }).toEqual({ path, refused: [] });
    expect(await page.getByRole('link', { name: 'Try a sale' }).count()).toBe(0);
    await page.context().close();
  }
});

test('a reservation is extended and released only by a key that may deduct', async () => {
  const id = await shop.newProduct(9);
  const buyer = await newApiKey(shop.database, 'buyer', ['read', 'deduct']);
  const input = { items: [{ productId: id, quantity: 4 }], ttlSeconds: 600 };
  const headers = bearer(buyer);
  dataOf(await send(guarded.graphqlUrl, ReserveStockDocument, { input }, { headers }));
  const reader = await newApiKey(shop.database, 'reader', ['read', 'manage']);
  for (const path of [`/reservations?search=product:${id}`, `/products/${id}`]) {
    for (const [key, buttons] of [
      [reader, 0],
      [buyer, 1],
    ] as const) {
      const { page } = await visit(guarded, path, key);
      await page.getByRole('cell', { name: /^in \d+ min/ }).waitFor();
      for (const name of ['Extend', 'Release']) {
        expect(await page.getByRole('button', { name }).count()).toBe(buttons);
      }
      await page.context().close();
    }
  }
});

test('a server of trusted documents serves the console, its forms and its live levels', async () => {
  const id = await shop.newProduct(7);
  for (const path of ['/', '/why?id=default', '/products', '/reservations']) {
    const { page, refused } = await visit(trusting, path, null);
    expect({ path, refused: await refused() }).toEqual({ path, refused: [] });
    await page.context().close();
  }
  const { page, refused } = await visit(trusting, `/products/${id}`, null);
  await page.getByRole('button', { name: 'Deduct' }).click();
  await page.getByLabel('Units').fill('3');
  await page.getByRole('button', { name: 'Deduct units' }).click();
  await page.locator('[data-figure=available]', { hasText: /^4$/ }).waitFor();
  await page.getByRole('cell', { name: '−3' }).waitFor();
  expect(await refused()).toEqual([]);
});

test.each(['.', '..'])('the product %j has a page, which the list leads to', async (id) => {
  const input = { id, name: `Named ${id.length}`, quantity: id.length };
  dataOf(await send(open.graphqlUrl, CreateProductDocument, { input }));
  const { page } = await visit(open, '/products', null);
  await page.getByRole('link', { name: input.name }).click();
  const level = page.locator('[data-figure=available]', { hasText: String(id.length) });
  await level.waitFor();
  await page.reload();
  await level.waitFor();
  await page.getByRole('cell', { name: `+${id.length}` }).waitFor();
  await page.goto(`${open.origin}/console/why?id=${id}`);
  await page.getByRole('link', { name: id, exact: true }).first().click();
  await level.waitFor();
});
