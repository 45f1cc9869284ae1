/**
 * Runs the scenarios. Repeats are the outermost loop and contenders the innermost, so that a slow minute of the machine
 * affects all contenders alike; the order of the contenders rotates with each repeat. In the first repeat each
 * contender runs in all its forms, in the others only in its best one. A scenario with the load of an earlier one uses
 * the forms that were the best there.
 */
import { dirname } from 'node:path';
import { mkdir, writeFile } from 'node:fs/promises';
import type { Services } from '../services/services.js';
import type { Form } from './contenders/contender.js';
import { contenderOf } from './contenders/roster.js';
import { installRivals } from './http/rival-packages.js';
import { RIVALS } from './http/server-process.js';
import type { Options } from './options.js';
import { assess, floorsTable, notJudged } from './report/floors.js';
import { capacityTable } from './report/capacity.js';
import { describeMachine, machineLines } from './report/machine.js';
import { plot } from './report/plot.js';
import type { Row } from './report/row.js';
import { resultsTable } from './report/table.js';
import { ALL_CONTENDERS, CannotRun, type Scenario } from './scenarios/scenario.js';
import { SCENARIOS } from './scenarios/roster.js';
import { bestForm } from './selection.js';
import { TestBed } from './test-bed.js';
import { TimeLimit } from './time-limit.js';

/** One repeat of a scenario, with its contenders one after another. */
interface PlannedRound {
  readonly scenario: Scenario;
  readonly repeat: number;
  readonly contenders: readonly string[];
}

/** @returns whether all floors hold for which there are results. */
export async function runBenchmark(
  options: Options,
  services: Services,
  signal: AbortSignal,
): Promise<boolean> {
  const given = { mysqlUrl: services.mysql.url, redisUrl: services.redis.url };
  const bed = await TestBed.open(given, signal);
  try {
    const machine = describeMachine(await bed.survey(), services);
    console.log(machineLines(machine).join('\n'));
    const startedMs = performance.now();
    const { rows, leftOut } = await runAll(bed, options, await findMissing(options, signal));
    const tookSeconds = Math.round((performance.now() - startedMs) / 1_000);

    console.log(resultsTable(rows));
    const findings = assess(rows);
    console.log(capacityTable(rows));
    console.log(floorsTable(findings));
    const { check, scenarios } = options;
    const unjudged = check ? notJudged(findings, { scenarios, leftOut }) : leftOut.join('\n');
    if (unjudged !== '') console.log(unjudged);
    console.log(`It took ${Math.floor(tookSeconds / 60)} min ${tookSeconds % 60} s.`);
    await save(options.json, { machine, rows });
    return findings.every(({ verdict }) => verdict !== 'missed');
  } finally {
    await bed.close();
  }
}

async function save(
  file: string,
  results: { readonly machine: ReturnType<typeof describeMachine>; readonly rows: readonly Row[] },
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  const plotFile = file.replace(/(\.json)?$/, '.svg');
  await writeFile(plotFile, plot(results.machine, results.rows));
  console.log(`Written: ${file}, ${plotFile}`);
}

interface Results {
  readonly rows: readonly Row[];
  /** A sentence for each trial or contender that was to run. */
  readonly leftOut: readonly string[];
}

/** Contenders that cannot run on this machine, with the reason, a clause. */
type Missing = ReadonlyMap<string, string>;

/** Installs what the wanted contenders need beyond the project's packages. */
function findMissing(options: Options, signal: AbortSignal): Promise<Missing> {
  const wanted = planOf(options).flatMap(({ contenders }) => contenders);
  const log = (line: string) => {
    console.log(line);
  };
  return installRivals(
    RIVALS.filter((name) => wanted.includes(name)),
    { signal, log },
  );
}

