/** One walk over an operation: what it counts, that it ends on every document, and that it is made once. */
import {
  Kind,
  getIntrospectionQuery,
  parse,
  validate,
  type OperationDefinitionNode,
} from 'graphql';
import { operationLimits } from '../../../src/graphql/limits.js';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';
import { fragmentsOf, surveyDocument, surveyOf, type Survey } from '../../../src/graphql/survey.js';

const SCHEMA = buildStockadeSchema();

function surveysOf(text: string): Survey[] {
  return surveyDocument(SCHEMA, parse(text)).map(({ survey }) => survey);
}

function surveyed(text: string): Survey {
  const [survey] = surveysOf(text);
  if (!survey) throw new Error('The document has no operation.');
  return survey;
}

/** Fragments F0 to F(steps - 1), each of which spreads the next one twice. */
function doubling(steps: number, leaf: string): string {
  const type = 'on Product';
  const fragments = Array.from(
    { length: steps },
    (_, i) => `fragment F${i} ${type} { ... { ...F${i + 1} } ... { ...F${i + 1} } }`,
  );
  return `{ product(id: "a") { ...F0 } } ${fragments.join('\n')} fragment F${steps} ${type} { ${leaf} }`;
}

describe('fragments that double with every step', () => {
  test('are each walked once: 2 to the 100th fields are counted, not visited', () => {
    const survey = surveyed(doubling(100, 'id'));
    expect(survey.size).toMatchObject({ depth: 2, aliases: 0, fields: 2 ** 100 + 1 });
    expect([...survey.scopes]).toEqual(['read']);
  });

  test('are refused by validation without being executed', () => {
    const document = parse(doubling(60, 'movements { nodes { id } }'));
    expect(validate(SCHEMA, document, [operationLimits]).map(String)).toEqual([
      expect.stringContaining('more than 1000 fields'),
    ]);
  });

  test('cost nothing either where they spread introspection, which has no limit of fields', () => {
    const fragments = Array.from(
      { length: 100 },
      (_, i) => `fragment F${i} on Query { ... { ...F${i + 1} } ... { ...F${i + 1} } }`,
    );
    const leaf = 'fragment F100 on Query { __schema { queryType { name } } }';
    const survey = surveyed(`{ ...F0 } ${fragments.join('\n')} ${leaf}`);
    expect(survey.size).toMatchObject({ depth: 0, aliases: 0, fields: 0, directives: 0 });
    expect(survey).toMatchObject({ rootFields: 0, undeclared: [], nodes: null });
  });
});

test('a cycle of fragments and names that the schema does not have end the walk', () => {
  const survey = surveyed(`{ product(id: "a") { ...A } nonsense { deep { er } } ...Missing ...N }
    fragment A on Product { id ...B } fragment B on Product { name ...A } fragment N on Nothing { x }`);
  expect(survey.size).toMatchObject({ depth: 3, fields: 7 });
  expect([...survey.scopes]).toEqual(['read']);
});

test('aliases and repetitions count wherever they stand, fields of the same fragment once at the root', () => {
  const survey = surveyed(`mutation { ...M ...M b: __typename }
    fragment M on Mutation { createProduct(input: {id: "x", name: "X"}) { __typename } }`);
  expect(survey.size).toMatchObject({ aliases: 2, fields: 5 });
  expect(survey.rootFields).toBe(1);
});

test('aliases and repetitions inside introspection count on their own, and each further __schema', () => {
  const introspection = (text: string) => surveyed(text).size.introspection;
  expect(introspection(getIntrospectionQuery())).toBe(0);
  expect(introspection('{ a: __schema { types { name } } __type(name: "Query") { name } }')).toBe(
    0,
  );
  expect(introspection('{ a: __schema { types { name } } b: __schema { types { name } } }')).toBe(
    1,
  );
  const deep = `{ __schema { types { ...T b: fields { name } } } } fragment T on __Type { a: fields { ...F ...F } }
    fragment F on __Field { name }`;
  expect(introspection(deep)).toBe(3);
});

test('scopes are those of all fields, also of those that a variable leaves out', () => {
  const survey = surveyed(`mutation M($no: Boolean!) { deductStock(input: {items: []}) { results {
    ... on DeductedItem { product { movements @skip(if: $no) { nodes { id } } } } } } }`);
  expect([...survey.scopes].sort()).toEqual(['deduct', 'read']);
});

/** In a shop with 200 locations. */
function nodesOf(text: string, variables: Record<string, unknown>): number | undefined {
  return surveyed(text).nodes?.(variables, { entries: 1, locations: 200 });
}

const DEDUCT = (selection: string) =>
  `mutation D($i: DeductStockInput!) { deductStock(input: $i) { ${selection} } }`;
