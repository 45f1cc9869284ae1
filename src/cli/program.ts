/**
 * The program `stockade`: its commands, a file each. What a command needs beyond the database (the server, the services
 * of development, the simulation) is loaded when the command runs.
 */
import { Command, CommanderError } from 'commander';
import { addDev } from './dev.js';
import { EXIT } from './exit-codes.js';
import { addExport } from './export.js';
import { addImport } from './import.js';
import { addKeys } from './keys.js';
import { addMigrate } from './migrate.js';
import { addStart } from './start.js';
import { explainStartFailure } from './start-failure.js';
import { addSimulate } from './simulate.js';
import { addVerifyLedger } from './verify-ledger.js';

export function buildProgram(): Command {
  const program = new Command('stockade')
    .description('A GraphQL inventory API that never oversells.')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('Run "stockade --help" for its usage.')
    .addHelpText(
      'after',
      '\n"stockade <command> --help" describes a command. In a checkout, "npm run <command> -- …" does the same.',
    );
  for (const add of [
    addStart,
    addDev,
    addMigrate,
    addKeys,
    addImport,
    addExport,
    addVerifyLedger,
    addSimulate,
  ]) {
    add(program);
  }
  return program;
}

/** Runs one command. Resolves when it has ended; its exit code is in `process.exitCode`. */
export async function run(args: readonly string[]): Promise<void> {
  // A reader that closes the pipe (`stockade keys list | head -1`) is no failure of the command. An error without a
  // system call is not of the stream: a pipeline has failed elsewhere, destroyed the stream with it, and reports it.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall !== undefined && error.code !== 'EPIPE') throw error;
    });
  }
  try {
    const program = buildProgram();
    if (args.length === 0) program.error('error: missing command');
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has written its message.
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.misused;
    } else {
      console.error(explainStartFailure(error));
      process.exitCode = EXIT.failed;
    }
  }
}
