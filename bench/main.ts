/**
 * `npm run bench`: starts its services, runs scenarios and contenders interleaved, and reports. Exit codes: 0; 1 if it
 * could not run, a contender's ledger was wrong, or, with --check, a floor was missed; 130 after Ctrl-C.
 */
import { bringServices } from '../services/services.js';
import { ServiceError } from '../services/service-errors.js';
import { runBenchmark } from './benchmark.js';
import { runFailover } from './failover/failover.js';
import { UsageError, readOptions, usage } from './options.js';

const INTERRUPTED_EXIT_CODE = 130;

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    interruption.abort();
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage());
  } else if (options.failover) {
    const floorsHold = await runFailover(options, interruption.signal);
    if (options.check && !floorsHold) process.exitCode = 1;
  } else {
    const { signal } = interruption;
    const services = await bringServices({
      env: process.env,
      signal,
      log: (line) => {
        console.log(line);
      },
    });
    try {
      const floorsHold = await runBenchmark(options, services, signal);
      if (options.check && !floorsHold) process.exitCode = 1;
    } finally {
      await services.stop();
    }
  }
} catch (error) {
  if (interruption.signal.aborted) {
    process.exitCode = INTERRUPTED_EXIT_CODE;
  } else {
    const isForUser = error instanceof UsageError || error instanceof ServiceError;
    console.error(isForUser ? error.message : error);
    process.exitCode = 1;
  }
}
process.exit();
