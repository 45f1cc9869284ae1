/** The API in a supergraph: composed with a catalogue by Apollo's composition, and joined to it by Apollo's gateway. */
import {
  ApolloServer,
  type ApolloServerOptionsWithGateway,
  type BaseContext,
} from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { parse, type DocumentNode, type GraphQLSchema } from 'graphql';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { post } from '../../support/graphql-client.js';
import { requireTool } from '../../support/tools-folder.js';
import { useApp } from '../../support/use-app.js';

/** The first run installs Apollo's packages. */
const INSTALL_TIMEOUT_MS = 360_000;

/** What the test uses of `@apollo/composition`, `@apollo/gateway` and `@apollo/subgraph`. */
interface Federation {
  readonly composeServices: (services: readonly object[]) => {
    readonly errors?: readonly Error[];
    readonly hints?: readonly object[];
    readonly supergraphSdl?: string;
  };
  readonly ApolloGateway: new (
    settings: object,
  ) => ApolloServerOptionsWithGateway<BaseContext>['gateway'];
  readonly RemoteGraphQLDataSource: new (settings: object) => object;
  readonly buildSubgraphSchema: (settings: {
    readonly typeDefs: DocumentNode;
    readonly resolvers: object;
  }) => GraphQLSchema;
}

interface GatewayRequest {
  readonly request: { readonly http?: { readonly headers: Map<string, string> } };
  readonly context: { readonly authorization?: string };
}

interface Product {
  readonly id: string;
  readonly title?: string;
  readonly available: number | null;
  readonly levels?: readonly object[];
}

interface Answer {
  readonly shelf?: readonly Product[];
  readonly _entities?: readonly unknown[];
  readonly _service?: { readonly sdl: string };
  readonly deductStock?: { readonly results: readonly object[] };
}

