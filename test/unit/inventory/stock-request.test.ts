import { InvalidRequestError, Operations } from '../../../src/inventory/operation.js';
import { checkRequest, type StockRequest } from '../../../src/inventory/stock-request.js';
import { systemRandomBytes } from '../../../src/time/clock.js';

const operations = new Operations(systemRandomBytes);

const LINE = { productId: 'p', quantity: 1 };

function check(request: Partial<StockRequest>, principal: string | null = null) {
  return checkRequest(
    operations,
    'deductStock',
    { items: [LINE], mode: 'PARTIAL', ...request },
    principal,
  );
}

function fieldOf(request: Partial<StockRequest>): string {
  try {
    check(request);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error.field;
    throw error;
  }
  return 'accepted';
}

test('refuses no lines, and more than a hundred', () => {
  expect(fieldOf({ items: [] })).toBe('items');
  expect(fieldOf({ items: Array.from({ length: 100 }, () => LINE) })).toBe('accepted');
  expect(fieldOf({ items: Array.from({ length: 101 }, () => LINE) })).toBe('items');
});

test.each([
  '',
  'x'.repeat(65),
  'a b',
  "a'; DROP TABLE products; --",
  'a\r\nSET x y',
  'ä',
  'а', // Cyrillic
  'a\u0000',
  '🔑',
  'p{x}',
])('refuses the product id %j', (productId) => {
  expect(fieldOf({ items: [{ productId, quantity: 1 }] })).toBe('items[0].productId');
});

test('keeps a quantity out of range for its own answer', () => {
  for (const quantity of [0, -1, 2_147_483_647]) {
    expect(fieldOf({ items: [{ productId: 'p', quantity }] })).toBe('accepted');
  }
});

test.each(['', 'x'.repeat(256), '\ud800'])('refuses the idempotency key %j', (idempotencyKey) => {
  expect(fieldOf({ idempotencyKey })).toBe('idempotencyKey');
});

test('counts the characters of a key, not its bytes', () => {
  expect(fieldOf({ idempotencyKey: '🔑'.repeat(255) })).toBe('accepted');
});

test('refuses a reason or a reference that would not fit', () => {
  expect(fieldOf({ reason: 'x'.repeat(256) })).toBe('reason');
  expect(fieldOf({ reference: 'x'.repeat(256) })).toBe('reference');
});

describe('the fingerprint', () => {
  const fingerprint = (request: Partial<StockRequest>) =>
    check({ idempotencyKey: 'k', ...request }).operation.fingerprint.toString('hex');

  test('is the same for an absent value and its default', () => {
    const explicit = { items: [{ ...LINE, locationId: 'default' }], reason: null, reference: null };
    expect(fingerprint(explicit)).toBe(fingerprint({}));
  });

  test('is another one for anything that changes the meaning', () => {
    const two = [LINE, { productId: 'q', quantity: 1 }];
    const all = [
      {},
      { items: two },
      { items: [...two].reverse() },
      { items: [{ ...LINE, quantity: 2 }] },
      { items: [{ ...LINE, locationId: 'berlin' }] },
      { mode: 'ALL_OR_NOTHING' as const },
      { reason: 'r' },
      { reference: 'r' },
    ].map(fingerprint);
    expect(new Set(all).size).toBe(all.length);
  });

  test('does not cover the key', () => {
    expect(fingerprint({ idempotencyKey: 'k2' })).toBe(fingerprint({}));
  });
});

describe('the operation id', () => {
  const id = (key: string | null, principal: string | null = null) =>
    check({ idempotencyKey: key }, principal).operation.id.toString('hex');

  test('is the same for the same key of the same principal, and no other', () => {
    expect(id('k')).toBe(id('k'));
    expect(new Set([id('k'), id('K'), id('k '), id('k', 'shop'), id('k', 'shop2')]).size).toBe(5);
  });

  test('is a new one for every call without a key', () => {
    expect(id(null)).not.toBe(id(null));
  });
});
