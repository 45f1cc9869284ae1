/**
 * Builds what the tests spawn and brings MySQL and Redis for all of them, whose addresses reach the tests by the
 * environment. Plain JavaScript over the built services, as Jest hands an ES module in this place to Node untransformed.
 */
import { execFileSync } from 'node:child_process';

const interruption = new AbortController();

export default async function setUp() {
  // The servers are in process groups of their own, so Ctrl-C must be passed on.
  for (const [name, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(name, () => void stopAndExit(code));
  }
  if (!process.env.STOCKADE_SKIP_BUILD) {
    execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  }
  const { bringServices } = await import('../../dist/services/services.js');
  globalThis.stockadeServices = bringServices({
    env: process.env,
    signal: interruption.signal,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  const services = await globalThis.stockadeServices;
  process.stderr.write(`${services.mysql.chosen}\n${services.redis.chosen}\n`);
  process.env.REDIS_IS_OURS = String(!process.env.REDIS_URL);
  process.env.MYSQL_URL = services.mysql.url;
  process.env.REDIS_URL = services.redis.url;
}

async function stopAndExit(code) {
  interruption.abort();
  const services = await globalThis.stockadeServices?.catch(() => undefined);
  await services?.stop();
  process.exit(code);
}
