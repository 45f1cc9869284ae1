/** What a worker process is told to do, and what it tells back. */
import type { Form, Services } from '../contenders/contender.js';
import type { Tuning } from '../locks/lock.js';
import type { InstrumentReading } from '../measurement/instruments.js';
import type { Samples, Window } from '../measurement/samples.js';

export interface ContenderJob {
  readonly contender: string;
  readonly form: Form;
  readonly services: Services;
}

/** Which products are wanted how often: `count` of them, all alike or by Zipf's law. */
export interface Demand {
  readonly products: number;
  readonly zipfExponent?: number;
  readonly seed: number;
}

export type Job =
  /** Callers that ask again as soon as they have their answer; the load is their number. */
  | (ContenderJob & {
      readonly kind: 'closed-loop';
      readonly demand: Demand;
      readonly action?: 'deduct' | 'reserve';
    })
  /** Requests that come whether or not earlier ones were answered; the load is their number in a second. */
  | (ContenderJob & { readonly kind: 'open-loop'; readonly demand: Demand })
  /** All buyers of a round at once, each round on a product of its own; the load is the number of rounds. */
  | (ContenderJob & { readonly kind: 'rounds'; readonly buyers: number })
  /** Reads at a steady rate beside buyers who come in crowds; the load is the number of buyers in a crowd. */
  | (ContenderJob & {
      readonly kind: 'side-reads';
      readonly products: number;
      readonly readsPerSecond: number;
      readonly crowdEveryMs: number;
    })
  /** Pages from random places of the product list and the ledger; the load is the number of callers. */
  | {
      readonly kind: 'page-reads';
      readonly services: Services;
      readonly how: 'keyset' | 'offset';
      readonly products: number;
      readonly lines: number;
      readonly seed: number;
    }
  /** Requests over HTTP; the load is the number of connections. */
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly authorization: string;
      readonly demand: Demand;
    }
  /** A lock taken and given back again and again; the load is the number of callers. */
  | {
      readonly kind: 'lock';
      readonly lock: string;
      readonly tuning: Tuning;
      readonly redisUrl: string;
      /** One key is fought over; many are not. */
      readonly keys: number;
    };

export interface Outcome {
  readonly samples: Samples;
  readonly instruments: InstrumentReading;
  /** Of rounds: from the first call to the last answer, in milliseconds. */
  readonly roundsMs?: readonly number[];
  /** Of rounds: how many were served in each. */
  readonly roundsTaken?: readonly number[];
  /** Of the crowds beside reads. */
  readonly deductions?: Samples;
  /** When a lock was had, on the machine's clock, in order. */
  readonly acquiredMs?: Float64Array;
}

export type Order =
  | { readonly order: 'warm-up'; readonly load: number; readonly durationMs: number }
  | { readonly order: 'measure'; readonly load: number; readonly window: Window }
  | { readonly order: 'close' };

/** All answers of a worker's life, warm-ups included: what the ledger is held against. */
export interface Answers {
  readonly taken: number;
  /** Attempts without an answer: their lines may or may not be there. */
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
  /** Resolves when all that began in the window has ended, or was given up. */
  measure(load: number, window: Window): Promise<Outcome>;
  close(): Promise<void>;
}

/** Ids of products, as the benchmark's data set numbers them, from 0. */
export function productId(number: number): string {
  return `p-${String(number).padStart(5, '0')}`;
}
