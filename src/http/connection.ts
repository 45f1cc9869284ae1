/** One connection: its answers in the order of their requests, and the requests that wait for room. */
import { setMaxListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What waits to be sent. */
export interface Waiting {
  /** Of its body; 0 until it is made. */
  bytes: number;
}

/** What is known of a pending answer. */
export interface Owed extends Waiting {
  /** Whether its request was held and has not begun. */
  isHeld: boolean;
  /** Called once, when the answer is sent or its connection closed. */
  onDone: (() => void) | null;
}

export class Connection {
  readonly owed = new Map<ServerResponse, Owed>();
  /** Messages of a WebSocket that are not sent. */
  readonly messages = new Set<Waiting>();
  readonly closed = new AbortController();
  /** Requests that have begun and whose answers are not sent. */
  running = 0;
  /** Starts requests that have arrived and not begun. */
  readonly held: (() => void)[] = [];
  /** Bytes of answers and messages that are made and not sent. */
  sendBytes = 0;
  /** Whether an action after the pending answers is set: the connection then takes no more requests. */
  ending = false;
  /** Whether a request of the connection was served without the upgrade that it offered. */
  hasOffered = false;
  isWebSocket = false;
  /** The bound that the connection is beyond; its first request is answered with it. */
  refusal: string | null = null;
  private hasBeenHeld = false;

  constructor(
    readonly socket: Socket,
    /** The client's network; null where it does not count, as that of a trusted proxy. */
    readonly network: string | null,
  ) {
    // Each of its requests may listen.
    setMaxListeners(0, this.closed.signal);
  }

  /** Whether it may be closed without loss: HTTP's clients expect that of a connection without a request. */
  get isIdle(): boolean {
    return this.owed.size === 0 && !this.isWebSocket && !this.ending;
  }

  /** Reads nothing more until the request has begun. */
  hold(begin: () => void): void {
    this.held.push(begin);
    if (!this.hasBeenHeld) {
      this.hasBeenHeld = true;
      // The body of a request that runs makes Node read again.
      this.socket.on('resume', () => {
        if (this.held.length > 0) this.socket.pause();
      });
    }
    this.socket.pause();
  }

  /** Begins requests that were held, for as long as there is room. */
  beginHeld(hasRoom: () => boolean): void {
    if (this.held.length === 0) return;
    if (this.socket.destroyed) {
      this.held.length = 0;
      return;
    }
    while (this.held.length > 0 && hasRoom()) this.held.shift()?.();
    if (this.held.length === 0) this.socket.resume();
  }
}
