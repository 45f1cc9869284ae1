/**
 * Who migrates, where several servers of a cluster take writes. GET_LOCK is per server, so one row decides: all members
 * of a group or of Galera agree on the order of its changes, and of two that change it at once one fails. DDL is
 * protected by nothing of the kind: two members that change one table at once can leave the cluster for it.
 *
 *   owner    = who migrates; empty: none
 *   renewals = grows while the owner lives
 *
 * The owner renews its claim on a connection of its own, because the other one is busy for as long as a table is
 * changed. A claim that did not move for the lease, measured by the waiting process's own clock, is taken over; so
 * clocks need not agree. An owner that has lost its claim learns it before the next migration.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { QueryTypes, type Sequelize } from 'sequelize';
import { Backoff } from '../time/backoff.js';
import { systemRandom } from '../time/clock.js';
import { faultOf, isNotWritable } from './errors.js';

const TABLE = 'schema_migration_claim';
const LEASE_MS = 15_000;
const RENEWAL_INTERVAL_MS = 2_000;
/** Between two looks at the claim of another process. */
const POLLS = { firstMs: 250, maxMs: 1_000 };
const NONE = '';

interface ClaimRow {
  readonly owner: string;
  readonly renewals: number;
}

/** Whether the server is of a kind that takes writes at several members. Needs no grant. */
export async function isInCluster(sequelize: Sequelize): Promise<boolean> {
  const rows = await sequelize.query<{ Variable_name: string; Value: string }>(
    `SHOW VARIABLES WHERE Variable_name IN ('group_replication_group_name', 'wsrep_on')`,
    { type: QueryTypes.SELECT },
  );
  return rows.some(({ Variable_name: name, Value: value }) =>
    name === 'wsrep_on' ? value === 'ON' : value !== '',
  );
}

/** Another process has taken the claim over: this one was stopped, or did not reach its database. */
export class ClaimLostError extends Error {
  readonly code = 'CLAIM_LOST' as const;
  constructor() {
    super(
      'Another process has taken over the migration, because this one did not renew its claim. ' +
        'Run the migration again.',
    );
    this.name = 'ClaimLostError';
  }
}

export interface ClaimedWork {
  /** Whether nothing is left to do; asked while another process has the claim. */
  isDone(): Promise<boolean>;
  /** @param assertOwner to be awaited before each step; throws ClaimLostError. */
  run(assertOwner: () => Promise<void>): Promise<readonly string[]>;
}

/**
 * Runs the work in one process of all, or waits until another one has done it.
 *
 * @param renewing a second connection.
 * @returns null where neither happened within the time.
 * @throws ClaimLostError, and what the work throws.
 */
export async function underClaim(
  sequelize: Sequelize,
  renewing: Sequelize,
  work: ClaimedWork,
  waitMaxMs: number,
): Promise<readonly string[] | null> {
  const owner = randomUUID();
  const giveUpMs = performance.now() + waitMaxMs;
  const seen = { row: '', sinceMs: performance.now() };
  const polls = new Backoff(POLLS, systemRandom);
  for (;;) {
    if (await work.isDone()) return [];
    try {
      if (await take(sequelize, owner, seen)) break;
    } catch (error) {
      // Lost to another member; or this one takes no writes, and one that does may migrate.
      if (faultOf(error) !== 'LOST_RACE' && !isNotWritable(error)) throw error;
      if (performance.now() > giveUpMs) throw error;
    }
    if (performance.now() > giveUpMs) return null;
    await wait(polls.nextMs());
  }
  return whileRenewing(renewing, owner, (assertOwner) => work.run(assertOwner));
}

/** One try. Of two members that succeed at once, one learns at COMMIT that it has not. */
async function take(
  sequelize: Sequelize,
  owner: string,
  seen: { row: string; sinceMs: number },
): Promise<boolean> {
  const row = await readClaim(sequelize);
  if (!row) {
    await sequelize.query(`INSERT INTO ${TABLE} (id, owner, renewals) VALUES (1, ?, 0)`, {
      replacements: [owner],
    });
    return true;
  }
  const text = `${row.owner}/${row.renewals}`;
  if (text !== seen.row) Object.assign(seen, { row: text, sinceMs: performance.now() });
  const isOver = row.owner === NONE || performance.now() - seen.sinceMs > LEASE_MS;
  if (!isOver) return false;
  return changeClaim(sequelize, row, { owner, renewals: row.renewals + 1 });
}

async function readClaim(sequelize: Sequelize): Promise<ClaimRow | undefined> {
  const tables = await sequelize.query(
    'SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?',
    { replacements: [TABLE], type: QueryTypes.SELECT },
  );
  if (tables.length === 0) {
    // Alike at all members and harmless where it exists, so they may do it at once.
    await sequelize.query(
      `CREATE TABLE IF NOT EXISTS ${TABLE} (
         id INT NOT NULL PRIMARY KEY,
         owner VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
         renewals BIGINT NOT NULL
       ) ENGINE=InnoDB`,
    );
  }
  const [row] = await sequelize.query<ClaimRow>(
    `SELECT owner, renewals FROM ${TABLE} WHERE id = 1`,
    { type: QueryTypes.SELECT },
  );
  return row;
}

/** Changes it if it is still as it was read. */
async function changeClaim(sequelize: Sequelize, from: ClaimRow, to: ClaimRow): Promise<boolean> {
  const changed = await sequelize.query(
    `UPDATE ${TABLE} SET owner = ?, renewals = ? WHERE id = 1 AND owner = ? AND renewals = ?`,
    {
      replacements: [to.owner, to.renewals, from.owner, from.renewals],
      // Of Sequelize's query types only this one returns mysql2's plain affected-row count.
      type: QueryTypes.BULKUPDATE,
    },
  );
  return changed === 1;
}

async function whileRenewing<T>(
  renewing: Sequelize,
  owner: string,
  work: (assertOwner: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const renew = async (to = owner): Promise<void> => {
    const row = await readClaim(renewing);
    if (row?.owner !== owner) throw new ClaimLostError();
    const isMine = await changeClaim(renewing, row, { owner: to, renewals: row.renewals + 1 });
    if (!isMine) throw new ClaimLostError();
  };
  // One after another: two renewals at once would each find the other one's.
  let last: Promise<void> = Promise.resolve();
  const inTurn = (to?: string) => (last = last.catch(() => undefined).then(() => renew(to)));
  const timer = setInterval(() => {
    // What has failed is found out by the next step, or mended by the next renewal.
    inTurn().catch(() => undefined);
  }, RENEWAL_INTERVAL_MS);
  try {
    return await work(() => inTurn());
  } finally {
    clearInterval(timer);
    // A claim that cannot be given back ends with its lease.
    await inTurn(NONE).catch(() => undefined);
  }
}
