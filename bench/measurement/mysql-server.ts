/**
 * MySQL's own counters: statements, commits, CPU time and connections; and a check that it flushes each commit.
 *
 * The CPU time of the server's process is read from /proc, by the pid file that the server names; null if that cannot
 * be read, as in a container.
 */
import { readFileSync } from 'node:fs';
import { QueryTypes, type Sequelize } from 'sequelize';
import { readProcessCpuMs } from './process-cpu.js';

export interface MysqlReading {
  readonly statements: number;
  readonly commits: number;
  /** Null if unknown. */
  readonly cpuMs: number | null;
  /** The most connections at once since the last reading, the benchmark's included; null if unknown. */
  readonly connectionsMax: number | null;
}

export interface MysqlSettings {
  readonly version: string;
  readonly flushLogAtTrxCommit: number;
  readonly syncBinlog: number;
  readonly logBin: number;
  readonly bufferPoolBytes: number;
  readonly dataFolder: string;
}

export class MysqlServer {
  private readonly pid: Promise<number | null>;

  /** @param sequelize a pool of one connection that is used for nothing else meanwhile. */
  constructor(private readonly sequelize: Sequelize) {
    this.pid = this.findPid();
  }

  /** @throws if the server does not flush its log and its binary log at each commit. */
  async assertDurable(): Promise<MysqlSettings> {
    const settings = await this.one<MysqlSettings>(
      `SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flushLogAtTrxCommit, @@log_bin AS logBin,
              @@sync_binlog AS syncBinlog, @@innodb_buffer_pool_size AS bufferPoolBytes, @@datadir AS dataFolder`,
    );
    if (settings.flushLogAtTrxCommit !== 1 || settings.logBin !== 1 || settings.syncBinlog !== 1) {
      throw new Error(
        'The benchmark needs a server with innodb_flush_log_at_trx_commit=1, log_bin on and sync_binlog=1; this one ' +
          `has ${settings.flushLogAtTrxCommit}, ${settings.logBin} and ${settings.syncBinlog}.`,
      );
    }
    return settings;
  }

  /** Resets the count of the most connections. */
  async forgetConnections(): Promise<void> {
    await this.sequelize.query('FLUSH NO_WRITE_TO_BINLOG STATUS').catch(() => undefined);
  }

  async read(): Promise<MysqlReading> {
    const rows = await this.sequelize.query<{ Variable_name: string; Value: string }>(
      `SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_commit', 'Max_used_connections')`,
      { type: QueryTypes.SELECT },
    );
    const value = (name: string) => Number(rows.find((row) => row.Variable_name === name)?.Value);
    const pid = await this.pid;
    return {
      statements: value('Questions'),
      commits: value('Com_commit'),
      cpuMs: pid === null ? null : readProcessCpuMs(pid),
      connectionsMax: value('Max_used_connections'),
    };
  }

  private async findPid(): Promise<number | null> {
    const { path } = await this.one<{ path: string }>('SELECT @@pid_file AS path');
    try {
      const pid = Number(readFileSync(path, 'utf8').trim());
      // A pid file of a container may name another process of this machine.
      return /mysqld|mariadbd/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ? pid : null;
    } catch {
      return null;
    }
  }

  private async one<Row extends object>(sql: string): Promise<Row> {
    const [row] = await this.sequelize.query<Row>(sql, { type: QueryTypes.SELECT });
    if (!row) throw new Error(`MySQL answered nothing to: ${sql}`);
    return row;
  }
}
