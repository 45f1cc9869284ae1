/**
 * The clients: they send requests over a network of their own, hang up, lose their connection with a process that is
 * killed, and repeat requests under their key until they get an answer. The history records every call and answer.
 */
import { Backoff } from '../time/backoff.js';
import type { Answer, HistoryOperation, HistoryRead, Try } from './history.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedServer } from './simulated-server.js';
import type { SimulatedTime } from './simulated-time.js';
import { itemsOf, type PlannedOperation, type Request } from './workload.js';

/** How long a client repeats a request under its key, in milliseconds. */
const PATIENCE_MS = 120_000;
const PAUSES = { firstMs: 40, maxMs: 2_000 };
/** A client closes a connection without data for so long, in milliseconds. */
const SILENCE_MS = 15_000;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface ClientWorld {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  /** The present servers, also dead and stopped ones. */
  readonly servers: () => readonly SimulatedServer[];
}

export class Clients {
  readonly operations: HistoryOperation[] = [];
  readonly reads: HistoryRead[] = [];
  /** Clients that have not finished. */
  busy = 0;

  constructor(private readonly world: ClientWorld) {}

  start(atMs: number, plan: readonly PlannedOperation[]): void {
    this.busy += 1;
    this.world.time.after(atMs - this.world.time.nowMs, 'client begins', () => {
      void this.run(plan);
    });
  }

  private async run(plan: readonly PlannedOperation[]): Promise<void> {
    for (const planned of plan) {
      await this.pause(planned.pauseMs);
      await this.carryOut(planned);
      if (this.world.random.chance(0.2)) await this.read(planned.request);
    }
    this.busy -= 1;
  }

  private async carryOut(planned: PlannedOperation): Promise<void> {
    const { request, ending } = planned;
    const isReservation = request.kind === 'reserve';
    const operation = this.begin({
      name: request.reference,
      reference: request.reference,
      atomic:
        request.kind !== 'deduct' && request.kind !== 'increase'
          ? true
          : request.mode === 'ALL_OR_NOTHING',
      keyed: request.idempotencyKey !== null,
      items: itemsOf(request),
      ...(isReservation && { holdsForMs: request.ttlSeconds * 1_000 }),
    });
    const made: { id?: string | undefined } = {};
    const settled = await this.askUntilSettled(operation, planned, async (server, caller) => {
      const { answer, reservationId: id } = await server.carryOut(request, caller);
      made.id ??= id;
      return answer;
    });
    if (isReservation && settled?.kind === 'ANSWERED' && made.id !== undefined) {
      if (ending === 'LEFT_TO_EXPIRE') return;
      await this.pause(this.world.random.between(0, 4_000));
      await this.endReservation(operation, planned, made.id, ending);
    }
  }

  private async endReservation(
    made: HistoryOperation,
    planned: PlannedOperation,
    reservationId: string,
    ending: 'COMMITTED' | 'RELEASED',
  ): Promise<void> {
    const { idempotencyKey } = planned.request;
    const key = idempotencyKey === null ? null : `${idempotencyKey}-end`;
    const effect = ending === 'COMMITTED' ? 'TAKE_HELD' : 'FREE';
    const operation = this.begin({
      name: `${made.name} ${ending}`,
      reference: made.reference,
      atomic: true,
      keyed: key !== null,
      items: made.items.map((item) => ({ ...item, effect })),
      ends: made,
    });
    await this.askUntilSettled(operation, planned, (server, caller) =>
      server.endReservation(reservationId, ending, key, operation.items.length, caller),
    );
  }

  private begin(
    operation: Omit<HistoryOperation, 'tries' | 'settled' | 'again'>,
  ): HistoryOperation & { readonly tries: Try[] } {
    const begun = { ...operation, tries: [], settled: null };
    this.operations.push(begun);
    return begun;
  }

