/**
 * Requests as a table writes them, and answers as a table expects them: the status, then the body, or the code and the
 * message of its only error, as in `415 BAD_REQUEST: Content-Type must be …`. Raw bytes have a table of their own kind.
 */
import { Agent, request, type IncomingMessage } from 'node:http';

type Headers = Readonly<Record<string, string>>;

export interface TableRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Buffer | undefined;
  /** In chunks, without a length. */
  readonly chunked?: boolean;
}

/** An expected answer that ends in `…` is the beginning of the real one. */
export type RequestRow = readonly [
  title: string,
  request: TableRequest,
  answer: string,
  /** Besides, or in place of, `USUAL_HEADERS`. */
  headers?: Headers,
];

export type RequestTable = Readonly<Record<string, readonly RequestRow[]>>;

export const QUERY = '{ product(id: "no-such-product") { id } }';
export const BODY = JSON.stringify({ query: QUERY });
export const NO_PRODUCT = '200 {"data":{"product":null}}';
export const NOT_FOUND =
  '404 BAD_REQUEST: Nothing is served here; send operations by POST to /graphql.';
export const BLOCKED =
  '400 BAD_REQUEST: This operation has been blocked as a potential Cross-Site Request Forgery…';
export const NO_JSON = '400 BAD_REQUEST: The body is not valid JSON: …';
export const JSON_TYPE = { 'content-type': 'application/json' };
export const CLOSES = { connection: 'close' };
/** A page of another origin can't send this header without a preflight. */
export const NO_FORM = { 'apollo-require-preflight': 'true' };

export const notJson = (type: string) =>
  `415 BAD_REQUEST: Content-Type must be application/json; got ${type}.`;

export function send(
  method: string,
  path: string,
  headers: Headers | TableRequest['headers'] = {},
  body?: string | Buffer,
): TableRequest {
  const list = Array.isArray(headers) ? (headers as TableRequest['headers']) : null;
  return { method, path, headers: list ?? Object.entries(headers as Headers), body };
}

export function post(body: string | Buffer, headers: Headers = {}, path = '/graphql') {
  return send('POST', path, { ...JSON_TYPE, ...headers }, body);
}

export function typed(type: string, body: string | Buffer = BODY): TableRequest {
  return post(body, { 'content-type': type });
}

export function chunked(body: string | Buffer): TableRequest {
  return { ...post(body), chunked: true };
}

export function get(path: string, headers: Headers = {}): TableRequest {
  return send('GET', path, headers);
}

/** An operation by POST. */
export function asked(query: unknown, rest: object = {}): TableRequest {
  return post(JSON.stringify({ query, ...rest }));
}

/** An operation by GET. */
export function askedByGet(
  search: Readonly<Record<string, string>> | string,
  headers: Headers = NO_FORM,
): TableRequest {
  return get(`/graphql?${new URLSearchParams(search).toString()}`, headers);
}

const USUAL_HEADERS: Headers = {
  'content-type': 'application/json; charset=utf-8',
  connection: 'keep-alive',
  'x-request-id': 'table',
};

/** Of each answer all headers count but these; `content-length` is compared with the body. */
const UNCOUNTED = new Set(['date', 'keep-alive', 'content-length']);

const agent = new Agent({ keepAlive: true });

/** Ends the connections that were kept. */
export function closeExchange(): void {
  agent.destroy();
}

/** A row's request, sent, and its answer in the row's terms, with `expected` in place of what it is a beginning of. */
export async function answerTo(
  origin: string,
  [, asked, expected, headers]: RequestRow,
): Promise<{
  readonly is: readonly [string, Headers];
  readonly expected: readonly [string, Headers];
}> {
  const { incoming, text } = await exchange(origin, asked);
  const status = String(incoming.statusCode);
  const answer = `${status} ${told(text)}`.trimEnd();
  const received = Object.entries(incoming.headers).filter(([name]) => !UNCOUNTED.has(name));
  const length = Number(incoming.headers['content-length']);
  const bytes = asked.method === 'HEAD' ? length : Buffer.byteLength(text);
  if (length !== bytes) throw new Error(`Content-Length is ${length}, the body has ${bytes}.`);
  const usual = status === '204' ? { ...USUAL_HEADERS, 'content-type': undefined } : USUAL_HEADERS;
  return {
    is: [abridged(answer, expected), Object.fromEntries(received) as Headers],
    expected: [expected, JSON.parse(JSON.stringify({ ...usual, ...headers })) as Headers],
  };
}

/** The answer, or the expected beginning where it begins so. */
export function abridged(answer: string, expected: string): string {
  return expected.endsWith('…') && answer.startsWith(expected.slice(0, -1)) ? expected : answer;
}

/** A body, or the code and the message of its only error. */
export function told(body: string): string {
  const only = body.startsWith('{"errors":[{') ? (JSON.parse(body) as ErrorBody).errors : [];
  const [error] = only;
  return error && only.length === 1 ? `${error.extensions.code}: ${error.message}` : body.trim();
}

interface ErrorBody {
  readonly errors: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string };
  }[];
}

function exchange(
  origin: string,
  { method, path, headers, body, chunked: inChunks }: TableRequest,
): Promise<{ readonly incoming: IncomingMessage; readonly text: string }> {
  const length = Buffer.byteLength(body ?? '');
  const framing = inChunks ? ['transfer-encoding', 'chunked'] : ['content-length', String(length)];
  const flat = ['host', 'a', 'x-request-id', 'table', ...headers.flat()];
  if (body !== undefined) flat.push(...framing);
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const outgoing = request({ hostname, port, method, path, agent, headers: flat });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        resolve({ incoming, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.end(body);
  });
}
