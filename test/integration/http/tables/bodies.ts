/** Bodies: what they may be, and how each other one is refused. */
import { gzipSync } from 'node:zlib';
import {
  BODY,
  CLOSES,
  NO_FORM,
  NO_JSON,
  NO_PRODUCT,
  BLOCKED,
  QUERY,
  chunked,
  notJson,
  post,
  send,
  typed,
  type RequestRow,
  type RequestTable,
} from '../../../support/http-exchange.js';

const UTF_8 = 'application/json; charset=utf-8';
const VARIABLES = 'query P($id: ID!) { product(id: $id) { id } }';
const NO_KEYS =
  '400 BAD_REQUEST: POST body missing, invalid Content-Type, or JSON object has no keys.';
const NO_QUERY =
  '400 BAD_REQUEST: GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';
const NO_BATCH = '400 BAD_REQUEST: Operation batching disabled.';
const EMPTY = '400 BAD_REQUEST: The body is empty; send JSON with a "query".';
const NO_UTF_8 = '400 BAD_REQUEST: The body is not valid UTF-8.';
const POISONED =
  '400 BAD_REQUEST: The body is not valid JSON: Object contains forbidden prototype property.';

const accepted = (type: string): RequestRow => [type, typed(type), NO_PRODUCT];
const refused = (type: string): RequestRow => [type, typed(type), notJson(JSON.stringify(type))];
const encoded = (encoding: string, body: string | Buffer): RequestRow => [
  encoding,
  post(body, { 'content-encoding': encoding }),
  `415 BAD_REQUEST: The body must not be compressed; got Content-Encoding "${encoding}".`,
  CLOSES,
];
const tooLarge = (got: string) =>
  `413 BAD_REQUEST: The body must have at most 102,400 bytes; got ${got}.`;
const sized = (bytes: number) => BODY + ' '.repeat(bytes - BODY.length);
/** An operation with this id in its variables. */
const named = (...id: readonly (string | number)[]) =>
  Buffer.concat([
    Buffer.from(`{"query":"${VARIABLES}","variables":{"id":"`),
    ...id.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))),
    Buffer.from('"}}'),
  ]);

