/** What the console shows of numbers that move: totals of locations, servers that are gone, reads that fail. */
import type { Locator } from 'playwright-core';
import { IncreaseStockDocument, ReserveStockDocument } from '../generated/operations.js';
import { dataOf, send } from '../support/graphql-client.js';
import { useConsole } from '../support/use-console.js';

const site = useConsole();

beforeAll(async () => {
  await site.shop.newLocation('north', 'North');
});

/** Waits until the cells of a row say this. */
async function cellsSay(row: Locator, texts: Readonly<Record<number, string>>): Promise<void> {
  for (const [position, text] of Object.entries(texts)) {
    const cell = row.locator(`td:nth-child(${position})`);
    await cell.filter({ hasText: new RegExp(`^${text}$`) }).waitFor();
  }
}

test('the list of products follows what is held and on hand at several locations', async () => {
  const id = await site.shop.newProduct(10);
  const items = [{ productId: id, locationId: 'north', quantity: 5 }];
  dataOf(await send(site.server.graphqlUrl, IncreaseStockDocument, { input: { items } }));
  const page = await site.open(`/products?search=${id}`);
  const row = page.getByRole('row', { name: id });
  await cellsSay(row, { 2: '15', 3: '0', 4: '15' });
  for (const [locationId, available, held] of [
    ['default', '11', '4'],
    ['north', '7', '8'],
  ] as const) {
    const hold = { productId: id, locationId, quantity: 4 };
    const input = { items: [hold], ttlSeconds: 600 };
    dataOf(await send(site.server.graphqlUrl, ReserveStockDocument, { input }));
    await cellsSay(row, { 2: available, 3: held, 4: '15' });
  }
});

test('a server that is gone has no rates, and its warning is told once though its time goes on', async () => {
  const other = await site.shop.startServer('none');
  const page = await site.open('/');
  await page.getByText('2 servers').waitFor();
  await page.locator('.page', { hasText: /Lock: redis, none|Lock: none, redis/ }).waitFor();
  await other.kill('SIGKILL');
  // By its process: the other one is gone as well while it or Redis pauses for some seconds.
  const row = page.getByRole('row', { name: new RegExp(`:${other.pid}\\b.*gone`) });
  const hasNotReported = `process ${other.pid}, has not reported`;
  await cellsSay(row, { 6: '–', 7: '–', 8: '–', 9: '–' });
  await page.locator('.page', { hasText: /1 server\. Lock: redis\./ }).waitFor();
  const said = page.getByRole('status').filter({ hasText: hasNotReported });
  const before = await said.innerText();
  const up = await row.locator('td:first-child').innerText();
  const notice = page.locator('.notice', { hasText: hasNotReported });
  await notice.filter({ hasText: /for ([7-9]|\d\d) s\./ }).waitFor();
  expect(await said.innerText()).toBe(before);
  expect(await row.locator('td:first-child').innerText()).toBe(up);
});

test('a history that could not be read is told at its chart, and read again on demand', async () => {
  const id = await site.shop.newProduct(10);
  const page = await site.open('/products');
  let isRefused = true;
  await page.route('**/graphql', async (route) => {
    const isHistory = route.request().postData()?.includes('query ConsoleQuantities') ?? false;
    const errors = [{ message: 'Too many at once.', extensions: { code: 'RATE_LIMITED' } }];
    if (isHistory && isRefused) await route.fulfill({ status: 429, json: { errors } });
    else await route.continue();
  });
  await page.goto(`${site.server.origin}/console/products/${id}`);
  const panel = page.locator('.panel', { hasText: 'On hand over time' });
  await panel.getByRole('alert').filter({ hasText: 'Too many at once.' }).waitFor();
  isRefused = false;
  await panel.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('img', { name: /^On hand: 10 now, after 1 change$/ }).waitFor();
  expect(await panel.getByRole('alert').count()).toBe(0);
});
