/** The ledger of a product in the console: its filters, their place in the address, and lists that go on. */
import type { Page } from 'playwright-core';
import { IncreaseStockDocument } from '../generated/operations.js';
import { PHONE, seriousProblems } from '../support/browser.js';
import { dataOf, send } from '../support/graphql-client.js';
import { NUMBERS } from '../support/number-rows.js';
import { useConsole } from '../support/use-console.js';

/** More than the server compares for one page. */
const MANY_LINES = 2_500;

const site = useConsole({ isLedgerWhole: false });

beforeAll(async () => {
  await site.shop.newLocation('north', 'North');
});

async function addStock(productId: string, locationId: string, quantity: number): Promise<void> {
  const input = { items: [{ productId, locationId, quantity }] };
  const data = dataOf(await send(site.server.graphqlUrl, IncreaseStockDocument, { input }));
  expect(data.increaseStock.results.map(({ __typename }) => __typename)).toEqual(['IncreasedItem']);
}

/** To a product that has one line at its default location. */
async function addManyLines(productId: string): Promise<void> {
  await site.shop.database.sequelize.query(
    `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
       available_after, operation_id, line_index)
     SELECT ?, 'default', n + 2, 'INCREASE', 1, n + 10, n + 11, n + 11, UNHEX(SHA2(CONCAT(?, n), 256)), 0
     FROM ${NUMBERS} WHERE n < ${MANY_LINES} ORDER BY n`,
    { replacements: [productId, productId] },
  );
}

function cells(page: Page, name: string) {
  return page.getByRole('cell', { name, exact: true });
}

test('the ledger is filtered by location where there is more than one, and its address keeps the filter', async () => {
  const id = await site.shop.newProduct(10);
  const page = await site.open(`/products/${id}`);
  await cells(page, '+10').waitFor();
  expect(await page.getByLabel('Location').count()).toBe(0);
  await addStock(id, 'north', 3);
  const again = await site.open(`/products/${id}`);
  await again.getByLabel('Location').selectOption({ label: 'North (north)' });
  await cells(again, '+10').waitFor({ state: 'detached' });
  await cells(again, '+3').waitFor();
  expect(new URL(again.url()).search).toBe('?location=north');
  await again.reload();
  await cells(again, '+3').waitFor();
  expect(await cells(again, '+10').count()).toBe(0);
  await again.getByLabel('Location').selectOption('');
  await cells(again, '+10').waitFor();
  expect(new URL(again.url()).search).toBe('');
});

test('the ledger is filtered by time: by the last hours, and between two moments', async () => {
  const id = await site.shop.newProduct(10);
  // All lines, because lines of earlier numbers are of earlier moments.
  await site.shop.database.sequelize.query(
    'UPDATE stock_movements SET created_at = created_at - INTERVAL 2 DAY',
  );
  await addStock(id, 'default', 3);
  const page = await site.open(`/products/${id}`, { timezoneId: 'UTC' });
  await cells(page, '+10').waitFor();
  await page.getByLabel('Time', { exact: true }).selectOption('Last day');
  await cells(page, '+10').waitFor({ state: 'detached' });
  await cells(page, '+3').waitFor();
  await page.getByLabel('Time', { exact: true }).selectOption('Last 7 days');
  await cells(page, '+10').waitFor();
  await page.getByLabel('Time', { exact: true }).selectOption('From … to …');
  const dayAgo = new Date(Date.now() - 86_400_000).toISOString().slice(0, 16);
  await page.getByLabel('To', { exact: true }).fill(dayAgo);
  await cells(page, '+3').waitFor({ state: 'detached' });
  await cells(page, '+10').waitFor();
  await page.getByLabel('From', { exact: true }).fill(dayAgo);
  await page.getByLabel('To', { exact: true }).fill('');
  await cells(page, '+3').waitFor();
  expect(await cells(page, '+10').count()).toBe(0);
  expect(await seriousProblems(page)).toEqual([]);
  await page.setViewportSize(PHONE);
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate<number>(overflow)).toBeLessThanOrEqual(0);
});

test('an id is called unknown only where no older line can have it', async () => {
  await addManyLines(await site.shop.newProduct(10));
  const page = await site.open('/why?id=never-used');
  await page.getByText('No line matches so far.').waitFor();
  expect(await page.getByText('Nothing has this id.').count()).toBe(0);
  await page.getByRole('button', { name: 'Older' }).click();
  await page.getByText('Nothing has this id.').waitFor();
  expect(await page.getByText('so far').count()).toBe(0);
});

test('a page on which nothing matches says that the list goes on, and leads to what matches', async () => {
  const id = await site.shop.newProduct(10);
  await addStock(id, 'north', 3);
  await addManyLines(id);
  const page = await site.open(`/products/${id}?location=north`);
  await page.getByText('No line matches so far.').waitFor();
  expect(await cells(page, '+3').count()).toBe(0);
  await page.getByRole('button', { name: 'Older' }).click();
  await cells(page, '+3').waitFor();
  expect(await page.getByText('so far').count()).toBe(0);
  await page.getByRole('button', { name: 'Newer' }).click();
  await page.getByText('No line matches so far.').waitFor();
});
