/**
 * A worker process: opens one kind of work and follows the commands of the benchmark's main process. Each contender has
 * a process of its own, so that it does not inherit the heap, compiled code or connections of another one.
 */
import type { Answer, Contender, Line } from '../contenders/contender.js';
import { contenderOf } from '../contenders/roster.js';
import { lockOf } from '../locks/roster.js';
import { Instruments } from '../measurement/instruments.js';
import { seededRandom, uniform, zipf } from '../random.js';
import { ClosedLoop } from './closed-loop.js';
import { openHttpClient } from './http-load.js';
import { productId, type Demand, type Job, type Order, type Report, type Work } from './job.js';
import { LockLoop } from './lock-loop.js';
import { OpenLoop } from './open-loop.js';
import { openPageReads } from './page-reads.js';
import { Rounds } from './rounds.js';
import { SideReads } from './side-reads.js';

const HTTP_CONNECTIONS_MAX = 1_024;

const answers = { taken: 0, unknown: 0 };
const instruments = Instruments.install();
const [, , encodedJob = ''] = process.argv;

// The main process has gone.
process.on('disconnect', () => process.exit(0));

try {
  await obey(await open(JSON.parse(encodedJob) as Job));
} catch (error) {
  tell({ report: 'failed', message: describe(error) });
}

async function obey(work: Work): Promise<void> {
  const carryOut = async (order: Order): Promise<void> => {
    switch (order.order) {
      case 'warm-up':
        await work.warmUp(order.load, order.durationMs);
        tell({ report: 'warm' });
        return;
      case 'measure':
        tell({ report: 'measured', outcome: await work.measure(order.load, order.window) });
        return;
      case 'close':
        await work.close();
        tell({ report: 'closed', answers });
        process.disconnect();
        process.exit(0);
    }
  };
  process.on('message', (order: Order) => {
    carryOut(order).catch((error: unknown) => {
      tell({ report: 'failed', message: describe(error) });
    });
  });
  tell({ report: 'ready' });
  return Promise.resolve();
}

async function open(job: Job): Promise<Work> {
  switch (job.kind) {
    case 'closed-loop': {
      const contender = await openContender(job);
      const line = demandOf(job.demand);
      const act = actionOf(contender, job.action ?? 'deduct');
      return new ClosedLoop(
        () => act({ productId: line(), quantity: 1 }),
        instruments,
        () => contender.close(),
      );
    }
    case 'open-loop': {
      const contender = await openContender(job);
      const line = demandOf(job.demand);
      return new OpenLoop(
        () => contender.deduct({ productId: line(), quantity: 1 }),
        instruments,
        seededRandom(job.demand.seed),
        () => contender.close(),
      );
    }
    case 'rounds':
      return new Rounds(await openContender(job), job.buyers, instruments);
    case 'side-reads':
      return new SideReads(await openContender(job), job, instruments);
    case 'page-reads': {
      const reads = openPageReads(job);
      return new ClosedLoop(
        () => reads.readOne(),
        instruments,
        () => reads.close(),
      );
    }
    case 'http': {
      const client = openHttpClient(job, HTTP_CONNECTIONS_MAX);
      const line = demandOf(job.demand);
      return new ClosedLoop(
        () => counted(client.deduct(line())),
        instruments,
        () => client.close(),
      );
    }
    case 'lock': {
      const lock = await lockOf(job.lock).open(job.redisUrl, job.tuning);
      return new LockLoop(lock, job.keys, instruments);
    }
  }
}

async function openContender(job: Extract<Job, { contender: string }>): Promise<Contender> {
  const contender = await contenderOf(job.contender).open(job.services, job.form);
  return {
    pools: contender.pools,
    deduct: (line) => counted(contender.deduct(line)),
    ...(contender.reserve && {
      reserve: (line) => counted(contender.reserve?.(line) ?? cannot('reserve')),
    }),
    close: () => contender.close(),
  };
}

function actionOf(
  contender: Contender,
  action: 'deduct' | 'reserve',
): (line: Line) => Promise<Answer> {
  if (action === 'deduct') return (line) => contender.deduct(line);
  return (line) => contender.reserve?.(line) ?? cannot(action);
}

function cannot(action: string): Promise<never> {
  return Promise.reject(new Error(`This contender cannot ${action}.`));
}

async function counted(attempt: Promise<Answer>): Promise<Answer> {
  answers.unknown += 1;
  const answer = await attempt;
  answers.unknown -= 1;
  if (answer === 'taken') answers.taken += 1;
  return answer;
}

function demandOf({ products, zipfExponent, seed }: Demand): () => string {
  if (products === 1) return () => productId(0);
  const random = seededRandom(seed);
  const next =
    zipfExponent === undefined ? uniform(products, random) : zipf(products, zipfExponent, random);
  return () => productId(next());
}

function tell(report: Report): void {
  process.send?.(report);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
