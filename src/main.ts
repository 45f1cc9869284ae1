/** The process edge: environment, start, signals, exit code. */
import cluster from 'node:cluster';
import { pino } from 'pino';
import { startApp } from './app.js';
import { loadConfig, type Config } from './config.js';
import { explainStartFailure } from './cli/start-failure.js';
import { WorkerSupervisor } from './workers.js';

/** What is stopped by a signal. Before there is anything, a stop is a plain exit. */
let stopAll: () => Promise<boolean> = () => Promise.resolve(true);
let killAll: () => void = () => undefined;
let signalled = false;

async function stop(): Promise<void> {
  // The second signal is from somebody who will not wait.
  if (signalled) {
    killAll();
    process.exit(1);
  }
  signalled = true;
  process.exit((await stopAll()) ? 0 : 1);
}

async function serve(config: Config): Promise<void> {
  const app = await startApp(config);
  stopAll = async () => {
    await app.stop();
    return true;
  };
}

async function supervise(config: Config): Promise<void> {
  const supervisor = new WorkerSupervisor(config, pino({ level: config.logLevel }));
  stopAll = () => supervisor.stop();
  killAll = () => {
    supervisor.kill();
  };
  if (!(await supervisor.start()) && !signalled) process.exit(1);
}

process.on('SIGTERM', () => void stop());
if (cluster.isPrimary) {
  process.on('SIGINT', () => void stop());
} else {
  // A terminal's Ctrl-C reaches the whole group; the supervisor is who says stop, and without one there is no use.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => {
    if (!signalled) void stop();
  });
}

try {
  const config = loadConfig(process.env);
  if (config.workers > 1 && cluster.isPrimary) await supervise(config);
  else await serve(config);
} catch (error) {
  console.error(explainStartFailure(error));
  process.exit(1);
}
