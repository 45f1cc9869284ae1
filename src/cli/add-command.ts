/** Adds a command to the program, with the parts that the help of every command has. */
import type { Command } from 'commander';
import { EXIT } from './exit-codes.js';

export interface CommandText {
  /** `import <file>`: the name with its arguments. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly description: string;
  /** What each exit code but that of a wrong command line means. */
  readonly exitCodes: Readonly<Partial<Record<number, string>>>;
  /** Variables of the environment, or other facts, below the options. */
  readonly notes?: string;
}

export function addCommand(parent: Command, text: CommandText): Command {
  const command = parent.command(text.usage).summary(text.summary).description(text.description);
  command.helpCommand(false);
  command.showHelpAfterError(`Run "${pathOf(command)} --help" for its usage.`);
  const codes = Object.entries({ ...text.exitCodes, [EXIT.misused]: 'the command line is wrong' });
  const lines = codes.map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}`);
  const notes = text.notes === undefined ? '' : `\n${text.notes}\n`;
  command.addHelpText('after', `${notes}\nExit codes:\n${lines.join('\n')}`);
  return command;
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
