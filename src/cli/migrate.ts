/** `stockade migrate`: applies the migrations that the database lacks. */
import type { Command } from 'commander';
import { migrate } from '../database/migrator.js';
import { addCommand } from './add-command.js';
import { DATABASE_NOTE, mysqlUrlOrDevelopment } from './development-services.js';
import { EXIT } from './exit-codes.js';

export function addMigrate(program: Command): void {
  addCommand(program, {
    usage: 'migrate',
    summary: "bring the database's tables up to date",
    description: 'Applies the migrations that the database lacks, and prints their names.',
    notes: DATABASE_NOTE,
    exitCodes: {
      [EXIT.done]: 'the tables are up to date',
      [EXIT.failed]: 'a migration failed, or the database cannot be reached',
    },
  }).action(async () => {
    const applied = await migrate(mysqlUrlOrDevelopment(process.env));
    console.log(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'Nothing to apply.');
  });
}
