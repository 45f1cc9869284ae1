/** The console on a slow network: answers that come later than the next call, and pages that are turned before. */
import type { Page } from 'playwright-core';
import { NUMBERS } from '../support/number-rows.js';
import { pass, until } from '../support/until.js';
import { useConsole } from '../support/use-console.js';

/** More than the second after which the fleet is read again. */
const SLOW_MS = 1_700;
/** With the one that made the product: three pages of 25. */
const ADDED_LINES = 59;

const site = useConsole({ isLedgerWhole: false });

/** Its ledger has three pages. */
let product: string;

beforeAll(async () => {
  product = await productOfThreePages();
});

interface Slowness {
  /** Lets pass at once what was slowed so far, and what comes. */
  end(): void;
}

/** Delays the requests of an operation. */
async function slow(page: Page, operation: string, delayMs: number): Promise<Slowness> {
  let isOver = false;
  const waiting = new Set<() => void>();
  await page.route('**/graphql', async (route) => {
    const isSlowed = !isOver && (route.request().postData() ?? '').includes(`query ${operation}`);
    if (isSlowed) {
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
        setTimeout(resolve, delayMs).unref();
      });
    }
    // The page may have aborted the request meanwhile.
    await route.continue().catch(() => undefined);
  });
  return {
    end: () => {
      isOver = true;
      for (const pass of waiting) pass();
    },
  };
}

async function productOfThreePages(): Promise<string> {
  const id = await site.shop.newProduct(10);
  await site.shop.database.sequelize.query(
    `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
       available_after, operation_id, line_index)
     SELECT ?, 'default', n + 2, 'INCREASE', 1, n + 10, n + 11, n + 11, UNHEX(SHA2(n, 256)), 0
     FROM ${NUMBERS} WHERE n < ${ADDED_LINES} ORDER BY n`,
    { replacements: [id] },
  );
  return id;
}

function sequence(page: Page, number: number) {
  return page.getByTitle('Why this line is there').getByText(String(number), { exact: true });
}

test('answers that take longer than the time between two calls are shown, and none is aborted', async () => {
  const page = await site.open('/products');
  // Of the fleet: what the list of products still asks is rightly aborted when the page is left.
  const aborted: string[] = [];
  page.on('requestfailed', (request) => {
    const body = request.postData() ?? '';
    if (body.includes('query ConsoleFleet')) aborted.push(body);
  });
  await slow(page, 'ConsoleFleet', SLOW_MS);
  await page.getByRole('link', { name: 'Now', exact: true }).click();
  await page.locator('.figures').first().waitFor();
  // The fleet is read on.
  for (let read = 1; read <= 2; read += 1) {
    await page.waitForResponse((response) =>
      (response.request().postData() ?? '').includes('query ConsoleFleet'),
    );
  }
  expect(aborted).toEqual([]);
});

test('a page that is turned twice before it has come is turned once, without the rows of the one before', async () => {
  const page = await site.open(`/products/${product}`);
  await sequence(page, 60).waitFor();
  const slowness = await slow(page, 'ConsoleLedger', 30_000);
  const older = page.getByRole('button', { name: 'Older' });
  await older.focus();
  await page.keyboard.press('Enter');
  await page.locator('.skeleton').waitFor();
  expect(await sequence(page, 60).count()).toBe(0);
  expect(await older.getAttribute('aria-disabled')).toBe('true');
  await page.keyboard.press('Enter');
  slowness.end();
  await sequence(page, 35).waitFor();
  await sequence(page, 11).waitFor();
  // The focus is still on the button, and the cursor leads on.
  await page.keyboard.press('Enter');
  await sequence(page, 10).waitFor();
  await sequence(page, 1).waitFor();
  await page.getByRole('button', { name: 'Newer' }).click();
  await sequence(page, 35).waitFor();
  await page.getByRole('button', { name: 'Newer' }).click();
  await sequence(page, 60).waitFor();
});

test('a page that fails shows its error, and not the rows of the page before', async () => {
  const page = await site.open(`/products/${product}`);
  await sequence(page, 60).waitFor();
  await page.route('**/graphql', async (route) => {
    if (!(route.request().postData() ?? '').includes('query ConsoleLedger')) await route.continue();
    else await route.fulfill({ status: 400, json: { errors: [{ message: 'Not this page.' }] } });
  });
  await page.getByRole('button', { name: 'Older' }).click();
  await page.getByRole('alert').filter({ hasText: 'Not this page.' }).waitFor();
  expect(await sequence(page, 60).count()).toBe(0);
  await page.unroute('**/graphql');
  await page.getByRole('button', { name: 'Newer' }).click();
  await sequence(page, 60).waitFor();
  expect(await page.getByText('Not this page.').count()).toBe(0);
});

test('a gateway that refuses one query for good is asked with growing pauses', async () => {
  const page = await site.open('/');
  const asked: number[] = [];
  await page.route('**/graphql', async (route) => {
    if (!(route.request().postData() ?? '').includes('query ConsoleLedger')) {
      await route.continue();
      return;
    }
    asked.push(performance.now());
    await route.fulfill({ status: 503, contentType: 'text/html', body: 'No room.' });
  });
  await page.goto(`${site.server.origin}/console/products/${product}`);
  await until('several tries', () => asked.length >= 3, 30_000);
  await pass(3_000);
  // The page asks again 2, 4 and 8 seconds after it was refused.
  const [first = 0, , third = 0] = asked;
  expect(third - first).toBeGreaterThan(1_500);
  expect(asked.length).toBeLessThanOrEqual(5);
});
