/** Methods, paths and headers, on a server that allows no other origin and on one that allows one. */
import {
  BLOCKED,
  BODY,
  CLOSES,
  JSON_TYPE,
  NOT_FOUND,
  NO_FORM,
  NO_JSON,
  NO_PRODUCT,
  get,
  notJson,
  post,
  send,
  typed,
  type RequestTable,
} from '../../../support/http-exchange.js';

export const SHOP = 'https://shop.example';
const EVIL = 'https://evil.example';
const LIVE = '200 {"live":true}';
const TEXT = { 'content-type': 'text/plain' };
const NO_METHOD = '405 BAD_REQUEST: Apollo Server supports only GET/POST requests.';
const ALLOWED = { allow: 'GET, POST' };
const NO_PREFLIGHT =
  '400 BAD_REQUEST: A preflight needs the headers Origin and Access-Control-Request-Method.';
const EXPOSED = {
  vary: 'Origin',
  'access-control-expose-headers': 'x-request-id, retry-after',
};
const READABLE = { ...EXPOSED, 'access-control-allow-origin': SHOP };
const PREFLIGHT = {
  vary: 'Origin, Access-Control-Request-Headers',
  'access-control-expose-headers': 'x-request-id, retry-after',
  'access-control-allow-methods': 'GET, POST',
  'access-control-max-age': '600',
};
const badPath = (path: string) =>
  `400 BAD_REQUEST: The path must be percent-encoded UTF-8; got ${path}`;
const asks = (origin: string) => ({ origin, 'access-control-request-method': 'POST' });

export const ROUTES: RequestTable = {
  'the method': [
    ['GET, as a form can send it', get('/graphql'), BLOCKED],
    ['GET of a page', get('/graphql', { accept: 'text/html' }), BLOCKED],
    ['HEAD', send('HEAD', '/graphql'), '400'],
    ['HEAD by no form', send('HEAD', '/graphql', NO_FORM), '405', ALLOWED],
    ['OPTIONS', send('OPTIONS', '/graphql'), NOT_FOUND],
    ['OPTIONS, a preflight', send('OPTIONS', '/graphql', asks(SHOP)), NOT_FOUND],
    ['PUT', send('PUT', '/graphql', JSON_TYPE, BODY), NO_METHOD, ALLOWED],
    ['PUT of text', send('PUT', '/graphql', TEXT, BODY), notJson('"text/plain"')],
    ['PATCH', send('PATCH', '/graphql', JSON_TYPE, BODY), NO_METHOD, ALLOWED],
    ['DELETE', send('DELETE', '/graphql'), BLOCKED],
    ['DELETE by no form', send('DELETE', '/graphql', NO_FORM), NO_METHOD, ALLOWED],
    ['DELETE with a body', send('DELETE', '/graphql', JSON_TYPE, BODY), NO_METHOD, ALLOWED],
    ['TRACE', send('TRACE', '/graphql'), NOT_FOUND],
    ['PROPFIND', send('PROPFIND', '/graphql'), NOT_FOUND],
    ['SEARCH with a body', send('SEARCH', '/graphql', JSON_TYPE, BODY), NOT_FOUND],
    ['PURGE of /live', send('PURGE', '/live'), NOT_FOUND],
    ['POST to /live', post('{}', {}, '/live'), NOT_FOUND],
    ['HEAD of /live', send('HEAD', '/live'), '200'],
    ['DELETE of /live', send('DELETE', '/live'), NOT_FOUND],
    ['OPTIONS of /live', send('OPTIONS', '/live'), NOT_FOUND],
    ['HEAD of /ready', send('HEAD', '/ready'), '200'],
    ['PUT to /ready', send('PUT', '/ready', JSON_TYPE, '{}'), NOT_FOUND],
    ['POST to /metrics', post('{}', {}, '/metrics'), NOT_FOUND],
  ],
  'the path': [
    ['/', get('/'), NOT_FOUND],
    ['/ by POST', post(BODY, {}, '/'), NOT_FOUND],
    ['/admin', get('/admin'), NOT_FOUND],
    ['/admin with text', send('POST', '/admin', TEXT, BODY), NOT_FOUND],
    ['/admin with broken JSON', post('{', {}, '/admin'), NOT_FOUND],
    ['/admin with more than 100 kB', post(' '.repeat(102_401), {}, '/admin'), NOT_FOUND],
    ['/graphql? with nothing', post(BODY, {}, '/graphql?'), NO_PRODUCT],
    ['/graphql? with a query', post(BODY, {}, '/graphql?query=%7Ba%7D'), NO_PRODUCT],
    ['/graphql?/x', post(BODY, {}, '/graphql?/x'), NO_PRODUCT],
    ['/graphql# with a fragment', post(BODY, {}, '/graphql#x'), NO_PRODUCT],
    ['/graphql with an escaped letter', post(BODY, {}, '/%67raphql'), NO_PRODUCT],
    ['/graphql/', post(BODY, {}, '/graphql/'), NOT_FOUND],
    ['//graphql', post(BODY, {}, '//graphql'), NOT_FOUND],
    ['/GraphQL', post(BODY, {}, '/GraphQL'), NOT_FOUND],
    ['/graphql/x', post(BODY, {}, '/graphql/x'), NOT_FOUND],
    ['/graphql;x=1', post(BODY, {}, '/graphql;x=1'), NOT_FOUND],
    ['/%2Fgraphql', post(BODY, {}, '/%2Fgraphql'), NOT_FOUND],
    ['/graphql%3Fx', post(BODY, {}, '/graphql%3Fx'), NOT_FOUND],
    ['/graphql%00', post(BODY, {}, '/graphql%00'), NOT_FOUND],
    ['/x/../graphql', post(BODY, {}, '/x/../graphql'), NOT_FOUND],
    ['/%c0%', get('/%c0%'), badPath('/%c0%')],
    ['/%ff', get('/%ff'), badPath('/%ff')],
    ['/graphql%', get('/graphql%'), badPath('/graphql%')],
    ['10,000 letters', get(`/${'x'.repeat(10_000)}`), NOT_FOUND],
    ['/live', get('/live'), LIVE],
    ['/live?x=%zz', get('/live?x=%zz'), LIVE],
    ['/live/', get('/live/'), NOT_FOUND],
    ['/live as an image', get('/live', { accept: 'image/png' }), LIVE],
    ['/favicon.ico', get('/favicon.ico'), NOT_FOUND],
  ],
  'another header': [
    ['a foreign origin', post(BODY, { origin: EVIL }), NO_PRODUCT],
    ['the origin null', post(BODY, { origin: 'null' }), NO_PRODUCT],
    ['a credential where none is needed', post(BODY, { authorization: 'Bearer x' }), NO_PRODUCT],
    ['X-HTTP-Method-Override', post(BODY, { 'x-http-method-override': 'DELETE' }), NO_PRODUCT],
    ['X-Original-URL', get('/live', { 'x-original-url': '/metrics' }), LIVE],
    ['X-Forwarded-Host', post(BODY, { 'x-forwarded-host': 'evil.example' }), NO_PRODUCT],
    ['Cookie', post(BODY, { cookie: 'a=b' }), NO_PRODUCT],
    ['Range', post(BODY, { range: 'bytes=0-1' }), NO_PRODUCT],
    ['Accept-Version', get('/live', { 'accept-version': '1.x' }), LIVE],
  ],
};

