/**
 * Requests as raw bytes and all answers to them, in order. `close` stands where an answer closes the connection. Behind
 * all other bytes the test sends one more request and expects its answer: the server must agree where the bytes end.
 */
import { BODY, NOT_FOUND, NO_PRODUCT, notJson } from '../../../support/http-exchange.js';

export type FramingRow = readonly [
  title: string,
  bytes: string,
  answers: readonly string[],
  /** The client sends nothing more, and says so. */
  ends?: 'ends',
];

const LIVE = '200 {"live":true}';
const LAST_LIVE = '200 close {"live":true}';
const LAST_PRODUCT = NO_PRODUCT.replace('200', '200 close');
const MALFORMED = '400 close BAD_REQUEST: The request is not well-formed HTTP/1.1: …';
const NOT_JSON = '400 close BAD_REQUEST: The body is not valid JSON: …';
const EMPTY = '400 close BAD_REQUEST: The body is empty; send JSON with a "query".';
const HEADERS_TOO_LARGE = '431 close BAD_REQUEST: Headers must have at most 16,384 bytes together.';
const onlyChunked = (coding: string) =>
  `501 close BAD_REQUEST: The only Transfer-Encoding is chunked; got ${JSON.stringify(coding)}.`;
const noVersion = (version: string) =>
  `505 close BAD_REQUEST: This server speaks HTTP/1.1; got HTTP/${version}.`;
const hosts = (count: number) =>
  `400 close BAD_REQUEST: A request needs exactly one Host header; got ${count}.`;
/** The parser of Node 20 is stricter about the one and leaves the other to `framing.ts`. */
const OLD_PARSER = process.versions.node.startsWith('20.');

