/** Statements on attempts at delegated writes that must not be applied any more; see delegated-write.ts. */
import { compareBytes, type Delegated, type StockWrite } from '../../inventory/stock.js';
import { Statements } from './transactions.js';

export interface Withdrawal {
  readonly call: string;
  /** Earlier ones than this are withdrawn. */
  readonly attempt: number;
}

export class WithdrawalStatements extends Statements {
  /** Withdraws all attempts at these writes before their own, in the order in which all transactions lock the rows. */
  async withdraw(writes: readonly StockWrite[]): Promise<void> {
    const calls = [...delegatedOf(writes)].sort((a, b) => compareBytes(a.call, b.call));
    if (calls.length === 0) return;
    await this.write(
      `INSERT INTO withdrawn_writes (call_id, attempt, withdrawn_at) VALUES
       ${calls.map(() => '(?, ?, NOW(6))').join(', ')}
       ON DUPLICATE KEY UPDATE
         attempt = GREATEST(withdrawn_writes.attempt, VALUES(attempt)), withdrawn_at = NOW(6)`,
      calls.flatMap(({ call, attempt }) => [call, attempt]),
    );
  }

  /** Of the calls of these writes. */
  async readWithdrawals(writes: readonly StockWrite[]): Promise<readonly Withdrawal[]> {
    const calls = delegatedOf(writes).map(({ call }) => call);
    if (calls.length === 0) return [];
    return this.read<Withdrawal>(
      'SELECT call_id AS `call`, attempt FROM withdrawn_writes WHERE call_id IN (?)',
      [calls],
    );
  }
}

/** A condition that holds while none of these writes is withdrawn, with its values; empty where none can be. */
export function unlessWithdrawn(writes: readonly StockWrite[]): {
  readonly sql: string;
  readonly values: readonly unknown[];
} {
  const byAttempt = new Map<number, string[]>();
  for (const { call, attempt } of delegatedOf(writes)) {
    const calls = byAttempt.get(attempt);
    if (calls) calls.push(call);
    else byAttempt.set(attempt, [call]);
  }
  const sql = Array.from(
    byAttempt,
    () => `AND NOT EXISTS (
           SELECT 1 FROM withdrawn_writes AS withdrawn
           WHERE withdrawn.call_id IN (?) AND withdrawn.attempt > ?)`,
  ).join(' ');
  return { sql, values: [...byAttempt].flatMap(([attempt, calls]) => [calls, attempt]) };
}

function delegatedOf(writes: readonly StockWrite[]): readonly Delegated[] {
  return writes.flatMap(({ delegated }) => delegated ?? []);
}
