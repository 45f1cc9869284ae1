/** Statements on attempts at delegated writes that must not be applied any more; see delegated-write.ts. */
import { firstLineOf } from '../../inventory/delegated-write.js';
import type { StockWrite } from '../../inventory/stock.js';
import { Statements } from './transactions.js';

export interface Withdrawal {
  readonly operationId: Buffer;
  readonly lineIndex: number;
  /** Earlier ones than this are withdrawn. */
  readonly attempt: number;
}

export class WithdrawalStatements extends Statements {
  /** Withdraws all attempts at these writes before their own. */
  async withdraw(writes: readonly StockWrite[]): Promise<void> {
    if (writes.length === 0) return;
    await this.write(
      `INSERT INTO withdrawn_lines (operation_id, line_index, attempt, withdrawn_at) VALUES
       ${writes.map(() => '(?, ?, ?, NOW(6))').join(', ')}
       ON DUPLICATE KEY UPDATE attempt = GREATEST(withdrawn_lines.attempt, VALUES(attempt)), withdrawn_at = NOW(6)`,
      writes.flatMap((write) => [
        write.operation.id,
        firstLineOf(write),
        write.delegated?.attempt ?? 0,
      ]),
    );
  }

  /** Of the operations of these writes. */
  async readWithdrawals(writes: readonly StockWrite[]): Promise<readonly Withdrawal[]> {
    if (writes.length === 0) return [];
    return this.read<Withdrawal>(
      `SELECT operation_id AS operationId, line_index AS lineIndex, attempt
       FROM withdrawn_lines WHERE (operation_id, line_index) IN (?)`,
      [writes.map((write) => [write.operation.id, firstLineOf(write)])],
    );
  }
}

/** A condition that holds while none of these writes is withdrawn, with its values; empty where none can be. */
export function unlessWithdrawn(writes: readonly StockWrite[]): {
  readonly sql: string;
  readonly values: readonly unknown[];
} {
  const byAttempt = new Map<number, (readonly [Buffer, number])[]>();
  for (const write of writes) {
    const attempt = write.delegated?.attempt;
    if (attempt === undefined) continue;
    const names = byAttempt.get(attempt) ?? [];
    names.push([write.operation.id, firstLineOf(write)]);
    byAttempt.set(attempt, names);
  }
  const sql = Array.from(
    byAttempt,
    () => `AND NOT EXISTS (
           SELECT 1 FROM withdrawn_lines AS withdrawn
           WHERE (withdrawn.operation_id, withdrawn.line_index) IN (?) AND withdrawn.attempt > ?)`,
  ).join('');
  return { sql, values: [...byAttempt].flatMap(([attempt, names]) => [names, attempt]) };
}