const N = BODY.length;
const HEX = N.toString(16);
const LENGTH = `Content-Length: ${N}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const CHUNKS = `${HEX}\r\n${BODY}\r\n0\r\n\r\n`;
const HEAD = 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
const INNER = 'GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n';
const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
const posted = (headers: string, body = BODY) => `${HEAD}${headers}\r\n${body}`;
const asked = (line: string, headers = 'Host: a\r\n') => `${line}\r\n${headers}\r\n`;

export const FRAMINGS: Readonly<Record<string, readonly FramingRow[]>> = {
  'Content-Length': [
    ['the length of the body', posted(LENGTH), [NO_PRODUCT]],
    ['0', posted('Content-Length: 0\r\n', ''), [EMPTY]],
    ['leading zeros', posted(`Content-Length: 000${N}\r\n`), [NO_PRODUCT]],
    [
      'white space around it',
      posted(`Content-Length: \t ${N} \t\r\n`),
      [OLD_PARSER ? MALFORMED : NO_PRODUCT],
    ],
    ['twice the same', posted(LENGTH + LENGTH), [MALFORMED]],
    ['twice, different', posted(`Content-Length: 5\r\n${LENGTH}`), [MALFORMED]],
    ['a list of the same', posted(`Content-Length: ${N}, ${N}\r\n`), [MALFORMED]],
    ['a list of different ones', posted(`Content-Length: 5, ${N}\r\n`), [MALFORMED]],
    ['negative', posted('Content-Length: -1\r\n'), [MALFORMED]],
    ['with a plus', posted(`Content-Length: +${N}\r\n`), [MALFORMED]],
    ['hexadecimal', posted(`Content-Length: 0x${HEX}\r\n`), [MALFORMED]],
    ['with a fraction', posted(`Content-Length: ${N}.0\r\n`), [MALFORMED]],
    ['with an exponent', posted('Content-Length: 1e3\r\n'), [MALFORMED]],
    ['a word', posted('Content-Length: many\r\n'), [MALFORMED]],
    ['empty', posted('Content-Length:\r\n'), [MALFORMED]],
    ['two numbers with a space', posted(`Content-Length: ${N} ${N}\r\n`), [MALFORMED]],
    ['more than 64 bits', posted('Content-Length: 99999999999999999999\r\n'), [MALFORMED]],
    [
      '2^53 and more',
      posted('Content-Length: 9007199254740993\r\n'),
      ['413 close BAD_REQUEST: The body must have at most 102,400 bytes; got 9007199254740993.'],
    ],
    ['too small', posted('Content-Length: 5\r\n'), [NOT_JSON]],
    ['too large', posted(`Content-Length: ${N + 1}\r\n`), [MALFORMED], 'ends'],
    ['none', posted(''), [EMPTY]],
  ],
  'Transfer-Encoding': [
    ['chunked', posted(CHUNKED, CHUNKS), [NO_PRODUCT]],
    ['chunked in capitals', posted('Transfer-Encoding: CHUNKED\r\n', CHUNKS), [NO_PRODUCT]],
    ['chunked, with a length', posted(LENGTH + CHUNKED, CHUNKS), [MALFORMED]],
    ['chunked, with a length behind it', posted(CHUNKED + LENGTH, CHUNKS), [MALFORMED]],
    ['chunked, with a length of 0', posted(`Content-Length: 0\r\n${CHUNKED}`, CHUNKS), [MALFORMED]],
    ['chunked twice', posted(CHUNKED + CHUNKED, CHUNKS), [MALFORMED]],
    ['chunked, chunked', posted('Transfer-Encoding: chunked, chunked\r\n', CHUNKS), [MALFORMED]],
    [
      'gzip, chunked',
      posted('Transfer-Encoding: gzip, chunked\r\n', CHUNKS),
      [onlyChunked('gzip, chunked')],
    ],
    [
      'gzip and chunked in two lines',
      posted(`Transfer-Encoding: gzip\r\n${CHUNKED}`, CHUNKS),
      [onlyChunked('gzip, chunked')],
    ],
    ['chunked, gzip', posted('Transfer-Encoding: chunked, gzip\r\n', CHUNKS), [MALFORMED]],
    ['identity', posted('Transfer-Encoding: identity\r\n'), [onlyChunked('identity')]],
    ['identity, with a length', posted(`Transfer-Encoding: identity\r\n${LENGTH}`), [MALFORMED]],
    ['unknown', posted('Transfer-Encoding: cow\r\n', CHUNKS), [onlyChunked('cow')]],
    ['xchunked', posted('Transfer-Encoding: xchunked\r\n', CHUNKS), [onlyChunked('xchunked')]],
    ['chunkedx', posted('Transfer-Encoding: chunkedx\r\n', CHUNKS), [onlyChunked('chunkedx')]],
    ['quoted', posted('Transfer-Encoding: "chunked"\r\n', CHUNKS), [onlyChunked('"chunked"')]],
    ['empty', posted('Transfer-Encoding:\r\n', CHUNKS), [OLD_PARSER ? onlyChunked('') : MALFORMED]],
    [
      'a vertical tab before chunked',
      posted('Transfer-Encoding: \x0bchunked\r\n', CHUNKS),
      [MALFORMED],
    ],
    ['a space before the colon', posted('Transfer-Encoding : chunked\r\n', CHUNKS), [MALFORMED]],
    ['a comma at the end', posted('Transfer-Encoding: chunked,\r\n', CHUNKS), [MALFORMED]],
    [
      'chunked in HTTP/1.0',
      `POST /graphql HTTP/1.0\r\nHost: a\r\nContent-Type: application/json\r\n${CHUNKED}\r\n${CHUNKS}`,
      ['400 close BAD_REQUEST: HTTP/1.0 has no Transfer-Encoding; send a Content-Length.'],
    ],
  ],
  'a body in chunks': [
    [
      'in two pieces',
      posted(
        CHUNKED,
        `5\r\n${BODY.slice(0, 5)}\r\n${(N - 5).toString(16)}\r\n${BODY.slice(5)}\r\n0\r\n\r\n`,
      ),
      [NO_PRODUCT],
    ],
    [
      'a size in capitals',
      posted(CHUNKED, `${HEX.toUpperCase()}\r\n${BODY}\r\n0\r\n\r\n`),
      [NO_PRODUCT],
    ],
    [
      'a size with zeros before it',
      posted(CHUNKED, `0000${HEX}\r\n${BODY}\r\n000\r\n\r\n`),
      [NO_PRODUCT],
    ],
    ['an extension', posted(CHUNKED, `${HEX};name=value\r\n${BODY}\r\n0\r\n\r\n`), [NO_PRODUCT]],
    [
      'a quoted extension',
      posted(CHUNKED, `${HEX};name="a;b"\r\n${BODY}\r\n0\r\n\r\n`),
      [NO_PRODUCT],
    ],
    [
      'an extension without a name',
      posted(CHUNKED, `${HEX};=x\r\n${BODY}\r\n0\r\n\r\n`),
      [NO_PRODUCT],
    ],
    ['a bare LF in an extension', posted(CHUNKED, `${HEX};a\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    [
      'extensions of 20 kB',
      posted(CHUNKED, `${HEX};a=${'x'.repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`),
      [MALFORMED],
    ],
    ['a space behind the size', posted(CHUNKED, `${HEX} \r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['a space before the size', posted(CHUNKED, ` ${HEX}\r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['a size of 0x', posted(CHUNKED, `0x${HEX}\r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['a negative size', posted(CHUNKED, `-${HEX}\r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    [
      'a size of more than 64 bits',
      posted(CHUNKED, `1${'0'.repeat(16)}${HEX}\r\n${BODY}\r\n0\r\n\r\n`),
      [MALFORMED],
    ],
    ['an empty size', posted(CHUNKED, `\r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['a size that is a word', posted(CHUNKED, `zz\r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['a bare LF behind the size', posted(CHUNKED, `${HEX}\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['a bare LF behind the data', posted(CHUNKED, `${HEX}\r\n${BODY}\n0\r\n\r\n`), [MALFORMED]],
    ['more data than its size', posted(CHUNKED, `5\r\n${BODY}\r\n0\r\n\r\n`), [MALFORMED]],
    ['no last chunk', posted(CHUNKED, `${HEX}\r\n${BODY}\r\n`), [MALFORMED], 'ends'],
    [
      'a last chunk without its empty line',
      posted(CHUNKED, `${HEX}\r\n${BODY}\r\n0\r\n`),
      [MALFORMED],
      'ends',
    ],
    ['a trailer', posted(CHUNKED, `${HEX}\r\n${BODY}\r\n0\r\nX-Sum: 1\r\n\r\n`), [NO_PRODUCT]],
    [
      'a trailer that is announced',
      posted(`Trailer: X-Sum\r\n${CHUNKED}`, `${HEX}\r\n${BODY}\r\n0\r\nX-Sum: 1\r\n\r\n`),
      [NO_PRODUCT],
    ],
    [
      'a length as a trailer',
      posted(CHUNKED, `${HEX}\r\n${BODY}\r\n0\r\nContent-Length: 5\r\n\r\n`),
      [MALFORMED],
    ],
    [
      'a credential as a trailer',
      posted(CHUNKED, `${HEX}\r\n${BODY}\r\n0\r\nAuthorization: Bearer x\r\n\r\n`),
      [NO_PRODUCT],
    ],
    [
      'a broken trailer',
      posted(CHUNKED, `${HEX}\r\n${BODY}\r\n0\r\nno colon\r\n\r\n`),
      [MALFORMED],
    ],
    [
      'trailers of 20 kB',
      posted(CHUNKED, `${HEX}\r\n${BODY}\r\n0\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
      [HEADERS_TOO_LARGE],
    ],
  ],
  'a request line': [
    ['GET', asked('GET /live HTTP/1.1'), [LIVE]],
    ['an empty line before it', `\r\n${asked('GET /live HTTP/1.1')}`, [LIVE]],
    ['a bare LF before it', `\n${asked('GET /live HTTP/1.1')}`, [LIVE]],
    ['a method in small letters', asked('get /live HTTP/1.1'), [MALFORMED]],
    ['an unknown method', asked('FETCH /live HTTP/1.1'), [MALFORMED]],
    ['two spaces', asked('GET  /live HTTP/1.1'), [LIVE]],
    ['two spaces before the version', asked('GET /live  HTTP/1.1'), [LIVE]],
    ['a tab', asked('GET\t/live HTTP/1.1'), [MALFORMED]],
    ['a space at its end', asked('GET /live HTTP/1.1 '), [MALFORMED]],
    ['a space in its path', asked('GET /li ve HTTP/1.1'), [MALFORMED]],
    ['no path', asked('GET HTTP/1.1'), [MALFORMED]],
    ['no version', asked('GET /live'), [noVersion('0.9')]],
    ['HTTP/0.9', asked('GET /live HTTP/0.9'), [noVersion('0.9')]],
    ['HTTP/1.0', asked('GET /live HTTP/1.0'), [LAST_LIVE]],
    ['HTTP/1.0 without a host', asked('GET /live HTTP/1.0', ''), [LAST_LIVE]],
    [
      'HTTP/1.0 that keeps the connection',
      asked('GET /live HTTP/1.0', 'Connection: keep-alive\r\n'),
      [LIVE],
    ],
    [
      'a POST in HTTP/1.0',
      `POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\n${LENGTH}\r\n${BODY}`,
      [LAST_PRODUCT],
    ],
    [
      'a POST in HTTP/1.0 without a length',
      `POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\n\r\n${BODY}`,
      [EMPTY],
    ],
    ['HTTP/1.2', asked('GET /live HTTP/1.2'), [MALFORMED]],
    ['HTTP/2.0', asked('GET /live HTTP/2.0'), [noVersion('2.0')]],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [MALFORMED]],
    ['http/1.1', asked('GET /live http/1.1'), [MALFORMED]],
    ['HTTP/1.10', asked('GET /live HTTP/1.10'), [MALFORMED]],
    ['an absolute URL', asked('GET http://a/live HTTP/1.1'), [LIVE]],
    [
      'an absolute URL of the API',
      posted(LENGTH).replace('/graphql', 'http://a/graphql'),
      [NO_PRODUCT],
    ],
    ['an absolute URL of another host', asked('GET http://b/live HTTP/1.1'), [LIVE]],
    ['an absolute URL without a path', asked('GET http://a HTTP/1.1'), [NOT_FOUND]],
    ['a path without a slash', asked('GET live HTTP/1.1'), [MALFORMED]],
    ['an asterisk', asked('OPTIONS * HTTP/1.1'), [NOT_FOUND]],
    ['an asterisk by GET', asked('GET * HTTP/1.1'), [NOT_FOUND]],
    ['CONNECT', asked('CONNECT a:443 HTTP/1.1'), ['501 close BAD_REQUEST: This is no proxy.']],
    ['bytes that are no ASCII', asked('GET /l\u00efve HTTP/1.1'), [MALFORMED]],
    ['NUL', asked('GET /li\0ve HTTP/1.1'), [MALFORMED]],
    ['a path of 17 kB', asked(`GET /${'x'.repeat(17_000)} HTTP/1.1`), [HEADERS_TOO_LARGE]],
    ['a greeting of another protocol', 'HELO there\r\n\r\n', [MALFORMED]],
    ['a greeting of TLS', '\x16\x03\x01\x02\x00\x01', [MALFORMED]],
  ],
  headers: [
    ['no Host', asked('GET /live HTTP/1.1', ''), [hosts(0)]],
    ['no Host, of the API', posted(LENGTH).replace('Host: a\r\n', ''), [hosts(0)]],
    ['two Hosts', asked('GET /live HTTP/1.1', 'Host: a\r\nHost: b\r\n'), [hosts(2)]],
    ['twice the same Host', asked('GET /live HTTP/1.1', 'Host: a\r\nHost: a\r\n'), [hosts(2)]],
    ['two Hosts, of the API', posted(`Host: b\r\n${LENGTH}`), [hosts(2)]],
    ['an empty Host', asked('GET /live HTTP/1.1', 'Host:\r\n'), [LIVE]],
    ['a strange Host', asked('GET /live HTTP/1.1', 'Host: [[::\r\n'), [LIVE]],
    ['a folded line', asked('GET /live HTTP/1.1', 'Host: a\r\nX: a\r\n b\r\n'), [MALFORMED]],
    ['a folded length', posted(`Content-Length:\r\n ${N}\r\n`), [MALFORMED]],
    [
      'a folded transfer-encoding',
      posted('Transfer-Encoding:\r\n chunked\r\n', CHUNKS),
      [MALFORMED],
    ],
    ['a fold before the first header', 'GET /live HTTP/1.1\r\n Host: a\r\n\r\n', [MALFORMED]],
    ['a space before the colon', asked('GET /live HTTP/1.1', 'Host : a\r\n'), [MALFORMED]],
    ['a space before the colon of the length', posted(`Content-Length : ${N}\r\n`), [MALFORMED]],
    ['a name with a space', asked('GET /live HTTP/1.1', 'Host: a\r\nX Y: a\r\n'), [MALFORMED]],
    ['no name', asked('GET /live HTTP/1.1', 'Host: a\r\n: a\r\n'), [MALFORMED]],
    ['no colon', asked('GET /live HTTP/1.1', 'Host: a\r\nX\r\n'), [MALFORMED]],
    ['a NUL', asked('GET /live HTTP/1.1', 'Host: a\r\nX: a\0b\r\n'), [MALFORMED]],
    ['a control character', asked('GET /live HTTP/1.1', 'Host: a\r\nX: a\x01b\r\n'), [MALFORMED]],
    ['Latin-1', asked('GET /live HTTP/1.1', 'Host: a\r\nX: \xfc\r\n'), [LIVE]],
    ['a bare CR in a value', asked('GET /live HTTP/1.1', 'Host: a\r\nX: a\rb\r\n'), [MALFORMED]],
    ['bare LFs throughout', 'GET /live HTTP/1.1\nHost: a\n\n', [MALFORMED]],
    ['one bare LF', 'GET /live HTTP/1.1\r\nHost: a\nX: a\r\n\r\n', [MALFORMED]],
    ['a bare LF before the length', posted(`X: a\nContent-Length: ${N}\r\n`), [MALFORMED]],
    ['a bare LF at the end of the headers', 'GET /live HTTP/1.1\r\nHost: a\r\n\n', [MALFORMED]],
    ['bare CRs', 'GET /live HTTP/1.1\rHost: a\r\r', [MALFORMED]],
    ['an underscore for a hyphen', posted(`${LENGTH}Transfer_Encoding: chunked\r\n`), [NO_PRODUCT]],
    ['10 kB', asked('GET /live HTTP/1.1', `Host: a\r\nX: ${'x'.repeat(10_000)}\r\n`), [LIVE]],
    [
      '17 kB',
      asked('GET /live HTTP/1.1', `Host: a\r\nX: ${'x'.repeat(17_000)}\r\n`),
      [HEADERS_TOO_LARGE],
    ],
    [
      '1,000 of them',
      asked('GET /live HTTP/1.1', `Host: a\r\n${'X: y\r\n'.repeat(1_000)}`),
      [LIVE],
    ],
    [
      '2,100 of them, Host the last',
      asked('GET /live HTTP/1.1', `${'X:\r\n'.repeat(2_100)}Host: a\r\n`),
      [LIVE],
    ],
    [
      'two types',
      posted(`Content-Type: text/plain\r\n${LENGTH}`),
      [notJson('"application/json, text/plain"')],
    ],
    [
      'two credentials',
      posted(`Authorization: Bearer a\r\nAuthorization: Bearer b\r\n${LENGTH}`),
      [NO_PRODUCT],
    ],
    ['half of them', 'GET /live HTTP/1.1\r\nHost: a\r\n', [MALFORMED], 'ends'],
  ],
  'Expect, Upgrade and Connection': [
    ['100-continue', posted(`Expect: 100-continue\r\n${LENGTH}`), ['100', NO_PRODUCT]],
    ['100-continue in capitals', posted(`Expect: 100-Continue\r\n${LENGTH}`), ['100', NO_PRODUCT]],
    [
      '100-continue for a body that is too long',
      `${HEAD}Expect: 100-continue\r\nContent-Length: 200000\r\n\r\n`,
      ['100', '413 close BAD_REQUEST: The body must have at most 102,400 bytes; got 200000.'],
      'ends',
    ],
    [
      'another expectation',
      posted(`Expect: tea\r\n${LENGTH}`),
      ['417 BAD_REQUEST: The only expectation that is met is 100-continue; got tea.'],
    ],
    [
      '100-continue for a GET',
      asked('GET /live HTTP/1.1', 'Host: a\r\nExpect: 100-continue\r\n'),
      ['100', LIVE],
    ],
    [
      'an upgrade to HTTP/2',
      posted(
        `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n${LENGTH}`,
      ),
      [NO_PRODUCT],
    ],
    [
      'an upgrade to TLS',
      asked('GET /live HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n'),
      [LIVE],
    ],
    [
      'an upgrade to WebSocket elsewhere',
      asked('GET /live HTTP/1.1', `Host: a\r\n${WEBSOCKET}`),
      ['404 close BAD_REQUEST: WebSockets are served at /graphql.'],
    ],
    [
      'an upgrade to WebSocket with two Hosts',
      asked('GET /graphql HTTP/1.1', `Host: a\r\nHost: b\r\n${WEBSOCKET}`),
      ['400 close BAD_REQUEST: A WebSocket needs HTTP/1.1 and exactly one Host header.'],
    ],
    [
      'an upgrade to WebSocket without a key',
      asked(
        'GET /graphql HTTP/1.1',
        'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
      ),
      ['400 close Missing or invalid Sec-WebSocket-Key header'],
    ],
    [
      'an upgrade to WebSocket by POST',
      posted(`${WEBSOCKET}${LENGTH}`),
      ['405 close Invalid HTTP method'],
    ],
    [
      'an upgrade that is not in Connection',
      asked('GET /live HTTP/1.1', 'Host: a\r\nUpgrade: websocket\r\n'),
      [LIVE],
    ],
    ['Connection: close', posted(`Connection: close\r\n${LENGTH}`), [LAST_PRODUCT]],
    ['Connection: keep-alive', posted(`Connection: keep-alive\r\n${LENGTH}`), [NO_PRODUCT]],
    ['a GET with a body', `GET /live HTTP/1.1\r\nHost: a\r\n${LENGTH}\r\n${BODY}`, [LIVE]],
    ['a GET with chunks', `GET /live HTTP/1.1\r\nHost: a\r\n${CHUNKED}\r\n${CHUNKS}`, [LIVE]],
    ['a HEAD with a body', `HEAD /live HTTP/1.1\r\nHost: a\r\n${LENGTH}\r\n${BODY}`, ['200']],
    [
      'a refused body that is not read',
      `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n${LENGTH}\r\n${BODY}`,
      [notJson('"text/plain"')],
    ],
    [
      'a request in the body',
      posted(`Content-Length: ${INNER.length}\r\n`, INNER).replace(
        'application/json',
        'text/plain',
      ),
      [notJson('"text/plain"')],
    ],
    [
      'a request to a path that is not there with a body',
      posted(LENGTH).replace('/graphql', '/nothing'),
      [NOT_FOUND],
    ],
  ],
  pipelined: [
    ['two queries', posted(LENGTH) + posted(LENGTH), [NO_PRODUCT, NO_PRODUCT]],
    [
      'a query in chunks and one without',
      posted(CHUNKED, CHUNKS) + posted(LENGTH),
      [NO_PRODUCT, NO_PRODUCT],
    ],
    [
      'a query, a wrong one and a query',
      posted(LENGTH) + posted('Content-Length: 2\r\n', '{}') + posted(LENGTH),
      [
        NO_PRODUCT,
        '400 BAD_REQUEST: POST body missing, invalid Content-Type, or JSON object has no keys.',
        NO_PRODUCT,
      ],
    ],
    [
      'a query, broken JSON and a query',
      posted(LENGTH) + posted('Content-Length: 1\r\n', '{') + posted(LENGTH),
      [NO_PRODUCT, NOT_JSON],
    ],
    [
      'a query, a broken framing and a query',
      posted(LENGTH) + posted('Content-Length: x\r\n') + posted(LENGTH),
      [NO_PRODUCT, MALFORMED],
    ],
    ['a query, and the beginning of one', posted(LENGTH) + HEAD, [NO_PRODUCT, MALFORMED], 'ends'],
    [
      'a page, a query and a page',
      asked('GET /live HTTP/1.1') + posted(LENGTH) + asked('GET /nothing HTTP/1.1'),
      [LIVE, NO_PRODUCT, NOT_FOUND],
    ],
    [
      'a query of another type and a query',
      posted(LENGTH).replace('application/json', 'text/plain') + posted(LENGTH),
      [notJson('"text/plain"'), NO_PRODUCT],
    ],
    ['twenty queries', posted(LENGTH).repeat(20), Array.from({ length: 20 }, () => NO_PRODUCT)],
    [
      'a last one and one more',
      posted(`Connection: close\r\n${LENGTH}`) + posted(LENGTH),
      [LAST_PRODUCT],
    ],
    [
      'an expectation and a query',
      posted(`Expect: 100-continue\r\n${LENGTH}`) + posted(LENGTH),
      ['100', NO_PRODUCT, NO_PRODUCT],
    ],
    [
      'an offer of HTTP/2 behind a query',
      posted(LENGTH) + posted(`Connection: Upgrade\r\nUpgrade: h2c\r\n${LENGTH}`),
      [NO_PRODUCT, NO_PRODUCT],
    ],
  ],
};
