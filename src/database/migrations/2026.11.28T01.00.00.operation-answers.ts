/**
 * An operation is one row of a bounded size: its primary key is a SHA-256 of scope and idempotency key instead of the
 * two, and its answers are one short text in it (writing/stored-answers.ts) instead of a row for each line.
 *
 * The tables of the earlier form are renamed first. A server of an earlier version that still runs then fails at each
 * request with a key, and cannot carry out a key that is being copied a second time. The rows are copied in parts.
 * Every step can be repeated after a crash: a copied row is not copied again, and the operations of the earlier form
 * are dropped before their lines, so lines are never missing while they are copied.
 */
import { hash } from 'node:crypto';
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

const ID = 'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin';
const TABLE = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci';
const EARLIER_OPERATIONS = 'stock_operations_by_key';
const EARLIER_LINES = 'stock_operation_lines_by_key';
/** Operations that are copied by one statement. */
const PART = 500;
const { SELECT } = QueryTypes;

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  if (await hasColumn(sequelize, 'stock_operations', 'scope')) {
    await sequelize.query(`RENAME TABLE stock_operations TO ${EARLIER_OPERATIONS}`);
  }
  if (await hasColumn(sequelize, 'stock_operation_lines', 'scope')) {
    await sequelize.query(`RENAME TABLE stock_operation_lines TO ${EARLIER_LINES}`);
  }
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS stock_operations (
      id BINARY(32) NOT NULL PRIMARY KEY,
      operation VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      fingerprint BINARY(32) NOT NULL,
      reservation_id ${ID} NULL,
      answers TEXT CHARACTER SET ascii COLLATE ascii_bin NULL,
      answer_expired BOOLEAN NOT NULL DEFAULT FALSE,
      created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
      KEY stock_operations_to_expire (answer_expired, created_at)
    ) ${TABLE}`);
  if (await hasColumn(sequelize, EARLIER_OPERATIONS, 'scope')) {
    await copyOperations(sequelize);
    await sequelize.query(`DROP TABLE ${EARLIER_OPERATIONS}`);
  }
  await sequelize.query(`DROP TABLE IF EXISTS ${EARLIER_LINES}`);
};

interface Key {
  readonly scope: Buffer;
  readonly key: Buffer;
}

interface EarlierOperation extends Key {
  readonly operation: string;
  readonly fingerprint: Buffer;
  readonly reservationId: string | null;
  readonly expired: number;
  /** Text, which keeps the microseconds. */
  readonly createdAt: string;
}

interface EarlierLine extends Key {
  readonly lineIndex: number;
  readonly outcome: string;
  readonly requested: number | null;
  readonly available: number | null;
  readonly sequence: number | null;
}

async function copyOperations(sequelize: Sequelize): Promise<void> {
  let last: Key | undefined;
  for (;;) {
    const operations = await sequelize.query<EarlierOperation>(
      `SELECT scope, idempotency_key AS \`key\`, operation, fingerprint, reservation_id AS reservationId,
              answer_expired AS expired, CAST(created_at AS CHAR) AS createdAt
       FROM ${EARLIER_OPERATIONS}
       ${last ? 'WHERE scope > ? OR (scope = ? AND idempotency_key > ?)' : ''}
       ORDER BY scope, idempotency_key LIMIT ${PART}`,
      { replacements: last ? [last.scope, last.scope, last.key] : [], type: SELECT },
    );
    if (operations.length === 0) return;
    await copy(sequelize, operations);
    last = operations.at(-1);
  }
}

async function copy(sequelize: Sequelize, operations: readonly EarlierOperation[]): Promise<void> {
  const lines = await sequelize.query<EarlierLine>(
    `SELECT scope, idempotency_key AS \`key\`, line_index AS lineIndex, outcome, requested, available, sequence
     FROM ${EARLIER_LINES} WHERE (scope, idempotency_key) IN (?)
     ORDER BY scope, idempotency_key, line_index`,
    { replacements: [operations.map(({ scope, key }) => [scope, key])], type: SELECT },
  );
  const linesOf = new Map<string, EarlierLine[]>();
  for (const line of lines) {
    const id = idOf(line).toString('hex');
    linesOf.set(id, [...(linesOf.get(id) ?? []), line]);
  }
  const rows = operations.map((operation) => {
    const { expired, fingerprint, reservationId, createdAt } = operation;
    const id = idOf(operation);
    const answers = expired ? null : textOf(linesOf.get(id.toString('hex')) ?? []);
    return [id, operation.operation, fingerprint, reservationId, answers, expired, createdAt];
  });
  await sequelize.query(
    `INSERT INTO stock_operations
       (id, operation, fingerprint, reservation_id, answers, answer_expired, created_at) VALUES ?
     ON DUPLICATE KEY UPDATE operation = stock_operations.operation`,
    { replacements: [rows] },
  );
}

/** The operation's id in the program and in the ledger. */
function idOf({ scope, key }: Key): Buffer {
  return hash('sha256', JSON.stringify([scope.toString('utf8'), key.toString('utf8')]), 'buffer');
}

/** Neighbouring lines with one answer are one entry. */
function textOf(lines: readonly EarlierLine[]): string {
  const runs: { first: number; last: number; readonly answer: string }[] = [];
  for (const line of lines) {
    const run = runs.at(-1);
    const answer = answerOf(line);
    if (run?.answer === answer && run.last === line.lineIndex - 1) run.last = line.lineIndex;
    else runs.push({ first: line.lineIndex, last: line.lineIndex, answer });
  }
  return runs
    .map(({ first, last, answer }) => `${first}${last > first ? `-${last}` : ''}${answer};`)
    .join('');
}

const LETTERS: Readonly<Record<string, string>> = {
  APPLIED: 'A',
  INSUFFICIENT_STOCK: 'I',
  STALE_QUANTITY: 'S',
  PRODUCT_NOT_FOUND: 'P',
  LOCATION_NOT_FOUND: 'L',
  INVALID_QUANTITY: 'Q',
  ABORTED: 'B',
  RESERVATION_NOT_FOUND: 'RN',
  RESERVATION_ACTIVE: 'RA',
  RESERVATION_COMMITTED: 'RC',
  RESERVATION_RELEASED: 'RR',
  RESERVATION_EXPIRED: 'RE',
};

function answerOf({ outcome, requested, available, sequence }: EarlierLine): string {
  const code = LETTERS[outcome];
  if (!code) throw new Error(`Unknown outcome of a stored answer: ${outcome}.`);
  if (!'AIS'.includes(code)) return code;
  const more = code === 'A' ? sequence : requested;
  return `${code}${available ?? 0}${more === null ? '' : `,${more}`}`;
}

async function hasColumn(sequelize: Sequelize, table: string, column: string): Promise<boolean> {
  const found = await sequelize.query(
    `SELECT column_name FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`,
    { replacements: [table, column], type: SELECT },
  );
  return found.length > 0;
}