/** For a server whose CORS_ORIGINS has SHOP. */
export const OTHER_ORIGINS: RequestTable = {
  'a page of another origin': [
    [
      'asks for a header',
      send('OPTIONS', '/graphql', {
        ...asks(SHOP),
        'access-control-request-headers': 'content-type',
      }),
      '204',
      {
        ...PREFLIGHT,
        'access-control-allow-origin': SHOP,
        'access-control-allow-headers': 'content-type',
      },
    ],
    [
      'asks',
      send('OPTIONS', '/graphql', asks(SHOP)),
      '204',
      { ...PREFLIGHT, 'access-control-allow-origin': SHOP },
    ],
    ['that is not allowed asks', send('OPTIONS', '/graphql', asks(EVIL)), '204', PREFLIGHT],
    [
      'asks for a path that is not there',
      send('OPTIONS', '/nothing', asks(SHOP)),
      '204',
      { ...PREFLIGHT, 'access-control-allow-origin': SHOP },
    ],
    [
      'asks without its origin',
      send('OPTIONS', '/graphql', { 'access-control-request-method': 'POST' }),
      NO_PREFLIGHT,
    ],
    ['asks for no method', send('OPTIONS', '/graphql', { origin: SHOP }), NO_PREFLIGHT],
    ['sends a query', post(BODY, { origin: SHOP }), NO_PRODUCT, READABLE],
    ['that is not allowed sends a query', post(BODY, { origin: EVIL }), NO_PRODUCT, EXPOSED],
    [
      'sends a query with two origins',
      send(
        'POST',
        '/graphql',
        [
          ['content-type', 'application/json'],
          ['origin', SHOP],
          ['origin', EVIL],
        ],
        BODY,
      ),
      NO_PRODUCT,
      EXPOSED,
    ],
    ['sends broken JSON', post('{', { origin: SHOP }), NO_JSON, { ...READABLE, ...CLOSES }],
    ['sends text', post(BODY, { origin: SHOP, ...TEXT }), notJson('"text/plain"'), READABLE],
    ['reads a path that is not there', get('/nothing', { origin: SHOP }), NOT_FOUND, READABLE],
    ['reads /live', get('/live', { origin: SHOP }), LIVE, READABLE],
    ['reads a malformed path', get('/%ff', { origin: SHOP }), badPath('/%ff')],
  ],
  'no page': [
    ['sends a query', post(BODY), NO_PRODUCT, EXPOSED],
    ['sends a query with a charset', typed('application/json; charset=utf-8'), NO_PRODUCT, EXPOSED],
  ],
};