export const BODIES: RequestTable = {
  'a media type': [
    ...[
      'application/json',
      UTF_8,
      'application/json;charset=utf-8',
      'application/json; charset=UTF-8',
      'application/json; charset="utf-8"',
      'application/json ; charset=utf-8',
      'application/json; charset=iso-8859-1',
      'application/json; charset=utf-16',
      'application/json; charset=utf-8; charset=utf-16',
      'application/json; version=1',
      'application/json; charset',
      'application/json;',
      'Application/JSON',
    ].map(accepted),
    ...[
      'application/json, application/json',
      'application/json+x',
      'application/jsonp',
      'application/graphql',
      'application/graphql+json',
      'application/graphql-response+json',
      'text/json',
      'text/plain',
      'text/html',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
      'application/octet-stream',
      '*/*',
      'application/*',
      'application',
      '/;=',
      '',
    ].map(refused),
    ['none', send('POST', '/graphql', {}, BODY), notJson('none')],
    ['none, and no body', send('POST', '/graphql', {}, ''), BLOCKED],
    ['none, and no body, by no form', send('POST', '/graphql', NO_FORM, ''), NO_KEYS],
    [
      'text/plain by no form',
      post(BODY, { ...NO_FORM, 'content-type': 'text/plain' }),
      notJson('"text/plain"'),
    ],
    [
      'JSON, and text/plain in a second header',
      send(
        'POST',
        '/graphql',
        [
          ['content-type', 'application/json'],
          ['content-type', 'text/plain'],
        ],
        BODY,
      ),
      notJson('"application/json, text/plain"'),
    ],
    [
      'text/plain, and JSON in a second header',
      send(
        'POST',
        '/graphql',
        [
          ['content-type', 'text/plain'],
          ['content-type', 'application/json'],
        ],
        BODY,
      ),
      notJson('"text/plain, application/json"'),
    ],
  ],
  'a content encoding': [
    ['identity', post(BODY, { 'content-encoding': 'identity' }), NO_PRODUCT],
    encoded('IDENTITY', BODY),
    encoded('gzip', gzipSync(BODY)),
    encoded('x-gzip', gzipSync(BODY)),
    encoded('GZIP', BODY),
    encoded('deflate', BODY),
    encoded('br', BODY),
    encoded('zstd', BODY),
    encoded('identity, gzip', BODY),
    encoded('rot13', BODY),
    encoded('', BODY),
    [
      'gzip of 20 MB in 20 kB',
      post(gzipSync(Buffer.alloc(20_000_000, ' ')), { 'content-encoding': 'gzip' }),
      '415 BAD_REQUEST: The body must not be compressed; got Content-Encoding "gzip".',
      CLOSES,
    ],
  ],
  'a body': [
    ['of exactly 100 kB', post(sized(102_400)), NO_PRODUCT],
    ['of one byte more', post(sized(102_401)), tooLarge('102401'), CLOSES],
    ['of one byte more, with a charset', typed(UTF_8, sized(102_401)), tooLarge('102401'), CLOSES],
    ['of one byte more, of text', typed('text/plain', sized(102_401)), notJson('"text/plain"')],
    ['of 1 MB', post(sized(1_000_000)), tooLarge('1000000'), CLOSES],
    ['in chunks', chunked(BODY), NO_PRODUCT],
    ['of exactly 100 kB in chunks', chunked(sized(102_400)), NO_PRODUCT],
    ['of one byte more in chunks', chunked(sized(102_401)), tooLarge('more'), CLOSES],
    ['of 1 MB in chunks', chunked(sized(1_000_000)), tooLarge('more'), CLOSES],
    ['of no bytes', post(''), EMPTY, CLOSES],
    ['of no bytes in chunks', chunked(''), EMPTY, CLOSES],
    ['of no bytes, with a charset', typed(UTF_8, ''), EMPTY, CLOSES],
  ],
  'a body of JSON': [
    ['an empty object', post('{}'), NO_KEYS],
    ['an object without a query', post('{"variables":{}}'), NO_QUERY],
    ['unknown members', post(JSON.stringify({ query: QUERY, unknown: 1 })), NO_PRODUCT],
    ['white space around an object', post(`\r\n\t ${BODY} \n`), NO_PRODUCT],
    ['a byte order mark', post(`\uFEFF${BODY}`), NO_PRODUCT],
    ['a query twice', post(`{"query":"{ a }","query":${JSON.stringify(QUERY)}}`), NO_PRODUCT],
    ['a batch of one', post(`[${BODY}]`), NO_BATCH],
    ['a batch of two', post(`[${BODY},${BODY}]`), NO_BATCH],
    ['an empty batch', post('[]'), NO_BATCH],
    ['a batch in a batch', post(`[[${BODY}]]`), NO_BATCH],
    ['10,000 lists, one in another', post('['.repeat(10_000) + ']'.repeat(10_000)), NO_BATCH],
    ['a number', post('1'), NO_KEYS],
    ['a string', post('"{ product }"'), NO_KEYS],
    ['null', post('null'), NO_KEYS],
    ['true', post('true'), NO_KEYS],
    ['half of an object', post(BODY.slice(0, 20)), NO_JSON, CLOSES],
    ['a letter behind an object', post(`${BODY}x`), NO_JSON, CLOSES],
    ['two objects', post(`${BODY}${BODY}`), NO_JSON, CLOSES],
    ['white space alone', post('  '), NO_JSON, CLOSES],
    ['a comma too many', post(`{"query":${JSON.stringify(QUERY)},}`), NO_JSON, CLOSES],
    ['single quotes', post("{'query':'{ __typename }'}"), NO_JSON, CLOSES],
    ['a comment', post(`/* */${BODY}`), NO_JSON, CLOSES],
    ['NaN', post('{"query":NaN}'), NO_JSON, CLOSES],
    ['a line break in a string', post('{"query":"{ __typename\n}"}'), NO_JSON, CLOSES],
    ['an unknown escape', post('{"query":"\\x"}'), NO_JSON, CLOSES],
    ['a form', post('query={ __typename }'), NO_JSON, CLOSES],
    ['__proto__', post('{"query":"{ a }","variables":{"__proto__":{"a":1}}}'), POISONED, CLOSES],
    [
      '__proto__ with an escape',
      post('{"query":"{ a }","variables":{"\\u005f_proto__":{"a":1}}}'),
      POISONED,
      CLOSES,
    ],
    [
      'constructor.prototype',
      post('{"query":"{ a }","variables":{"constructor":{"prototype":{"a":1}}}}'),
      POISONED,
      CLOSES,
    ],
    [
      '__proto__ in a string',
      post(JSON.stringify({ query: VARIABLES, variables: { id: '"__proto__":' } })),
      NO_PRODUCT,
    ],
    [
      'constructor without prototype',
      post(JSON.stringify({ query: QUERY, variables: { constructor: 1 } })),
      NO_PRODUCT,
    ],
  ],
  'a body of UTF-8': [
    ['a character of two bytes', post(named('ü')), NO_PRODUCT],
    ['a character of four bytes', post(named('😀')), NO_PRODUCT],
    ['an escaped character', post(named('\\u00fc')), NO_PRODUCT],
    ['half of a surrogate pair, escaped', post(named('\\ud800')), NO_PRODUCT],
    ['NUL, escaped', post(named('\\u0000')), NO_PRODUCT],
    ['NUL', post(named(0)), NO_JSON, CLOSES],
    ['an invalid byte', post(named(0xff)), NO_UTF_8, CLOSES],
    ['an invalid byte, with a charset', typed(UTF_8, named(0xff)), NO_UTF_8, CLOSES],
    ['an invalid byte, in chunks', chunked(named(0xff)), NO_UTF_8, CLOSES],
    ['a continuation byte alone', post(named(0x80)), NO_UTF_8, CLOSES],
    ['the first byte of two alone', post(named(0xc3)), NO_UTF_8, CLOSES],
    ['an overlong form', post(named(0xc0, 0xaf)), NO_UTF_8, CLOSES],
    ['half of a surrogate pair', post(named(0xed, 0xa0, 0x80)), NO_UTF_8, CLOSES],
    ['a code point beyond Unicode', post(named(0xf4, 0x90, 0x80, 0x80)), NO_UTF_8, CLOSES],
    [
      'Latin-1 that says so',
      typed('application/json; charset=iso-8859-1', named(0xfc)),
      NO_UTF_8,
      CLOSES,
    ],
    ['UTF-16', post(Buffer.from(BODY, 'utf16le')), NO_JSON, CLOSES],
  ],
};
