/** No list is left out of the limit of nodes. */
import { getNullableType, isInterfaceType, isListType, isObjectType } from 'graphql';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';

const FIELDS = Object.values(
  buildStockadeSchema({ federation: true, development: true }).getTypeMap(),
)
  .filter((type) => isObjectType(type) || isInterfaceType(type))
  // GraphQL's own rule bounds the lists of introspection, and ours that they are asked for once.
  .filter((type) => !type.name.startsWith('__'))
  .flatMap((type) =>
    Object.values(type.getFields()).map((field) => ({ field, name: `${type.name}.${field.name}` })),
  );

test('every field that is a list declares how many nodes it brings', () => {
  const lists = FIELDS.filter(({ field }) => isListType(getNullableType(field.type)));
  expect(lists.length).toBeGreaterThan(10);
  const free = lists.filter(({ field }) => typeof field.extensions.nodes !== 'function');
  expect(free.map(({ name }) => name)).toEqual([]);
});

test('so does every field with a page or a list of lines as its argument', () => {
  const pages = FIELDS.filter(({ field }) => field.args.some(({ name }) => name === 'first'));
  expect(pages.map(({ name }) => name)).toContain('Product.movements');
  const lines = FIELDS.filter(({ field }) =>
    field.args.some(({ type }) => /^(Deduct|Increase|Reserve)StockInput!$/.test(String(type))),
  );
  expect(lines).toHaveLength(3);
  const free = [...pages, ...lines].filter(
    ({ field }) => typeof field.extensions.nodes !== 'function',
  );
  expect(free.map(({ name }) => name)).toEqual([]);
});
