/** The operations that document the API, each as a tab with variables that the sample catalogue answers. */
const TEXTS = import.meta.glob<string>('../../../schema/operations/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Those that a newcomer tries first; the others follow by name. */
const FIRST = ['products', 'deduct-stock', 'stock-changed', 'product-movements', 'reserve-stock'];

const LINE = { productId: 'flash-sale', quantity: 1 };
const PRODUCT = { id: 'flash-sale' };

const VARIABLES: Readonly<Record<string, object>> = {
  'archive-product': { input: PRODUCT },
  'commit-reservation': { input: { reservationId: '' } },
  'create-location': { input: { id: 'berlin-1', name: 'Berlin' } },
  'create-product': { input: { id: 'new-product', name: 'New product', quantity: 10 } },
  'deduct-stock': { input: { items: [LINE] } },
  'extend-reservation': { input: { reservationId: '', ttlSeconds: 900 } },
  'increase-stock': { input: { items: [LINE] } },
  product: PRODUCT,
  'product-movements': { ...PRODUCT, first: 10 },
  products: { first: 10 },
  'products-with-levels': { first: 10 },
  'products-with-stock': { first: 10, movements: 3 },
  'release-reservation': { input: { reservationId: '' } },
  reservation: { id: '' },
  reservations: { first: 10 },
  'reserve-stock': { input: { items: [LINE], ttlSeconds: 900 } },
  'restore-product': { input: PRODUCT },
  'set-stock': { input: { productId: 'flash-sale', changeFromQuantity: 100, quantity: 120 } },
  'stock-changed': { productIds: ['flash-sale'] },
  'stock-movements': { first: 10 },
  'transfer-stock': {
    input: {
      productId: 'flash-sale',
      quantity: 1,
      fromLocationId: 'default',
      toLocationId: 'berlin-1',
    },
  },
  'update-location': { input: { id: 'default', name: 'Default' } },
  'update-product': { input: { ...PRODUCT, lowStockThreshold: 10 } },
};

interface Tab {
  readonly query: string;
  readonly variables?: string;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1, -'.graphql'.length);
}

/** Fragments that another file defines are added, so that each tab stands for itself. */
function complete(text: string): string {
  const defined = new Set([...text.matchAll(/fragment (\w+) on/g)].map(([, name]) => name));
  const needed = [...text.matchAll(/\.\.\.\s*(\w+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'on' && !defined.has(name));
  const found = [...new Set(needed)].map((name) => FRAGMENTS.get(name) ?? '');
  return [text.trim(), ...found].join('\n\n');
}

const FRAGMENTS = new Map(
  Object.values(TEXTS).flatMap((text) =>
    [...text.matchAll(/(?:^#.*\n)*^fragment (\w+) on [^]*?^\}$/gm)].map(
      ([whole, name = '']) => [name, whole] as const,
    ),
  ),
);

function rankOf(path: string): number {
  const rank = FIRST.indexOf(nameOf(path));
  return rank < 0 ? FIRST.length : rank;
}

export const TABS: readonly [Tab, ...Tab[]] = Object.entries(TEXTS)
  .sort(([a], [b]) => rankOf(a) - rankOf(b) || a.localeCompare(b))
  .map(([path, text]) => {
    const variables = VARIABLES[nameOf(path)];
    const query = complete(text);
    return variables ? { query, variables: JSON.stringify(variables, null, 2) } : { query };
  }) as unknown as readonly [Tab, ...Tab[]];
