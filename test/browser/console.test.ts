/**
 * The console in a real browser, on a real server: each page, a live change made by another process, typed errors at
 * their fields, a lost connection, keys without a scope, and what axe and the Content-Security-Policy say.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { freePort } from '../../services/private-server.js';
import { DeductStockDocument, ReserveStockDocument } from '../generated/operations.js';
import { newApiKey } from '../support/api-keys.js';
import { PHONE, seriousProblems } from '../support/browser.js';
import { dataOf, send } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { CONSOLE, useConsole } from '../support/use-console.js';

const FIRST_LOAD_BYTES_MAX = 300_000;
const FIRST_CHART_MS_MAX = 2_000;
const LOADS_MAX = 6;

/** Pixels that are wider than the window. */
const OVERFLOW = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
/** As they came over the network. */
const LOADED_BYTES = `[
  ...performance.getEntriesByType('navigation'),
  ...performance.getEntriesByType('resource'),
].reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`;

/** Set to write the pictures of docs/console.md. */
const PICTURES = process.env.STOCKADE_PICTURES ? 'docs/images' : null;

const site = useConsole();

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === null) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** Sells at a server that is not the one of the page. */
async function sell(url: string, productId: string, quantity: number): Promise<void> {
  const input = { items: [{ productId, quantity }] };
  const data = dataOf(await send(url, DeductStockDocument, { input }));
  expect(data.deductStock.results.map(({ __typename }) => __typename)).toEqual(['DeductedItem']);
}

const PAGES = ['/', '/why', '/products', '/reservations', '/products?show=low'];

test.each(PAGES)(
  '%s has nothing that axe calls serious, in light, dark and on a phone',
  async (path) => {
    for (const options of [{}, { colorScheme: 'dark' as const }, { viewport: PHONE }]) {
      const page = await site.open(path, options);
      await page.locator('.page h1').waitFor();
      await page.locator('.skeleton').waitFor({ state: 'detached' });
      expect(await seriousProblems(page)).toEqual([]);
      const overflow = await page.evaluate<number>(OVERFLOW);
      expect(overflow).toBeLessThanOrEqual(0);
    }
  },
);

test('the page of a product has nothing that axe calls serious, also with a form open', async () => {
  const id = await site.shop.newProduct(40);
  const page = await site.open(`/products/${id}`);
  await page.getByRole('button', { name: 'Count' }).click();
  await page.getByRole('dialog').waitFor();
  expect(await seriousProblems(page)).toEqual([]);
});

test('a change that another process commits is on the page without a reload', async () => {
  const id = await site.shop.newProduct(50);
  const other = await site.shop.startServer('redis');
  try {
    const list = await site.open(`/products?search=${id}`);
    const page = await site.open(`/products/${id}`);
    await list.getByRole('row', { name: id }).getByText('50').first().waitFor();
    await page.locator('[data-figure=available]', { hasText: '50' }).waitFor();
    await sell(other.graphqlUrl, id, 43);
    await page.locator('[data-figure=available]', { hasText: /^7$/ }).waitFor();
    await list.getByRole('row', { name: id }).getByText('7', { exact: true }).first().waitFor();
    await page.getByRole('cell', { name: '−43' }).waitFor();
  } finally {
    await other.stop();
  }
});

test('a new product is made by its form, and an id that is taken is told at the field', async () => {
  const taken = await site.shop.newProduct(1);
  const page = await site.open('/products');
  await page.getByRole('button', { name: 'New product' }).click();
  await page.getByRole('button', { name: 'Create product' }).click();
  await expectInvalid(page, 'Id', /^Id is needed/);
  await page.getByLabel('Id', { exact: true }).fill(taken);
  await page.getByLabel('Name').fill('A lamp');
  await page.getByLabel('Units').fill('12');
  await page.getByRole('button', { name: 'Create product' }).click();
  await expectInvalid(page, 'Id', /exists/);
  await page.getByLabel('Id', { exact: true }).fill(`${taken}-2`);
  await page.getByRole('button', { name: 'Create product' }).click();
  await page.getByRole('heading', { name: 'A lamp' }).waitFor();
  expect(await site.shop.onHand(`${taken}-2`)).toBe(12);
});

/** The error stands at the field, for eyes and for screen readers. */
async function expectInvalid(page: Page, label: string, error: RegExp): Promise<void> {
  const field = page.getByLabel(label, { exact: true });
  await page.locator('.field-error', { hasText: error }).waitFor();
  expect(await field.getAttribute('aria-invalid')).toBe('true');
  const described = (await field.getAttribute('aria-describedby')) ?? '';
  const told = await Promise.all(
    described.split(' ').map((id) => page.locator(`[id="${id}"]`).innerText()),
  );
  expect(told).toContainEqual(expect.stringMatching(error));
}

