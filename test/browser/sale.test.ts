/** What a newcomer does first: a sale tried in the console of `stockade dev`, and operations without the internet. */
import { mkdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { freePort } from '../../services/private-server.js';
import { launchBrowser, openPage } from '../support/browser.js';
import { createFreshDatabase, givenUrl, type FreshDatabase } from '../support/fresh-database.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';

const PICTURES = process.env.STOCKADE_PICTURES ? 'docs/images' : null;
const SALE_MS_MAX = 60_000;

let database: FreshDatabase;
let dev: StartedProgram;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  origin = `http://localhost:${port}`;
  database = await createFreshDatabase();
  dev = startProgram(['dist/src/cli/stockade.js', 'dev', '--demo'], {
    PORT: String(port),
    MYSQL_URL: database.url,
    REDIS_URL: givenUrl('REDIS_URL'),
  });
  browser = await launchBrowser();
  await dev.until('the end of the start', () => dev.stdout().includes('Ctrl-C stops everything'));
});

afterAll(async () => {
  await browser.close();
  dev.signal('SIGINT');
  expect(await dev.exited).toBe(0);
  dev.discard();
  await database.drop();
});

test('a sale sells what there is, draws it, and ends with the word of the ledger', async () => {
  const { page, complaints } = await openPage(browser, `${origin}/`);
  await page.waitForURL('**/console/');
  await page.getByRole('link', { name: 'Try a sale' }).click();
  await page.getByLabel('Buyers').fill('none');
  await page.getByRole('button', { name: 'Start the sale' }).click();
  await page.locator('.field-error', { hasText: 'whole number' }).waitFor();
  await page.getByLabel('Buyers').fill('300');
  await page.getByLabel('Units').fill('40');
  await page.getByRole('button', { name: 'Start the sale' }).click();
  const verdict = page.getByRole('status').filter({ hasText: 'oversold' });
  await verdict.waitFor({ timeout: SALE_MS_MAX });
  expect(await verdict.innerText()).toMatch(/^0 oversold, 0 unexplained\. 40 units .* OK: /);
  const figures = await page.locator('.figures').innerText();
  expect(figures).toMatch(/Sold\s+40\b/);
  expect(figures).toMatch(/Refused\s+260\b/);
  await page.getByRole('img', { name: /^40 sold, 260 refused, 0 waiting$/ }).waitFor();
  if (PICTURES) {
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: `${PICTURES}/console-sale.png` });
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('the page of all servers shows what is sold now, and by which server', async () => {
  const { page, complaints } = await openPage(browser, `${origin}/console/`);
  await page.getByRole('row', { name: /demo-tickets/ }).waitFor({ timeout: SALE_MS_MAX });
  await page.getByRole('row', { name: /ready/ }).waitFor();
  await page.getByRole('img', { name: /^Lines a second/ }).waitFor();
  if (PICTURES) {
    await page.locator('.chart canvas').first().waitFor();
    await page.screenshot({ path: `${PICTURES}/console-now.png` });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto(`${origin}/console/products/demo-tickets`);
    await page.locator('.chart canvas').first().waitFor();
    await page
      .getByRole('row', { name: /deduction/ })
      .first()
      .waitFor();
    await page.screenshot({ path: `${PICTURES}/console-product.png` });
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('where Sandbox cannot be loaded, its page leads to the explorer', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.route(
    (url) => url.origin !== origin,
    (route) => route.abort(),
  );
  await page.goto(`${origin}/graphql`);
  await page.waitForURL('**/console/explorer');
  await page.getByRole('tab', { name: 'DeductStock' }).waitFor();
  await context.close();
});
