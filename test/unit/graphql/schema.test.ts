/** The committed schema is the one that the code builds, and the documented operations are valid. */
import { readFileSync, readdirSync } from 'node:fs';
import {
  Kind,
  buildSchema,
  findBreakingChanges,
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isIntrospectionType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
} from 'graphql';
import * as clientOperations from '../../../client/generated/operations.js';
import { LIMITS, operationLimits } from '../../../src/graphql/limits.js';
import { subgraphSdl } from '../../../src/graphql/schema/federation.js';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';

const COMMITTED = readFileSync('schema/schema.graphql', 'utf8');
const SCHEMA = buildStockadeSchema();
const OPERATIONS = readdirSync('schema/operations').map((name) => ({
  name,
  text: readFileSync(`schema/operations/${name}`, 'utf8'),
}));

test('schema/schema.graphql is what `npm run schema` would emit', () => {
  expect(COMMITTED).toBe(`${printSchema(lexicographicSortSchema(SCHEMA))}\n`);
});

describe('the schema of the development server', () => {
  const development = buildStockadeSchema({ development: true });
  const operations = readdirSync('schema/development').map((name) =>
    readFileSync(`schema/development/${name}`, 'utf8'),
  );

  test('schema/development.graphql is what `npm run schema` would emit', () => {
    const committed = readFileSync('schema/development.graphql', 'utf8');
    expect(committed).toBe(`${printSchema(lexicographicSortSchema(development))}\n`);
  });

  test('it has sales to try, and the schema of other servers has no part of them', () => {
    expect(findBreakingChanges(SCHEMA, development)).toEqual([]);
    const added = Object.keys(development.getTypeMap()).filter((name) => !SCHEMA.getType(name));
    expect(added.filter((name) => !name.includes('SaleTrial'))).toEqual([]);
    expect(development.getMutationType()?.getFields()).toHaveProperty('startSaleTrial');
    expect(COMMITTED).not.toContain('SaleTrial');
  });

  test('its operations are valid, each within the limits, and all of its root fields need a scope', () => {
    expect(operations.length).toBeGreaterThan(2);
    for (const text of operations) {
      const document = parse(text, { maxLexicalTokens: LIMITS.tokens });
      expect(validate(development, document).map(String)).toEqual([]);
      expect(validate(development, document, [operationLimits]).map(String)).toEqual([]);
    }
    for (const type of [development.getQueryType(), development.getMutationType()]) {
      const fields = Object.values(type?.getFields() ?? {});
      expect(fields.filter(({ extensions }) => extensions.scope === undefined)).toEqual([]);
      expect(fields.filter(({ description }) => !description)).toEqual([]);
    }
  });
});

test('schema/subgraph.graphql is what `npm run schema` would emit', () => {
  expect(readFileSync('schema/subgraph.graphql', 'utf8')).toBe(subgraphSdl(SCHEMA));
});

test('client/possibleTypes.json has the types of every interface and union', () => {
  const committed = JSON.parse(readFileSync('client/possibleTypes.json', 'utf8')) as object;
  const abstract = Object.values(SCHEMA.getTypeMap()).filter(isAbstractType);
  expect(committed).toEqual(
    Object.fromEntries(
      abstract.map((type) => [
        type.name,
        SCHEMA.getPossibleTypes(type)
          .map(({ name }) => name)
          .sort(),
      ]),
    ),
  );
});

test('the client has every documented operation, and knows which take a key', () => {
  const all = parse(OPERATIONS.map(({ text }) => text).join('\n'));
  const names = all.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? [`${definition.name?.value ?? ''}Document`]
      : [],
  );
  const documents = Object.keys(clientOperations).filter((key) => key.endsWith('Document'));
  expect(documents.sort()).toEqual(names.sort());
  const { KEYED_OPERATIONS } = clientOperations;
  const keyed = Object.values(SCHEMA.getMutationType()?.getFields() ?? {}).filter(({ args }) =>
    args.some(({ type }) => {
      const input = getNamedType(type);
      return isInputObjectType(input) && 'idempotencyKey' in input.getFields();
    }),
  );
  const known = [...KEYED_OPERATIONS].map((name) => name.charAt(0).toLowerCase() + name.slice(1));
  expect(known.sort()).toEqual(keyed.map(({ name }) => name).sort());
});

