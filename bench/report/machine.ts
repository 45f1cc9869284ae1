/** The machine on which the figures were measured. */
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { Services } from '../../services/services.js';
import { NODE_FLAGS } from '../node-flags.js';
import type { Ground } from '../test-bed.js';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** At the start, over the last minute. */
  readonly loadAverage: number;
  /** With its flags. */
  readonly node: string;
  readonly mysql: string;
  readonly redis: string;
  readonly mysqlFrom: string;
  readonly redisFrom: string;
  readonly innodbFlushLogAtTrxCommit: number;
  readonly logBin: number;
  readonly syncBinlog: number;
  readonly bufferPoolMiB: number;
  /** Of 4 KiB, on the file system of the server's data if that is on this machine; null if unknown. */
  readonly fsyncMedianMs: number | null;
  readonly fsyncP99Ms: number | null;
}

export function describeMachine(ground: Ground, services: Services): Machine {
  const { mysql, redisVersion, fsync } = ground;
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
    node: [process.version, ...NODE_FLAGS].join(' '),
    mysql: mysql.version,
    redis: redisVersion,
    mysqlFrom: services.mysql.chosen,
    redisFrom: services.redis.chosen,
    innodbFlushLogAtTrxCommit: mysql.flushLogAtTrxCommit,
    logBin: mysql.logBin,
    syncBinlog: mysql.syncBinlog,
    bufferPoolMiB: Math.round(mysql.bufferPoolBytes / 2 ** 20),
    fsyncMedianMs: fsync && Number(fsync.medianMs.toPrecision(3)),
    fsyncP99Ms: fsync && Number(fsync.p99Ms.toPrecision(3)),
  };
}

export function machineLines(machine: Machine): readonly string[] {
  const fsync =
    machine.fsyncMedianMs === null
      ? 'fsync not measured'
      : `fsync of 4 KiB ${machine.fsyncMedianMs} ms (p99 ${machine.fsyncP99Ms ?? '?'} ms)`;
  return [
    machine.mysqlFrom,
    machine.redisFrom,
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, ` +
      `load ${machine.loadAverage}`,
    `MySQL ${machine.mysql}: innodb_flush_log_at_trx_commit=${machine.innodbFlushLogAtTrxCommit}, ` +
      `log_bin=${machine.logBin}, sync_binlog=${machine.syncBinlog}, ` +
      `buffer pool ${machine.bufferPoolMiB} MiB; ${fsync}`,
  ];
}
