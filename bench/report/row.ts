/** One row of the results: all that was measured of one contender in one repeat of one scenario. */
import type { Form } from '../contenders/contender.js';
import type { InstrumentReading } from '../measurement/instruments.js';
import { mergeSamples } from '../measurement/samples.js';
import { median, percentile, smallestShare } from '../statistics.js';
import type { LedgerCheck, Reading } from '../test-bed.js';
import type { Outcome } from '../workers/job.js';

export interface Row {
  readonly scenario: string;
  readonly contender: string;
  /** The contender's configuration, as in `pool 10`. */
  readonly form: string;
  /** From 1. */
  readonly repeat: number;
  /** The load of a scenario with several loads, as in `64 callers`; else empty. */
  readonly point: string;
  readonly callers: number;
  readonly processes: number;
  readonly seconds: number;
  /** Answers per second, taken or refused; a failure is no answer. */
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly taken: number;
  readonly refused: number;
  readonly failed: number;
  readonly failures: readonly string[];
  readonly mysqlStatementsPerOp: number | null;
  readonly mysqlCommitsPerOp: number | null;
  readonly mysqlCpuMsPerOp: number | null;
  /** The most connections to MySQL at once. */
  readonly mysqlConnectionsMax: number | null;
  /** Commands that clients sent, each a round trip. */
  readonly redisRoundTripsPerOp: number | null;
  /** All that Redis executed, commands inside scripts included. */
  readonly redisCommandsPerOp: number | null;
  readonly redisConnectionsOpened: number;
  /** A transaction from START until COMMIT has returned. */
  readonly transactionP50Ms: number | null;
  readonly transactionMaxMs: number | null;
  /** CPU time of Redis. */
  readonly redisCpuMsPerOp: number | null;
  /** CPU time of the working processes, load generation included; over HTTP that of all servers, and of no client. */
  readonly nodeCpuMsPerOp: number | null;
  /** Over HTTP: CPU time of the load generators; else null. */
  readonly clientCpuMsPerOp: number | null;
  /** The delay of the working processes' event loops; over HTTP of the servers'. */
  readonly eventLoopP99Ms: number;
  /** The smallest share of a process, where 1 is an equal share; null for one process. */
  readonly fairness: number | null;
  /** Rounds: from the first call to the last answer; the median of the rounds. */
  readonly totalMs: number | null;
  /** Rounds: whether each round sold exactly as many units as there were. */
  readonly exact: boolean | null;
  /** Side reads: deductions that were decided meanwhile, per second. */
  readonly sideOpsPerSecond: number | null;
  /** At several members of a group: transactions that it did not certify, while it was measured; else null. */
  readonly conflicts: number | null;
  readonly ledger: LedgerCheck | null;
}

export interface Measured {
  readonly outcomes: readonly Outcome[];
  readonly before: Reading;
  readonly after: Reading;
  readonly seconds: number;
  /** Measured inside the servers, where the outcomes are those of their clients. */
  readonly servers?: readonly InstrumentReading[] | undefined;
}

export interface RowTitle {
  readonly scenario: string;
  readonly contender: string;
  readonly form: Pick<Form, 'label'>;
  readonly repeat: number;
  readonly point: string;
  readonly callers: number;
}

/** What the benchmark's own reading adds to the server's counts. */
const OWN_STATEMENTS = 1;
/** The benchmark's own connection, which reads the counts. */
const OWN_CONNECTIONS = 1;

export function toRow(title: RowTitle, measured: Measured, units: number | null): Row {
  const { outcomes, before, after, seconds, servers } = measured;
  const samples = mergeSamples(outcomes.map((outcome) => outcome.samples));
  const side = outcomes.flatMap(({ deductions }) => (deductions ? [deductions] : []));
  const sideDecided = side.reduce((sum, { decided }) => sum + decided, 0);
  const ops = samples.decided + sideDecided;
  const perOp = (amount: number | null) =>
    amount === null || ops === 0 ? null : rounded(amount / ops);
  const latencies = samples.latenciesMs.slice().sort();
  const ofWorkers = outcomes.map(({ instruments }) => instruments);
  const readings = servers ?? ofWorkers;
  const sum = (pick: (reading: InstrumentReading) => number, of = readings) =>
    of.reduce((total, reading) => total + pick(reading), 0);
  const transactions = concatenate(readings.map((o) => o.transactionsMs)).sort();
  const roundsMs = outcomes.flatMap((outcome) => outcome.roundsMs ?? []);
  const roundsTaken = outcomes.flatMap((outcome) => outcome.roundsTaken ?? []);
  const { mysql, redis } = after;
  const cpuMs =
    mysql.cpuMs === null || before.mysql.cpuMs === null ? null : mysql.cpuMs - before.mysql.cpuMs;
  return {
    scenario: title.scenario,
    contender: title.contender,
    form: title.form.label,
    repeat: title.repeat,
    point: title.point,
    callers: title.callers,
    processes: outcomes.length,
    seconds: rounded(seconds),
    opsPerSecond: rounded(samples.decided / seconds),
    p50Ms: rounded(percentile(latencies, 0.5)),
    p99Ms: rounded(percentile(latencies, 0.99)),
    maxMs: rounded(latencies.at(-1) ?? NaN),
    taken: samples.taken,
    refused: samples.refused,
    failed: samples.failed + side.reduce((total, { failed }) => total + failed, 0),
    failures: [...samples.failures, ...side.flatMap(({ failures }) => failures)],
    mysqlStatementsPerOp: perOp(mysql.statements - before.mysql.statements - OWN_STATEMENTS),
    mysqlCommitsPerOp: perOp(mysql.commits - before.mysql.commits),
    mysqlCpuMsPerOp: perOp(cpuMs),
    mysqlConnectionsMax:
      mysql.connectionsMax === null ? null : mysql.connectionsMax - OWN_CONNECTIONS,
    redisRoundTripsPerOp: perOp(sum(({ redisRoundTrips }) => redisRoundTrips)),
    redisCommandsPerOp: perOp(redis.commands - before.redis.commands),
    redisConnectionsOpened: redis.connectionsReceived - before.redis.connectionsReceived,
    transactionP50Ms: roundedOrNull(percentile(transactions, 0.5)),
    transactionMaxMs: roundedOrNull(transactions.at(-1) ?? NaN),
    redisCpuMsPerOp: perOp(redis.cpuMs - before.redis.cpuMs),
    nodeCpuMsPerOp: perOp(sum((reading) => reading.cpuMs)),
    clientCpuMsPerOp: servers ? perOp(sum((reading) => reading.cpuMs, ofWorkers)) : null,
    eventLoopP99Ms: rounded(Math.max(...readings.map(({ eventLoopP99Ms }) => eventLoopP99Ms))),
    fairness:
      outcomes.length > 1 ? rounded(smallestShare(outcomes.map((o) => o.samples.decided))) : null,
    totalMs: roundsMs.length > 0 ? rounded(median(roundsMs)) : null,
    exact: units !== null && roundsTaken.length > 0 ? roundsTaken.every((n) => n === units) : null,
    sideOpsPerSecond: side.length > 0 ? rounded(sideDecided / seconds) : null,
    conflicts: null,
    ledger: null,
  };
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

/** No figure here is more precise than four digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function roundedOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : rounded(value);
}
