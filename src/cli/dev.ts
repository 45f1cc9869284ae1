/**
 * `stockade dev`: the server with services and a sample catalogue of its own.
 *
 * Nothing else in src/ may import services/, because the server's image does not contain that folder, and services/
 * imports nothing of src/. This command needs both, so it loads `development.ts`, which joins them, when it runs.
 */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { addCommand } from './add-command.js';
import { EXIT } from './exit-codes.js';

const SERVICES = new URL('../../services/services.js', import.meta.url);

export function addDev(program: Command): void {
  addCommand(program, {
    usage: 'dev',
    summary: 'serve the API with MySQL, Redis and sample data of its own',
    description:
      'Starts MySQL and Redis, serves the API with a sample catalogue, and stops all of it at Ctrl-C. Servers that ' +
      'MYSQL_URL or REDIS_URL name are used instead of new ones.',
    notes: 'PORT=4001 serves on another port.',
    exitCodes: {
      [EXIT.done]: 'stopped by a signal, also while it was starting',
      [EXIT.failed]: 'the start failed',
      [EXIT.interrupted]: 'a second signal ended it at once',
    },
  }).action(async () => {
    if (!existsSync(SERVICES)) {
      throw new MissingServicesError();
    }
    const { develop } = await import('./development.js');
    await develop();
  });
}

class MissingServicesError extends Error {
  readonly code = 'SERVICES_MISSING' as const;
  constructor() {
    super(
      '"stockade dev" needs the folder dist/services, which this installation does not contain. ' +
        'Run "stockade start", or use a checkout of the sources.',
    );
    this.name = 'MissingServicesError';
  }
}