const CATALOGUE = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  type Query { shelf: [Product!]! }
  type Product @key(fields: "id") { id: ID! title: String! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
`;
const PRODUCTS = 100;

const app = useApp({ FEDERATION: 'true', AUTH: 'keys' });
const servers: ApolloServer[] = [];
let ids: string[];
let gatewayUrl: string;
let reader: { readonly authorization: string };
let seller: { readonly authorization: string };

async function serve(server: ApolloServer): Promise<string> {
  servers.push(server);
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
    // The gateway passes it on.
    context: ({ req }) => Promise.resolve({ authorization: req.headers.authorization }),
  });
  return url;
}

beforeAll(async () => {
  const names = ['@apollo/composition', '@apollo/gateway', '@apollo/subgraph'];
  const federation = Object.assign({}, ...names.map(requireTool)) as Federation;
  const { ApolloGateway, RemoteGraphQLDataSource, buildSubgraphSchema, composeServices } =
    federation;
  ids = await app.shop.newProducts(PRODUCTS, 10);
  reader = bearer(await newApiKey(app.database, 'reader', ['read']));
  seller = bearer(await newApiKey(app.database, 'seller', ['read', 'deduct']));
  const typeDefs = parse(CATALOGUE);
  const withTitle = ({ id }: { readonly id: string }) => ({ id, title: `Title of ${id}` });
  const resolvers = {
    Query: { shelf: () => ids.map((id) => withTitle({ id })) },
    Product: { __resolveReference: withTitle },
  };
  const catalogueUrl = await serve(
    new ApolloServer({
      schema: buildSubgraphSchema({ typeDefs, resolvers }),
      plugins: [ApolloServerPluginInlineTraceDisabled()],
    }),
  );
  const { data } = await ask(app.graphqlUrl, '{ _service { sdl } }', reader);
  const composed = composeServices([
    { name: 'catalogue', url: catalogueUrl, typeDefs },
    { name: 'stock', url: app.graphqlUrl, typeDefs: parse(data?._service?.sdl ?? '') },
  ]);
  expect(composed.errors).toBeUndefined();
  expect(composed.hints).toEqual([]);
  const gateway = new ApolloGateway({
    supergraphSdl: composed.supergraphSdl ?? '',
    buildService: ({ url }: { url?: string }) =>
      new RemoteGraphQLDataSource({
        url: url ?? '',
        willSendRequest: ({ request, context: { authorization } }: GatewayRequest) => {
          if (authorization !== undefined) {
            request.http?.headers.set('authorization', authorization);
          }
        },
      }),
  });
  gatewayUrl = await serve(new ApolloServer({ gateway }));
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

function ask(url: string, query: string, headers: Record<string, string> = {}, variables = {}) {
  return post<Answer>(url, JSON.stringify({ query, variables }), { headers });
}

test('a gateway joins the stock of a hundred products to their titles by one statement', async () => {
  const query = '{ shelf { id title available } }';
  // The second time the operation of the gateway is known.
  for (let i = 0; i < 3; i += 1) {
    app.statements.length = 0;
    const { data, errors } = await ask(gatewayUrl, query, reader);
    expect(errors).toBeUndefined();
    expect(data?.shelf).toHaveLength(PRODUCTS);
    expect(data?.shelf?.[99]).toEqual({
      id: ids[99],
      title: `Title of ${ids[99] ?? ''}`,
      available: 10,
    });
    const reads = app.statements.filter((sql) => !sql.includes('api_keys'));
    expect(reads).toHaveLength(1);
  }
  app.statements.length = 0;
  const { data } = await ask(gatewayUrl, '{ shelf { id levels { onHand } } }', reader);
  expect(data?.shelf?.[0]?.levels).toEqual([{ onHand: 10 }]);
  const reads = app.statements.filter((sql) => !sql.includes('api_keys'));
  expect(reads).toHaveLength(2);
});

test('a gateway deducts, and its readers see it', async () => {
  const [productId = ''] = ids;
  const mutation = `mutation ($input: DeductStockInput!) {
    deductStock(input: $input) { results { ... on DeductedItem { remaining product { title } } } }
  }`;
  const variables = { input: { items: [{ productId, quantity: 3 }] } };
  const { data } = await ask(gatewayUrl, mutation, seller, variables);
  expect(data?.deductStock?.results).toEqual([
    { remaining: 7, product: { title: `Title of ${productId}` } },
  ]);
  const read = await ask(gatewayUrl, '{ shelf { id available } }', reader);
  expect(read.data?.shelf?.[0]).toEqual({ id: productId, available: 7 });
  const refused = await ask(gatewayUrl, mutation, reader, variables);
  expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
});

test('without a key neither entities nor the SDL are to be had', async () => {
  const joined = await ask(gatewayUrl, '{ shelf { id available } }');
  expect(JSON.stringify(joined.errors)).toContain('UNAUTHENTICATED');
  const entities = `{ _entities(representations: [{ __typename: "Product", id: "${ids[0] ?? ''}" }]) { __typename } }`;
  for (const query of ['{ _service { sdl } }', entities]) {
    expect(await ask(app.graphqlUrl, query)).toMatchObject({ status: 401 });
    const writer = bearer(await newApiKey(app.database, `writer${query.length}`, ['deduct']));
    expect(await ask(app.graphqlUrl, query, writer)).toMatchObject({ status: 403 });
  }
});

const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Product { id available }
    ... on Location { name isDefault }
  }
}`;

function entities(representations: readonly unknown[]) {
  return ask(app.graphqlUrl, ENTITIES, reader, { representations });
}

test('entities come in the order of their keys, and null for what does not exist, on both ways', async () => {
  for (let i = 0; i < 3; i += 1) {
    const { data } = await entities([
      { __typename: 'Product', id: ids[1] },
      { __typename: 'Product', id: 'none' },
      { __typename: 'Location', id: 'default' },
      { __typename: 'Location', id: 'nowhere' },
    ]);
    expect(data?._entities).toMatchObject([
      { id: ids[1], available: 10 },
      null,
      { isDefault: true },
      null,
    ]);
  }
});

test('a representation without a known type or a key is refused alone', async () => {
  const { data, errors } = await entities([
    { __typename: 'Product', id: ids[1] },
    { __typename: 'Reservation', id: 'a' },
    { __typename: 'Product' },
    'Product',
  ]);
  expect(data?._entities).toMatchObject([{ id: ids[1] }, null, null, null]);
  expect(errors?.map(({ extensions, path }) => [extensions?.code, path])).toEqual([
    ['BAD_USER_INPUT', ['_entities', 1]],
    ['BAD_USER_INPUT', ['_entities', 2]],
    ['BAD_USER_INPUT', ['_entities', 3]],
  ]);
});

test('entities count against the page budget', async () => {
  const many = Array.from({ length: 1_001 }, (_, i) => ({ __typename: 'Product', id: `p${i}` }));
  app.statements.length = 0;
  const { status, errors } = await entities(many);
  expect({ status, errors }).toMatchObject({
    status: 400,
    errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
  });
  expect(app.statements.filter((sql) => !sql.includes('api_keys'))).toEqual([]);
});

test('without FEDERATION there are no entities', async () => {
  const plain = await app.startAnother({});
  const { errors } = await ask(plain.graphqlUrl, '{ _service { sdl } }');
  expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
});
