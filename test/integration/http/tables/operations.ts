/** Operations by POST and by GET, and the media types in which they are answered. */
import {
  BLOCKED,
  BODY,
  CLOSES,
  JSON_TYPE,
  NO_FORM,
  NO_JSON,
  NO_PRODUCT,
  QUERY,
  asked,
  askedByGet,
  get,
  post,
  send,
  type RequestRow,
  type RequestTable,
} from '../../../support/http-exchange.js';

const VARIABLES = 'query P($id: ID!) { product(id: $id) { id } }';
const TWO = 'query A { a: product(id: "a") { id } } query B { b: product(id: "b") { id } }';
const MUTATION = 'mutation { createProduct(input: {id: "x", name: "X"}) { __typename } }';
const DEDUCT = 'mutation D($input: DeductStockInput!) { deductStock(input: $input) { replayed } }';
const GRAPHQL = 'application/graphql-response+json';
const IN_GRAPHQL = { 'content-type': `${GRAPHQL}; charset=utf-8` };
const NO_QUERY =
  '400 BAD_REQUEST: GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';
const NO_VARIABLE = '400 BAD_USER_INPUT: Variable "$id" of required type "ID!" was not provided.';
const NO_GRAPHQL = '400 GRAPHQL_PARSE_FAILED: Syntax Error: Expected Name, found <EOF>.';
const NO_TYPE =
  '415 BAD_REQUEST: GET requests may not have a content-type header other than application/json.';
const NOT_ACCEPTABLE = "406 BAD_REQUEST: An 'accept' header was provided for this request which…";

const noObject = (member: string) =>
  `400 BAD_REQUEST: \`${member}\` in a POST body must be an object if provided.`;
const aString = (member: string) =>
  `400 BAD_REQUEST: \`${member}\` in a POST body should be provided as an object, not a…`;
const acceptedAs = (accept: string): RequestRow => [accept, post(BODY, { accept }), NO_PRODUCT];
const notAcceptable = (accept: string): RequestRow => [
  accept,
  post(BODY, { accept }),
  NOT_ACCEPTABLE,
];

