/** `stockade start`: serves the API until a signal stops it. */
import type { Command } from 'commander';
import { addCommand } from './add-command.js';
import { EXIT } from './exit-codes.js';

export function addStart(program: Command): void {
  addCommand(program, {
    usage: 'start',
    summary: 'serve the API',
    description:
      'Serves the API. SIGTERM or SIGINT stops it: requests that have begun are finished within SHUTDOWN_GRACE_MS, ' +
      'and a signal more than a second later ends it at once.',
    notes: 'All settings are variables of the environment; the README lists them.',
    exitCodes: {
      [EXIT.done]: 'stopped by a signal, and everything was closed in order',
      [EXIT.failed]: 'the start failed, or a later signal ended it',
    },
  }).action(async () => {
    const { main } = await import('../main.js');
    await main();
  });
}
