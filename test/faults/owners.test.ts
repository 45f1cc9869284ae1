/**
 * The process that owns a product decides the lines of all processes, so its end, its pause and the loss of its way to
 * Redis meet lines of others: in its queue, in its transaction, and committed without an answer.
 * `concurrency/owners.test.ts` shows owners without faults.
 */
import { QueryTypes } from 'sequelize';
import { stockLockKey } from '../../src/inventory/lanes/turns.js';
import { Fleet, handedOver, notFinal, planLines, type Member } from '../support/fleet.js';
import { closeClient } from '../support/graphql-client.js';
import { holdRow, untilRowsAreWaitedFor, type HeldRow } from '../support/innodb.js';
import { brief, callStock, deduction, increase, type StockCall } from '../support/stock-calls.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, runStorm, type Storm } from '../support/storm.js';
import { until } from '../support/until.js';
import { metric } from '../support/watcher.js';

const LINES = 1_000;

let fleet: Fleet;
let hot: string;
let initial: ReadonlyMap<string, number>;

afterEach(async () => {
  await fleet.close();
});

afterAll(closeClient);

async function open(processes: number): Promise<void> {
  fleet = await Fleet.start(processes);
  hot = await fleet.shop.newProduct(LINES);
  initial = await fleet.shop.levels();
}

/** Lines of one product at all processes, and in their midst what happens to some of these. */
function storm(title: string, happens: () => Promise<void>): Promise<Storm> {
  return runStorm(planLines(chooseSeed(title), hot, LINES), {
    targets: fleet.addresses,
    incidents: [{ at: 0.1, happens }],
  });
}

/** @param struck processes whose callers may have been left without a final answer. */
async function expectExact(seen: Storm, struck: readonly Member[] = []): Promise<void> {
  await fleet.stop();
  const { wrong, counts } = await checkStorm(fleet.shop, initial, seen);
  expect(wrong).toEqual([]);
  expect(counts.operations).toBe(LINES);
  expect(counts.linesApplied).toBeGreaterThan(0);
  expect(notFinal(seen, struck)).toEqual([]);
}

/** The owner's transaction waits for the row, and lines of all processes wait for the owner. */
async function holdTheOwner(): Promise<{ readonly owner: Member; readonly held: HeldRow }> {
  const held = await holdRow(fleet.shop.database.url, hot);
  await untilRowsAreWaitedFor(fleet.shop.database.sequelize);
  return { owner: await fleet.untilOwned(hot), held };
}

/** Waits until a COMMIT of the owner is done of which it does not learn. */
async function commitUnheard({ mysql }: Member): Promise<void> {
  mysql.atCommit('SILENT_AFTER');
  await until('the COMMIT has come', () => mysql.faultsLeft === 0);
  let before = -1;
  await until('it is done: the ledger does not grow', async () => {
    const [row] = await fleet.shop.database.sequelize.query<{ lines: number }>(
      'SELECT COUNT(*) AS `lines` FROM stock_movements',
      { type: QueryTypes.SELECT },
    );
    const grown = row?.lines !== before;
    before = row?.lines ?? -1;
    return !grown;
  });
}

test('an owner that is killed loses no line and doubles none', async () => {
  await open(3);
  const killed: Member[] = [];
  const seen = await storm('owners are killed', async () => {
    const { owner, held } = await holdTheOwner();
    await owner.server.kill('SIGKILL');
    await held.release();
    const next = await fleet.untilOwned(hot, owner);
    await commitUnheard(next);
    await next.server.kill('SIGKILL');
    killed.push(owner, next);
  });

  const alive = fleet.members.filter((member) => !killed.includes(member));
  expect(await handedOver(alive, 'answered')).toBeGreaterThan(0);
  // They have found out by themselves what became of these.
  expect(await handedOver(alive, 'unknown')).toBeGreaterThan(0);
  await expectExact(seen, killed);
});

test('an owner that is stopped and goes on applies no line twice', async () => {
  await open(3);
  const seen = await storm('owners are stopped', async () => {
    // It has decided, and writes when others have written.
    const decided = await fleet.holdFirst(/^UPDATE/);
    decided.server.signal('SIGSTOP');
    const before = await fleet.shop.onHand(hot);
    await until('others decide', async () => (await fleet.shop.onHand(hot)) !== before);
    decided.server.signal('SIGCONT');
    decided.mysql.letGo();

    // It has written, and commits when others wait for its rows.
    const written = await fleet.holdFirst(/^COMMIT/);
    written.server.signal('SIGSTOP');
    await untilRowsAreWaitedFor(fleet.shop.database.sequelize);
    written.server.signal('SIGCONT');
    written.mysql.letGo();
  });

  expect(await handedOver(fleet.members, 'answered')).toBeGreaterThan(0);
  expect(await handedOver(fleet.members, 'unknown')).toBeGreaterThan(0);
  await expectExact(seen);
});

