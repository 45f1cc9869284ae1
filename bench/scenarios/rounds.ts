/** Scenarios in which all buyers arrive at once; the time until the last answer counts. */
import { toRow } from '../report/row.js';
import { WARM_UP_ROUNDS_MAX } from '../workers/rounds.js';
import { ALL_CONTENDERS, Workers, formsOfContender, verified, type Scenario } from './scenario.js';

export const burst = rounds({
  name: 'burst',
  what: '1,000 buyers at once, 100 units; 20 bursts in all',
  contenders: ['lanes', 'for-update', 'conditional-update'],
  buyers: 1_000,
  units: 100,
  rounds: 20,
  pools: [10, 50],
});

export const claims = rounds({
  name: 'claims',
  what: '100 buyers at once, 100 units, a pool of 10 connections; 20 rounds in all',
  contenders: ['lanes', 'for-update', 'conditional-update', 'as-described'],
  buyers: 100,
  units: 100,
  rounds: 20,
  pools: [10],
});

const WARM_UP_ROUNDS_MIN = 2;
/** A sale does not begin in the first seconds after a server's start. */
const WARM_UP_MS = 1_000;
/** A run that measures the other scenarios for less than this has fewer rounds. */
const SECONDS_FOR_ALL = 1.5;

function rounds(settings: {
  readonly name: string;
  readonly what: string;
  readonly contenders: readonly string[];
  readonly buyers: number;
  readonly units: number;
  readonly rounds: number;
  readonly pools: readonly number[];
}): Scenario {
  const { name, what, contenders, buyers, units, pools } = settings;
  return {
    name,
    what,
    merit: 'totalMs',
    contenders,
    known: ALL_CONTENDERS,
    repeatsMax: 2,
    formsOf: (contender) =>
      formsOfContender(contender).filter(({ poolMax }) => pools.includes(poolMax)),
    run: async (trial, bed) => {
      const slow = trial.contender === 'as-described';
      const share = Math.min(1, trial.seconds / SECONDS_FOR_ALL) / trial.repeats;
      const count = slow ? 1 : Math.ceil(settings.rounds * share);
      await bed.prepare({ products: WARM_UP_ROUNDS_MAX + count, units });
      const { contender, form } = trial;
      const { services } = bed;
      const { value, answers } = await Workers.use(
        bed,
        [{ kind: 'rounds', contender, form, services, buyers }],
        async (workers) => {
          if (!slow) await workers.warmUp(WARM_UP_ROUNDS_MIN, WARM_UP_MS);
          return workers.measureAll(count);
        },
      );
      const title = { scenario: name, ...trial, point: '', callers: buyers };
      return verified(bed, [toRow(title, value, units)], answers);
    },
  };
}
