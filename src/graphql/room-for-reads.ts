/**
 * How many entries of lists are read at the same time. A read keeps what it has of its lists until the last one is
 * there, so thousands of large reads that begin together would fill the memory before the first is answered. Further
 * reads wait, the clients in turns, and one client has at most a half. Smaller reads do not pass a larger one: where
 * the client whose turn it is waits for others, those behind it wait as well.
 */
import { clientAt } from '../auth/network.js';
import { RateLimitedError } from '../rate-limit/request-limit.js';
import type { RequestContext } from './context.js';

const RETRY_AFTER_MS = 1_000;
const NO_ROOM = 'Other reads of lists left no room in time; try again, or ask for smaller pages.';

interface Reader {
  readonly client: string;
  readonly nodes: number;
  readonly admit: () => void;
}

export class RoomForReads {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();
  /** By client, in the order in which they are next. */
  private readonly waiting = new Map<string, Set<Reader>>();

  /** @param nodesMax at once; an operation has at most a thousand. */
  constructor(private readonly nodesMax: number) {}

  /**
   * Resolves when there is room, which is given back when the operation ends.
   * @throws RateLimitedError where the deadline passes before, or the caller hangs up.
   */
  async enter(context: RequestContext, nodes: number): Promise<void> {
    const client = clientOf(context);
    if (this.waiting.size === 0 && this.fits(nodes) && this.fitsItsHalf(client, nodes)) {
      this.take(context, client, nodes);
      return;
    }
    await this.wait(context, client, nodes);
  }

  /** How much a client reads now; Infinity where it waits for room. */
  loadOf(client: string): number {
    return this.waiting.has(client) ? Infinity : (this.takenBy.get(client) ?? 0);
  }

  private wait(context: RequestContext, client: string, nodes: number): Promise<void> {
    const { clock, leftMs, signal, callerHasGone } = context.caller.deadline;
    if (callerHasGone) return Promise.reject(noRoom());
    return new Promise((resolve, reject) => {
      const leave = () => {
        timer.cancel();
        signal?.removeEventListener('abort', giveUp);
        this.remove(reader);
      };
      const giveUp = () => {
        leave();
        reject(noRoom());
        // Others may have waited for this one's turn.
        this.admitNext();
      };
      const reader: Reader = {
        nodes,
        client,
        admit: () => {
          leave();
          this.take(context, client, nodes);
          resolve();
        },
      };
      const timer = clock.after(leftMs, giveUp);
      signal?.addEventListener('abort', giveUp, { once: true });
      const readers = this.waiting.get(client);
      if (readers) readers.add(reader);
      else this.waiting.set(client, new Set([reader]));
      this.admitNext();
    });
  }

  private take(context: RequestContext, client: string, nodes: number): void {
    this.add(client, nodes);
    context.onEnd(() => {
      this.add(client, -nodes);
      this.admitNext();
    });
  }

  private add(client: string, nodes: number): void {
    this.taken += nodes;
    const own = (this.takenBy.get(client) ?? 0) + nodes;
    if (own === 0) this.takenBy.delete(client);
    else this.takenBy.set(client, own);
  }

  private fits(nodes: number): boolean {
    return this.taken === 0 || this.taken + nodes <= this.nodesMax;
  }

  private fitsItsHalf(client: string, nodes: number): boolean {
    const own = this.takenBy.get(client) ?? 0;
    return own === 0 || own + nodes <= this.nodesMax / 2;
  }

  private admitNext(): void {
    for (const [client, readers] of this.waiting) {
      const [next] = readers;
      // A client that waits for itself alone keeps its turn, and delays no other.
      if (!next || !this.fitsItsHalf(client, next.nodes)) continue;
      if (!this.fits(next.nodes)) return;
      next.admit();
      // It waits behind the other clients now; the loop comes to it again.
      if (this.waiting.delete(client)) this.waiting.set(client, readers);
    }
  }

  private remove(reader: Reader): void {
    const readers = this.waiting.get(reader.client);
    if (readers?.delete(reader) && readers.size === 0) this.waiting.delete(reader.client);
  }
}

function noRoom(): RateLimitedError {
  return new RateLimitedError(RETRY_AFTER_MS, NO_ROOM);
}

/** The client of which the reads of an operation are. */
export function clientOf({ caller, address }: RequestContext): string {
  return caller.principal ?? clientAt(address ?? '');
}
