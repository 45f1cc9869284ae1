/**
 * Each refused request is counted by its kind and leaves a line in the log: why, for which address and principal, and
 * never the credential. A flood of refusals must not become a flood of lines, so each kind has a few lines a second,
 * and one line tells how many were left out.
 */
import type { Logger } from 'pino';

export type RefusalKind = keyof typeof LEVELS;

/** What an operator should see by default is `info`; mistakes of clients are `debug`. */
const LEVELS = {
  credential: 'info',
  'credential-unverified': 'warn',
  'failure-limit': 'info',
  'rate-limit': 'info',
  scope: 'info',
  origin: 'info',
  'connection-limit': 'info',
  'connection-evicted': 'info',
  'request-limit': 'info',
  'slow-client': 'info',
  overload: 'info',
  form: 'debug',
} as const;

const LINES_MAX = 5;
const WINDOW_MS = 1_000;

export interface Refusal {
  readonly kind: RefusalKind;
  /** Nothing that the client sent. */
  readonly reason: string;
  /** The client's, where it is known. */
  readonly address?: string | null;
  readonly principal?: string | null;
  readonly correlationId?: string;
}

interface Window {
  lines: number;
  suppressed: number;
}

export class RefusalLog {
  private readonly counts = new Map<RefusalKind, number>();
  private readonly windows = new Map<RefusalKind, Window>();

  constructor(private readonly log: Pick<Logger, 'warn' | 'info' | 'debug'>) {}

  readonly add = (refusal: Refusal): void => {
    const { kind } = refusal;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const window = this.windowOf(kind);
    if (window.lines >= LINES_MAX) {
      window.suppressed += 1;
      return;
    }
    window.lines += 1;
    this.log[LEVELS[kind]]({ ...refusal }, 'A request was refused.');
  };

  /** The number of refusals of each kind since the start; all kinds are listed. */
  stats(): Readonly<Record<RefusalKind, number>> {
    const counts = Object.keys(LEVELS).map((kind) => [kind, this.counts.get(kind as RefusalKind)]);
    return Object.fromEntries(counts.map(([kind, count]) => [kind, count ?? 0])) as Record<
      RefusalKind,
      number
    >;
  }

  private windowOf(kind: RefusalKind): Window {
    const open = this.windows.get(kind);
    if (open) return open;
    const window = { lines: 0, suppressed: 0 };
    this.windows.set(kind, window);
    setTimeout(() => {
      this.windows.delete(kind);
      const { suppressed } = window;
      if (suppressed === 0) return;
      this.log[LEVELS[kind]]({ kind, suppressed }, 'More requests were refused than are listed.');
    }, WINDOW_MS).unref();
    return window;
  }
}
