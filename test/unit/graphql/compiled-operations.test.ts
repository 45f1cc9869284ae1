/** A plan answers exactly as graphql-js does, over the whole schema, and the rest is left to graphql-js. */
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import {
  execute,
  getOperationAST,
  parse,
  validate,
  type DocumentNode,
  type ExecutionResult,
} from 'graphql';
import { CompiledOperations } from '../../../src/graphql/compiled/compiled-operations.js';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';
import { answerDrawn, drawOperation, type Witness } from '../../support/drawn-operations.js';

/** More with the variable RUNS; a failure prints the seed. */
const RUNS = Number(process.env.RUNS ?? 700);
const MS_PER_RUN = 40;
const schema = answerDrawn(buildStockadeSchema());

type Variables = Record<string, unknown>;

function asked(text: string | DocumentNode, variables: Variables) {
  const document = typeof text === 'string' ? parse(text) : text;
  const operation = getOperationAST(document);
  if (!operation) throw new Error('No operation.');
  return { schema, document, operation, variables };
}

/** Everything that a client may see of a result, and its resolvers of a request, in its order. */
function seen(result: ExecutionResult, { calls }: Witness): string {
  const errors = result.errors?.map((error) => ({
    ...error.toJSON(),
    extensions: error.extensions,
    original: String(error.originalError),
  }));
  return JSON.stringify({ keys: Object.keys(result), data: result.data, errors, calls }, null, 1);
}

test(
  'a compiled operation answers as graphql-js does: data, errors, order, paths, extensions',
  async () => {
    const met = { compiled: 0, wrong: 0, errors: 0 };
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      const { text, calls } = drawOperation(schema, seed);
      const document = parse(text);
      fc.pre(validate(schema, document).length === 0);
      const compiled = new CompiledOperations(true);
      expect(compiled.execute(asked(document, calls[0]), null)).toBeNull();
      for (const [i, variables] of [...calls, calls[0]].entries()) {
        const ours: Witness = { seed: seed + i, calls: [] };
        const theirs: Witness = { seed: seed + i, calls: [] };
        const interpreted = await execute({
          ...{ schema, document },
          variableValues: variables,
          contextValue: theirs,
        });
        const result = await compiled.execute(asked(document, variables), ours);
        // Where an error makes everything null at once, other resolvers run on.
        await setImmediate();
        if (result === null) {
          met.wrong += 1;
          expect(interpreted).not.toHaveProperty('data');
          expect(interpreted.errors).not.toHaveLength(0);
          continue;
        }
        met.compiled += 1;
        if (result.errors) met.errors += 1;
        expect(seen(result, ours)).toBe(seen(interpreted, theirs));
      }
    });
    await fc.assert(property, { numRuns: RUNS });
    // What was drawn is worth the comparison.
    expect(met.compiled).toBeGreaterThan(RUNS);
    expect(met.wrong).toBeGreaterThan(RUNS / 20);
    expect(met.errors).toBeGreaterThan(RUNS / 20);
  },
  RUNS * MS_PER_RUN,
);

test('an operation is compiled at its second sighting, and switched off never', async () => {
  const on = new CompiledOperations(true);
  const off = new CompiledOperations(false);
  const again = parse('{ locations { id } }');
  const witness = { seed: 1, calls: [] };
  for (let i = 0; i < 3; i += 1) {
    await on.execute(asked(again, {}), witness);
    await off.execute(asked(again, {}), witness);
    await on.execute(asked('{ locations { name } }', {}), witness);
  }
  expect(on.stats()).toMatchObject({ compiled: 2, interpreted: { first: 4, off: 0 } });
  expect(off.stats()).toMatchObject({ compiled: 0, interpreted: { first: 0, off: 3 } });
  expect(on.stats().operations).toBe(1);
});

test('wrong variables are left to graphql-js: nothing runs', () => {
  const compiled = new CompiledOperations(true);
  const document = parse('query ($id: ID!) { product(id: $id) { id } }');
  const witness = { seed: 1, calls: [] };
  for (let i = 0; i < 2; i += 1) {
    expect(compiled.execute(asked(document, {}), witness)).toBeNull();
  }
  expect(compiled.stats().interpreted).toMatchObject({ first: 1, variables: 1 });
  expect(witness.calls).toEqual([]);
});

test('combinations of @skip and @include have plans up to a bound', async () => {
  const compiled = new CompiledOperations(true);
  const names = ['a', 'b', 'c', 'd'];
  const fields = names.map((name) => `${name}: __typename @include(if: $${name})`);
  const document = parse(
    `query (${names.map((name) => `$${name}: Boolean!`).join(', ')}) { ${fields.join(' ')} }`,
  );
  const witness = { seed: 1, calls: [] };
  const results: unknown[] = [];
  for (let bits = 0; bits < 16; bits += 1) {
    const variables = Object.fromEntries(names.map((name, i) => [name, ((bits >> i) & 1) === 1]));
    const result = await compiled.execute(asked(document, variables), witness);
    results.push(result && Object.keys(result.data ?? {}).join(''));
  }
  expect(results.slice(0, 9)).toEqual([null, 'a', 'b', 'ab', 'c', 'ac', 'bc', 'abc', 'd']);
  expect(compiled.stats()).toMatchObject({ compiled: 8, interpreted: { first: 1, conditions: 7 } });
});

test('the plans are bounded by the fields that they select, and the oldest ones go', async () => {
  const compiled = new CompiledOperations(true);
  const fields = Array.from({ length: 900 }, (_, i) => `f${i}: __typename`).join(' ');
  const witness = { seed: 1, calls: [] };
  for (let i = 0; i < 30; i += 1) {
    const document = parse(`query Q${i} { ${fields} }`);
    for (let j = 0; j < 2; j += 1) await compiled.execute(asked(document, {}), witness);
  }
  expect(compiled.stats()).toMatchObject({ compiled: 30, operations: 22 });
});

test.each([
  ['a default', 'query ($first: Int = 3) { products(first: $first) { nodes { id } } }', {}],
  [
    'a value for a list',
    'mutation ($i: DeductStockInput!) { deductStock(input: $i) { replayed } }',
    {
      i: { items: { productId: 'a', quantity: 1 } },
    },
  ],
  [
    'no value where none is needed',
    'query ($after: String) { products(after: $after) { nodes { id } } }',
    {},
  ],
])('%s is coerced as graphql-js does', async (_, text, variables) => {
  const compiled = new CompiledOperations(true, true);
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const ours: Witness = { seed: 1, calls: [] };
  const theirs: Witness = { seed: 1, calls: [] };
  const result = await compiled.execute(asked(document, variables), ours);
  if (!result) throw new Error('It was not compiled.');
  const interpreted = await execute({
    ...{ schema, document },
    variableValues: variables,
    contextValue: theirs,
  });
  expect(seen(result, ours)).toBe(seen(interpreted, theirs));
});

test('a variable that no plain object can hold is left to graphql-js', () => {
  const compiled = new CompiledOperations(true, true);
  const document = parse(
    'query ($__proto__: Int = 3) { products(first: $__proto__) { nodes { id } } }',
  );
  expect(compiled.execute(asked(document, {}), { seed: 1, calls: [] })).toBeNull();
});