const HUNDRED_LINES = { i: { items: Array(100).fill({ productId: 'a', quantity: 1 }) } };

describe('nodes', () => {
  const PAGES = `query Q($a: Int = 10, $b: Int) {
    products(first: $a) { nodes { ...P } }
  } fragment P on Product { movements(last: $b) { nodes { id } } }`;

  test.each<[variables: Record<string, unknown>, nodes: number]>([
    [{}, 10 * (1 + 20)],
    [{ a: 3, b: 5 }, 3 * (1 + 5)],
    [{ a: -1, b: 5 }, 0],
    [{ a: 1_000, b: 1_000 }, 100 * (1 + 100)],
    [{ a: 'text', b: null }, 20 * (1 + 20)],
  ])('with the variables %j are %d', (variables, nodes) => {
    expect(nodesOf(PAGES, variables)).toBe(nodes);
  });

  test('are not counted where no list is selected', () => {
    expect(surveyed('{ product(id: "a") { id onHand } }').nodes).toBeNull();
    expect(nodesOf(DEDUCT('replayed'), HUNDRED_LINES)).toBe(0);
  });

  test.each<[text: string, variables: Record<string, unknown>, nodes: number]>([
    ['{ products(first: 100) { pageInfo { hasNextPage } } }', {}, 100],
    ['{ products(first: 100) { edges { cursor } nodes { id } } }', {}, 200],
    [`{ products(first: 9) { ${'abcdefghij'.replace(/./g, '$&: nodes { id } ')} } }`, {}, 90],
    ['{ product(id: "a") { levels { onHand } } }', {}, 10],
    ['{ a: locations { id } b: locations { id } }', {}, 20],
    ['{ products(first: 100) { nodes { levels { onHand } } } }', {}, 100 * (1 + 10)],
    [DEDUCT('results { __typename } failedItems { index }'), HUNDRED_LINES, 200],
    [
      DEDUCT('results { ... on DeductedItem { product { levels { onHand } } } }'),
      HUNDRED_LINES,
      100 * (1 + 10),
    ],
    ['{ reservation(id: "a") { items { quantity } } }', {}, 5],
  ])('of every list count, those of few numbers a twentieth: %s', (text, variables, nodes) => {
    expect(nodesOf(text, variables)).toBe(nodes);
  });
});

describe('variables that must not be null', () => {
  test.each<[text: string, notNull: Record<string, string>]>([
    [
      'mutation M($m: BatchMode) { deductStock(input: {items: [], mode: $m}) { replayed } }',
      { m: 'mode' },
    ],
    ['mutation M($m: BatchMode!) { deductStock(input: {items: [], mode: $m}) { replayed } }', {}],
    ['query Q($id: ID = "a") { product(id: $id) { id } }', { id: 'id' }],
    ['query Q($n: Int) { products(first: $n) { nodes { id } } }', {}],
    [
      'query Q($id: ID = "a") { products(filter: {ids: ["b", $id]}) { nodes { id } } }',
      { id: 'filter.ids[1]' },
    ],
    [
      'mutation M($q: Int = 1) { deductStock(input: {items: {productId: "a", quantity: $q}}) { replayed } }',
      { q: 'items[0].quantity' },
    ],
    [
      `mutation M($q: Int = 1) { ...F }
       fragment F on Mutation { deductStock(input: {items: [{productId: "a", quantity: $q}]}) { replayed } }`,
      { q: 'items[0].quantity' },
    ],
    ['query Q($x: Boolean = true) { product(id: "a") { id @include(if: $x) } }', { x: 'if' }],
    [
      `query Q($x: Boolean = true) { ... @skip(if: $x) { __typename } ...F @skip(if: $x) }
       fragment F on Query { __typename }`,
      { x: 'if' },
    ],
  ])('are found: %s', (text, notNull) => {
    expect(Object.fromEntries(surveyed(text).notNull)).toEqual(notNull);
  });
});

test('an operation is surveyed once, its document by validation, and looked up from then on', () => {
  const document = parse(
    'query A { ...R } query B { ...R } fragment R on Query { locations { id } }',
  );
  const surveys = surveyDocument(SCHEMA, document);
  expect(surveys).toHaveLength(2);
  for (const { operation, survey } of surveys) {
    const again = surveyOf(SCHEMA, operation, () => {
      throw new Error('It is in the cache.');
    });
    expect(again).toBe(survey);
  }
});

test('a survey of one schema is not taken for that of another one', () => {
  const document = parse('{ locations { id } }');
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (!operation) throw new Error('The document has no operation.');
  const other = buildStockadeSchema();
  const fragments = () => fragmentsOf(document);
  expect(surveyOf(SCHEMA, operation, fragments).schema).toBe(SCHEMA);
  expect(surveyOf(other, operation, fragments).schema).toBe(other);
});
