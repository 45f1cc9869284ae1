/** What a server says of itself on a connection that was just opened: which one it is, and whether it takes writes. */

import type { Socket } from 'node:net';

/** The used part of mysql2's connection, which Sequelize returns untyped. */
export interface Session {
  readonly threadId: number;
  readonly stream: Socket;
  query(sql: string, then: (error: Error | null, rows?: unknown) => void): void;
}

export function ask<Row extends object>(session: Session, sql: string): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    session.query(sql, (error, rows) => {
      if (error) reject(error);
      else resolve(rows as readonly Row[]);
    });
  });
}

/** Equal for two connections exactly if they are at the same server. */
export async function identityOf(session: Session): Promise<string> {
  const [row] = await ask<{ identity: string }>(
    session,
    `SELECT CONCAT_WS('/', @@hostname, @@port, @@server_id /*!50708 , @@server_uuid */) AS identity`,
  );
  return row?.identity ?? '';
}

/** Whether it takes writes: not read-only, and in its cluster's quorum. */
export async function takesWrites(session: Session): Promise<boolean> {
  const [row] = await ask<{ readOnly: unknown }>(session, 'SELECT @@read_only AS readOnly');
  if (!['0', 'OFF'].includes(String(row?.readOnly).toUpperCase())) return false;
  const [wsrep] = await ask<{ Value: string }>(session, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'");
  if (wsrep?.Value === 'OFF') return false;
  return hasMajority(session);
}

/** Without a group, or without the right to look, nothing speaks against it. */
async function hasMajority(session: Session): Promise<boolean> {
  const [group] = await ask<{ isCutOff: unknown }>(
    session,
    `SELECT SUM(member_state = 'UNREACHABLE') * 2 >= COUNT(*) AS isCutOff
     FROM performance_schema.replication_group_members`,
  ).catch(() => []);
  return Number(group?.isCutOff ?? 0) === 0;
}
