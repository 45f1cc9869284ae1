/**
 * The log: one JSON object a line, with the level by its name and the time in ISO 8601; or LOG_FORMAT=pretty, for
 * people. The lines of a request that is traced name its trace and span.
 */
import { pino, stdTimeFunctions, type Logger } from 'pino';
import type { Config } from './config.js';

interface Output {
  write(text: string): unknown;
}

/** @param ids of the trace and the span that are under way. */
export function openLog(
  { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>,
  ids?: () => object,
  output: Output = process.stdout,
): Logger {
  const options = {
    level: logLevel,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    ...(ids && { mixin: ids }),
  };
  if (logFormat === 'pretty') return pino(options, new PrettyOutput(output));
  return output === process.stdout ? pino(options) : pino(options, output);
}

/** Of the process and the machine, which is the one before the reader. */
const LEFT_OUT = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err']);
/** Of `2026-11-29T12:00:00.000Z`. */
const TIME_OF_DAY = [11, 23] as const;

/** Each line as `12:00:00.000 INFO  What happened. key=value`, and an error with its stack below. */
export class PrettyOutput {
  constructor(private readonly output: Output) {}

  write(line: string): void {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const { level, time, msg = '', err } = entry;
    const fields = Object.entries(entry).filter(([name]) => !LEFT_OUT.has(name));
    const shown = fields.map(([name, value]) => ` ${name}=${textOf(value)}`).join('');
    const clock = String(time).slice(...TIME_OF_DAY);
    const head = `${clock} ${String(level).toUpperCase().padEnd(5)} ${textOf(msg)}${shown}\n`;
    this.output.write(head + stackOf(err));
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return '';
  return `${String(error.stack).replaceAll(/^/gm, '  ')}\n`;
}
