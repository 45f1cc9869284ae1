/** What a request weighs for the rate limit: its lines, however they are written. */
import {
  getNamedType,
  isInputObjectType,
  isListType,
  getNullableType,
  parse,
  type GraphQLField,
} from 'graphql';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';
import { surveyDocument } from '../../../src/graphql/survey.js';

const SCHEMA = buildStockadeSchema();

function linesOf(text: string, variables: Readonly<Record<string, unknown>> = {}): number | null {
  const [surveyed] = surveyDocument(SCHEMA, parse(text));
  return surveyed?.survey.lines?.(variables) ?? null;
}

const items = (count: number) => Array.from({ length: count }, () => ({ productId: 'a' }));
const deduction = (rest: string, head = '') =>
  `mutation M${head} { deductStock(input: ${rest}) { replayed } }`;

test.each<[string, string, Record<string, unknown>, number]>([
  ['a variable', deduction('$i', '($i: DeductStockInput!)'), { i: { items: items(100) } }, 100],
  ['a list variable', deduction('{ items: $l }', '($l: [StockLineInput!]!)'), { l: items(7) }, 7],
  ['the text', deduction('{ items: [{ productId: "a" }, { productId: "b" }] }'), {}, 2],
  ['a single value for a list of one', deduction('{ items: { productId: "a" } }'), {}, 1],
  [
    'the default of a variable',
    deduction(
      '{ items: $l }',
      '($l: [StockLineInput!]! = [{ productId: "a" }, { productId: "b" }])',
    ),
    {},
    2,
  ],
  [
    'a fragment',
    `mutation { ...M } fragment M on Mutation { reserveStock(input: { items: [{}, {}, {}] }) { replayed } }`,
    {},
    3,
  ],
  [
    'several mutations together',
    `mutation ($i: IncreaseStockInput!) {
      a: increaseStock(input: $i) { replayed } b: increaseStock(input: $i) { replayed } }`,
    { i: { items: items(10) } },
    20,
  ],
  [
    'a list that is refused for its length, as the longest that is not',
    deduction('$i', '($i: DeductStockInput!)'),
    { i: { items: items(5_000) } },
    100,
  ],
  ['no list at all', deduction('$i', '($i: DeductStockInput!)'), { i: null }, 1],
])('the lines are counted in %s', (_, text, variables, lines) => {
  expect(linesOf(text, variables)).toBe(lines);
});

test('an operation without lines of stock has none', () => {
  expect(linesOf('{ products { nodes { id } } }')).toBeNull();
  expect(linesOf('mutation { createLocation(input: {}) { __typename } }')).toBeNull();
});

test('every mutation with a list in its input declares its lines', () => {
  const hasList = ({ args }: GraphQLField<unknown, unknown>) =>
    args.some(({ type }) => {
      const input = getNamedType(type);
      if (!isInputObjectType(input)) return false;
      return Object.values(input.getFields()).some((field) =>
        isListType(getNullableType(field.type)),
      );
    });
  const mutations = Object.values(SCHEMA.getMutationType()?.getFields() ?? {});
  const lists = mutations.filter(hasList).map(({ name }) => name);
  expect(lists).toEqual(expect.arrayContaining(['deductStock', 'increaseStock', 'reserveStock']));
  const declared = mutations.filter(({ extensions }) => extensions.lines !== undefined);
  expect(declared.map(({ name }) => name)).toEqual(lists);
});
