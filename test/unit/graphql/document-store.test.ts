/** Parsed documents are kept within bounds, without their tokens, and those in use are not displaced. */
import { createHash } from 'node:crypto';
import { GraphQLError, parse, visit, type DocumentNode, type FieldNode } from 'graphql';
import { DocumentStore } from '../../../src/graphql/document-store.js';

/** As Apollo does it. Resolves with whether the document was in the store. */
async function ask(store: DocumentStore, text: string): Promise<boolean> {
  const key = `schema:${createHash('sha256').update(text).digest('hex')}`;
  if (await store.get(key)) return true;
  await store.set(key, parse(text));
  return false;
}

function tokensOf(document: DocumentNode): unknown[] {
  const found: unknown[] = [];
  visit(document, { enter: ({ loc }) => void found.push(loc?.startToken, loc?.endToken) });
  return found.filter((token) => token !== undefined);
}

test('an operation that comes again is found, with its places in the text and without its tokens', async () => {
  const store = new DocumentStore();
  const text = '# A comment.\n{ product(id: "a") { id } }';
  expect(await ask(store, text)).toBe(false);
  expect(await ask(store, text)).toBe(true);
  expect(store.stats()).toMatchObject({ hits: 1, misses: 1, documents: 1 });

  const document = parse(text);
  expect(tokensOf(document).length).toBeGreaterThan(10);
  await store.set('b'.repeat(64), document);
  expect(tokensOf(document)).toEqual([]);
  let field: FieldNode | undefined;
  visit(document, { Field: (node) => void (field ??= node) });
  const error = new GraphQLError('Where?', { nodes: field ?? null });
  expect(error.locations).toEqual([{ line: 2, column: 3 }]);
  expect(error.toString()).toContain('{ product(id: "a") { id } }');
});

test('a text of more than 10,000 characters is not kept, comments included, and loses its tokens, too', async () => {
  const store = new DocumentStore();
  const long = `{ __typename } ${'#\n'.repeat(5_000)}`;
  expect(await ask(store, long)).toBe(false);
  expect(await ask(store, long)).toBe(false);
  expect(store.stats()).toMatchObject({ documents: 0, bytes: 0 });
  const document = parse(long);
  await store.set('c'.repeat(64), document);
  expect(tokensOf(document)).toEqual([]);
});

test('it holds at most so many documents and so many bytes', async () => {
  const few = new DocumentStore({ documents: 10, bytes: 1_000_000 });
  for (let i = 0; i < 100; i += 1) await ask(few, `{ f${i} }`);
  expect(few.stats().documents).toBe(10);

  const small = new DocumentStore({ documents: 1_000, bytes: 50_000 });
  for (let i = 0; i < 100; i += 1) await ask(small, `{ ${`f${i} `.repeat(20)} }`);
  const { documents, bytes } = small.stats();
  expect(documents).toBeGreaterThan(2);
  expect(documents).toBeLessThan(20);
  expect(bytes).toBeLessThanOrEqual(50_000);

  const tiny = new DocumentStore({ documents: 10, bytes: 100 });
  expect(await ask(tiny, '{ a b c }')).toBe(false);
  expect(tiny.stats().documents).toBe(0);
});

test.each([1, 2, 3])(
  'a client that sends each of ever new documents %d times does not displace those in use',
  async (times) => {
    const store = new DocumentStore({ documents: 50, bytes: 10_000_000 });
    const honest = Array.from(
      { length: 40 },
      (_, i) => `query Honest${i} { product(id: 1) { id } }`,
    );
    for (let round = 0; round < 10; round += 1) for (const text of honest) await ask(store, text);

    let missed = 0;
    for (let i = 0; i < 5_000; i += 1) {
      for (let time = 0; time < times; time += 1)
        await ask(store, `query Hostile${i} { __typename }`);
      if (!(await ask(store, honest[i % honest.length] ?? ''))) missed += 1;
    }
    expect(missed).toBe(0);
    expect(store.stats().documents).toBe(50);
  },
);

test('a store full of documents that nobody sends any more takes those that are sent now', async () => {
  const store = new DocumentStore({ documents: 50, bytes: 10_000_000 });
  for (let round = 0; round < 100; round += 1) {
    for (let i = 0; i < 50; i += 1) await ask(store, `query Old${i} { __typename }`);
  }
  const now = Array.from({ length: 50 }, (_, i) => `query Now${i} { __typename }`);
  for (let round = 0; round < 2_000; round += 1) for (const text of now) await ask(store, text);
  for (const text of now) expect(await ask(store, text)).toBe(true);
});

test('a document is found by its text for as long as it is kept', async () => {
  const store = new DocumentStore({ documents: 1, bytes: 1_000_000 });
  const [first, second] = ['{ product(id: "a") { id } }', '{ product(id: "b") { id } }'];
  await ask(store, first);
  const known = store.known(first);
  expect(known?.document.definitions).toHaveLength(1);
  expect(store.known(`${first} `)).toBeUndefined();
  if (known) store.use(known);
  expect(store.stats()).toMatchObject({ hits: 1, misses: 1 });
  for (let i = 0; i < 4; i += 1) await ask(store, second);
  expect(store.known(first)).toBeUndefined();
  expect(store.known(second)?.text).toBe(second);
});
