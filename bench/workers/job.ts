/** The work of a worker process, and its reports. */
import type { Form, Services } from '../contenders/contender.js';
import type { Tuning } from '../locks/lock.js';
import type { InstrumentReading } from '../measurement/instruments.js';
import type { Samples, Window } from '../measurement/samples.js';
import type { HttpTarget } from './http-load.js';

export interface ContenderJob {
  readonly contender: string;
  readonly form: Form;
  readonly services: Services;
}

/** The distribution of requests over `count` products: uniform, or by Zipf's law. */
export interface Demand {
  readonly products: number;
  readonly zipfExponent?: number;
  readonly seed: number;
}

export type Job =
  /** Closed loop; the load is the number of callers. */
  | (ContenderJob & {
      readonly kind: 'closed-loop';
      readonly demand: Demand;
      readonly action?: 'deduct' | 'reserve';
    })
  /** Open loop; the load is the number of requests per second. */
  | (ContenderJob & { readonly kind: 'open-loop'; readonly demand: Demand })
  /** All buyers of a round at once, each round on a product of its own; the load is the number of rounds. */
  | (ContenderJob & { readonly kind: 'rounds'; readonly buyers: number })
  /** Reads at a steady rate during bursts of buyers; the load is the number of buyers in a burst. */
  | (ContenderJob & {
      readonly kind: 'side-reads';
      readonly products: number;
      readonly readsPerSecond: number;
      readonly crowdEveryMs: number;
    })
  /** Pages at random positions of the product list and the ledger, or journeys; the load is the number of callers. */
  | {
      readonly kind: 'page-reads';
      readonly services: Services;
      readonly how: 'keyset' | 'offset' | 'journeys';
      readonly products: number;
      readonly lines: number;
      readonly seed: number;
    }
  /** Requests over HTTP, to the servers in turn; the load is the number of requests at once. */
  | (HttpTarget & { readonly kind: 'http'; readonly demand: Demand })
  /** A lock that is acquired and released repeatedly; the load is the number of callers. */
  | {
      readonly kind: 'lock';
      readonly lock: string;
      readonly tuning: Tuning;
      readonly redisUrl: string;
      /** One key is contended; many are not. */
      readonly keys: number;
    };

export interface Outcome {
  readonly samples: Samples;
  readonly instruments: InstrumentReading;
  /** Of rounds: from the first call to the last answer, in milliseconds. */
  readonly roundsMs?: readonly number[];
  /** Of rounds: how many buyers were served in each. */
  readonly roundsTaken?: readonly number[];
  /** Of the bursts during reads. */
  readonly deductions?: Samples;
  /** When the lock was acquired, on the machine's clock, in order. */
  readonly acquiredMs?: Float64Array;
  /** How long each acquire of the lock took. */
  readonly acquireTookMs?: Float64Array;
}

export type Order =
  | { readonly order: 'warm-up'; readonly load: number; readonly durationMs: number }
  | { readonly order: 'measure'; readonly load: number; readonly window: Window }
  | { readonly order: 'close' };

/** All answers of a worker, warm-ups included: the ledger is compared with them. */
export interface Answers {
  readonly taken: number;
  /** Attempts without an answer: the ledger may have their lines or not. */
  readonly unknown: number;
}

export type Report =
  | { readonly report: 'ready' | 'warm' }
  | { readonly report: 'closed'; readonly answers: Answers }
  | { readonly report: 'measured'; readonly outcome: Outcome }
  | { readonly report: 'failed'; readonly message: string };

/** One kind of work, opened in a worker process. */
export interface Work {
  warmUp(load: number, durationMs: number): Promise<void>;
  /** Resolves when all attempts that began in the window have ended or were given up. */
  measure(load: number, window: Window): Promise<Outcome>;
  close(): Promise<void>;
}

/** The product's id in the benchmark's data set; numbers begin at 0. */
export function productId(number: number): string {
  return `p-${String(number).padStart(5, '0')}`;
}