test('a line that a stopped owner has decided and the next process refuses is not applied later', async () => {
  await open(2);
  const id = await fleet.shop.newProduct(4);
  const [owner, sender] = [fleet.member(0), fleet.member(1)];
  await fleet.giveTo(owner, id);
  const lockless = await fleet.shop.startServer('none');
  const ask = (graphqlUrl: string, call: StockCall) => callStock(graphqlUrl, call).then(brief);

  const decided = owner.mysql.holdAt(/^UPDATE/);
  const refused = ask(sender.server.graphqlUrl, deduction({ [id]: 5 }));
  await decided;
  owner.server.signal('SIGSTOP');
  // It was decided with five units. The next process finds four, and later there are more than five again.
  expect(await ask(lockless.graphqlUrl, deduction({ [id]: 1 }))).toEqual([4]);
  expect(await refused).toEqual(['INSUFFICIENT_STOCK']);
  expect(await ask(lockless.graphqlUrl, increase({ [id]: 6 }))).toEqual([10]);
  owner.server.signal('SIGCONT');
  owner.mysql.letGo();

  expect(await handedOver([sender], 'unknown')).toBe(1);
  expect(await ask(owner.server.graphqlUrl, deduction({ [id]: 1 }))).toEqual([9]);
  await Promise.all([lockless.stop(), fleet.stop()]);
  expect(await fleet.shop.onHand(id)).toBe(9);
  expect(await fleet.shop.problems()).toEqual([]);
});

test('an owner that stops hands its products over and loses no line', async () => {
  await open(3);
  const leaving: Member[] = [];
  let exit: Promise<number | null> | undefined;
  const seen = await storm('an owner stops', async () => {
    const { owner, held } = await holdTheOwner();
    leaving.push(owner);
    exit = owner.server.kill('SIGTERM');
    await until(
      'it gives back what waits',
      async () => (await handedOver(fleet.others(owner), 'not_taken')) > 0,
    );
    await held.release();
    expect(await exit).toBe(0);
  });

  const staying = fleet.members.filter((member) => !leaving.includes(member));
  expect(await handedOver(staying, 'answered')).toBeGreaterThan(0);
  await expectExact(seen, leaving);
});

test('a sender that is killed leaves an exact ledger', async () => {
  await open(3);
  const killed: Member[] = [];
  const seen = await storm('a sender is killed', async () => {
    const { owner, held } = await holdTheOwner();
    const [sender = owner] = fleet.others(owner);
    await sender.server.kill('SIGKILL');
    await held.release();
    killed.push(sender);
  });

  const alive = fleet.members.filter((member) => !killed.includes(member));
  expect(await handedOver(alive, 'answered')).toBeGreaterThan(0);
  await expectExact(seen, killed);
});

test('an owner whose way to Redis is cut or falls silent loses no line', async () => {
  await open(3);
  const seen = await storm('owners are cut off', async () => {
    const owner = await fleet.untilOwned(hot);
    owner.redis.refuse(true);
    owner.redis.cut();
    const next = await fleet.untilOwned(hot, owner);
    owner.redis.refuse(false);

    next.redis.pause();
    await fleet.untilOwned(hot, next);
    next.redis.resume();
  });

  expect(await handedOver(fleet.members, 'answered')).toBeGreaterThan(0);
  await expectExact(seen);
});

test('forged, repeated and malformed messages are counted and do no harm', async () => {
  await open(2);
  const [owner, sender] = [fleet.member(0), fleet.member(1)];
  await fleet.giveTo(owner, hot);
  const [toOwner, toSender] = [await inboxOf(owner), await inboxOf(sender)];
  const heard: string[] = [];
  const listener = fleet.redis.duplicate();
  listener.on('message', (_channel, text: string) => {
    if (text.startsWith('mail ')) heard.push(text);
  });
  await listener.subscribe(toOwner);
  const take = async () =>
    brief(await callStock(sender.server.graphqlUrl, deduction({ [hot]: 1 })));
  expect(await take()).toEqual([LINES]);
  const [offer = ''] = heard;
  listener.disconnect();

  const lies: readonly (readonly [channel: string, text: string])[] = [
    [toOwner, offer],
    [toSender, offer],
    [toOwner, offer.replace('deductStock', 'increaseStock')],
    [toOwner, offer.replace('mail 1 ', 'mail 0 ')],
    [toOwner, 'mail {"kind":"OFFERS"}'],
    // These are no mail at all.
    [toOwner, `wanted ${stockLockKey(hot)}`],
    [toOwner, 'wanted nothing'],
    [toOwner, '{"ticket": 1'],
  ];
  for (const [channel, text] of lies) await fleet.redis.publish(channel, text);
  await until('each is counted', async () => {
    const counted = [await dropped(owner), await dropped(sender)];
    return counted.flat().reduce((sum, count) => sum + count, 0) === 5;
  });
  expect(await dropped(owner)).toEqual([1, 1, 1, 1]);
  expect(await dropped(sender)).toEqual([0, 0, 1, 0]);

  expect(await take()).toEqual([LINES - 1]);
  expect(await handedOver([sender], 'answered')).toBeGreaterThan(0);
  expect(await fleet.shop.onHand(hot)).toBe(LINES - 1);
  expect(await fleet.shop.problems()).toEqual([]);
});

/** The channel of the process's messages. */
async function inboxOf({ server }: Member): Promise<string> {
  const [channel = ''] = (await fleet.redis.pubsub(
    'CHANNELS',
    `lock:inbox:*.${server.pid}.*`,
  )) as string[];
  return channel;
}

/** Messages that it has dropped: malformed ones, of another version, forged and repeated ones. */
function dropped({ server }: Member): Promise<number[]> {
  const reasons = ['malformed', 'version', 'forged', 'repeated'];
  const name = 'stockade_delegation_messages_dropped_total';
  return Promise.all(reasons.map((reason) => metric(server.origin, `${name}{reason="${reason}"}`)));
}
