/**
 * Whether the server answers. A request or a WebSocket that fails without an answer means that it does not; then a
 * small query is repeated until one is answered, and everything on the page is read again.
 */
import { credentials } from './session';
import { Store } from './store';

const RETRY_MS = 1_000;
const ANSWER_MAX_MS = 5_000;

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

async function untilBack(): Promise<void> {
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  connection.set({ state: 'up', epoch: connection.get().epoch + 1 });
}

async function answers(): Promise<boolean> {
  try {
    const response = await fetch(API_PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials() },
      body: '{"query":"{ __typename }"}',
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    return response.status < 502;
  } catch {
    return false;
  }
}

/** `fetch` that notes a server which does not answer. A gateway before it says so by 502 to 504. */
export const watchedFetch: typeof fetch = async (input, init) => {
  try {
    const response = await fetch(input, init);
    if (response.status >= 502 && response.status <= 504) noteLost();
    return response;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) noteLost();
    throw error;
  }
};
