/** Asks the database whether this process can commit, where the outcomes of its transactions leave that in doubt. */
import type { Sequelize } from 'sequelize';
import type { Deadline } from '../time/deadline.js';
import { TakenConnection } from './taken-connection.js';

/**
 * Uses a connection of its own, which is cut at the deadline: one that gets no answer would be missing in its pool
 * until it has been silent for too long.
 *
 * @throws what the database throws.
 */
export async function probeWrites(pool: Sequelize, deadline: Deadline): Promise<void> {
  const connection = await TakenConnection.from(pool);
  const timer = deadline.clock.after(deadline.leftMs, () => {
    connection.cut();
  });
  try {
    await connection.query('SELECT 1');
  } catch (error) {
    timer.cancel();
    connection.cut();
    throw error;
  }
  timer.cancel();
  connection.giveBack();
}
