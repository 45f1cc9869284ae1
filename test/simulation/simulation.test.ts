/** The product's lanes, locks and clients on simulated time: some seeds must pass, and a seed is always one run. */
import { runSimulation } from '../../src/simulation/run.js';

test('rounds with faults keep every promise, and reach the faults', async () => {
  const { failure, faults, outcomes } = await runSimulation({ seed: 7, minutes: 60 });
  expect(failure).toBeNull();
  const kinds = Object.keys(faults).map((name) => name.split(':')[0]);
  expect(new Set(kinds)).toEqual(new Set(['Redis', 'database', 'network', 'owners', 'process']));
  for (const what of ['answered by another process', 'in doubt', 'not taken', 'sent again']) {
    expect(`${what}: ${(faults[`owners: lines ${what}`] ?? 0) > 0}`).toBe(`${what}: true`);
  }
  for (const name of ['applied', 'leases had', 'refusalsJustified', 'readsJustified', 'broken']) {
    expect(`${name}: ${(outcomes[name] ?? 0) > 0}`).toBe(`${name}: true`);
  }
});

test('the same seed gives the same run, another seed another one', async () => {
  const first = await runSimulation({ seed: 7, minutes: 3 });
  const again = await runSimulation({ seed: 7, minutes: 3 });
  const other = await runSimulation({ seed: 8, minutes: 3 });
  expect(again).toEqual(first);
  expect(other.traceHash).not.toBe(first.traceHash);
});