export const OPERATIONS: RequestTable = {
  'by POST': [
    ['variables', asked(VARIABLES, { variables: { id: 'no-such-product' } }), NO_PRODUCT],
    [
      'null for each member that may be left out',
      asked(QUERY, { variables: null, operationName: null, extensions: null }),
      NO_PRODUCT,
    ],
    ['a variable left out', asked(VARIABLES), NO_VARIABLE],
    [
      'a variable of the wrong type',
      asked(VARIABLES, { variables: { id: {} } }),
      '400 BAD_USER_INPUT: Variable "$id" got invalid value {}; ID cannot represent value: {}',
    ],
    ['a variable too many', asked(QUERY, { variables: { id: 'no-such-product' } }), NO_PRODUCT],
    ['variables as a string', asked(VARIABLES, { variables: '{}' }), aString('variables')],
    ['variables as a list', asked(VARIABLES, { variables: ['a'] }), noObject('variables')],
    ['extensions as a string', asked(QUERY, { extensions: '{}' }), aString('extensions')],
    ['extensions as a list', asked(QUERY, { extensions: [] }), noObject('extensions')],
    [
      'a persisted query',
      post('{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}'),
      '200 PERSISTED_QUERY_NOT_FOUND: PersistedQueryNotFound',
      { 'cache-control': 'private, no-cache, must-revalidate' },
    ],
    [
      'a name that is a number',
      asked(QUERY, { operationName: 1 }),
      '400 BAD_REQUEST: `operationName` in a POST body must be a string if provided.',
    ],
    ['the name of one of two', asked(TWO, { operationName: 'B' }), '200 {"data":{"b":null}}'],
    [
      'two operations and no name',
      asked(TWO),
      '400 OPERATION_RESOLUTION_FAILURE: Must provide operation name if query contains multiple operations.',
    ],
    [
      'two operations and the name of a third',
      asked(TWO, { operationName: 'C' }),
      '400 OPERATION_RESOLUTION_FAILURE: Unknown operation named "C".',
    ],
    ['an empty query', asked(''), NO_QUERY],
    ['a query of null', asked(null), NO_QUERY],
    [
      'a query of white space',
      asked(' '),
      '400 GRAPHQL_PARSE_FAILED: Syntax Error: Unexpected <EOF>.',
    ],
    ['a query of 1', asked(1), '400 BAD_REQUEST: GraphQL queries must be strings.'],
    [
      'a parsed query',
      asked({ kind: 'Document', definitions: [] }),
      "400 BAD_REQUEST: GraphQL queries must be strings. It looks like you're sending the…",
    ],
    [
      'a mutation',
      asked(DEDUCT, {
        variables: { input: { items: [{ productId: 'no-such-product', quantity: 1 }] } },
      }),
      '200 {"data":{"deductStock":{"replayed":false}}}',
    ],
    [
      'a mutation without lines',
      asked(DEDUCT, { variables: { input: { items: [] } } }),
      '200 BAD_USER_INPUT: …',
    ],
    ['no GraphQL', asked('{'), NO_GRAPHQL],
    [
      'a misspelt field',
      asked('{ produkt(id: "a") { id } }'),
      '400 GRAPHQL_VALIDATION_FAILED: Cannot query field "produkt" on type "Query".',
    ],
    ['a subscription', asked('subscription { stockChanged { __typename } }'), '400 BAD_REQUEST: …'],
    [
      'introspection',
      asked('{ __schema { queryType { name } } }'),
      '400 GRAPHQL_VALIDATION_FAILED: GraphQL introspection is not allowed by Apollo Server…',
    ],
  ],
  'by GET': [
    ['by no form', askedByGet({ query: QUERY }), NO_PRODUCT],
    [
      'with its name in a header',
      askedByGet({ query: QUERY }, { 'x-apollo-operation-name': 'P' }),
      NO_PRODUCT,
    ],
    ['of JSON', askedByGet({ query: QUERY }, JSON_TYPE), NO_PRODUCT],
    [
      'of JSON with a charset',
      askedByGet({ query: QUERY }, { 'content-type': 'application/json; charset=utf-8' }),
      NO_PRODUCT,
    ],
    ['as a form can send it', askedByGet({ query: QUERY }, {}), BLOCKED],
    [
      'with an empty header',
      askedByGet({ query: QUERY }, { 'apollo-require-preflight': '' }),
      BLOCKED,
    ],
    ['of text', askedByGet({ query: QUERY }, { 'content-type': 'text/plain' }), BLOCKED],
    [
      'of text, by no form',
      askedByGet({ query: QUERY }, { ...NO_FORM, 'content-type': 'text/plain' }),
      NO_TYPE,
    ],
    ['of nonsense', askedByGet({ query: QUERY }, { 'content-type': '/;=' }), NO_TYPE],
    [
      'of application/graphql',
      askedByGet({ query: QUERY }, { 'content-type': 'application/graphql' }),
      NO_TYPE,
    ],
    [
      'with + for a space',
      get('/graphql?query=%7B+a:+__typename+%7D', NO_FORM),
      '200 {"data":{"a":"Query"}}',
    ],
    [
      'with %20 for a space',
      get('/graphql?query=%7B%20__typename%7D', NO_FORM),
      '200 {"data":{"__typename":"Query"}}',
    ],
    ['with variables', askedByGet({ query: VARIABLES, variables: '{"id":"a"}' }), NO_PRODUCT],
    [
      'with variables of no JSON',
      askedByGet({ query: VARIABLES, variables: '{"id"' }),
      '400 BAD_REQUEST: The variables search parameter contains invalid JSON.',
    ],
    [
      'with variables in a list',
      askedByGet({ query: VARIABLES, variables: '["a"]' }),
      '400 BAD_REQUEST: The variables search parameter should contain a JSON-encoded object.',
    ],
    [
      'with extensions of no JSON',
      askedByGet({ query: QUERY, extensions: '{' }),
      '400 BAD_REQUEST: The extensions search parameter contains invalid JSON.',
    ],
    [
      'with a query twice',
      askedByGet('query={a}&query={b}'),
      "400 BAD_REQUEST: The 'query' search parameter may only be specified once.",
    ],
    [
      'with the name of one of two',
      askedByGet({ query: TWO, operationName: 'A' }),
      '200 {"data":{"a":null}}',
    ],
    ['with an empty query', askedByGet({ query: '' }), NO_QUERY],
    ['with no query', get('/graphql', NO_FORM), NO_QUERY],
    [
      'of a mutation',
      askedByGet({ query: MUTATION }),
      '405 BAD_REQUEST: GET requests only support query operations, not mutation operations',
      { allow: 'POST' },
    ],
    [
      'with a broken escape',
      get('/graphql?query=%zz', NO_FORM),
      '400 GRAPHQL_PARSE_FAILED: Syntax Error: Unexpected character: "%".',
    ],
    [
      'with a body, which is ignored',
      send('GET', `/graphql?query=${encodeURIComponent(QUERY)}`, JSON_TYPE, '{"query":"{ a }"}'),
      NO_PRODUCT,
    ],
    [
      'by HEAD',
      send('HEAD', `/graphql?query=${encodeURIComponent(QUERY)}`, NO_FORM),
      '405',
      { allow: 'GET, POST' },
    ],
  ],
  'accepted as': [
    ['nothing in particular', post(BODY), NO_PRODUCT],
    ...[
      '*/*',
      'application/json',
      'Application/JSON',
      `${GRAPHQL};q=0.5, application/json;q=0.9`,
      'application/*',
      'application/json; charset=utf-8',
      'image/png, */*;q=0.1',
      '',
    ].map(acceptedAs),
    [GRAPHQL, post(BODY, { accept: GRAPHQL }), NO_PRODUCT, IN_GRAPHQL],
    ['both', post(BODY, { accept: `${GRAPHQL}, application/json` }), NO_PRODUCT, IN_GRAPHQL],
    ...['application/json;q=0', 'image/png', 'text/html', ';;;'].map(notAcceptable),
    [
      `${GRAPHQL}, and the query is wrong`,
      post('{"query":"{"}', { accept: GRAPHQL }),
      NO_GRAPHQL,
      IN_GRAPHQL,
    ],
    [
      `${GRAPHQL}, and a variable is wrong`,
      post(JSON.stringify({ query: VARIABLES }), { accept: GRAPHQL }),
      NO_VARIABLE.replace('400', '422'),
      IN_GRAPHQL,
    ],
    [
      `${GRAPHQL}, and there is no query`,
      post('{"variables":{}}', { accept: GRAPHQL }),
      NO_QUERY.replace('400', '422'),
      IN_GRAPHQL,
    ],
    [`${GRAPHQL}, and there is no JSON`, post('{', { accept: GRAPHQL }), NO_JSON, CLOSES],
    [
      'image/png, and the query is wrong',
      post('{"query":"{"}', { accept: 'image/png' }),
      NOT_ACCEPTABLE,
    ],
  ],
};
