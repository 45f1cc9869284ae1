/** The command line. */
import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders/roster.js';
import { SCENARIOS } from './scenarios/roster.js';

export interface Options {
  /** The scenario `failover`, which brings servers of its own and runs alone. */
  readonly failover: boolean;
  readonly scenarios: readonly string[];
  /** Empty: each scenario's own. */
  readonly contenders: readonly string[];
  readonly seconds: number;
  readonly repeats: number;
  /** Repeats that would end later than this many milliseconds after the start are left out. */
  readonly withinMs: number;
  /** Ledger lines of the large shop of `read`. */
  readonly readRows: number;
  /** The file of the results; the plot goes beside it. */
  readonly json: string;
  readonly check: boolean;
  readonly help: boolean;
}

/** A mistake on the command line, in one sentence for the user. */
export class UsageError extends Error {
  readonly code = 'USAGE' as const;
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Of a run by anyone: not in version control. */
const LOCAL_RESULTS = 'bench/results/local';
/** What the README shows. */
const COMMITTED_RESULTS = 'bench/results';
const FAILOVER = 'failover';
const SECONDS_DEFAULT = 1.5;
const REPEATS_DEFAULT = 3;
const READ_ROWS_DEFAULT = 100_000;
/** Twelve minutes, less a margin for a repeat that takes longer than the one before. */
const DEFAULT_RUN_MS_MAX = 11.5 * 60_000;

/** @throws UsageError */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  const failover = values.scenario === FAILOVER;
  return {
    failover,
    scenarios:
      failover || values.scenario === undefined
        ? SCENARIOS.filter(({ isOnlyByName }) => !isOnlyByName).map(({ name }) => name)
        : names(
            values.scenario,
            'scenario',
            SCENARIOS.map(({ name }) => name),
            // `processes` names `processes-hot` and `processes-spread`.
            (name, group) => name.startsWith(`${group}-`),
          ),
    contenders:
      values.contenders === undefined
        ? []
        : names(values.contenders, 'contender', [
            ...new Set(SCENARIOS.flatMap(({ known }) => known)),
          ]),
    seconds: positive('--seconds', values.seconds, SECONDS_DEFAULT),
    repeats: Math.ceil(positive('--repeat', values.repeat, REPEATS_DEFAULT)),
    withinMs:
      values.seconds === undefined && values.repeat === undefined ? DEFAULT_RUN_MS_MAX : Infinity,
    readRows: Math.ceil(positive('--read-rows', values['read-rows'], READ_ROWS_DEFAULT)),
    json: resultsFile(values, failover),
    check: values.check ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        contenders: { type: 'string' },
        seconds: { type: 'string' },
        repeat: { type: 'string' },
        'read-rows': { type: 'string' },
        json: { type: 'string' },
        'commit-results': { type: 'boolean' },
        check: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Committed results are those of a whole run, so that all their figures are of one machine and hour. */
function resultsFile(
  given: Pick<
    ReturnType<typeof parse>['values'],
    'json' | 'commit-results' | 'scenario' | 'contenders'
  >,
  failover: boolean,
): string {
  const isPart = !failover && given.scenario !== undefined;
  if (given['commit-results'] === true) {
    if (given.json !== undefined || isPart || given.contenders !== undefined) {
      throw new UsageError(
        '--commit-results writes the results of a whole run; leave out --json, --scenario and --contenders.',
      );
    }
  }
  const folder = given['commit-results'] === true ? COMMITTED_RESULTS : LOCAL_RESULTS;
  return given.json ?? `${folder}/${failover ? FAILOVER : 'latest'}.json`;
}

function names(
  text: string,
  what: string,
  known: readonly string[],
  isOfGroup = (name: string, given: string) => name === given,
): readonly string[] {
  const given = text.split(',').map((name) => name.trim());
  const isMeant = (name: string, by: string) => name === by || isOfGroup(name, by);
  const unknown = given.find((by) => !known.some((name) => isMeant(name, by)));
  if (unknown !== undefined) {
    throw new UsageError(`Each ${what} must be one of ${known.join(', ')}; got "${unknown}".`);
  }
  return known.filter((name) => given.some((by) => isMeant(name, by)));
}

function positive(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`${option} must be a number above 0; got "${text}".`);
}

export function usage(): string {
  const list = (items: readonly { readonly name: string; readonly text: string }[]) =>
    items.map(({ name, text }) => `  ${name.padEnd(20)}${text}`).join('\n');
  return `npm run bench -- [options]

  --scenario a,b      only these scenarios; "http" names all that begin with http-
  --contenders a,b    only these contenders
  --seconds N         seconds to measure each contender (${SECONDS_DEFAULT})
  --repeat N          interleaved repeats (${REPEATS_DEFAULT}); with neither --seconds nor --repeat, repeats that would
                      make the run longer than 12 minutes are left out
  --read-rows N       ledger lines of the large shop of read (${READ_ROWS_DEFAULT.toLocaleString('en')});
                      it has a tenth as many products
  --json FILE         where to write the results (${LOCAL_RESULTS}/latest.json); the plot goes beside it, as .svg
  --commit-results    write them to ${COMMITTED_RESULTS}, from where the README shows them; only for a whole run
  --check             exit with 1 if a floor is missed, and name the floors for which nothing ran
  --help              show this help

Scenarios:
${list(SCENARIOS.map(({ name, what }) => ({ name, text: what })))}
  ${FAILOVER.padEnd(20)}a deduction each 100 ms while MySQL and Redis are switched, killed and hung; only alone

Contenders:
${list(CONTENDERS.map(({ name, summary }) => ({ name, text: summary })))}

MYSQL_URL and REDIS_URL name the servers to use; without them the benchmark starts its own. bench/README.md explains
the results.`;
}
