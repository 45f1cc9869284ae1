/** The forms of the console: what is sent has one effect, however often it is sent, and what is entered is not lost. */
import type { Page } from 'playwright-core';
import { useConsole } from '../support/use-console.js';

const REFUSED = { status: 429, json: { errors: [refusal('RATE_LIMITED')] } };

const site = useConsole();

function refusal(code: string) {
  return { message: `Refused: ${code}`, extensions: { code } };
}

async function openForm(productId: string, action: string): Promise<Page> {
  const page = await site.open(`/products/${productId}`);
  await page.getByRole('button', { name: action, exact: true }).click();
  await page.getByRole('dialog').waitFor();
  return page;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Presses the mouse at one point and releases it at another. */
async function drag(page: Page, from: Point, to: Point): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
}

/** What becomes of each deduction that the page sends, in their order; those after them go through. */
async function onDeductions(
  page: Page,
  fates: readonly ('lost after its commit' | 'refused')[],
): Promise<void> {
  const left = [...fates];
  await page.route('**/graphql', async (route) => {
    const isDeduction = route.request().postData()?.includes('mutation ConsoleDeduct') ?? false;
    const fate = isDeduction ? left.shift() : undefined;
    if (fate === 'refused') await route.fulfill(REFUSED);
    else if (fate === undefined) await route.continue();
    else {
      await route.fetch();
      await route.abort();
    }
  });
}

test('a deduction whose answer was lost is applied once, also where a later try of it is refused', async () => {
  const id = await site.shop.newProduct(20);
  const page = await openForm(id, 'Deduct');
  await onDeductions(page, ['lost after its commit', 'refused']);
  const dialog = page.getByRole('dialog');
  const press = dialog.getByRole('button', { name: 'Deduct units' });
  await dialog.getByLabel('Units').fill('3');
  await press.click();
  await dialog.getByRole('alert').filter({ hasText: 'did not answer' }).waitFor();
  expect(await site.shop.onHand(id)).toBe(17);
  await press.click();
  await dialog.getByRole('alert').filter({ hasText: 'RATE_LIMITED' }).waitFor();
  await press.click();
  await dialog.waitFor({ state: 'detached' });
  expect(await site.shop.onHand(id)).toBe(17);
});

test('text that is selected with the mouse may be released outside the dialog; a press outside closes it', async () => {
  const page = await openForm(await site.shop.newProduct(5), 'Deduct');
  const dialog = page.getByRole('dialog');
  const units = dialog.getByLabel('Units');
  await units.fill('4');
  const box = await units.boundingBox();
  if (!box) throw new Error('The field is not shown.');
  const inside = { x: box.x + 40, y: box.y + box.height / 2 };
  const outside = { x: 20, y: inside.y };
  await drag(page, inside, outside);
  await page.getByRole('heading', { name: 'Deduct stock' }).waitFor();
  expect(await units.inputValue()).toBe('4');
  await drag(page, outside, { x: 24, y: inside.y });
  await dialog.waitFor({ state: 'detached' });
});

test('nothing closes a form while it is sent, and its outcome is told', async () => {
  const id = await site.shop.newProduct(5);
  const page = await openForm(id, 'Deduct');
  const dialog = page.getByRole('dialog');
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('mutation ConsoleDeduct')) await answered;
    await route.continue();
  });
  await dialog.getByLabel('Units').fill('6');
  await dialog.getByRole('button', { name: 'Deduct units' }).click();
  await dialog.getByRole('button', { name: 'Sending' }).waitFor();
  for (let times = 0; times < 3; times += 1) await page.keyboard.press('Escape');
  await page.mouse.click(20, 300);
  await dialog.getByRole('button', { name: 'Close' }).click();
  // It looks disabled, which Playwright would wait for.
  await dialog.getByRole('button', { name: 'Cancel' }).click({ force: true });
  answer();
  await dialog.locator('.field[data-invalid=true]', { hasText: 'Units' }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('a count expects what is on hand at the location that is chosen, unless a number was entered', async () => {
  await site.shop.newLocation('empty');
  const page = await openForm(await site.shop.newProduct(12), 'Count');
  const expected = page.getByLabel('Expected on hand');
  const location = page.getByRole('dialog').getByLabel('Location');
  expect(await expected.inputValue()).toBe('12');
  await location.selectOption('empty');
  expect(await expected.inputValue()).toBe('0');
  await location.selectOption('default');
  expect(await expected.inputValue()).toBe('12');
  await expected.fill('11');
  await location.selectOption('empty');
  expect(await expected.inputValue()).toBe('11');
});

test('the meaning of a term in a dialog lies above the dialog', async () => {
  const page = await openForm(await site.shop.newProduct(1), 'Count');
  await page.getByRole('button', { name: 'compared quantity' }).click();
  const meaning = page.getByText('What you expect to be on hand');
  await meaning.waitFor();
  const box = await meaning.boundingBox();
  if (!box) throw new Error('The meaning is not shown.');
  const at = `document.elementFromPoint(${box.x + box.width / 2}, ${box.y + box.height / 2})`;
  expect(await page.evaluate(`${at}.className`)).toBe('term-meaning');
  await page.keyboard.press('Escape');
  await meaning.waitFor({ state: 'detached' });
  await page.getByRole('dialog').waitFor();
});