test('every type is described but inputs, payloads and edges, and every root field', () => {
  const silent = Object.values(SCHEMA.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .filter((type) => !/(Edge|Payload|Input|Query|Mutation|Subscription)$/.test(type.name))
    .filter((type) => !type.description);
  expect(silent.map(String)).toEqual([]);
  for (const root of [
    SCHEMA.getQueryType(),
    SCHEMA.getMutationType(),
    SCHEMA.getSubscriptionType(),
  ]) {
    const undescribed = Object.values(root?.getFields() ?? {}).filter(
      (field) => !field.description,
    );
    expect(undescribed).toEqual([]);
  }
});

test('all documented operations are valid together, each within the limits, and named for their files', () => {
  const all = parse(OPERATIONS.map(({ text }) => text).join('\n'));
  expect(validate(SCHEMA, all).map(String)).toEqual([]);
  const fragments = all.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  for (const operation of all.definitions) {
    if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
    const alone = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] } as const;
    expect(validate(SCHEMA, alone, [operationLimits]).map(String)).toEqual([]);
  }
  for (const { name, text } of OPERATIONS) {
    const operations = parse(text, { maxLexicalTokens: LIMITS.tokens }).definitions.filter(
      (definition) => definition.kind === Kind.OPERATION_DEFINITION,
    );
    expect(operations).toHaveLength(1);
    const kebab = operations[0]?.name?.value.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase();
    expect(`${kebab ?? ''}.graphql`).toBe(name);
    // Values are variables, so that the text stays the same; what is asked for as a whole has none.
    if (!['locations.graphql', 'viewer.graphql', 'fleet.graphql'].includes(name)) {
      expect(operations[0]?.variableDefinitions).not.toHaveLength(0);
    }
  }
});

describe('the check against a contract', () => {
  let check: (contractSdl: string, schemaSdl: string) => string[];

  beforeAll(async () => {
    const path = '../../../scripts/check-contract.mjs';
    ({ differences: check } = (await import(path)) as { readonly differences: typeof check });
  });

  const CONTRACT = `
    interface Error { message: String! }
    type Query { products(kind: Kind!, first: Int, ids: [ID!] = ["a"]): [Product!]!  other: String }
    type Product { id: ID!  name: String!  kind: Kind! }
    type Missing implements Error { message: String! }
    union Answer = Product | Missing
    enum Kind { SMALL LARGE }
    input New { id: ID!  quantity: Int! = 0  note: String }
    type Mutation { make(input: New!): Answer! }
  `;

  test('accepts the contract itself, with any descriptions', () => {
    expect(check(CONTRACT, CONTRACT)).toEqual([]);
    const described = CONTRACT.replace('type Product', '"Described" type Product');
    expect(check(CONTRACT, described)).toEqual([]);
    expect(check(CONTRACT, printSchema(buildSchema(described)))).toEqual([]);
  });

  test.each([
    ['a field', 'name: String!', 'name: String!  mine: Int!'],
    ['a field with a required argument', 'name: String!', 'name: String!  mine(of: ID!): Int'],
    ['an optional argument', 'first: Int', 'first: Int, mine: Int'],
    ['an argument with a default', 'first: Int', 'first: Int, mine: Int! = 1'],
    ['an optional input field', 'note: String', 'note: String  mine: Int'],
    ['a type', 'enum Kind', 'scalar Mine enum Kind'],
    ['a value', 'SMALL', 'SMALL MEDIUM'],
    ['a member', '| Missing', '| Missing | Query'],
  ])('accepts %s that the contract does not have', (_, from, to) => {
    expect(CONTRACT).toContain(from);
    expect(check(CONTRACT, CONTRACT.replace(from, to))).toEqual([]);
  });

  test.each([
    ['a missing type', 'type Mutation { make(input: New!): Answer! }', ''],
    ['a missing field', 'other: String', ''],
    ['a missing argument', 'first: Int, ', ''],
    ['a missing input field', 'note: String', ''],
    ['a missing value', 'SMALL LARGE', 'SMALL'],
    ['a missing member', '| Missing', ''],
    ['a missing interface', 'implements Error', ''],
    ['another nullability', 'name: String!', 'name: String'],
    ['another type', 'id: ID!  name', 'id: String!  name'],
    ['another argument type', 'first: Int', 'first: Int!'],
    ['a required argument of its own', 'first: Int', 'first: Int, mine: Int!'],
    ['a required input field of its own', 'note: String', 'note: String  mine: Int!'],
    ['another default', '= 0', '= 1'],
    ['no default', '= 0', ''],
    ['another default of a list', '["a"]', '["b"]'],
    ['another kind', 'enum Kind { SMALL LARGE }', 'scalar Kind'],
  ])('finds %s', (_, from, to) => {
    expect(CONTRACT).toContain(from);
    expect(check(CONTRACT, CONTRACT.replace(from, to))).not.toEqual([]);
  });
});
