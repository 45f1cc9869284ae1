/**
 * A Redis server and the network between it and the simulated processes: the lock's scripts as their model has them,
 * SUBSCRIBE and Pub/Sub, expiry by the server's own clock.
 *
 * Its faults:
 * - it goes away and comes back, with its data or without them;
 * - it stops answering for a while, then executes all commands that arrived meanwhile, also those of connections that
 *   their owners have closed;
 * - its clock is set;
 * - a connection is cut; or is dead without either side being told, so that the server goes on publishing to it;
 * - messages take long; a script is carried out twice, where the protocol says that repeating it is safe.
 */
import type { Connect } from '../redis/connection.js';
import {
  LockScriptModel,
  ModelData,
  readScriptSettings,
  type ScriptModels,
} from './lock-script-model.js';
import type { SeededRandom } from './seeded-random.js';
import type { NetworkWeather, RedisRequest, RedisServer, Session } from './redis-network.js';
import { SimulatedConnection } from './simulated-connection.js';
import { WALL_CLOCK_START_MS, type SimulatedProcess } from './simulated-process.js';
import type { SimulatedTime } from './simulated-time.js';

export class SimulatedRedis implements RedisServer {
  /** Scripts carried out twice. */
  doubled = 0;
  private readonly sessions = new Set<Session>();
  private readonly connections = new Set<SimulatedConnection>();
  private readonly data: ModelData;
  private readonly server = {
    nowUs: () => Math.floor((WALL_CLOCK_START_MS + this.time.nowMs + this.clockOffsetMs) * 1_000),
    publish: (channel: string, message: string) => this.publish(channel, message),
    onTakenOver: (lock: string, lastToken: number) => {
      this.onTakenOver(lock, lastToken);
    },
  };
  /** As of ModelServer. */
  onTakenOver: (lock: string, lastToken: number) => void = () => undefined;
  private readonly scripts = new Map<string, LockScriptModel>();
  private isUp = true;
  private frozenUntilMs = 0;
  private clockOffsetMs = 0;

  constructor(
    readonly time: SimulatedTime,
    readonly random: SeededRandom,
    readonly weather: NetworkWeather,
    private readonly newScripts: ScriptModels = (data, server, settings) =>
      new LockScriptModel(data, server, settings),
  ) {
    this.data = new ModelData(this.server);
  }

  get accepts(): boolean {
    return this.isUp;
  }

  /** When the server executes commands that arrive now. */
  get servesAtMs(): number {
    return Math.max(this.time.nowMs, this.frozenUntilMs);
  }

  /** How a process connects, for `RedisLockService`. */
  connectFor(process: SimulatedProcess): Connect {
    return (settings, events) => {
      const connection = new SimulatedConnection(this, process, settings, events);
      this.connections.add(connection);
      process.onDeath(() => {
        connection.die();
        this.connections.delete(connection);
      });
      return connection;
    };
  }

  /** The server ends; every connection breaks. */
  goAway({ keepsData }: { readonly keepsData: boolean }): void {
    this.isUp = false;
    if (!keepsData) this.data.clear();
    this.sessions.clear();
    for (const connection of this.connections) connection.cut();
  }

  comeBack(): void {
    this.isUp = true;
  }

  /** Stops answering for so long. */
  freeze(forMs: number): void {
    this.frozenUntilMs = Math.max(this.frozenUntilMs, this.time.nowMs + forMs);
  }

  setClock(byMs: number): void {
    this.clockOffsetMs += byMs;
  }

  loseData(): void {
    this.data.clear();
  }

  /** @param silently neither side is told: messages are lost from then on. */
  breakConnections(process: SimulatedProcess | null, silently: boolean): void {
    for (const connection of this.connections) {
      if (process !== null && connection.process !== process) continue;
      if (silently) connection.loseSilently();
      else if (this.random.chance(0.7)) connection.cut();
    }
  }

  enter(session: Session): void {
    this.sessions.add(session);
  }

  leave(session: Session): void {
    this.sessions.delete(session);
  }

  /** Carries out a request. @throws error replies. */
  serve(session: Session, request: RedisRequest): unknown {
    if (request.kind === 'command') return this.command(session, request.args);
    const model = this.modelOf(request.source);
    const run = () =>
      request.name === 'renew'
        ? model.renew(request.keys, request.args)
        : model.steps(request.keys, request.args);
    // A release that queues the next ticket is never sent again: its tickets are given up instead.
    if (!request.args.includes('requeue') && this.weather.doubles()) {
      this.doubled += 1;
      run();
    }
    return run();
  }

  private command(session: Session, [name = '', ...args]: readonly string[]): unknown {
    switch (name.toUpperCase()) {
      case 'HELLO':
        return ['mode', 'standalone', 'role', 'master'];
      case 'PUBLISH':
        return this.publish(args[0] ?? '', args[1] ?? '');
      case 'INFO':
        return 'maxmemory_policy:noeviction\r\n';
      case 'SUBSCRIBE':
        for (const channel of args) session.channels.add(channel);
        return args.length;
      case 'UNSUBSCRIBE':
        for (const channel of args) session.channels.delete(channel);
        return args.length;
      default:
        throw new Error(`ERR unknown command '${name}'`);
    }
  }

  private publish(channel: string, message: string): number {
    let receivers = 0;
    for (const session of this.sessions) {
      if (!session.channels.has(channel)) continue;
      receivers += 1;
      session.publish(channel, message);
    }
    return receivers;
  }

  private modelOf(source: string): LockScriptModel {
    let model = this.scripts.get(source);
    if (!model) {
      model = this.newScripts(this.data, this.server, readScriptSettings(source));
      this.scripts.set(source, model);
    }
    return model;
  }
}
