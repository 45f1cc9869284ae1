/** The lock alone: its cost without contention, and the speed of hand-overs between processes. */
import type { Form } from '../contenders/contender.js';
import { LOCKS, lockOf } from '../locks/roster.js';
import { toRow, type Measured, type Row, type RowTitle } from '../report/row.js';
import type { TestBed } from '../test-bed.js';
import type { Job } from '../workers/job.js';
import { Workers, type Scenario } from './scenario.js';

export const UNCONTENDED = 'uncontended';
export const HAND_OFFS = '4 processes';

const PROCESSES = 4;
const KEYS = 64;
/** A single caller takes a lock about 2,000 times a second; V8 optimises code after some thousands of runs. */
const WARM_UP_ALONE_MS = 2_000;
const WARM_UP_MS = 500;

export const lock: Scenario = {
  name: 'lock',
  what: `acquired and released by 1 caller; handed over between ${PROCESSES} processes`,
  merit: 'opsPerSecond',
  contenders: LOCKS.map(({ name }) => name),
  known: LOCKS.map(({ name }) => name),
  repeatsMax: 2,
  formsOf: (name) =>
    lockOf(name).tunings.map((tuning): Form => ({ label: tuning, poolMax: 0, tuning })),
  run: async (trial, bed) => {
    const { tuning = 'defaults' } = trial.form;
    const job = {
      kind: 'lock',
      lock: trial.contender,
      tuning,
      redisUrl: bed.services.redisUrl,
    } as const;
    const title = { scenario: 'lock', ...trial, callers: 1 };
    await bed.redis.forgetEverything();
    // It cannot wait.
    if (trial.contender === 'raw')
      return [(await measureAlone(bed, job, title, trial.seconds)).row];
    return (await measureLock(bed, job, title, trial.seconds)).map(({ row }) => row);
  },
};

type LockJob = Omit<Extract<Job, { readonly kind: 'lock' }>, 'keys'>;
type Title = Omit<RowTitle, 'point'>;

interface LockRow {
  readonly row: Row;
  readonly measured: Measured;
}

/** Without contention, and handed over between processes. */
export async function measureLock(
  bed: TestBed,
  job: LockJob,
  title: Title,
  seconds: number,
): Promise<[alone: LockRow, handedOver: LockRow]> {
  const alone = await measureAlone(bed, job, title, seconds);
  const jobs = Array.from({ length: PROCESSES }, () => ({ ...job, keys: 1 }));
  const { value: measured } = await Workers.use(bed, jobs, async (workers) => {
    await workers.warmUp(1, WARM_UP_MS);
    return workers.measureFor(1, seconds);
  });
  const row = perHandOff(toRow({ ...title, point: HAND_OFFS }, measured, null), measured);
  return [alone, { row, measured }];
}

async function measureAlone(
  bed: TestBed,
  job: LockJob,
  title: Title,
  seconds: number,
): Promise<LockRow> {
  const { value: measured } = await Workers.use(bed, [{ ...job, keys: KEYS }], async (workers) => {
    await workers.warmUp(1, WARM_UP_ALONE_MS);
    return workers.measureFor(1, seconds);
  });
  return { row: toRow({ ...title, point: UNCONTENDED }, measured, null), measured };
}

/** A process that keeps the lock is fast but hands nothing over: only hand-overs between processes count here. */
function perHandOff(row: Row, { outcomes, seconds }: Parameters<typeof toRow>[1]): Row {
  const acquisitions = outcomes
    .flatMap(({ acquiredMs = [] }, process) => [...acquiredMs].map((ms) => ({ ms, process })))
    .sort((a, b) => a.ms - b.ms);
  let handOffs = 0;
  for (let i = 1; i < acquisitions.length; i += 1) {
    if (acquisitions[i]?.process !== acquisitions[i - 1]?.process) handOffs += 1;
  }
  const scaled = (perOp: number | null) =>
    perOp === null || handOffs === 0
      ? null
      : Number(((perOp * acquisitions.length) / handOffs).toPrecision(4));
  return {
    ...row,
    opsPerSecond: Number((handOffs / seconds).toPrecision(4)),
    redisRoundTripsPerOp: scaled(row.redisRoundTripsPerOp),
    redisCommandsPerOp: scaled(row.redisCommandsPerOp),
    redisCpuMsPerOp: scaled(row.redisCpuMsPerOp),
    nodeCpuMsPerOp: scaled(row.nodeCpuMsPerOp),
  };
}
