/** The process edge of the server: environment, start, signals, exit code. */
import cluster from 'node:cluster';
import { startApp } from './app.js';
import { explainStartFailure } from './cli/start-failure.js';
import { onStopSignals } from './cli/stop-signals.js';
import { loadConfig, type Config } from './config.js';
import { openLog } from './log.js';
import { WorkerSupervisor } from './workers.js';

/** Starts the server, or its workers, and exits with 1 where that fails. Signals end the process later. */
export async function main(): Promise<void> {
  const server = new ServerProcess();
  if (cluster.isPrimary) {
    onStopSignals(['SIGINT', 'SIGTERM'], {
      stop: () => void server.stopOnce(),
      force: () => {
        server.kill();
      },
    });
  } else {
    // Ctrl-C in a terminal reaches the whole process group. A worker waits for the supervisor to stop it.
    process.on('SIGINT', () => undefined);
    // So does the SIGTERM of systemd, and the supervisor's own comes second: it must not end requests under way.
    process.on('SIGTERM', () => void server.stopOnce());
    process.on('disconnect', () => void server.stopOnce());
  }
  try {
    const config = loadConfig(process.env);
    if (config.workers > 1 && cluster.isPrimary) await server.supervise(config);
    else await server.serve(config);
  } catch (error) {
    console.error(explainStartFailure(error));
    process.exit(1);
  }
}

class ServerProcess {
  private stopping = false;
  /** Resolves with whether all parts stopped cleanly. */
  private stopAll: () => Promise<boolean> = () => Promise.resolve(true);
  private killAll: () => void = () => undefined;

  async serve(config: Config): Promise<void> {
    const app = await startApp(config, { primary: cluster.worker });
    this.stopAll = async () => {
      await app.stop();
      return true;
    };
  }

  async supervise(config: Config): Promise<void> {
    const supervisor = new WorkerSupervisor(config, openLog(config));
    this.stopAll = () => supervisor.stop();
    this.killAll = () => {
      supervisor.kill();
    };
    if (!(await supervisor.start()) && !this.stopping) process.exit(1);
  }

  kill(): void {
    this.killAll();
    process.exit(1);
  }

  async stopOnce(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    process.exit((await this.stopAll()) ? 0 : 1);
  }
}
