/**
 * The subscriptions of one socket by their ids, which the client gives. A client may end a subscription and use its id
 * again at once, while the first one has not begun yet or still sends an event. graphql-ws tells the two apart by their
 * id alone: it would take what becomes of the first for the second's, and lose the stream of one of them. So a start
 * goes no further, and tells nothing more, once its id is used again; and each stream ends with the socket.
 */
import type { ExecutionResult } from 'graphql';

type Stream = AsyncIterableIterator<ExecutionResult>;

export class SubscriptionStarts {
  /** By id: the latest that has not ended. */
  readonly latest = new Map<string, SubscriptionStart>();
  readonly streams = new Set<Stream>();
  isClosed = false;

  begin(id: string): SubscriptionStart {
    this.latest.get(id)?.replace();
    const start = new SubscriptionStart(id, this);
    this.latest.set(id, start);
    return start;
  }

  /** The socket is closed. */
  close(): void {
    this.isClosed = true;
    for (const stream of this.streams) void stream.return?.();
  }
}

export class SubscriptionStart {
  private stream: Stream | null = null;
  private wasReplaced = false;

  constructor(
    private readonly id: string,
    private readonly all: SubscriptionStarts,
  ) {}

  /** Its id is used again. */
  replace(): void {
    this.wasReplaced = true;
  }

  /** It is refused, or its stream has ended. What it has told by then may still be on its way to the client. */
  end(): void {
    const { latest, streams } = this.all;
    if (this.stream) streams.delete(this.stream);
    if (latest.get(this.id) === this) latest.delete(this.id);
  }

  /** What the subscription is answered with; a stream of a start whose id is used again is ended. */
  async follow(opening: Promise<Stream | ExecutionResult>): Promise<Stream | ExecutionResult> {
    const opened = await opening.catch((error: unknown) =>
      this.unlessReplaced<never>(Promise.reject(error as Error)),
    );
    if (!(Symbol.asyncIterator in opened)) return this.unlessReplaced(opened);
    this.stream = opened;
    this.all.streams.add(opened);
    if (this.isReplaced || this.all.isClosed) await opened.return?.();
    const stream: Stream = {
      next: () => this.unlessReplaced(opened.next()),
      return: async () => (await opened.return?.()) ?? { done: true, value: undefined },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    return this.unlessReplaced(stream);
  }

  /** Settles as the work does; never once the id is used again. What awaits it is then collected with it. */
  unlessReplaced<T>(work: T | Promise<T>): Promise<T> {
    return Promise.resolve(work).finally(() =>
      this.isReplaced ? new Promise(() => undefined) : undefined,
    );
  }

  private get isReplaced(): boolean {
    return this.wasReplaced || (this.all.latest.get(this.id) ?? this) !== this;
  }
}
