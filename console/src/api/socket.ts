/**
 * The one WebSocket of subscriptions. It is opened with the first of them, and again after a loss: soon at first, then
 * after growing pauses. Where HTTP answers and the WebSocket does not, only live changes are missing.
 */
import { createClient, TerminatedCloseEvent, type Client } from 'graphql-ws';
import { API_PATH, answers, connection, noteLost, readAgain } from './connection';
import { credentials } from './session';
import { Store } from './store';

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
const PING_INTERVAL_MS = 10_000;
/** A network that swallows bytes closes nothing; only the missing pong tells. */
const PONG_MS_MAX = 5_000;
const NORMAL_CLOSURE = 1000;
/** The protocol's code for a refused credential. */
const FORBIDDEN = 4403;

/** `away`: the last attempt to open it has failed, though the server answers over HTTP. */
export type SocketState = 'unknown' | 'open' | 'away';

export const socketState = new Store<SocketState>('unknown');

/** @param onRefused the server has closed the socket because of its credential. */
export function createSocket(onRefused: () => void): Client {
  let isOpen = false;
  let wasLost = false;
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  const socket: Client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}${API_PATH}`,
    connectionParams: credentials,
    retryAttempts: Infinity,
    retryWait: pause,
    keepAlive: PING_INTERVAL_MS,
    // A refused credential is not tried again: the next request over HTTP tells the same.
    shouldRetry: (event) => codeOf(event) !== FORBIDDEN,
    on: {
      connected: () => {
        isOpen = true;
        socketState.set('open');
        // No event has told what changed while there was no socket.
        if (wasLost) readAgain();
        wasLost = false;
      },
      ping: (isReceived) => {
        if (isReceived) return;
        pongTimer = setTimeout(() => {
          socket.terminate();
        }, PONG_MS_MAX);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(pongTimer);
      },
      closed: (event) => {
        clearTimeout(pongTimer);
        const wasOpen = isOpen;
        isOpen = false;
        if (wasOpen) socketState.set('unknown');
        if (codeOf(event) === FORBIDDEN) onRefused();
        else if (isLoss(event)) {
          wasLost = true;
          void findOut(wasOpen);
        }
      },
    },
  });
  return socket;
}

/** A normal end is none, and with 44xx the server has refused, which its subscriptions tell. */
function isLoss(event: unknown): boolean {
  if (event instanceof TerminatedCloseEvent) return true;
  const code = codeOf(event);
  return code !== NORMAL_CLOSURE && (code < 4400 || code >= 4500);
}

function codeOf(event: unknown): number {
  return (event as { readonly code?: number }).code ?? NORMAL_CLOSURE;
}

/**
 * Whether the server is gone, or its WebSockets alone, as behind a proxy that passes no `Upgrade` on. After a socket
 * that was open, the next attempt tells.
 */
async function findOut(wasOpen: boolean): Promise<void> {
  if (connection.get().state === 'lost') return;
  if (!(await answers())) noteLost();
  else if (!wasOpen && socketState.get() !== 'open') socketState.set('away');
}

/** Ends early when the server is back. */
function pause(retries: number): Promise<void> {
  const pauseMs = Math.min(RETRY_MS * 2 ** retries, RETRY_MS_MAX);
  const { epoch } = connection.get();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    // Pages that have lost their server together do not come back in one moment.
    const timer = setTimeout(end, pauseMs * (1 + Math.random() / 2));
    const forget = connection.subscribe(() => {
      if (connection.get().epoch !== epoch) end();
    });
  });
}