  private async askUntilSettled(
    operation: HistoryOperation & { readonly tries: Try[] },
    planned: PlannedOperation,
    send: Send,
  ): Promise<Answer | null> {
    const { world } = this;
    const { copies, hangsUpAfterMs, asksAgain } = planned;
    const first = world.random.integer(0, 9);
    const ask = async (turn: number, hangUpMs: number | null): Promise<Answer> => {
      const beginMs = world.time.nowMs;
      const servers = world.servers();
      const server = servers[(first + turn) % servers.length];
      const answer: Answer = server
        ? await this.call(server, planned, hangUpMs, send)
        : { kind: 'UNKNOWN', reason: 'no server' };
      operation.tries.push({ beginMs, endMs: world.time.nowMs, answer });
      return answer;
    };
    const answers = await Promise.all(
      Array.from({ length: copies }, (_, turn) => ask(turn, turn === 0 ? hangsUpAfterMs : null)),
    );
    const untilMs = world.time.nowMs + PATIENCE_MS;
    const askUntilFinal = async (): Promise<Answer | null> => {
      const backoff = new Backoff(PAUSES, world.random.next);
      for (let turn = 1; world.time.nowMs < untilMs; turn += 1) {
        const answer = await ask(turn, null);
        if (isFinal(answer)) return answer;
        await this.pause(backoff.nextMs());
      }
      return null;
    };
    const writable = operation as Mutable<HistoryOperation>;
    const settled = answers.find(isFinal) ?? (operation.keyed ? await askUntilFinal() : null);
    writable.settled = settled;
    if (settled && operation.keyed && asksAgain) writable.again = await askUntilFinal();
    return settled;
  }

  /** One call: request, the server's work and response, or the event that ends it earlier. */
  private call(
    server: SimulatedServer,
    { principal, deadlineMs }: PlannedOperation,
    hangsUpAfterMs: number | null,
    send: Send,
  ): Promise<Answer> {
    const { time, random } = this.world;
    return new Promise((resolve) => {
      let isOver = false;
      const hangUp = new AbortController();
      const end = (answer: Answer) => {
        if (isOver) return;
        isOver = true;
        forget();
        silence.cancel();
        resolve(answer);
      };
      const unknown = (reason: string) => {
        end({ kind: 'UNKNOWN', reason });
      };
      const wayMs = () => random.between(0.1, 1);
      const forget = server.process.onDeath(() => {
        time.after(wayMs(), 'connection broken', () => {
          unknown('the process died');
        });
      });
      const silence = time.after(SILENCE_MS, 'client gives up', () => {
        unknown('no answer');
        server.process.after(wayMs(), 'hang up', () => {
          hangUp.abort();
        });
      });
      if (hangsUpAfterMs !== null) {
        time.after(hangsUpAfterMs, 'client hangs up', () => {
          if (isOver) return;
          unknown('hung up');
          server.process.after(wayMs(), 'hang up', () => {
            hangUp.abort();
          });
        });
      }
      if (!server.process.isAlive) {
        time.after(wayMs(), 'connection refused', () => {
          unknown('connection refused');
        });
        return;
      }
      server.process.after(wayMs(), 'request arrives', () => {
        void send(server, server.caller(principal, deadlineMs, hangUp.signal)).then((answer) => {
          time.after(wayMs(), 'answer arrives', () => {
            time.note(JSON.stringify(answer));
            end(answer);
          });
        });
      });
    });
  }

  private async read(request: Request): Promise<void> {
    const { time, random, servers } = this.world;
    const [item] = itemsOf(request);
    const server = random.pick(servers());
    if (!item || !server.process.isAlive) return;
    const { productId, locationId } = item;
    const beginMs = time.nowMs;
    const level = await new Promise<{ onHand: number; available: number } | null>((resolve) => {
      const forget = server.process.onDeath(() => {
        resolve(null);
      });
      server.process.after(random.between(0.1, 5), 'read', () => {
        forget();
        resolve(server.read(productId, locationId));
      });
    });
    await this.pause(random.between(0.1, 1));
    if (!level) return;
    this.reads.push({ beginMs, endMs: time.nowMs, productId, locationId, ...level });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.time.after(ms, 'pause', resolve));
  }
}

type Send = (
  server: SimulatedServer,
  caller: ReturnType<SimulatedServer['caller']>,
) => Promise<Answer>;

/** Whether the answer is final: a repetition of the call under its key gets the same. */
export function isFinal(answer: Answer): boolean {
  if (answer.kind !== 'ANSWERED') return answer.kind === 'FAULT';
  return answer.lines.every((line) => line.outcome === 'APPLIED' || !line.retryable);
}
