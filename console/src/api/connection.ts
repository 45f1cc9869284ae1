/**
 * Whether the server answers. A request that fails without an answer, or waits too long for one, means that it does
 * not; then a small query is repeated until one is answered, and everything on the page is read again.
 */
import { stringifyDocument } from 'urql';
import { ConsoleViewerDocument } from '../generated/operations';
import { credentials } from './session';
import { Store } from './store';

const RETRY_MS = 1_000;
/** Of a server that is lost again and again as soon as it is back. */
const RETRY_MAX_MS = 30_000;
const ANSWER_MAX_MS = 5_000;
/** Above the time after which the server itself gives a request up, so that its own answer comes first. */
const REQUEST_MAX_MS = 20_000;

/** Needs no scope. */
const ASKED = stringifyDocument(ConsoleViewerDocument);

export const API_PATH = '/graphql';

export interface Connection {
  readonly state: 'up' | 'lost';
  /** Grows when the server is back; whatever was read before may be old. */
  readonly epoch: number;
}

export const connection = new Store<Connection>({ state: 'up', epoch: 0 });

export function noteLost(): void {
  const current = connection.get();
  if (current.state === 'lost') return;
  connection.set({ ...current, state: 'lost' });
  void untilBack();
}

let backMs = Number.NEGATIVE_INFINITY;
let pauseMs = RETRY_MS;

/** To come back makes the page read everything, which must not be at once where one of its requests fails again. */
async function untilBack(): Promise<void> {
  const isLostAgain = performance.now() - backMs < RETRY_MAX_MS;
  pauseMs = isLostAgain ? Math.min(2 * pauseMs, RETRY_MAX_MS) : RETRY_MS;
  if (isLostAgain) await passed(pauseMs);
  while (!(await answers())) await passed(RETRY_MS);
  backMs = performance.now();
  connection.set({ state: 'up', epoch: connection.get().epoch + 1 });
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Has everything on the page read again. While the server is away, its return does. */
export function readAgain(): void {
  const current = connection.get();
  if (current.state === 'up') connection.set({ ...current, epoch: current.epoch + 1 });
}

export async function answers(): Promise<boolean> {
  try {
    const response = await fetch(API_PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials() },
      body: JSON.stringify({ query: ASKED }),
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    return response.status < 502 || isGraphql(response);
  } catch {
    return false;
  }
}

/** Of the API itself, whatever its status. */
function isGraphql({ headers }: Response): boolean {
  return /^application\/(?:graphql-response\+)?json\b/.test(headers.get('content-type') ?? '');
}

/** `fetch` that notes a server which does not answer. A gateway before it says so by 502 to 504. */
export const watchedFetch: typeof fetch = async (input, init) => {
  const timeout = AbortSignal.timeout(REQUEST_MAX_MS);
  const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  try {
    const response = await fetch(input, { ...init, signal });
    const isGateways = response.status >= 502 && response.status <= 504 && !isGraphql(response);
    if (isGateways) noteLost();
    return response;
  } catch (error) {
    // The console gives up a request whose answer it no longer needs; that tells nothing of the server.
    if (!(error instanceof DOMException && error.name === 'AbortError')) noteLost();
    throw error;
  }
};
