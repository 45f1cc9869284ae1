/** What every contender is to the benchmark: one way of taking stock out of the same tables. */
import type { Sequelize } from 'sequelize';
import type { Tuning } from '../locks/lock.js';

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** Refused is an answer, too: there is not enough. Whatever else happens is a failure, and thrown. */
export type Answer = 'taken' | 'refused';

export interface Services {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
}

/** How a contender is set up: each runs in all its forms once, and its best one counts. */
export interface Form {
  /** As in `pool 10`. */
  readonly label: string;
  /** The most connections to MySQL. */
  readonly poolMax: number;
  /** For lock libraries: as npm gives them, or tuned for this load. */
  readonly tuning?: Tuning;
}

export interface Contender {
  /** Resolves after COMMIT has returned, where stock was taken. */
  deduct(line: Line): Promise<Answer>;
  /** Holds stock, for those who can: resolves after COMMIT has returned, where it is held. */
  reserve?(line: Line): Promise<Answer>;
  /** The pools of the service that deducts in this way: its reads share them. */
  readonly pools: { readonly reader: Sequelize; readonly writer: Sequelize };
  close(): Promise<void>;
}

export interface ContenderKind {
  readonly name: string;
  readonly summary: string;
  readonly forms: readonly Form[];
  /** For one whose runs take long because its waits do, or that stands in no ratio; the table says how many it had. */
  readonly repeatsMax?: number;
  open(services: Services, form: Form): Promise<Contender>;
}

/** Longer than any run: none of them expires while it is measured. */
export const RESERVATION_TTL_SECONDS = 3_600;

export const RIVALS_POOLS: readonly Form[] = [
  { label: 'pool 10', poolMax: 10 },
  { label: 'pool 50', poolMax: 50 },
];

/** Behind a lock that lets in one at a time, one connection is used of any pool: the defaults are shown with one. */
export const RIVAL_LOCKS: readonly Form[] = [
  { label: 'pool 10, defaults', poolMax: 10, tuning: 'defaults' },
  ...RIVALS_POOLS.map(({ label, poolMax }): Form => ({
    label: `${label}, tuned`,
    poolMax,
    tuning: 'tuned for many',
  })),
];
