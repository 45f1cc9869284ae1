/** An open loop at rising shares of the contender's capacity: latency at a given rate of requests. */
import { toRow } from '../report/row.js';
import { UNLIMITED_UNITS } from '../test-bed.js';
import { ALL_CONTENDERS, Workers, formsOfContender, verified, type Scenario } from './scenario.js';

const CALLERS = 200;
const WARM_UP_MS = 1_000;
const CAPACITY_SECONDS = 1;
const PERCENTS = [25, 50, 75, 90, 110];
const POINT_SHARE = 0.5;

export const open: Scenario = {
  name: 'open',
  what: `hot, open loop at ${PERCENTS.join(', ')} % of capacity; latency from the intended start`,
  merit: 'opsPerSecond',
  contenders: ['lanes', 'for-update'],
  known: ALL_CONTENDERS,
  repeatsMax: 1,
  formsLike: 'hot',
  formsOf: formsOfContender,
  run: async (trial, bed) => {
    await bed.prepare({ products: 1, units: UNLIMITED_UNITS });
    const { contender, form } = trial;
    const job = { contender, form, services: bed.services, demand: { products: 1, seed: 1 } };
    const closed = await Workers.use(bed, [{ kind: 'closed-loop', ...job }], async (workers) => {
      await workers.warmUp(CALLERS, WARM_UP_MS);
      return workers.measureFor(CALLERS, CAPACITY_SECONDS);
    });
    const decided = closed.value.outcomes[0]?.samples.decided ?? 0;
    const capacity = decided / CAPACITY_SECONDS;
    const { value, answers } = await Workers.use(
      bed,
      [{ kind: 'open-loop', ...job }],
      async (workers) => {
        await workers.warmUp(CALLERS, WARM_UP_MS);
        const measured = [];
        for (const percent of PERCENTS) {
          const perSecond = Math.max(1, Math.round((capacity * percent) / 100));
          measured.push({
            point: `${percent} % = ${perSecond.toLocaleString('en')}/s`,
            measured: await workers.measureFor(perSecond, trial.seconds * POINT_SHARE),
          });
        }
        return measured;
      },
    );
    const rows = value.map(({ point, measured }) =>
      toRow({ scenario: 'open', ...trial, point, callers: 0 }, measured, null),
    );
    return verified(bed, rows, [...closed.answers, ...answers]);
  },
};
