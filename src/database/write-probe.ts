/**
 * Asks the server whether this process can commit, and whether it still is the one that takes writes.
 *
 * Both use a connection of their own, which is cut at the deadline. A server of which nothing was heard meanwhile, on
 * any connection of this process, is left, because it may hang while another one has taken over. One that answers reads
 * and commits slowly is not.
 */
import type { Sequelize } from 'sequelize';
import type { Random } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import type { CurrentServer } from './current-server.js';
import { available, isRolledBackForCertain } from './errors.js';
import { TakenConnection } from './taken-connection.js';

/** As many rows as processes that write at once and never wait for each other, as far as chance wants it. */
const SLOTS = 1_024;

export class WriteProbe {
  private readonly slot: number;

  constructor(
    private readonly database: { readonly control: Sequelize; readonly server: CurrentServer },
    random: Random,
  ) {
    this.slot = Math.floor(random() * SLOTS);
  }

  /**
   * Commits one row of a table of its own. A race that was lost to another process proves nothing, because a member
   * that leaves its group reports the same, so it is tried once more.
   *
   * @throws what the database throws, and StorageUnavailableError at the deadline.
   */
  async commit(deadline: Deadline): Promise<void> {
    await this.within(deadline, async (connection) => {
      const write = () =>
        connection.execute(
          `INSERT INTO commit_probes (slot, committed_at) VALUES (${this.slot}, UTC_TIMESTAMP(3))
           ON DUPLICATE KEY UPDATE committed_at = UTC_TIMESTAMP(3)`,
        );
      await write().catch((error: unknown) => {
        if (!isRolledBackForCertain(error)) throw error;
        return write();
      });
    });
  }

  /**
   * Leaves the server if it says that it takes no writes. A process that only reads would go on reading from the past.
   *
   * @throws StorageUnavailableError
   */
  async leaveDemoted(deadline: Deadline): Promise<void> {
    await available(() => this.within(deadline, (connection) => connection.leaveDemoted()));
  }

  private async within(
    deadline: Deadline,
    work: (connection: TakenConnection) => Promise<void>,
  ): Promise<void> {
    const { control, server } = this.database;
    const { generation, bytesHeard } = server;
    let connection: TakenConnection | null = null;
    let hasEnded = false;
    const timer = deadline.clock.after(deadline.leftMs, () => {
      // In a process that was stopped the timer fires before the answer is read.
      deadline.clock.soon(() => {
        if (hasEnded) return;
        if (server.bytesHeard <= bytesHeard) server.silent(generation);
        connection?.cut();
      });
    });
    try {
      connection = await TakenConnection.from(control);
      if (deadline.hasPassed) {
        connection.giveBack();
        connection = null;
        throw Object.assign(new Error('No connection was free in time.'), { code: 'ETIMEDOUT' });
      }
      await work(connection);
      connection.giveBack();
    } catch (error) {
      connection?.cut();
      throw error;
    } finally {
      hasEnded = true;
      timer.cancel();
    }
  }
}
