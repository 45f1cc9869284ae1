/**
 * Connects ioredis to the present master of one slot of a Redis Cluster. Each attempt asks the nodes which one that is,
 * as ioredis asks Sentinels: those that the address names, and those that earlier answers have named.
 *
 * ioredis' own client for a cluster queues commands and sends them again by itself, which a lock client must not do,
 * and keeps one connection for each node, while a lock needs its commands and its inbox at one server.
 */
import { createConnection, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import type { Endpoint, ShardAddress } from './address.js';
import { failureOf, NO_MASTER } from './failure.js';

/** Nodes that one attempt asks; the next attempt goes on with the others. */
export const ASKED_MAX = 3;

/** How a client signs in, the same at all nodes. */
export interface NodeAccess {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: ConnectionOptions;
}

type ConnectorConstructor = NonNullable<RedisOptions['Connector']>;

export function slotMasterConnector(
  shard: ShardAddress,
  access: NodeAccess,
  timeoutMs: number,
): ConnectorConstructor {
  return class extends SlotMasterConnector {
    constructor() {
      super(shard, access, timeoutMs);
    }
  };
}

/** As the other connections have it: a socket that is left is not waited for. */
const DISCONNECT_MS = 1;

class SlotMasterConnector extends AbstractConnector {
  /** Who is asked next, first. */
  private nodes: readonly Endpoint[];
  private attempt = 0;

  constructor(
    private readonly shard: ShardAddress,
    private readonly access: NodeAccess,
    private readonly timeoutMs: number,
  ) {
    super(DISCONNECT_MS);
    this.nodes = shard.endpoints;
  }

  async connect(): Promise<Socket | TLSSocket> {
    this.connecting = true;
    this.attempt += 1;
    const { attempt } = this;
    const master = await this.findMaster(attempt);
    if (this.isLeft(attempt)) throw new Error('Connection is closed.');
    const { tls } = this.access;
    const socket = tls ? connectTls(Object.assign({}, tls, master)) : createConnection(master);
    // ioredis reports it when the socket closes.
    socket.once('error', (error: Error) => {
      this.firstError = error;
    });
    this.stream = socket;
    return socket;
  }

  /** Whether it was disconnected meanwhile, perhaps to begin again. */
  private isLeft(attempt: number): boolean {
    return !this.connecting || attempt !== this.attempt;
  }

  /** @throws the error of a node that refuses the client or, where none answered, of the last; or NO_MASTER. */
  private async findMaster(attempt: number): Promise<Endpoint> {
    let refusal: Error | undefined;
    let failure: Error | undefined;
    let isAnswered = false;
    for (const node of this.nodes.slice(0, ASKED_MAX)) {
      if (this.isLeft(attempt)) break;
      try {
        const slots = await this.slotsBy(node);
        isAnswered = true;
        const master = this.learn(slots, node);
        if (master) return master;
      } catch (error) {
        failure = error as Error;
        if (failureOf(error).kind === 'refused') refusal = failure;
        this.nodes = [...this.nodes.filter((other) => !isSame(other, node)), node];
      }
    }
    const noMaster = new Error(`${NO_MASTER}.`);
    throw refusal ?? (isAnswered ? noMaster : (failure ?? noMaster));
  }

  private async slotsBy({ host, port }: Endpoint): Promise<readonly SlotRange[]> {
    const node = new Redis({
      ...this.access,
      ...{ host, port, lazyConnect: true, enableReadyCheck: false, disableClientInfo: true },
      ...{ connectTimeout: this.timeoutMs, commandTimeout: this.timeoutMs },
      ...{ maxRetriesPerRequest: 0, retryStrategy: () => null, disconnectTimeout: DISCONNECT_MS },
    });
    // It tells more than the command, which only fails.
    let reason: Error | undefined;
    node.on('error', (error: Error) => {
      reason = error;
    });
    try {
      return (await node.call('cluster', ['slots'])) as readonly SlotRange[];
    } catch (error) {
      throw reason ?? error;
    } finally {
      node.disconnect();
    }
  }

  /**
   * Remembers all nodes that were named; the one that was asked is asked again last, because it may be cut off from the
   * others. A node that names no host means the one by which it was reached.
   */
  private learn(slots: readonly SlotRange[], asked: Endpoint): Endpoint | null {
    const endpointOf = ([host, port]: NodeEntry): Endpoint => ({
      host: host === null || host === '' || host === '?' ? asked.host : host,
      port,
    });
    const named = slots.flatMap(([, , ...nodes]) => nodes.map(endpointOf));
    const all = [...named, ...this.shard.endpoints].filter((one) => !isSame(one, asked));
    const unlike = new Map(all.map((one) => [`${one.host} ${one.port}`, one])).values();
    this.nodes = [...unlike, asked];
    const { slot } = this.shard;
    const range = slots.find(([from, to]) => from <= slot && slot <= to);
    return range ? endpointOf(range[2]) : null;
  }
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host && one.port === other.port;
}

type NodeEntry = readonly [host: string | null, port: number, ...unknown[]];
type SlotRange = readonly [from: number, to: number, master: NodeEntry, ...replicas: NodeEntry[]];
