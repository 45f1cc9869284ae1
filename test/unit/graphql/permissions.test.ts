/** Deny by default: a root field without a scope is refused, in our schema and in any other. */
import 'reflect-metadata';
import {
  GraphQLInt,
  GraphQLObjectType,
  GraphQLSchema,
  execute,
  parse,
  subscribe,
  type ExecutionResult,
} from 'graphql';
import { SCOPES, toScopes, type Scope } from '../../../src/auth/principal.js';
import { guardRootFields, type Asker } from '../../../src/graphql/permissions.js';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';

const SCHEMA = buildStockadeSchema();

const WRITING: Readonly<Record<string, Scope>> = {
  createProduct: 'manage',
  createLocation: 'manage',
  updateProduct: 'manage',
  archiveProduct: 'manage',
  restoreProduct: 'manage',
  updateLocation: 'manage',
  increaseStock: 'manage',
  setStock: 'manage',
  transferStock: 'manage',
  deductStock: 'deduct',
  reserveStock: 'deduct',
  commitReservation: 'deduct',
  releaseReservation: 'deduct',
  extendReservation: 'deduct',
};

/** Queries that do not need `read`. The viewer is told to any principal. */
const READING: Readonly<Record<string, Scope | null>> = {
  viewer: null,
  fleet: 'manage',
  journey: 'manage',
};

test('every root field declares its scope: queries and subscriptions `read`, those about servers `manage`', () => {
  const roots = [SCHEMA.getQueryType(), SCHEMA.getMutationType(), SCHEMA.getSubscriptionType()];
  const fields = roots.flatMap((root) =>
    Object.values(root?.getFields() ?? {}).map((field) => ({
      name: `${root?.name ?? ''}.${field.name}`,
      scope: field.extensions.scope,
      due:
        root === SCHEMA.getMutationType()
          ? WRITING[field.name]
          : field.name in READING
            ? READING[field.name]
            : 'read',
    })),
  );
  expect(fields.length).toBeGreaterThan(5);
  for (const { name, scope, due } of fields) {
    expect([...SCOPES, null]).toContain(scope);
    expect(`${name} ${String(scope)}`).toBe(`${name} ${String(due)}`);
  }
});

describe('in any schema', () => {
  let ran: string[];

  beforeEach(() => {
    ran = [];
  });

  const field = (name: string, scope?: Scope) => ({
    type: GraphQLInt,
    extensions: scope ? { scope } : {},
    resolve: () => {
      ran.push(name);
      return 1;
    },
    subscribe: () => {
      ran.push(name);
      return (async function* () {
        yield await Promise.resolve({});
      })();
    },
  });
  const schema = guardRootFields(
    new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: { open: field('open', 'read'), forgotten: field('forgotten') },
      }),
      mutation: new GraphQLObjectType({
        name: 'Mutation',
        fields: { deduct: field('deduct', 'deduct') },
      }),
      subscription: new GraphQLObjectType({
        name: 'Subscription',
        fields: { changes: field('changes', 'read'), leaked: field('leaked') },
      }),
    }),
  );

  function asker(...scopes: Scope[]): Asker {
    return { principal: { name: 'shop', scopes: toScopes(scopes) }, needsPrincipal: true };
  }

  async function codes(text: string, contextValue: Asker): Promise<unknown[]> {
    const run = text.startsWith('subscription') ? subscribe : execute;
    const result = (await run({ schema, document: parse(text), contextValue })) as ExecutionResult;
    return (result.errors ?? []).map(
      (error) => (error.originalError as { code?: unknown } | undefined)?.code,
    );
  }

  test('runs what the scopes permit', async () => {
    expect(await codes('{ open }', asker('read'))).toEqual([]);
    expect(await codes('mutation { deduct }', asker('deduct'))).toEqual([]);
    expect(await codes('subscription { changes }', asker('read'))).toEqual([]);
    expect(ran).toEqual(['open', 'deduct', 'changes']);
  });

  test.each(['{ forgotten }', '{ open forgotten }', 'subscription { leaked }'])(
    'refuses %s to every principal and without authentication, and runs nothing of it',
    async (text) => {
      for (const context of [asker(...SCOPES), { principal: null, needsPrincipal: false }]) {
        const heard = await codes(text, context);
        expect(new Set(heard)).toEqual(new Set(['FORBIDDEN']));
      }
      expect(ran).toEqual([]);
    },
  );

  test.each(['{ open }', 'mutation { deduct }', 'subscription { changes }'])(
    'runs nothing of %s without a principal where one is needed, or with another scope',
    async (text) => {
      expect(await codes(text, { principal: null, needsPrincipal: true })).toEqual([
        'UNAUTHENTICATED',
      ]);
      expect(await codes(text, asker('manage'))).toEqual(['FORBIDDEN']);
      expect(ran).toEqual([]);
      expect(await codes(text, { principal: null, needsPrincipal: false })).toEqual([]);
    },
  );
});