test('a count compares the quantity, and a stale one is told at its field', async () => {
  const id = await site.shop.newProduct(20);
  const page = await site.open(`/products/${id}`);
  await page.getByRole('button', { name: 'Count' }).click();
  await page.getByLabel('Expected on hand').fill('19');
  await page.getByLabel('Counted units').fill('18');
  await page.getByRole('button', { name: 'Set quantity' }).click();
  await page.locator('.field[data-invalid=true]', { hasText: 'Expected on hand' }).waitFor();
  await picture(page, 'console-form');
  expect(await site.shop.onHand(id)).toBe(20);
  await page.getByLabel('Expected on hand').fill('20');
  await page.getByRole('button', { name: 'Set quantity' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.locator('[data-figure=available]', { hasText: '18' }).waitFor();
});

test('more than there is cannot be sold, and the dialog says so at the quantity', async () => {
  const id = await site.shop.newProduct(3);
  const page = await site.open(`/products/${id}`);
  await page.getByRole('button', { name: 'Deduct' }).click();
  await page.getByLabel('Units').fill('4');
  await page.getByRole('button', { name: 'Deduct units' }).click();
  await page.locator('.field[data-invalid=true]', { hasText: 'Units' }).waitFor();
  await page.getByLabel('Units').fill('3');
  await page.getByRole('button', { name: 'Deduct units' }).click();
  await page.locator('.figure', { hasText: 'sold out' }).waitFor();
  expect(await site.shop.onHand(id)).toBe(0);
});

test('an order reference leads to the line that it wrote, and that line to its product', async () => {
  const id = await site.shop.newProduct(10);
  const reference = `order-${id}`;
  const input = { items: [{ productId: id, quantity: 4 }], reference, idempotencyKey: `key-${id}` };
  dataOf(await send(site.server.graphqlUrl, DeductStockDocument, { input }));
  const page = await site.open(`/why?id=${reference}`);
  await page.getByText(/10 → 6/).waitFor();
  await page.getByText('reference', { exact: true }).first().waitFor();
  expect(await seriousProblems(page)).toEqual([]);
  await picture(page, 'console-why');
  await page.getByRole('link', { name: `key-${id}` }).click();
  await page.waitForURL(`**/why?id=key-${id}`);
  await page.getByRole('link', { name: id, exact: true }).click();
  await page.locator('[data-figure=available]', { hasText: '6' }).waitFor();
});

test('a reservation is listed with its product, extended and released', async () => {
  const id = await site.shop.newProduct(10);
  const input = { items: [{ productId: id, quantity: 4 }], ttlSeconds: 60, reference: id };
  dataOf(await send(site.server.graphqlUrl, ReserveStockDocument, { input }));
  const page = await site.open(`/reservations?search=${id}`);
  await page.getByRole('button', { name: 'Extend' }).click();
  await page.getByLabel('Minutes').fill('90');
  await page.getByRole('dialog').getByRole('button', { name: 'Extend' }).click();
  await page.getByText(/^in 1 h 29 min$/).waitFor();
  await picture(page, 'console-reservations');
  await page.getByRole('button', { name: 'Release' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
  await page.getByText('No reservation matches.').waitFor();
});

test('the keyboard alone reaches the search, the content, a form and the meaning of a term', async () => {
  await site.shop.newProduct(1);
  const page = await site.open('/products');
  await page.getByRole('row').nth(1).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toMatch(/^Skip/);
  await page.keyboard.press('/');
  expect(await page.evaluate('document.activeElement.type')).toBe('search');
  await page.getByRole('button', { name: 'New product' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Available' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText(/what can be sold/).waitFor();
});

test('colours follow the system, and the toggle', async () => {
  const page = await site.open('/products', { colorScheme: 'dark' });
  const theme = () => page.evaluate('document.documentElement.dataset.theme');
  expect(await theme()).toBe('dark');
  await page.getByRole('button', { name: /^Colours/ }).click();
  expect(await theme()).toBe('light');
});

test.each([
  ['/products', 'Search products', 'sale'],
  ['/reservations', 'Search reservations', 'ACTIVE'],
])('%s keeps a search for a word that is also a choice of its own', async (path, label, word) => {
  const page = await site.open(path);
  await page.getByLabel(label).fill(word);
  await page.waitForURL((url) => url.searchParams.get('search') === word);
  await page.reload();
  await page.getByText(/matches/).waitFor();
});

test('a search keeps the space between two words, also after a pause', async () => {
  const page = await site.open('/products');
  const box = page.getByLabel('Search products');
  await box.pressSequentially('red ');
  await page.waitForURL((url) => url.searchParams.get('search') === 'red');
  await box.pressSequentially('shoes');
  await page.waitForURL((url) => url.searchParams.get('search') === 'red shoes');
  expect(await box.inputValue()).toBe('red shoes');
});

test('the first load is small, and its chart is there soon', async () => {
  const id = await site.shop.newProduct(30);
  const page = await site.open('/products');
  const bytes = await page.evaluate<number>(LOADED_BYTES);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
  let paintedMs = Infinity;
  // The fastest of some, because a loaded machine shows anything slowly.
  for (let load = 1; load <= LOADS_MAX && paintedMs >= FIRST_CHART_MS_MAX; load += 1) {
    const fresh = await site.open(`/products/${id}`);
    await fresh.locator('.chart canvas').first().waitFor();
    paintedMs = await fresh.evaluate<number>('performance.now()');
    await fresh.context().close();
  }
  expect(paintedMs).toBeLessThan(FIRST_CHART_MS_MAX);
});

test('a server that is gone is told, and what was missed is read when it is back', async () => {
  const port = String(await freePort());
  const id = await site.shop.newProduct(9);
  const first = await site.shop.startServer('redis', { ...CONSOLE, PORT: port });
  const page = await site.open(`/products/${id}`, {}, first.origin);
  await page.locator('[data-figure=available]', { hasText: '9' }).waitFor();
  await first.stop();
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
  await sell(site.server.graphqlUrl, id, 5);
  const second = await site.shop.startServer('redis', { ...CONSOLE, PORT: port });
  try {
    await page.locator('[data-figure=available]', { hasText: '4' }).waitFor();
    await page.getByText('Connected').waitFor();
    await page.getByRole('img', { name: /^On hand: 4 now/ }).waitFor();
    await sell(second.graphqlUrl, id, 1);
    await page.locator('[data-figure=available]', { hasText: '3' }).waitFor();
  } finally {
    await second.stop();
  }
});

describe('with API keys', () => {
  let guarded: ServerProcess;

  beforeAll(async () => {
    guarded = await site.shop.startServer('redis', { ...CONSOLE, AUTH: 'keys' });
  });

  afterAll(() => guarded.stop());

  async function signIn(path: string, key: string): Promise<Page> {
    const page = await site.open(path, {}, guarded.origin);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    return page;
  }

  test('a key is asked for, a wrong one is refused at the field, and a sign-out forgets it', async () => {
    const key = await newApiKey(site.shop.database, 'console-operator', [
      'read',
      'deduct',
      'manage',
    ]);
    const page = await signIn('/products', 'sk_wrong.key');
    await page.locator('.field-error').waitFor();
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('console-operator').waitFor();
    await page.getByRole('button', { name: 'New product' }).waitFor();
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(key);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain(key);
  });

  test('a key without the scope manage reads, and is told what it may not', async () => {
    const id = await site.shop.newProduct(5);
    const key = await newApiKey(site.shop.database, 'console-reader', ['read']);
    const page = await signIn('/', key);
    await page.getByRole('alert').filter({ hasText: 'does not allow this' }).waitFor();
    await page.goto(`${guarded.origin}/console/products/${id}`);
    await page.locator('[data-figure=available]', { hasText: '5' }).waitFor();
    await page.getByText('console-reader').waitFor();
    expect(await page.getByRole('button', { name: 'Count' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Deduct' }).count()).toBe(0);
  });
});

test('the explorer has the operations as tabs and sends one, without anything from elsewhere', async () => {
  const page = await site.open('/explorer');
  const foreign: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(site.server.origin)) foreign.push(request.url());
  });
  await page.getByRole('tab', { name: 'StockChanged' }).waitFor();
  // Before the editor has its text there is nothing to execute.
  await page.locator('.graphiql-query-editor', { hasText: 'query Products' }).first().waitFor();
  await page.getByRole('button', { name: /execute/i }).click();
  await page.locator('.graphiql-response', { hasText: 'edges' }).waitFor();
  await picture(page, 'console-explorer');
  expect(foreign.filter((url) => !/^(data|blob):/.test(url))).toEqual([]);
});
