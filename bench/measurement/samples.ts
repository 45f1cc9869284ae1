/**
 * One entry per attempt: when it ended and how long it took. They are raw numbers, so that percentiles over several
 * processes are those of all attempts together.
 */
import type { Answer } from '../contenders/contender.js';

/** On the machine's clock, in milliseconds. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Samples {
  /** In milliseconds, of all attempts that began or ended in the window. */
  readonly latenciesMs: Float64Array;
  /** Answers that came within the window. */
  readonly decided: number;
  /** Of the attempts that began or ended in the window. */
  readonly taken: number;
  readonly refused: number;
  readonly failed: number;
  /** The first few reasons of failures, each once. */
  readonly failures: readonly string[];
}

const FAILURES_SHOWN_MAX = 3;

export class Recorder {
  private readonly latenciesMs: number[] = [];
  private decided = 0;
  private taken = 0;
  private refused = 0;
  private failed = 0;
  private readonly failures = new Set<string>();

  constructor(private readonly window: Window) {}

  answered(beganMs: number, endedMs: number, answer: Answer): void {
    if (!this.isOurs(beganMs, endedMs)) return;
    this.latenciesMs.push(endedMs - beganMs);
    if (answer === 'taken') this.taken += 1;
    else this.refused += 1;
    if (endedMs <= this.window.endMs) this.decided += 1;
  }

  failedWith(beganMs: number, endedMs: number, error: unknown): void {
    if (!this.isOurs(beganMs, endedMs)) return;
    this.latenciesMs.push(endedMs - beganMs);
    this.failed += 1;
    if (this.failures.size < FAILURES_SHOWN_MAX) {
      this.failures.add(error instanceof Error ? error.message : String(error));
    }
  }

  samples(): Samples {
    return {
      latenciesMs: Float64Array.from(this.latenciesMs),
      decided: this.decided,
      taken: this.taken,
      refused: this.refused,
      failed: this.failed,
      failures: [...this.failures],
    };
  }

  private isOurs(beganMs: number, endedMs: number): boolean {
    const { startMs, endMs } = this.window;
    return endedMs >= startMs && beganMs <= endMs;
  }
}

/** The samples of several processes as one. */
export function mergeSamples(parts: readonly Samples[]): Samples {
  const latenciesMs = new Float64Array(parts.reduce((sum, p) => sum + p.latenciesMs.length, 0));
  let at = 0;
  for (const part of parts) {
    latenciesMs.set(part.latenciesMs, at);
    at += part.latenciesMs.length;
  }
  const total = (pick: (part: Samples) => number) =>
    parts.reduce((sum, part) => sum + pick(part), 0);
  return {
    latenciesMs,
    decided: total((part) => part.decided),
    taken: total((part) => part.taken),
    refused: total((part) => part.refused),
    failed: total((part) => part.failed),
    failures: [...new Set(parts.flatMap((part) => part.failures))].slice(0, FAILURES_SHOWN_MAX),
  };
}