async function runAll(bed: TestBed, options: Options, missing: Missing): Promise<Results> {
  const plan = planOf(options).map((round) => ({
    ...round,
    contenders: round.contenders.filter((name) => !missing.has(name)),
  }));
  const trials = plan.reduce((sum, { contenders }) => sum + contenders.length, 0);
  const limit = new TimeLimit(options.withinMs);
  const rows: Row[] = [];
  const leftOut = [...missing].map(([name, reason]) => `${name}: left out, ${reason}.`);
  let at = 0;
  for (const round of plan) {
    const { scenario, repeat, contenders } = round;
    if (limit.leavesOut(scenario.name)) {
      leftOut.push(`${scenario.name}, repeat ${repeat}: left out, it would end too late.`);
      at += contenders.length;
      continue;
    }
    const startedMs = performance.now();
    for (const contender of contenders) {
      at += 1;
      for (const form of formsFor(round, contender, rows)) {
        const count = `[${at}/${trials}]`;
        const trial = { round, contender, form, count };
        const made = await runTrial(bed, options, trial).catch((error: unknown) => {
          if (!(error instanceof CannotRun)) throw error;
          leftOut.push(`${scenario.name}, ${contender}: left out, ${error.message}`);
          return [];
        });
        rows.push(...made);
      }
    }
    limit.took(scenario.name, performance.now() - startedMs);
  }
  return { rows, leftOut };
}

async function runTrial(
  bed: TestBed,
  options: Options,
  trial: {
    readonly round: PlannedRound;
    readonly contender: string;
    readonly form: Form;
    readonly count: string;
  },
): Promise<readonly Row[]> {
  bed.signal.throwIfAborted();
  const { contender, form, count } = trial;
  const { scenario, repeat } = trial.round;
  const title = `${scenario.name}, ${contender}, ${form.label}, repeat ${repeat} of ${options.repeats}`;
  progress(`${count} ${title} …`);
  const { seconds, readRows } = options;
  const repeats = Math.min(options.repeats, scenario.repeatsMax ?? options.repeats);
  const made = await scenario
    .run({ contender, form, repeat, repeats, seconds, readRows }, bed)
    .catch((error: unknown) => {
      if (error instanceof CannotRun) throw error;
      throw new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    });
  const speeds = made.map((row) => Math.round(row.opsPerSecond).toLocaleString('en'));
  progress(`${count} ${title}: ${speeds.join(', ')}/s`, LAST_WORD);
  return made;
}

function planOf({ scenarios, contenders, repeats }: Options): readonly PlannedRound[] {
  const plan: PlannedRound[] = [];
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    for (const scenario of SCENARIOS) {
      if (!scenarios.includes(scenario.name) || repeat > (scenario.repeatsMax ?? repeat)) continue;
      const names = scenario.known.filter((name) =>
        (contenders.length > 0 ? contenders : scenario.contenders).includes(name),
      );
      const turn = (repeat - 1) % Math.max(1, names.length);
      const turned = [...names.slice(turn), ...names.slice(0, turn)];
      const inRepeat = turned.filter((name) => repeat <= repeatsMaxOf(name, scenario));
      plan.push({ scenario, repeat, contenders: inRepeat });
    }
  }
  return plan;
}

function repeatsMaxOf(contender: string, { once = [] }: Scenario): number {
  if (once.includes(contender)) return 1;
  const known = ALL_CONTENDERS.includes(contender) ? contenderOf(contender) : null;
  return known?.repeatsMax ?? Infinity;
}

function formsFor(
  { scenario, repeat }: PlannedRound,
  contender: string,
  rows: readonly Row[],
): Form[] {
  const forms = [...scenario.formsOf(contender)];
  const ofContender = rows.filter((row) => row.contender === contender);
  const own = ofContender.filter((row) => row.scenario === scenario.name);
  const alike = ofContender.filter((row) => row.scenario === scenario.formsLike);
  // The best forms of the scenario with the same load.
  const tried = own.length > 0 ? own : alike;
  if (repeat === 1 && alike.length === 0) return forms;
  const best = bestForm(tried, scenario.merit);
  const ofBest = forms.filter(({ label }) => label === best);
  return ofBest.length > 0 ? ofBest : forms;
}

const LAST_WORD = { isLast: true };

/** On a terminal, overwrites the line until the trial has ended. */
function progress(text: string, { isLast = false } = {}): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}${isLast ? '\n' : ''}`);
  else if (isLast) process.stderr.write(`${text}\n`);
}
