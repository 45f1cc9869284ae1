/** A contender: one way of deducting stock from the same tables. */
import type { Sequelize } from 'sequelize';
import type { Reader } from '../../src/database/reader.js';
import type { Tuning } from '../locks/lock.js';

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** Refused: too little stock. Everything else is a failure, and thrown. */
export type Answer = 'taken' | 'refused';

export interface Services {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
}

/** A configuration of a contender. Each runs in all its forms once, and its best one counts. */
export interface Form {
  /** As in `pool 10`. */
  readonly label: string;
  /** The most connections to MySQL. */
  readonly poolMax: number;
  /** For lock libraries: as npm gives them, or tuned for this load. */
  readonly tuning?: Tuning;
}

export interface Contender {
  /** Resolves after COMMIT has returned if stock was taken, but for a contender that can settle. */
  deduct(line: Line): Promise<Answer>;
  /** Reserves stock, if the contender can. Resolves after COMMIT has returned. */
  reserve?(line: Line): Promise<Answer>;
  /** For a contender that answers before it has written: resolves when all answers are in the database. */
  settle?(): Promise<void>;
  /** The pools that the contender's service would also read with. */
  readonly pools: { readonly reader: Reader; readonly writer: Sequelize };
  close(): Promise<void>;
}

export interface ContenderKind {
  readonly name: string;
  readonly summary: string;
  readonly forms: readonly Form[];
  /** For a contender with long waits, or one that is in no ratio; the table shows the number of its runs. */
  readonly repeatsMax?: number;
  open(services: Services, form: Form): Promise<Contender>;
}

/** Longer than any run, so that no reservation expires during the measurement. */
export const RESERVATION_TTL_SECONDS = 3_600;

export const RIVALS_POOLS: readonly Form[] = [
  { label: 'pool 10', poolMax: 10 },
  { label: 'pool 50', poolMax: 50 },
];

/** Behind a lock with one owner at a time, only one connection of a pool is used: one pool size shows the defaults. */
export const RIVAL_LOCKS: readonly Form[] = [
  { label: 'pool 10, defaults', poolMax: 10, tuning: 'defaults' },
  ...RIVALS_POOLS.map(({ label, poolMax }): Form => ({
    label: `${label}, tuned`,
    poolMax,
    tuning: 'tuned for many',
  })),
];
