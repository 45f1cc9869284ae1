/** How many rows the server has touched for this session, and how it would read a statement. */
import { QueryTypes, type Sequelize } from 'sequelize';

/** Of a pool with one connection: all rows so far, those of this query itself included. */
export async function touchedRows(session: Sequelize): Promise<number> {
  const rows = await session.query<{ Value: string }>(
    `SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'`,
    { type: QueryTypes.SELECT },
  );
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
}

export interface PlanStep {
  readonly table: string | null;
  readonly type: string | null;
  readonly key: string | null;
  readonly Extra: string | null;
}

/** @param sql a statement, also as the log of statements has it. */
export async function planOf(session: Sequelize, sql: string): Promise<readonly PlanStep[]> {
  const statement = sql.replace(/^Executing \([^)]*\): /, '');
  return session.query<PlanStep>(`EXPLAIN FORMAT=TRADITIONAL ${statement}`, {
    type: QueryTypes.SELECT,
  });
}
