/** One call of an operation: its tries, the pauses between them, and its end. */
import { Backoff, type BackoffBounds } from '../src/time/backoff.js';
import { LineByLine, passingFailures } from './operation-lines.js';
import { pause } from './pause.js';
import { StockadeError, type FailureDetails } from './stockade-error.js';
import type { Transport } from './transport.js';

export interface CallOptions {
  /** Ends the call: with the last answer where one has failed lines that may pass, else by the code ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** The time for all tries and pauses together, in milliseconds. */
  readonly deadlineMs?: number | undefined;
}

export interface RetrySettings extends BackoffBounds {
  /** The time for all tries and pauses of a call, in milliseconds. */
  readonly deadlineMs: number;
  /** The time for one try, in milliseconds; after it the same request is sent again. */
  readonly tryMs: number;
}

export interface Asked {
  readonly query: string;
  /** Null: the text has only one. */
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whether its input takes an idempotency key, which the client makes where the caller gives none. */
  readonly keyed: boolean;
  /** Whether it may be sent again where an earlier try may have applied it. */
  readonly repeatable: boolean;
  /** Whether its answer has the client's own selection: only then its lines are known by their places. */
  readonly byLine: boolean;
}

type Data = Readonly<Record<string, unknown>>;

export class Call {
  private readonly startMs = performance.now();
  private readonly backoff: Backoff;
  private readonly lines: LineByLine;
  private readonly deadlineMs: number;
  private readonly signal: AbortSignal | undefined;

  constructor(
    private readonly asked: Asked,
    private readonly transport: Transport,
    private readonly retries: RetrySettings,
    options: CallOptions,
  ) {
    this.signal = options.signal;
    this.deadlineMs = options.deadlineMs ?? retries.deadlineMs;
    this.backoff = new Backoff(retries, Math.random);
    const input = asked.variables.input as Readonly<Record<string, unknown>> | undefined;
    const ownKey = asked.keyed && (input?.idempotencyKey ?? null) === null;
    const variables = ownKey
      ? { ...asked.variables, input: { ...input, idempotencyKey: newKey() } }
      : asked.variables;
    this.lines = new LineByLine(variables, { ownKey, newKey });
  }

  /**
   * The data of the operation. A line that still failed when the time was up is in it, with its error.
   * @throws StockadeError where the operation as a whole has no answer.
   */
  async run(): Promise<Data> {
    for (;;) {
      let data: Data;
      try {
        data = await this.try();
      } catch (error) {
        const failure = error as StockadeError;
        if (failure.mayHaveApplied) this.lines.notAnswered();
        if (!failure.retryable) throw this.failed(failure, failure);
        const again = this.asked.repeatable || !failure.mayHaveApplied;
        if (again && (await this.pause(failure.retryAfterMs ?? 0))) continue;
        throw this.failed(failure, { ...detailsOf(failure), ...this.endOf(failure, again) });
      }
      if (!this.asked.byLine) return data;
      const merged = this.merged(data);
      const passing = passingFailures(Object.values(data)[0]);
      if (passing.length === 0) return merged;
      const leastMs = Math.max(...passing.map(({ retryAfterMs = 0 }) => retryAfterMs));
      if (!(await this.pause(leastMs))) return merged;
      this.lines.narrow();
    }
  }

  private async try(): Promise<Data> {
    const { query, operationName } = this.asked;
    const { variables } = this.lines;
    const leftMs = this.leftMs();
    const ends = new AbortController();
    const end = () => {
      ends.abort();
    };
    if (leftMs <= 0 || this.signal?.aborted) end();
    const timer = setTimeout(end, Math.max(Math.min(leftMs, this.retries.tryMs), 0));
    this.signal?.addEventListener('abort', end, { once: true });
    try {
      return await this.transport.send({ query, operationName, variables }, ends.signal);
    } finally {
      clearTimeout(timer);
      this.signal?.removeEventListener('abort', end);
    }
  }

  /** The data with the whole call's lines in place of this try's. */
  private merged(data: Data): Data {
    const [field] = Object.keys(data);
    return field === undefined ? data : { ...data, [field]: this.lines.merge(data[field]) };
  }

  /**
   * Waits before the next try: at least so long, and beyond that a time that is drawn.
   * @returns false, at once, where the deadline would pass before; also when the signal is aborted.
   */
  private async pause(leastMs: number): Promise<boolean> {
    const pauseMs = leastMs + this.backoff.nextMs();
    if (this.signal?.aborted || pauseMs >= this.leftMs()) return false;
    await pause(pauseMs, this.signal);
    return !this.signal?.aborted;
  }

  private leftMs(): number {
    return this.startMs + this.deadlineMs - performance.now();
  }

  /** A failure that the end of the time or the caller's signal has caused is called by that. */
  private endOf(failure: StockadeError, again: boolean): Partial<FailureDetails> {
    if (this.signal?.aborted) return { code: 'ABORTED' };
    const isTimeUp = again || this.leftMs() <= 0;
    return failure.code === 'NETWORK' && isTimeUp ? { code: 'TIMED_OUT' } : {};
  }

  private failed(failure: StockadeError, details: FailureDetails): StockadeError {
    const { variables, answer: decided, mayHaveApplied } = this.lines;
    const message =
      details.code === failure.code
        ? failure.message
        : details.code === 'ABORTED'
          ? 'The caller has ended the call.'
          : `No answer came in ${this.deadlineMs} ms.`;
    return new StockadeError(
      message,
      { ...detailsOf(details), mayHaveApplied: mayHaveApplied || details.mayHaveApplied },
      { variables, decided, cause: failure.cause ?? failure },
    );
  }
}

function detailsOf(failure: FailureDetails): FailureDetails {
  const { code, status, faults, retryable, retryAfterMs, mayHaveApplied } = failure;
  return { code, status, faults, retryable, retryAfterMs, mayHaveApplied };
}

const KEY_BYTES = 16;

/** Not randomUUID, which pages have only over HTTPS. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
