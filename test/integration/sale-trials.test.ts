/** A sale tried by `stockade dev`: real buyers over HTTP at servers of its own, and what the ledger says afterwards. */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../services/private-server.js';
import type { SaleTrial } from '../../src/graphql/sale-trials.js';
import { ownCheckout } from '../support/own-checkout.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';

interface Answer {
  readonly data?: {
    readonly saleTrial?: SaleTrial | null;
    readonly startSaleTrial?: { readonly __typename: string; readonly id?: string };
    readonly stopSaleTrial?: { readonly state: string } | null;
    readonly product?: { readonly available: number };
  } | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

const [START, STATE, STOP] = ['start-sale-trial', 'sale-trial', 'stop-sale-trial'].map((name) =>
  readFileSync(`schema/development/${name}.graphql`, 'utf8'),
) as [string, string, string];
const ENDED = new Set(['DONE', 'STOPPED', 'FAILED']);

const checkout = ownCheckout();
let dev: StartedProgram;
let port: number;
let authorization: string;

beforeAll(async () => {
  port = await freePort();
  dev = startProgram([...checkout.stockade, 'dev'], {
    PORT: String(port),
    AUTH: 'keys',
    STOCKADE_SERVICES_SKIP: 'docker',
  });
  await dev.until('the address', () => dev.stdout().includes('Ctrl-C stops everything'));
  authorization = await newKey('manage,deduct,read');
});

afterAll(() => {
  dev.discard();
  checkout.discard();
});

async function newKey(scopes: string): Promise<string> {
  const create = ['keys', 'create', '--name', 'tester', '--scopes', scopes];
  const keys = startProgram([...checkout.stockade, ...create], {});
  const code = await keys.exited;
  const key = keys.stdout().trim();
  const stderr = keys.stderr();
  keys.discard();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return `Bearer ${key}`;
}

async function ask(query: string, input?: object, as = authorization): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: as },
    body: JSON.stringify({ query, variables: { input } }),
  });
  return (await response.json()) as Answer;
}

async function trialAt(reached: (trial: SaleTrial) => boolean): Promise<SaleTrial> {
  for (;;) {
    const { data, errors } = await ask(STATE);
    expect(errors).toBeUndefined();
    const trial = data?.saleTrial;
    if (trial && (reached(trial) || ENDED.has(trial.state))) return trial;
    await wait(50);
  }
}

async function tried(input: object): Promise<SaleTrial> {
  const { data } = await ask(START, input);
  expect(data?.startSaleTrial).toMatchObject({ __typename: 'SaleTrial' });
  return trialAt(({ state }) => ENDED.has(state));
}

test.each(['REDIS', 'REDLOCK', 'DATABASE', 'NONE'])(
  'under %s every unit is sold once, and the ledger explains it',
  async (lock) => {
    const [buyers, units] = [300, 40];
    const trial = await tried({ buyers, units, lock, servers: lock === 'REDLOCK' ? 1 : 2 });
    expect(trial).toMatchObject({
      ...{ state: 'DONE', problem: null, lock },
      ...{ asked: buyers, sold: units, failed: [], waiting: 0 },
      refused: [{ code: 'INSUFFICIENT_STOCK', count: buyers - units }],
      ledger: { ok: true, soldUnits: units, oversold: 0, unexplained: 0 },
    });
    expect(trial.ledger?.verdict).toMatch(/^OK: \d+ ledger lines of \d+ products checked\.$/);
    const { data } = await ask(`{ product(id: "${trial.productId}") { available } }`);
    expect(data?.product).toEqual({ available: 0 });
    const last = trial.history.at(-1);
    expect(last).toMatchObject({ asked: buyers, sold: units, refused: buyers - units, waiting: 0 });
    expect(last?.atMs).toBeGreaterThanOrEqual(trial.lastAnswerMs ?? Infinity);
    expect(trial.p99Ms).toBeGreaterThanOrEqual(trial.p50Ms ?? Infinity);
    expect(trial.lastAnswerMs).toBeGreaterThanOrEqual(trial.p99Ms ?? Infinity);
  },
);

test('one trial runs at a time, and a stopped one leaves no process behind', async () => {
  const alone = dev.descendants().length;
  const { data } = await ask(START, { buyers: 5_000, units: 100_000, lock: 'DATABASE' });
  const id = data?.startSaleTrial?.id;
  const second = await ask(START, { buyers: 1, units: 1 });
  expect(second.data?.startSaleTrial).toMatchObject({
    __typename: 'SaleTrialUnderWay',
    trial: { id },
  });
  const selling = await trialAt(({ sold }) => sold > 0);
  expect(selling).toMatchObject({ id, state: 'SELLING' });
  expect(dev.descendants().length).toBeGreaterThan(alone);
  const stopped = await ask(STOP, { id });
  expect(stopped.data?.stopSaleTrial).toMatchObject({ state: 'STOPPED' });
  await dev.until('the end of its processes', () => dev.descendants().length === alone);
  expect((await ask(STOP, { id: 'another' })).data?.stopSaleTrial).toBeNull();
});

test('bounds are answers, and a principal without the scope may start nothing', async () => {
  for (const [input, field] of [
    [{ buyers: 5_001 }, 'buyers'],
    [{ units: 0 }, 'units'],
    [{ servers: 5 }, 'servers'],
  ] as const) {
    const { data } = await ask(START, input);
    expect(data?.startSaleTrial).toMatchObject({ __typename: 'InvalidInputError', field });
  }
  const reader = await newKey('read');
  const { errors } = await ask(START, { buyers: 1, units: 1 }, reader);
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

test('Ctrl-C in the middle of a sale ends its processes, too', async () => {
  await ask(START, { buyers: 5_000, units: 100_000, lock: 'DATABASE', servers: 2 });
  await trialAt(({ sold }) => sold > 0);
  dev.signal('SIGINT');
  expect(await dev.exited).toBe(0);
  expect(dev.descendants()).toEqual([]);
  expect(dev.files()).toEqual([]);
  expect(dev.stderr()).toBe('');
});
