/** What waits for a stop learns of each, also of one that came first. */
import { untilStopped } from '../../../src/cli/stop-signals.js';
import { within } from '../../support/until.js';

test('a wait for a stop ends with it, and at once where it has come before', async () => {
  const stop = new AbortController();
  const waiting = untilStopped(stop.signal);
  stop.abort();
  await within(30_000, 'the stop', waiting);
  await within(30_000, 'the stop before', untilStopped(stop.signal));
});
