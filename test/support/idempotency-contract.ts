/**
 * What one idempotency key promises where several processes get it: a suite for processes on one database.
 */
import type { ServerProcess } from './server-process.js';
import type { Shop } from './shop.js';
import {
  brief,
  callStock,
  deduction,
  increase,
  isFinal,
  type Answer,
  type StockCall,
} from './stock-calls.js';

export interface IdempotencyBed {
  readonly shop: Shop;
  readonly servers: readonly ServerProcess[];
}

/**
 * @param decidersMax how many answers to one key may say that they are not replays. One, but for members of a cluster
 *   without a lock: a call whose COMMIT lost the race cannot tell an answer of its own from that of another call.
 */
export function idempotencyContract(bed: () => IdempotencyBed, decidersMax = 1): void {
  const shop = () => bed().shop;

  function graphqlUrlOf(server: number): string {
    const { servers } = bed();
    return servers[server % servers.length]?.graphqlUrl ?? '';
  }

  function ask(call: StockCall, server = 0): Promise<Answer> {
    return callStock(graphqlUrlOf(server), call);
  }

  /** So many times at once, to all processes. */
  function askAtOnce(times: number, call: StockCall): Promise<Answer[]> {
    return Promise.all(Array.from({ length: times }, (_, i) => ask(call, i)));
  }

  /** Every one but LOCK_TIMEOUT, which says nothing of the lines and may be tried again. */
  function decided(answers: readonly Answer[]): Answer[] {
    return answers.filter(isFinal);
  }

  test('fifty calls at once with one key have one effect and get the same answer', async () => {
    const [a = '', b = ''] = await shop().newProducts(2, 10);
    const call = deduction({ [b]: 2, [a]: 3 }, { idempotencyKey: `fifty-${a}` });
    const answers = await askAtOnce(50, call);

    const told = decided(answers);
    expect(told.length).toBeGreaterThan(0);
    for (const answer of told) expect(brief(answer)).toEqual([8, 7]);
    for (const answer of answers) {
      if (!isFinal(answer)) expect(brief(answer)).toContain('LOCK_TIMEOUT');
    }
    expect([await shop().onHand(a), await shop().onHand(b)]).toEqual([7, 8]);
    expect([...(await shop().ledgerOf(a)), ...(await shop().ledgerOf(b))]).toHaveLength(4);
  });

  test('fifty ALL_OR_NOTHING calls at once with one key are decided by one of them', async () => {
    const [a = '', b = ''] = await shop().newProducts(2, 10);
    const call = deduction(
      { [b]: 2, [a]: 3 },
      { mode: 'ALL_OR_NOTHING', idempotencyKey: `all-${a}` },
    );
    const told = decided(await askAtOnce(50, call));

    for (const answer of told) expect(brief(answer)).toEqual([8, 7]);
    const deciders = told.filter((answer) => answer.kind === 'ANSWERED' && !answer.replayed);
    expect(deciders.length).toBeGreaterThan(0);
    expect(deciders.length).toBeLessThanOrEqual(decidersMax);
    expect([await shop().onHand(a), await shop().onHand(b)]).toEqual([7, 8]);
  });

  test('of three different requests with one key at the same time two are refused and have no effect', async () => {
    const id = await shop().newProduct(100);
    for (let round = 0; round < 5; round += 1) {
      const key = { idempotencyKey: `mismatch-${id}-${round}` };
      const answers = await Promise.all([
        ask(deduction({ [id]: 1 }, key), 0),
        ask(deduction({ [id]: 2 }, key), 1),
        ask(increase({ [id]: 1 }, key), 2),
      ]);
      const faults = answers.filter((answer) => answer.kind === 'FAULT');
      expect(faults.map(({ code }) => code)).toEqual(
        Array<string>(2).fill('IDEMPOTENCY_KEY_REUSED'),
      );
    }
    expect(await shop().ledgerOf(id)).toHaveLength(1 + 5);
  });

  test('a used key is refused for other input and for another operation, and its answer stays', async () => {
    const id = await shop().newProduct(10);
    const key = { idempotencyKey: `owned-${id}` };
    const first = await ask(deduction({ [id]: 4 }, key));
    const others = [
      deduction({ [id]: 3 }, key),
      deduction({ [id]: 4 }, { ...key, mode: 'ALL_OR_NOTHING' }),
      deduction({ [id]: 4 }, { ...key, reference: 'another order' }),
      increase({ [id]: 4 }, key),
    ];
    for (const other of others) {
      expect(await ask(other, 1)).toEqual({ kind: 'FAULT', code: 'IDEMPOTENCY_KEY_REUSED' });
    }
    expect(await ask(deduction({ [id]: 4 }, key), 2)).toEqual({ ...first, replayed: true });
    expect(await shop().onHand(id)).toBe(6);
  });

  test('a key that was answered INSUFFICIENT_STOCK gets the same answer after stock was added', async () => {
    const id = await shop().newProduct(1);
    const call = deduction({ [id]: 2 }, { idempotencyKey: `too-little-${id}` });
    const first = await ask(call);
    expect(brief(first)).toEqual(['INSUFFICIENT_STOCK']);
    await ask(increase({ [id]: 50 }), 1);
    expect(await ask(call, 2)).toEqual({ ...first, replayed: true });
    expect(await shop().onHand(id)).toBe(51);
  });
}
